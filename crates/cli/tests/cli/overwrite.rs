//! Commands that give rows new fields, on rows that have such a field already.

use serde_json::{Value, json};

use crate::rows::{Workplace, piped};
use crate::{forethought, outcome};

/// A command refuses a row that has the field, and replaces it where that is asked.
#[track_caller]
fn check(place: &Workplace, command: &str, row: Value, field: &str) {
    let mut taken = row.clone();
    taken[field] = json!("mine");
    place.write(&[row, taken]);
    let (code, error) = place.failure(command, &[]);
    let expected = format!(
        "rows.jsonl:2: {field}: is there already; rename it, or give --overwrite to replace it"
    );
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains(&expected), "{error}");
    let rows = place.rows(command, &["--overwrite"]);
    assert_ne!(rows[1][field], json!("mine"));
    assert_eq!(rows[1][field].is_array(), rows[0][field].is_array());
}

#[test]
fn generate_and_logprobs_replace_no_field_unasked() {
    let place = Workplace::new();
    check(&place, "generate", json!({"prompt": "One"}), "completions");
    check(&place, "logprobs", json!({"prompt": "One", "completion": " two"}), "log_probs");
}

#[test]
fn score_replaces_no_field_unasked_and_minds_none_that_it_does_not_write() {
    let place = Workplace::with("tiny-qwen2-reward");
    check(&place, "score", json!({"text": "One"}), "score");
    let pair = json!({"chosen": "One", "rejected": "Two"});
    check(&place, "score", pair, "rejected_score");
    place.write(&[json!({"text": "One", "chosen_score": "mine"})]);
    assert_eq!(place.rows("score", &[])[0]["chosen_score"], "mine");
}

#[test]
fn reward_and_verify_replace_no_field_unasked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run =
        |arguments: &[&str], row: &str| piped(forethought(folder.path()).args(arguments), row);
    let row = r#"{"gold": "1/2", "answer": "0.5", "verdict": "mine"}"#;
    let (code, output, error) = run(&["verify"], row);
    assert_eq!((code, output.as_str()), (Some(1), ""), "{error}");
    assert!(error.contains("standard input:1: verdict: is there already"), "{error}");
    let (code, output, _) = run(&["verify", "--overwrite"], row);
    assert_eq!(code, Some(0));
    assert!(output.contains(r#""verdict":"equal""#), "{output}");
    let row = r#"{"completion": "a", "reward": 1}"#;
    let (code, _, error) = run(&["reward", "--name", "format"], row);
    assert_eq!(code, Some(1));
    assert!(error.contains("standard input:1: reward: is there already"), "{error}");
    let (code, ..) = run(&["reward", "--name", "format", "--overwrite"], row);
    assert_eq!(code, Some(0));
    // What is there twice in a file is seen before anything is written.
    std::fs::write(folder.path().join("rows.jsonl"), row).expect("written");
    let command = ["reward", "--name", "format", "--input", "rows.jsonl", "--output", "out.jsonl"];
    let (code, ..) = outcome(forethought(folder.path()).args(command));
    assert_eq!(code, Some(1));
    assert!(!folder.path().join("out.jsonl").exists());
}
