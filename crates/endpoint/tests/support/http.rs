//! A server on 127.0.0.1 that answers each request as a script says, and keeps what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Answers with a status, further headers and a body.
    Answer(u16, String, String),
    /// Promises a longer body than it sends.
    CutShort(String),
    /// Answers with this body after a while.
    Late(Duration, String),
    /// Closes the connection without a word.
    Hang,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    /// Null where there is none.
    pub(crate) body: serde_json::Value,
    pub(crate) at: Instant,
}

impl Seen {
    /// What was asked for, such as `/v1/completions`.
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

/// A running server.
pub(crate) struct HttpServer {
    pub(crate) address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    is_gone: Arc<AtomicBool>,
}

impl HttpServer {
    /// Serves until the test ends; `act` is given the number of the request, from 0, and the request.
    pub(crate) fn start(act: impl Fn(usize, &Seen) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (seen, is_gone) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (act, kept, gone) = (Arc::new(act), Arc::clone(&seen), Arc::clone(&is_gone));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if gone.load(Ordering::SeqCst) {
                    return;
                }
                let (act, kept) = (Arc::clone(&act), Arc::clone(&kept));
                std::thread::spawn(move || serve(stream, act.as_ref(), &kept));
            }
        });
        Self { address, seen, is_gone }
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panics with it").clone()
    }

    /// Leaves: connections are refused from here on.
    pub(crate) fn leave(&self) {
        self.is_gone.store(true, Ordering::SeqCst);
        // The listener waits for a connection; this one is its last.
        let _ = TcpStream::connect(self.address);
        while TcpStream::connect(self.address).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// One request a connection.
fn serve(mut stream: TcpStream, act: &dyn Fn(usize, &Seen) -> Act, seen: &Mutex<Vec<Seen>>) {
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
    let mut body = vec![0; length.unwrap_or_default()];
    reader.read_exact(&mut body).expect("the whole body");
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let request = Seen { head, body, at: Instant::now() };
    let number = {
        let mut seen = seen.lock().expect("no test panics with it");
        seen.push(request.clone());
        seen.len() - 1
    };
    let response = match act(number, &request) {
        Act::Answer(status, headers, body) => whole(status, &headers, &body),
        Act::CutShort(body) => {
            let (length, half) = (body.len(), &body[..body.len() / 2]);
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{half}"
            )
        }
        Act::Late(wait, body) => {
            std::thread::sleep(wait);
            whole(200, "", &body)
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
