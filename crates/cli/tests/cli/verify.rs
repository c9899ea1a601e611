//! `forethought verify` as a shell sees it.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{forethought, outcome};

fn run(rows: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = TempDir::new().expect("a temporary folder");
    fs::write(folder.path().join("rows.jsonl"), rows).expect("a file is written");
    outcome(forethought(folder.path()).args(["verify", "--input", "rows.jsonl"]).args(arguments))
}

fn parsed(output: &str) -> Vec<Value> {
    output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn every_row_gets_its_verdict_and_keeps_its_fields() {
    let rows = [
        json!({"id": 1, "gold": r"\frac{1}{2}", "answer": r"so it is $\boxed{0.5}$"}),
        json!({"id": 2, "gold": 43.0, "answer": "The answer is 44."}),
        json!({"id": 3, "gold": "9^{9^{9^9}}", "answer": "1"}),
        json!({"id": 4, "gold": "???", "answer": "1"}),
        json!({"id": 5, "gold": "1", "answer": "???"}),
    ];
    let lines = rows.map(|row| row.to_string()).join("\n");
    let (code, output, error) = run(&lines, &[]);
    assert_eq!(code, Some(0), "{error}");
    let found = parsed(&output);
    let verdicts: Vec<&str> = found.iter().filter_map(|row| row["verdict"].as_str()).collect();
    assert_eq!(
        verdicts,
        ["equal", "different", "undecided", "gold_unparseable", "answer_unparseable"]
    );
    assert_eq!(found[0]["id"], 1);
    assert_eq!(found[0]["gold_parsed"], "1/2");
    assert_eq!(found[1]["rule"], "exact");
    assert_eq!(found[3]["gold_parsed"], Value::Null);
    assert!(error.contains("1 equal"), "{error}");
}

#[test]
fn the_manner_of_math_verify_passes_over_units() {
    let row = json!({"gold": "5 cm", "answer": "5 m"}).to_string();
    let verdict = |arguments: &[&str]| parsed(&run(&row, arguments).1)[0]["verdict"].clone();
    assert_eq!(verdict(&[]), "different");
    assert_eq!(verdict(&["--manner", "math-verify"]), "equal");
}

#[test]
fn a_row_without_an_answer_is_named() {
    let (code, output, error) = run("{\"gold\": \"1\", \"answer\": [2]}", &[]);
    assert_eq!((code, output.as_str()), (Some(1), ""));
    assert!(error.contains("rows.jsonl:1: answer: expected a string or a number"), "{error}");
}
