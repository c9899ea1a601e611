//! The committed files against the generator and against their card.

use std::path::{Path, PathBuf};

use forethought_dataset::{
    ColumnType, FirstContact, MixConfig, Reading, Source, Table, Unfinished, read_traces,
};
use forethought_reasoning_traces::{Language, generate, table, write};
use forethought_seed::Seed;
use sha2::{Digest, Sha256};

use crate::PROBLEMS;

const LANGUAGES: [Language; 2] = [Language::English, Language::Chinese];

/// The folder of the data files and their card.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Two digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.map(|half| char::from(b"0123456789abcdef"[usize::from(half)])).collect()
}

/// Reads every column of a file.
fn read(path: &Path, language: Language) -> Table {
    let [question, completion] = language.column_names();
    let text = ["id", "family", "language", question, completion, "answer"];
    let text = text.map(|name| (name, ColumnType::Text));
    let columns = [&text[..], &[("num_steps", ColumnType::Integer)]].concat();
    Table::read_parquet(&FirstContact::Here, path, &columns).expect("the file is there")
}

#[test]
fn the_committed_files_hold_what_the_generator_writes() {
    for language in LANGUAGES {
        let committed = read(&folder().join(language.file_name()), language);
        assert!(committed == table(&PROBLEMS, language), "{} differs", language.file_name());
    }
}

#[test]
fn the_card_names_the_digest_of_each_file() {
    let card = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for language in LANGUAGES {
        let bytes = std::fs::read(folder().join(language.file_name())).unwrap();
        let digest = hexadecimal(&Sha256::digest(bytes));
        assert!(card.contains(&digest), "{} has {digest}", language.file_name());
    }
}

#[test]
fn the_same_seed_writes_the_same_bytes_and_another_seed_others() {
    let write = |seed| {
        let folder = tempfile::tempdir().unwrap();
        let paths = write(&generate(Seed::new(seed), 200), folder.path()).unwrap();
        paths.iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    assert!(write(3) == write(3));
    assert!(write(3) != write(4));
}

#[test]
fn fewer_problems_are_the_first_of_more() {
    assert_eq!(generate(Seed::new(7), 50), PROBLEMS[..50]);
}

#[test]
fn every_row_is_read_back_as_a_finished_trace() {
    for language in LANGUAGES {
        let path = folder().join(language.file_name()).display().to_string();
        let config = MixConfig::of(vec![Source::new(path)]);
        let reading = Reading { stage: "ingest", seed: Seed::new(1), contact: &FirstContact::Here };
        let traces = read_traces(&config, Unfinished::Drop, reading).unwrap().traces;
        let problems = PROBLEMS.iter().filter(|problem| problem.language == language);
        assert_eq!(traces.len(), problems.clone().count());
        for (trace, problem) in traces.iter().zip(problems) {
            assert_eq!(trace.question, problem.question);
            assert_eq!(trace.thinking, problem.solution.thinking);
            assert!(trace.answer.contains(&problem.solution.answer));
        }
    }
}
