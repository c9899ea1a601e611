//! An endpoint for chats that does whatever a test tells it.

use std::time::Duration;

use crate::http::{HttpServer, Seen};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Answers with this text.
    Say(&'static str),
    /// Answers with a status, further headers and a body.
    Status(u16, &'static str, &'static str),
    /// Promises a longer body than it sends.
    CutShort,
    /// Answers after a while.
    Late(Duration),
    /// Closes the connection without a word.
    Hang,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) url: String,
    http: HttpServer,
}

impl Server {
    /// Serves until the test ends; `act` is given the number of the request, from 0, and its prompt.
    pub(crate) fn start(act: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        let http = HttpServer::start(move |number, seen| {
            let prompt = seen.body["messages"][0]["content"].as_str().expect("a prompt");
            answer(&act(number, prompt))
        });
        Self { url: format!("http://{}/v1", http.address), http }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.http.seen()
    }
}

fn answer(act: &Act) -> crate::http::Act {
    use crate::http::Act as Http;
    match act {
        Act::Say(text) => Http::Answer(200, String::new(), completion(text)),
        Act::Status(status, headers, body) => {
            Http::Answer(*status, (*headers).to_owned(), (*body).to_owned())
        }
        Act::CutShort => Http::CutShort(completion("5")),
        Act::Late(wait) => Http::Late(*wait, completion("late")),
        Act::Hang => Http::Hang,
    }
}

fn completion(text: &str) -> String {
    serde_json::json!({
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    })
    .to_string()
}
