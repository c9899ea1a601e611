//! A corpus of damaged, hostile and odd files for every reader (`tests/corpus/make.py`), and what comes of each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use forethought_dataset::{FirstContact, Format, Probe, read_objects};
use serde_json::{Value, json};

/// Characters of a text that are shown.
const SHOWN: usize = 60;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// The files of the corpus by their names in it.
fn files() -> BTreeMap<String, PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    };
    let root = corpus();
    let folders = entries(&root).into_iter().filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| entries(&folder));
    let named = |path: PathBuf| {
        let name = path.strip_prefix(&root).expect("within").to_string_lossy().into_owned();
        (name, path)
    };
    files.map(named).collect()
}

/// A value whose long texts are cut.
fn short(value: Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > SHOWN => {
            let start: String = text.chars().take(SHOWN).collect();
            json!(format!("{start}… ({} characters)", text.chars().count()))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(short).collect()),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, short(value))).collect())
        }
        other => other,
    }
}

/// The rows of a file by their numbers, each with what it holds or what is wrong with it; or why there are none.
fn verdict(path: &Path, contact: &FirstContact) -> Value {
    let name = path.file_name().expect("a file").to_string_lossy().into_owned();
    let plain = |text: String| {
        assert!(text.contains(&name), "{text}");
        text.replace(&format!("{}/", path.parent().expect("a folder").display()), "")
    };
    match read_objects(contact, path, Format::Auto) {
        Err(error) => json!(plain(error.to_string())),
        Ok(rows) => {
            let row = |row: forethought_dataset::ObjectRow| match row.value {
                Ok(value) => json!([row.number, short(value)]),
                Err(error) => json!(plain(error.to_string())),
            };
            rows.into_iter().map(row).collect()
        }
    }
}

#[test]
fn every_file_of_the_corpus_has_its_verdict_and_none_ends_the_process() {
    let child = Probe::new(env!("CARGO_BIN_EXE_forethought-examine").into(), []);
    let contact = FirstContact::Child(child);
    let files = files();
    assert!(files.len() > 100, "{} files", files.len());
    let found: BTreeMap<&str, Value> =
        files.iter().map(|(name, path)| (name.as_str(), verdict(path, &contact))).collect();
    let known = std::fs::read_to_string(corpus().join("verdicts.json")).unwrap_or_default();
    let known: BTreeMap<String, Value> = serde_json::from_str(&known).unwrap_or_default();
    let differing: Vec<&&str> = found
        .iter()
        .filter(|(name, value)| known.get(**name) != Some(value))
        .map(|one| one.0)
        .collect();
    if differing.is_empty() && known.len() == found.len() {
        return;
    }
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("verdicts.json");
    let text = serde_json::to_string_pretty(&found).expect("JSON");
    std::fs::write(&place, text).expect("written");
    panic!(
        "other verdicts than tests/corpus/verdicts.json has, in {}: {differing:?}",
        place.display()
    );
}
