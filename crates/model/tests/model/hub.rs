//! Models by name, against a small hub on this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use forethought_model::{Hub, ModelError, fetch_model, load};
use tempfile::TempDir;

use crate::hub_server::{COMMIT, HubServer, Manners, unchecked};
use crate::{fixtures, load_fixture, logits, values};

const TOKEN: &str = "hf_never_shown";

/// A server of these files, with this status for all others.
fn serving(files: BTreeMap<String, Vec<u8>>, missing: u16) -> HubServer {
    HubServer::start(unchecked(files), Manners { missing, ..Manners::default() })
}

/// A server of a model of the fixtures.
fn serving_model(fixture: &str, owner_name: &str) -> HubServer {
    let entries = fs::read_dir(fixtures().join("models").join(fixture)).expect("the fixture");
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read(entry.path()).expect("the fixture"))
    };
    let mut files: BTreeMap<String, Vec<u8>> =
        entries.map(|entry| file(entry.expect("an entry"))).collect();
    files.insert("tokenizer.json".to_owned(), b"{}".to_vec());
    files.insert("pytorch_model.bin".to_owned(), b"a pickle".to_vec());
    let revisions = ["main", "v1", COMMIT];
    let served = revisions.iter().flat_map(|revision| {
        let place = move |file: &str| format!("/{owner_name}/resolve/{revision}/{file}");
        files.iter().map(move |(file, bytes)| (place(file), bytes.clone()))
    });
    serving(served.collect(), 404)
}

fn hub(home: &Path, endpoint: &str, offline: &str) -> Hub {
    let home = home.to_string_lossy().into_owned();
    let variable = |name: &str| match name {
        "HF_HOME" => Some(home.clone()),
        "HF_ENDPOINT" => Some(endpoint.to_owned()),
        "HF_TOKEN" => Some(TOKEN.to_owned()),
        "HF_HUB_OFFLINE" => Some(offline.to_owned()),
        _ => None,
    };
    Hub::from_variables(variable).expect("a cache")
}

fn home() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn fetch(hub: &Hub, name: &str) -> Result<std::path::PathBuf, ModelError> {
    fetch_model(hub, &name.parse().expect("a name"))
}

#[test]
fn a_model_is_fetched_once_and_computes_what_it_computed_there() {
    let (server, home) = (serving_model("tiny-qwen2-sharded", "me/tiny"), home());
    let dir = fetch(&hub(home.path(), &server.endpoint, ""), "me/tiny").expect("it is fetched");
    assert!(dir.ends_with(format!("hub/models--me--tiny/snapshots/{COMMIT}")));
    let fetched = load(&dir, &Device::flex()).expect("it is read").decoder;
    let source = load_fixture("tiny-qwen2-sharded", &Device::flex());
    assert_eq!(values(logits(&fetched, &[1, 2, 3])), values(logits(&source, &[1, 2, 3])));
    assert_eq!(fs::read(dir.join("tokenizer.json")).expect("it came along"), b"{}");
    let first = server.paths();
    assert!(first.iter().all(|path| !path.contains("pytorch_model")), "pickles are not fetched");
    let bearer = Some(format!("Bearer {TOKEN}"));
    assert!(server.asked().iter().all(|one| one.authorization == bearer));

    assert_eq!(
        fetch(&hub(home.path(), &server.endpoint, ""), "me/tiny").expect("it is there"),
        dir
    );
    // Only what the model does not have is asked for again, and what the revision names now.
    let again = &server.paths()[first.len()..];
    assert!(again.iter().all(|path| !path.contains("model-0000")), "{again:?}");
    // From here on nobody has to answer.
    let offline = hub(home.path(), "http://127.0.0.1:1", "1");
    assert_eq!(fetch(&offline, "me/tiny").expect("it is cached"), dir);
    assert_eq!(fetch(&offline, &format!("me/tiny@{COMMIT}")).expect("it is cached"), dir);
}

#[test]
fn a_revision_is_asked_for_by_name_and_fetched_by_commit() {
    let (server, home) = (serving_model("tiny-qwen2", "me/tiny"), home());
    fetch(&hub(home.path(), &server.endpoint, ""), "me/tiny@v1").expect("it is fetched");
    let paths = server.paths();
    assert_eq!(paths[0], "/me/tiny/resolve/v1/config.json");
    let commit = format!("/me/tiny/resolve/{COMMIT}/");
    assert!(paths[1..].iter().all(|path| path.starts_with(&commit)), "{paths:?}");
}

#[test]
fn a_missing_file_is_named_and_the_token_is_not() {
    let place = |file: &str| format!("/me/tiny/resolve/main/{file}");
    let commit = |file: &str| format!("/me/tiny/resolve/{COMMIT}/{file}");
    let served = |names: &[String]| {
        names.iter().map(|name| (name.clone(), b"{}".to_vec())).collect::<BTreeMap<_, _>>()
    };
    let config = [place("config.json"), commit("config.json")];
    let cases = [
        (served(&[]), 404, "me/tiny@main has no config.json at http://127.0.0.1:"),
        (served(&config), 404, "me/tiny@main has no model.safetensors at http://127.0.0.1:"),
        (
            served(&[]),
            401,
            "answers 401 for config.json of me/tiny@main: there is no such repository, or",
        ),
        (served(&[]), 500, "config.json of me/tiny@main cannot be fetched from http://127.0.0.1:"),
    ];
    for (files, status, expected) in cases {
        let (server, home) = (serving(files, status), home());
        let error = fetch(&hub(home.path(), &server.endpoint, ""), "me/tiny").expect_err("missing");
        let message = format!("{error} {error:?}");
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains(TOKEN), "{message}");
    }
    let home = home();
    let error = fetch(&hub(home.path(), "http://127.0.0.1:1", "true"), "me/tiny");
    let message = error.expect_err("nothing is cached").to_string();
    let expected = "HF_HUB_OFFLINE is set and config.json of me/tiny@main is not in ";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn an_index_that_leads_out_of_the_folder_is_not_followed() {
    let place = |revision: &str, file: &str| format!("/me/tiny/resolve/{revision}/{file}");
    let index = br#"{"weight_map": {"a": "../../../../evil.safetensors"}}"#.to_vec();
    let files = BTreeMap::from([
        (place("main", "config.json"), b"{}".to_vec()),
        (place(COMMIT, "config.json"), b"{}".to_vec()),
        (place(COMMIT, "model.safetensors.index.json"), index),
    ]);
    let (server, home) = (serving(files, 404), home());
    let error = fetch(&hub(home.path(), &server.endpoint, ""), "me/tiny").expect_err("refused");
    assert!(matches!(error, ModelError::OutsideFolder { .. }), "{error}");
    assert!(server.paths().iter().all(|path| !path.contains("evil")));
}
