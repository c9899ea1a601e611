//! Data sets by name, against a small hub on this machine.

#[allow(dead_code, reason = "one server for the tests of several crates")]
#[path = "support/server.rs"]
mod server;

use std::fs;
use std::path::Path;

use forethought_hub::{FetchedFile, Hub, HubError};
use tempfile::TempDir;

use server::{HubServer, Manners, data_set};

/// What `git hash-object` and `sha256sum` say of the files below.
const GIT_OF_LINES: &str = "ce013625030ba8dba906f756967f9e9ca394464a";
const LINES: &[u8] = b"hello\n";
const SHA256_OF_LARGE: &str = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";
const LARGE: &[u8] = b"0";

/// A server of a data set; it breaks off after `cut` bytes of a body the first time it is asked for more.
fn serving(files: &[(&str, &[u8], &str)], cut: Option<usize>) -> HubServer {
    HubServer::start(data_set("me/data", files), Manners { cut, ..Manners::default() })
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
    let (server, home) = (serving(&files(), None), home());
    let expected = vec![
        ("train/a.jsonl".to_owned(), LINES.to_vec()),
        ("train/b.parquet".to_owned(), LARGE.to_vec()),
    ];
    assert_eq!(fetch(&hub(home.path(), &server.endpoint, ""), None).expect("fetched"), expected);
    let num_asked = server.paths().len();
    assert!(server.paths().iter().all(|path| !path.contains("README")));
    assert_eq!(fetch(&hub(home.path(), &server.endpoint, ""), None).expect("cached"), expected);
    let again = &server.paths()[num_asked..];
    assert!(again.iter().all(|path| path.starts_with("/api/")), "{again:?}");
    let offline = hub(home.path(), "http://127.0.0.1:1", "1");
    assert_eq!(fetch(&offline, None).expect("cached"), expected);
}

#[test]
fn offline_says_what_is_missing() {
    let (server, home) = (serving(&files(), None), home());
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
fn a_data_set_that_is_not_there_is_named_with_the_hub_that_was_asked() {
    let (server, home) = (serving(&files(), None), home());
    let name = "me/date".parse().expect("a name");
    let asked = hub(home.path(), &server.endpoint, "");
    let error = asked.data_set(&name).expect_err("another name").to_string();
    let expected = format!("there is no data set me/date@main at {}", server.endpoint);
    assert_eq!(error, expected);
}

#[test]
fn what_is_not_chosen_is_not_fetched_and_not_missed_offline() {
    let (server, home) = (serving(&files(), None), home());
    let name = "me/data".parse().expect("a name");
    let online = hub(home.path(), &server.endpoint, "");
    let data = online.data_set(&name).expect("a list of files");
    assert_eq!(data.files_of_rows().expect("two"), ["train/a.jsonl", "train/b.parquet"]);
    assert_eq!(data.files_of("*/*.parquet").expect("one"), ["train/b.parquet"]);
    let fetched = data.fetch(&["train/b.parquet"], &mut |_| {}).expect("fetched");
    assert_eq!(fs::read(&fetched[0].path).expect("it is there"), LARGE);
    assert!(server.paths().iter().all(|path| !path.contains("a.jsonl")));
    let offline = hub(home.path(), "http://127.0.0.1:1", "1");
    let data = offline.data_set(&name).expect("the list was kept");
    assert_eq!(
        data.fetch(&["train/b.parquet"], &mut |_| {}).expect("cached"),
        [FetchedFile { was_cached: true, ..fetched[0].clone() }]
    );
    let missing = data.fetch(&["train/a.jsonl"], &mut |_| {}).expect_err("not there").to_string();
    assert!(missing.contains("train/a.jsonl of me/data@main is not in "), "{missing}");
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_stopped() {
    let long: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let files = [("a.jsonl", long.as_slice(), "some-tag")];
    let (server, home) = (serving(&files, Some(100_000)), home());
    let fetched = fetch(&hub(home.path(), &server.endpoint, ""), None).expect("fetched");
    assert!(fetched[0].1 == long, "{} bytes", fetched[0].1.len());
    let starts: Vec<usize> = server.asked().iter().filter_map(|one| one.start).collect();
    assert!(starts.iter().any(|start| *start > 0 && *start <= 100_000), "{starts:?}");
}

#[test]
fn what_is_not_what_the_hub_announced_is_removed_and_named() {
    let wrong = SHA256_OF_LARGE.replace('5', "6");
    let files = [("a.jsonl", LARGE, wrong.as_str())];
    let (server, home) = (serving(&files, None), home());
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
    let (server, home) = (serving(&files(), None), home());
    // `*` stands for no `/`.
    for pattern in ["test/*", "*.parquet"] {
        let online = hub(home.path(), &server.endpoint, "");
        let error = fetch(&online, Some(pattern)).expect_err("none").to_string();
        let expected = format!(
            "me/data@main has no file {pattern}; it has: README.md, train/a.jsonl, train/b.parquet"
        );
        assert_eq!(error, expected);
    }
}
