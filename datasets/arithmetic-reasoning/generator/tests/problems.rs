//! The shipped file against its generator and its card, and every solution against its operations.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use forethought_arithmetic_reasoning::{
    FILE, Family, NUM_PROBLEMS, Operation, Problem, generate, to_lines,
};
use forethought_dataset::{FirstContact, MixConfig, Reading, Source, read_problems};
use forethought_seed::Seed;
use forethought_verify::{Verdict, verify};
use sha2::{Digest, Sha256};

/// The problems of the shipped file.
static PROBLEMS: LazyLock<Vec<Problem>> = LazyLock::new(|| generate(Seed::new(11), NUM_PROBLEMS));

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_committed_file_is_what_the_generator_writes_and_the_card_has_its_digest() {
    let committed = std::fs::read_to_string(folder().join(FILE)).expect("the file is there");
    assert!(committed == to_lines(&PROBLEMS).expect("plain data"), "{FILE} differs");
    let digest = Sha256::digest(committed.as_bytes());
    let digest = digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let card = std::fs::read_to_string(folder().join("README.md")).expect("the card is there");
    assert!(card.contains(&digest), "{FILE} has {digest}");
}

#[test]
fn every_row_is_read_as_a_problem_with_its_solution_and_answer() {
    let source = Source::new(folder().join(FILE).display().to_string());
    let reading = Reading { stage: "ingest", seed: Seed::new(1), contact: &FirstContact::Here };
    let read = read_problems(&MixConfig::of(vec![source]), reading).expect("readable").problems;
    assert_eq!(read.len(), PROBLEMS.len());
    for (row, problem) in read.iter().zip(PROBLEMS.iter()) {
        assert_eq!(row.problem, problem.question);
        assert_eq!(row.solution, Some(problem.solution()));
        assert_eq!(row.answer.as_deref(), Some(problem.answer.as_str()));
    }
}

/// Each line is recomputed, and its numbers come from the question or from a line before it.
#[test]
fn every_line_is_right_and_rests_on_what_stands_before_it() {
    for problem in PROBLEMS.iter() {
        let mut known: Vec<i64> = problem
            .question
            .split(|mark: char| !mark.is_ascii_digit())
            .filter_map(|digits| digits.parse().ok())
            .chain([3])
            .collect();
        for step in &problem.steps {
            let (left, right) = (step.left, step.right);
            assert!(
                known.contains(&left) && known.contains(&right),
                "{step}: {}",
                problem.question
            );
            let expected = match step.operation {
                Operation::Add => (left + right).to_string(),
                Operation::Subtract => (left - right).to_string(),
                Operation::Multiply => (left * right).to_string(),
                Operation::Divide => (left / right).to_string(),
                Operation::Cancel => {
                    let judgement = verify(&format!("{left}/{right}"), &step.result);
                    assert_eq!(judgement.verdict, Verdict::Equal, "{step}");
                    step.result.clone()
                }
            };
            assert_eq!(step.result, expected, "{step}");
            known.extend(expected.parse::<i64>());
        }
        let last = problem.steps.last().expect("every problem takes work");
        assert_eq!(problem.answer, last.result);
    }
}

#[test]
fn every_family_has_its_share_and_fractions_are_one_of_seven() {
    for family in Family::ALL {
        let count = PROBLEMS.iter().filter(|problem| problem.family == family).count();
        assert!((500..1100).contains(&count), "{} has {count}", family.name());
    }
    let fractions = PROBLEMS.iter().filter(|problem| problem.answer.contains('/'));
    assert!(fractions.clone().all(|problem| problem.family == Family::Share));
    assert!(fractions.count() > 600);
}

#[test]
fn fewer_problems_are_the_first_of_more_and_another_seed_asks_others() {
    assert_eq!(generate(Seed::new(11), 50), PROBLEMS[..50]);
    assert_ne!(generate(Seed::new(12), 50), PROBLEMS[..50]);
}
