//! A server that answers each request as a script says, and keeps what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

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

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: serde_json::Value,
    pub(crate) at: Instant,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Serves until the test ends; `act` is given the number of the request, from 0, and its prompt.
    pub(crate) fn start(act: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (act, kept) = (Arc::new(act), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (act, kept) = (Arc::clone(&act), Arc::clone(&kept));
                std::thread::spawn(move || serve(stream, act.as_ref(), &kept));
            }
        });
        Self { url, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panics with it").clone()
    }
}

/// One request a connection.
fn serve(mut stream: TcpStream, act: &dyn Fn(usize, &str) -> Act, seen: &Mutex<Vec<Seen>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok()
    });
    let mut body = vec![0; length.expect("a body")];
    reader.read_exact(&mut body).expect("the whole body");
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    let prompt = body["messages"][0]["content"].as_str().expect("a prompt").to_owned();
    let number = {
        let mut seen = seen.lock().expect("no test panics with it");
        seen.push(Seen { head, body, at: Instant::now() });
        seen.len() - 1
    };
    let response = match act(number, &prompt) {
        Act::Say(text) => whole(200, "", &completion(text)),
        Act::Status(status, headers, body) => whole(status, headers, body),
        Act::CutShort => {
            let body = completion("5");
            let half = &body[..body.len() / 2];
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{half}",
                body.len()
            )
        }
        Act::Late(wait) => {
            std::thread::sleep(wait);
            whole(200, "", &completion("late"))
        }
        Act::Hang => return,
    };
    // The client may have left.
    let _ = stream.write_all(response.as_bytes());
}

fn whole(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    )
}

fn completion(text: &str) -> String {
    serde_json::json!({
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    })
    .to_string()
}
