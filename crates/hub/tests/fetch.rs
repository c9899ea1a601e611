//! Data sets by name, against a server of this file: static files, and the headers that the hub puts on them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use forethought_hub::{Hub, HubError};
use tempfile::TempDir;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// What `git hash-object` and `sha256sum` say of the files below.
const GIT_OF_LINES: &str = "ce013625030ba8dba906f756967f9e9ca394464a";
const LINES: &[u8] = b"hello\n";
const SHA256_OF_LARGE: &str = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";
const LARGE: &[u8] = b"0";

/// A file and its entity tag.
type Files = BTreeMap<String, (Vec<u8>, String)>;

/// What was asked for: a path, and the start of the range.
type Asked = Arc<Mutex<Vec<(String, Option<usize>)>>>;

struct Server {
    endpoint: String,
    asked: Asked,
}

impl Server {
    /// A server that breaks off after `cut` bytes of a body the first time it is asked for more.
    fn new(files: &[(&str, &[u8], &str)], cut: Option<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let names: Vec<String> =
            files.iter().map(|(name, ..)| format!(r#"{{"rfilename": "{name}"}}"#)).collect();
        let info = format!(r#"{{"siblings": [{}], "sha": "{COMMIT}"}}"#, names.join(", "));
        let mut served = Files::new();
        for revision in ["main", COMMIT] {
            let path = format!("/api/datasets/me/data/revision/{revision}");
            served.insert(path, (info.clone().into_bytes(), "info".to_owned()));
            for (name, bytes, tag) in files {
                let path = format!("/datasets/me/data/resolve/{revision}/{name}");
                served.insert(path, (bytes.to_vec(), (*tag).to_owned()));
            }
        }
        let asked = Asked::default();
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            let mut cut = cut;
            for stream in listener.incoming().flatten() {
                answer(stream, &served, &log, &mut cut);
            }
        });
        Self { endpoint, asked }
    }

    fn asked(&self) -> Vec<(String, Option<usize>)> {
        self.asked.lock().expect("no panic").clone()
    }
}

fn answer(stream: TcpStream, files: &Files, asked: &Asked, cut: &mut Option<usize>) {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let Some(path) = lines.first().and_then(|line| line.split(' ').nth(1)) else { return };
    let range = lines.iter().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        let range = key.eq_ignore_ascii_case("range").then_some(value)?.strip_prefix("bytes=")?;
        let (start, end) = range.split_once('-')?;
        Some((start.parse::<usize>().ok()?, end.parse::<usize>().ok()))
    });
    asked.lock().expect("no panic").push((path.to_owned(), range.map(|(start, _)| start)));
    let mut stream = reader.into_inner();
    let Some((bytes, tag)) = files.get(path) else {
        let head = "HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return stream.write_all(head.as_bytes()).expect("the client listens");
    };
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
    let is_whole = range.is_some_and(|(_, end)| end.is_none());
    let sent = match cut.filter(|cut| is_whole && *cut < body.len()) {
        Some(length) => {
            *cut = None;
            &body[..length]
        }
        None => body,
    };
    // A client that has seen enough may be gone.
    let _ = stream.write_all(&[head.as_bytes(), sent].concat());
}

fn hub(home: &Path, endpoint: &str, offline: &str) -> Hub {
    let home = home.to_string_lossy().into_owned();
    let variable = |name: &str| match name {
        "HF_HOME" => Some(home.clone()),
        "HF_ENDPOINT" => Some(endpoint.to_owned()),
        "HF_HUB_OFFLINE" => Some(offline.to_owned()),
        _ => None,
    };
    Hub::from_variables(variable).expect("a cache")
}

fn home() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// The names of the files, each with its bytes.
fn fetch(hub: &Hub, pattern: Option<&str>) -> Result<Vec<(String, Vec<u8>)>, HubError> {
    let name = "me/data".parse().expect("a name");
    let files = hub.fetch_data(&name, pattern, &mut |_| {})?;
    let read = |path: &Path| fs::read(path).expect("it is there");
    Ok(files.into_iter().map(|file| (file.name, read(&file.path))).collect())
}

