//! A small hub on 127.0.0.1: files at their addresses, with the headers that the hub puts on them.

use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The commit that every revision names.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A file and its entity tag, which on the hub is its checksum.
#[derive(Clone, Debug)]
pub(crate) struct Tagged {
    bytes: Vec<u8>,
    tag: String,
}

/// What there is, by its address on the server.
pub(crate) type Files = BTreeMap<String, Tagged>;

/// What a server does besides answering well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    /// The status of what is not there.
    pub(crate) missing: u16,
    /// The first time that more than so many bytes are asked for, it breaks off after them.
    pub(crate) cut: Option<usize>,
}

impl Default for Manners {
    fn default() -> Self {
        Self { missing: 404, cut: None }
    }
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// Where the range starts that was asked for.
    pub(crate) start: Option<usize>,
    pub(crate) authorization: Option<String>,
}

/// A running server; it serves until the test ends.
pub(crate) struct HubServer {
    pub(crate) endpoint: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl HubServer {
    pub(crate) fn start(files: Files, manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            let mut manners = manners;
            for stream in listener.incoming().flatten() {
                serve(stream, &files, &log, &mut manners);
            }
        });
        Self { endpoint, asked }
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }

    /// What was asked for so far.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|one| one.path).collect()
    }
}

/// A data set under the branch `main` and under its commit: the name, the bytes and the tag of each file.
pub(crate) fn data_set(repository: &str, files: &[(&str, &[u8], &str)]) -> Files {
    let names: Vec<String> =
        files.iter().map(|(name, ..)| format!(r#"{{"rfilename": "{name}"}}"#)).collect();
    let info = format!(r#"{{"siblings": [{}], "sha": "{COMMIT}"}}"#, names.join(", "));
    let mut served = Files::new();
    for revision in ["main", COMMIT] {
        let path = format!("/api/datasets/{repository}/revision/{revision}");
        served.insert(path, Tagged { bytes: info.clone().into_bytes(), tag: "info".to_owned() });
        for (name, bytes, tag) in files {
            let path = format!("/datasets/{repository}/resolve/{revision}/{name}");
            served.insert(path, Tagged { bytes: bytes.to_vec(), tag: (*tag).to_owned() });
        }
    }
    served
}

/// Files whose tags are no checksums.
pub(crate) fn unchecked(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Files {
    let tagged = |(path, bytes): (String, Vec<u8>)| {
        let tag = path.replace(['/', '.'], "-");
        (path, Tagged { bytes, tag })
    };
    files.into_iter().map(tagged).collect()
}

/// The first line of a request, and its headers.
struct Head(Vec<String>);

impl Head {
    fn read(reader: &mut impl std::io::BufRead) -> Self {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                return Self(lines);
            }
            lines.push(line.trim_end().to_owned());
        }
    }

    fn path(&self) -> Option<&str> {
        self.0.first()?.split(' ').nth(1)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter().skip(1).filter_map(|line| line.split_once(": "));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The first byte that is asked for, and the last where one is named.
    fn range(&self) -> Option<(usize, Option<usize>)> {
        let (start, end) = self.value("range")?.strip_prefix("bytes=")?.split_once('-')?;
        Some((start.parse().ok()?, end.parse().ok()))
    }
}

/// Answers one request: the bytes that its range asks for, or the status of what is not there.
fn serve(stream: TcpStream, files: &Files, asked: &Mutex<Vec<Asked>>, manners: &mut Manners) {
    let mut reader = BufReader::new(stream);
    let head = Head::read(&mut reader);
    let Some(path) = head.path() else { return };
    let range = head.range();
    asked.lock().expect("no panic").push(Asked {
        path: path.to_owned(),
        start: range.map(|(start, _)| start),
        authorization: head.value("authorization").map(str::to_owned),
    });
    let answer = match files.get(path) {
        Some(file) => part(file, range, &mut manners.cut),
        None => {
            let status = manners.missing;
            format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .into_bytes()
        }
    };
    // A client that has seen enough may be gone.
    let _ = reader.into_inner().write_all(&answer);
}

/// The part of a file that is asked for; less of it than is announced, where the server is to break off.
fn part(file: &Tagged, range: Option<(usize, Option<usize>)>, cut: &mut Option<usize>) -> Vec<u8> {
    let Tagged { bytes, tag } = file;
    let (start, end) = range.unwrap_or((0, None));
    let end = end.map_or(bytes.len(), |end| bytes.len().min(end + 1));
    let body = &bytes[start.min(end)..end];
    let status = if range.is_some() { "206 Partial" } else { "200 OK" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Range: bytes {start}-{end}/{}\r\n\
         ETag: \"{tag}\"\r\nX-Repo-Commit: {COMMIT}\r\nConnection: close\r\n\r\n",
        body.len(),
        bytes.len()
    );
    let is_rest = range.is_some_and(|(_, end)| end.is_none());
    let sent = match cut.take_if(|cut| is_rest && *cut < body.len()) {
        Some(length) => &body[..length],
        None => body,
    };
    [head.as_bytes(), sent].concat()
}
