//! Folders of recorded rewards: what agrees, what a wrong number does, and files that hold a part of what was compared.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use forethought_parity::{Case, Outcome, Summary, replay};
use serde_json::{Value, json};

fn replayed(file: &str, golden: &Value) -> (Summary, Vec<Case>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(file);
    fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("writable");
    fs::write(&path, golden.to_string()).expect("writable");
    let mut cases = Vec::new();
    let summary = replay(folder.path(), &Device::flex(), &[], &mut |case| cases.push(case.clone()));
    (summary.expect("the folder can be read"), cases)
}

/// Three of a call of open-r1 whose longest completion, of 29 characters, is not in the file: 0.5 − (length − 9)/20.
fn part_of_a_call() -> Value {
    json!({"samples": [
        {"completion": r"\boxed{3}", "solution": "$3$", "accuracy": 1.0, "format": 0.0, "tag_count": 0.0,
         "cosine_default": 0.999_900_076_912_564_1, "repetition_en_n1_-1.0": 0.0, "len_all_as_one_group": 0.5, "len_groups_of_2": 0.0},
        {"completion": r"\boxed{12345}", "solution": "$12345$", "accuracy": 1.0, "format": 0.0, "tag_count": 0.0,
         "cosine_default": 0.999_791_533_585_635, "repetition_en_n1_-1.0": 0.0, "len_all_as_one_group": 0.3, "len_groups_of_2": 0.5},
        {"completion": r"\boxed{4} \boxed{4} x", "solution": "$3$", "accuracy": 0.0, "format": 0.0, "tag_count": 0.0,
         "cosine_default": -0.999_456_135_364_360_4, "repetition_en_n1_-1.0": -1.0 / 3.0, "len_all_as_one_group": -0.1, "len_groups_of_2": -0.5},
    ]})
}

#[test]
fn a_part_of_a_call_is_compared_with_the_lengths_of_all() {
    let (summary, cases) = replayed("rewards/open_r1.json", &part_of_a_call());
    let shown = || cases.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert_eq!(
        (summary.num_passed, summary.num_failed, summary.num_not_run),
        (3, 0, 1),
        "{}",
        shown()
    );
    let of_groups = cases.iter().find(|case| case.name == "len_groups_of_2").expect("it is listed");
    assert!(matches!(&of_groups.outcome, Outcome::NotRun(reason) if reason.contains("a part")));
}

#[test]
fn a_reward_that_is_wrong_fails_its_case() {
    for (column, value) in [
        ("accuracy", json!(null)),
        ("len_all_as_one_group", json!(0.1)),
        ("tag_count", json!(0.25)),
    ] {
        let mut golden = part_of_a_call();
        golden["samples"][2][column] = value;
        let (summary, cases) = replayed("rewards/open_r1.json", &golden);
        assert_eq!(summary.num_failed, 1, "{column}: {cases:?}");
        assert!(cases.iter().any(|case| case.is_failure() && case.to_string().contains(column)));
    }
}

#[test]
fn recorded_calls_are_called_again() {
    let message = |text: &str| json!([{"role": "assistant", "content": text}]);
    let completions = [message(r"\boxed{1}"), message(r"\boxed{2}")];
    let calls = json!({"calls": [
        {"function": "accuracy_reward", "args": [completions, ["$1$", "$1$"]], "result": [1.0, 0.0]},
        {"function": "get_repetition_penalty_reward", "params": {"ngram_size": 2, "max_penalty": -1.0},
         "kwargs": {"completions": [message("a a a")]}, "result": [-0.5]},
        {"function": "soft_overlong_punishment", "params": {"max_completion_len": 10, "soft_punish_cache": 4},
         "kwargs": {"completion_ids": [[1, 1, 1, 1, 1, 1, 1, 1]]}, "result": [-0.5]},
        {"function": "ioi_code_reward", "args": [completions], "result": [0.0, 0.0]},
    ]});
    let (summary, cases) = replayed("rewards/open_r1_test_suite.json", &calls);
    assert_eq!(
        (summary.num_passed, summary.num_failed, summary.num_not_run),
        (3, 0, 1),
        "{cases:?}"
    );
}

#[test]
fn unknown_tables_and_sections_are_listed_as_not_run() {
    let tables = json!({"tables": {"GRPO.experiment1": [{"completion": "约 12.5", "label": 12, "reward": 6.0}], "OTHER": []}});
    let (summary, _) = replayed("rewards/task_repo_numeric.json", &tables);
    assert_eq!((summary.num_passed, summary.num_not_run), (1, 1));
    let trl = json!({"think_format": [{"text": "<think>a</think>", "reward": 1.0}], "more": []});
    let (summary, _) = replayed("rewards/trl.json", &trl);
    assert_eq!((summary.num_passed, summary.num_not_run), (1, 1));
}