fn files() -> [(&'static str, &'static [u8], &'static str); 3] {
    [
        ("README.md", b"# data", "none"),
        ("train/a.jsonl", LINES, GIT_OF_LINES),
        ("train/b.parquet", LARGE, SHA256_OF_LARGE),
    ]
}

#[test]
fn the_files_that_hold_rows_are_fetched_once_and_are_there_offline() {
    let (server, home) = (Server::new(&files(), None), home());
    let expected = vec![
        ("train/a.jsonl".to_owned(), LINES.to_vec()),
        ("train/b.parquet".to_owned(), LARGE.to_vec()),
    ];
    assert_eq!(fetch(&hub(home.path(), &server.endpoint, ""), None).expect("fetched"), expected);
    let num_asked = server.asked().len();
    assert!(server.asked().iter().all(|(path, _)| !path.contains("README")));
    assert_eq!(fetch(&hub(home.path(), &server.endpoint, ""), None).expect("cached"), expected);
    let again = &server.asked()[num_asked..];
    assert!(again.iter().all(|(path, _)| path.starts_with("/api/")), "{again:?}");
    let offline = hub(home.path(), "http://127.0.0.1:1", "1");
    assert_eq!(fetch(&offline, None).expect("cached"), expected);
}

#[test]
fn offline_says_what_is_missing() {
    let (server, home) = (Server::new(&files(), None), home());
    fetch(&hub(home.path(), &server.endpoint, ""), Some("train/a*")).expect("fetched");
    let offline = hub(home.path(), "http://127.0.0.1:1", "1");
    let error = fetch(&offline, None).expect_err("one is missing").to_string();
    let expected = "HF_HUB_OFFLINE is set and train/b.parquet of me/data@main is not in ";
    assert!(error.starts_with(expected), "{error}");
    let nothing = tempfile::tempdir().expect("a folder");
    let error = fetch(&hub(nothing.path(), "http://127.0.0.1:1", "1"), None);
    let error = error.expect_err("nothing is there").to_string();
    assert!(
        error.starts_with("HF_HUB_OFFLINE is set and list of files of me/data@main"),
        "{error}"
    );
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_stopped() {
    let long: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let files = [("a.jsonl", long.as_slice(), "some-tag")];
    let (server, home) = (Server::new(&files, Some(100_000)), home());
    let fetched = fetch(&hub(home.path(), &server.endpoint, ""), None).expect("fetched");
    assert!(fetched[0].1 == long, "{} bytes", fetched[0].1.len());
    let starts: Vec<usize> = server.asked().iter().filter_map(|(_, start)| *start).collect();
    assert!(starts.iter().any(|start| *start > 0 && *start <= 100_000), "{starts:?}");
}

#[test]
fn what_is_not_what_the_hub_announced_is_removed_and_named() {
    let wrong = SHA256_OF_LARGE.replace('5', "6");
    let files = [("a.jsonl", LARGE, wrong.as_str())];
    let (server, home) = (Server::new(&files, None), home());
    let online = hub(home.path(), &server.endpoint, "");
    for _ in 0..2 {
        let error = fetch(&online, None).expect_err("another file").to_string();
        let expected =
            format!("a.jsonl of me/data@main: SHA-256 is {SHA256_OF_LARGE}, but the hub says ");
        assert!(error.starts_with(&expected) && error.contains(&wrong), "{error}");
    }
}

#[test]
fn a_pattern_without_files_says_which_there_are() {
    let (server, home) = (Server::new(&files(), None), home());
    let error = fetch(&hub(home.path(), &server.endpoint, ""), Some("test/*")).expect_err("none");
    assert_eq!(
        error.to_string(),
        "me/data@main has no file test/*; it has: README.md, train/a.jsonl, train/b.parquet"
    );
}
