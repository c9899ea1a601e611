//! Steps whose numbers are bad, in whole pipelines.

use forethought_tests::Project;
use serde_json::Value;

use crate::attempt::Attempt;

/// A rate at which the first update ruins the weights.
const RUIN: &str = "sft.training.learning_rate=1e30";

#[test]
fn the_examples_of_a_step_whose_loss_is_no_number_are_in_the_file_that_the_error_names() {
    let project = Project::new();
    let error = Attempt::new(&project, "run").set(RUIN).until("sft").error();
    assert!(error.contains("step 2 (training examples ["), "{error}");
    assert!(error.contains("the weights were not updated; its rows are in "), "{error}");
    let (_, path) = error.rsplit_once(' ').expect("a path at the end");
    let dump: Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("the file")).expect("JSON");
    let rows = dump["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 8, "two micro-batches of four");
    let convert = std::fs::read_to_string(project.path("run/artifacts/convert/train.jsonl"));
    let convert = convert.expect("the records");
    for row in rows {
        let id = row["id"].as_str().expect("an id");
        let line: usize =
            id.strip_prefix("convert/train.jsonl:").and_then(|n| n.parse().ok()).expect(id);
        let record: Value =
            serde_json::from_str(convert.lines().nth(line - 1).expect("a line")).expect("JSON");
        let (text, prompt) = (row["text"].as_str(), record["prompt"].as_str());
        assert!(text.expect("text").contains(prompt.expect("a prompt")), "{row}");
    }
}

#[test]
fn what_was_skipped_stays_with_the_artifact() {
    let project = Project::new();
    let run = Attempt::new(&project, "run")
        .set(RUIN)
        .set("sft.training.non_finite={skip: 9}")
        .set("sft.training.max_steps=2")
        .until("sft")
        .finish();
    let history: Vec<Value> = run.rows("sft/history.jsonl");
    assert_eq!(history[1]["skipped"], 1.0);
    assert!(run.artifact("sft/bad-steps/sft-000002.json").is_file());
}
