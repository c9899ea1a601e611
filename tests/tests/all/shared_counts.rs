//! Tokens of real texts, counted without being made: where `FORETHOUGHT_SHARED` names a folder with `data`, of all the
//! texts there in several languages, with every tokenizer there.

use std::io::Write as _;
use std::path::Path;

use forethought_dataset::{FirstContact, Format, read_objects};
use forethought_tokenize::Encoder;
use serde_json::Value;

/// Folders with traces, conversations and pairs, in English, Chinese and Bangla.
const FOLDERS: [&str; 3] = ["think", "preference", "llama_factory"];

/// Every text of a value.
fn texts(value: Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.into_iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.into_iter().for_each(|(_, field)| texts(field, found)),
        _ => {}
    }
}

fn folder(path: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(path).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

#[test]
fn counts_are_those_of_the_tokens_on_every_shared_text() {
    let Some(shared) = std::env::var_os("FORETHOUGHT_SHARED") else {
        // Not `eprintln`, which the test harness keeps to itself when a test passes.
        let line = "skipped counts of shared texts: FORETHOUGHT_SHARED is not set\n";
        let _ = std::io::stderr().write_all(line.as_bytes());
        return;
    };
    let data = Path::new(&shared).join("data");
    let mut found = Vec::new();
    for file in FOLDERS.iter().flat_map(|name| folder(&data.join(name))) {
        for row in read_objects(&FirstContact::Here, &file, Format::Auto).expect("readable") {
            row.value.into_iter().for_each(|value| texts(value, &mut found));
        }
    }
    let tokenizers = folder(&data.join("tokenizers"));
    let tokenizers: Vec<_> =
        tokenizers.iter().filter(|path| path.join("tokenizer.json").is_file()).collect();
    assert!(found.len() > 10_000 && tokenizers.len() > 1, "{} texts", found.len());
    for path in tokenizers {
        let encoder = Encoder::open(path).expect("a tokenizer");
        for texts in found.chunks(1000) {
            let counts = encoder.count_batch(texts).expect("counts");
            let ids = encoder.encode_batch(texts).expect("ids");
            for ((text, count), ids) in texts.iter().zip(counts).zip(ids) {
                assert_eq!(count, ids.len(), "{}: {text:?}", path.display());
            }
        }
    }
}
