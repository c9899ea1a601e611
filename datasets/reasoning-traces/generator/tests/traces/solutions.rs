//! The solutions with numbered steps: against the generator, their card, and what counts steps.

use std::path::{Path, PathBuf};

use forethought_dataset::{
    ColumnType, FirstContact, MixConfig, Reading, Source, Table, listed_steps, read_problems,
};
use forethought_reasoning_traces::{Numbering, SOLUTIONS_FILE, solutions};
use forethought_seed::Seed;
use sha2::{Digest, Sha256};

use crate::PROBLEMS;
use crate::files::hexadecimal;

/// The folder of the data file and its card.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../step-solutions")
}

#[test]
fn the_committed_file_holds_what_the_generator_writes() {
    let text = ["id", "family", "language", "problem", "solution", "answer"];
    let text = text.map(|name| (name, ColumnType::Text));
    let columns = [&text[..], &[("num_steps", ColumnType::Integer)]].concat();
    let committed =
        Table::read_parquet(&FirstContact::Here, &folder().join(SOLUTIONS_FILE), &columns).unwrap();
    assert!(committed == solutions(&PROBLEMS), "{SOLUTIONS_FILE} differs");
}

#[test]
fn the_card_names_the_digest() {
    let card = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let bytes = std::fs::read(folder().join(SOLUTIONS_FILE)).unwrap();
    let digest = hexadecimal(&Sha256::digest(bytes));
    assert!(card.contains(&digest), "{SOLUTIONS_FILE} has {digest}");
}

#[test]
fn the_numbers_of_a_solution_count_its_steps() {
    for (index, problem) in PROBLEMS.iter().enumerate() {
        let counted = listed_steps(&problem.numbered_solution(Numbering::of(index)));
        match Numbering::of(index) {
            Numbering::Prose => {
                let reason = counted.expect_err("prose has no numbers").reason.as_str();
                assert_eq!(reason, "no_numbered_steps", "problem {index}");
            }
            _ => assert_eq!(
                counted.ok().map(|steps| steps as usize),
                Some(problem.solution.num_steps()),
                "problem {index}"
            ),
        }
    }
}

#[test]
fn every_row_is_read_back_as_a_problem_with_its_solution() {
    let path = folder().join(SOLUTIONS_FILE).display().to_string();
    let reading = Reading { stage: "ingest", seed: Seed::new(1), contact: &FirstContact::Here };
    let problems = read_problems(&MixConfig::of(vec![Source::new(path)]), reading);
    let problems = problems.unwrap().problems;
    assert!(problems.len() > 7800, "{}", problems.len());
    assert!(problems.iter().all(|one| one.solution.is_some() && one.answer.is_some()));
}
