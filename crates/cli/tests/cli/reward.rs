//! `forethought reward` as a shell sees it.

use std::fs;

use forethought_dataset::Table;
use forethought_tests::repository;
use forethought_tokenize::Encoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rows::Workplace;
use crate::{forethought, outcome};

struct Case(TempDir);

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a file is written");
        }
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        outcome(forethought(self.0.path()).arg("reward").args(arguments))
    }
}

fn parsed(output: &str) -> Vec<Value> {
    output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn lines(rows: &[Value]) -> String {
    rows.iter().fold(String::new(), |text, row| text + &row.to_string() + "\n")
}

#[test]
fn a_set_scores_rows_and_says_why() {
    let rows = lines(&[
        json!({"id": 1, "prompt": "a", "completion": r"<think></think>\boxed{0.5}", "solution": r"$\frac12$"}),
        json!({"id": 2, "prompt": "a", "completion": [{"role": "assistant", "content": r"\boxed{1}"}], "solution": "$2$"}),
        json!({"id": 3, "prompt": "b", "completion": "none", "solution": "unparseable text only"}),
    ]);
    let set = "rewards: [accuracy, {think_format: , weight: 0.5}, {length: {}, weight: 0}]\n";
    let case = Case::new(&[("rows.jsonl", &rows), ("set.yaml", set)]);
    let (code, output, error) = case.run(&["--set", "set.yaml", "--input", "rows.jsonl"]);
    assert_eq!(code, Some(0), "{error}");
    let found = parsed(&output);
    assert_eq!(found[0]["rewards"]["accuracy"]["score"], 1.0);
    assert_eq!(found[0]["rewards"]["accuracy"]["answer"], "0.5");
    assert_eq!(found[0]["rewards"]["accuracy"]["reason"], r"0.5 is equal to \frac12 (exact)");
    assert_eq!(found[0]["reward"], 1.5);
    assert_eq!(
        (&found[1]["id"], &found[1]["rewards"]["accuracy"]["verdict"]),
        (&json!(2), &json!("wrong"))
    );
    assert_eq!(found[2]["rewards"]["accuracy"]["score"], Value::Null);
    assert_eq!(found[2]["rewards"]["accuracy"]["verdict"], "label_unparseable");
    assert_eq!(found[2]["reward"], 0.0);
    // The shorter of the two that answer one prompt, and one that is alone.
    assert_eq!(found[1]["rewards"]["length"]["score"], 0.0);
    assert_eq!(found[0]["rewards"]["length"]["score"], -0.5);
    assert_eq!(found[2]["rewards"]["length"]["score"], 0.0);
    assert!(error.contains("accuracy: mean 0.5000, std 0.7071; 1 correct, 1 wrong, 1 label_unparseable; 1 of 3 unjudged"), "{error}");
}

#[test]
fn more_unjudged_than_allowed_is_a_failure() {
    let row = lines(&[json!({"completion": "1", "solution": "no such answer"})]);
    let set = "rewards: [accuracy]\nmax_unjudged_share: 0.5\n";
    let case = Case::new(&[("rows.jsonl", &row), ("set.yaml", set)]);
    let (code, output, error) = case.run(&["--set", "set.yaml", "--input", "rows.jsonl"]);
    assert_eq!((code, parsed(&output).len()), (Some(1), 1));
    assert!(error.contains("the reward accuracy could not judge 1 of 1 completions"), "{error}");
}

#[test]
fn parquet_is_read_like_lines() {
    let case = Case::new(&[]);
    let table = Table::new()
        .text("completion", ["about 7", "12"].map(str::to_owned))
        .integer("label", [Some(8), None]);
    table.write_parquet(&case.0.path().join("rows.parquet")).expect("it is written");
    let arguments = ["--name", "gsm8k", "--input", "rows.parquet"];
    let (code, _, error) = case.run(&arguments);
    assert_eq!(code, Some(1));
    assert!(error.contains("rows.parquet:1: solution: the reward gsm8k needs the column `solution`; there are `label`"), "{error}");
    let table = Table::new()
        .text("completion", ["about 7", "12"].map(str::to_owned))
        .integer("label", [Some(8), Some(30)]);
    table.write_parquet(&case.0.path().join("rows.parquet")).expect("it is written");
    fs::write(case.0.path().join("set.yaml"), "rewards: [{tiered: 12/6/3}]").expect("written");
    let (code, output, error) = case.run(&["--set", "set.yaml", "--input", "rows.parquet"]);
    assert_eq!(code, Some(0), "{error}");
    let found = parsed(&output);
    assert_eq!([&found[0]["reward"], &found[1]["reward"]], [&json!(6.0), &json!(0.0)]);
}

#[test]
fn what_is_wrong_is_named() {
    let case = Case::new(&[
        ("bad.jsonl", "{\"completion\": \"a\"}\n"),
        ("set.yaml", "rewards:\n  - accurcy: {}\n"),
        ("value.yaml", "rewards:\n  - accuracy\n  - cosine: {max_len: 0}\n"),
    ]);
    fs::write(case.0.path().join("bytes.jsonl"), b"{\"completion\": \"\xff\"}\n").expect("written");
    let (code, _, error) = case.run(&["--name", "acuracy", "--input", "bad.jsonl"]);
    assert_eq!(code, Some(2));
    assert!(
        error.contains("there is no reward named `acuracy`; there are `accuracy`, "),
        "{error}"
    );
    assert!(error.contains("did you mean `accuracy`?"), "{error}");
    let (code, _, error) = case.run(&["--set", "set.yaml", "--input", "bad.jsonl"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("set.yaml:2: rewards.0: unknown field `accurcy`"), "{error}");
    assert!(error.contains("did you mean `accuracy`?"), "{error}");
    let (code, _, error) = case.run(&["--set", "value.yaml", "--input", "bad.jsonl"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("max_len must be at least 1, got 0"), "{error}");
    let (code, _, error) = case.run(&["--name", "think_format", "--input", "bytes.jsonl"]);
    assert_eq!(code, Some(1));
    let bytes = "bytes.jsonl:1: is not JSON: not valid UTF-8 from byte 17 on";
    assert!(error.contains(bytes), "{error}");
    let (code, _, error) = case.run(&["--name", "soft_overlong", "--input", "bad.jsonl"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("needs the tokens of the completions"), "{error}");
    let (code, _, _) = case.run(&["--input", "bad.jsonl"]);
    assert_eq!(code, Some(2));
}

#[test]
fn sets_and_rows_that_do_not_fit_are_named() {
    let case = Case::new(&[
        ("null.jsonl", "{\"completion\": \"a\", \"solution\": null, \"label\": 3}\n"),
        ("empty.jsonl", ""),
        ("twice.yaml", "rewards: [accuracy, accuracy]\n"),
        ("list.yaml", "- accuracy\n"),
        ("weights.yaml", "rewards: [accuracy, format]\nweights: [1, 2]\n"),
        ("word.yaml", "rewards:\n  - {accuracy: , weight: two}\n"),
        ("set.yaml", "rewards: [accuracy]\n"),
    ]);
    for (set, rows, expected, refused) in [
        ("twice.yaml", "null.jsonl", 2, "twice.yaml: rewards: two rewards are named `accuracy`"),
        ("list.yaml", "null.jsonl", 2, "list.yaml: the document: expected keys with values"),
        ("weights.yaml", "null.jsonl", 2, "weights.yaml:2: weights: unknown field `weights`"),
        ("word.yaml", "null.jsonl", 2, "word.yaml:2: rewards.0.weight: invalid type: string"),
        ("set.yaml", "null.jsonl", 1, "1: solution: is null, and the reward accuracy needs it"),
        ("set.yaml", "empty.jsonl", 0, "accuracy: there are no rows"),
    ] {
        let (code, _, error) = case.run(&["--set", set, "--input", rows]);
        assert!(code == Some(expected) && error.contains(refused), "{set}: {code:?} {error}");
    }
    for tolerance in ["-1", "nan"] {
        let set = ["diff", "set.yaml", "set.yaml", "--input", "empty.jsonl"];
        let (code, _, error) = case.run(&[&set[..], &["--tolerance", tolerance]].concat());
        assert_eq!(code, Some(2));
        assert!(error.contains("--tolerance must be finite and 0 or more, got"), "{error}");
    }
}

#[test]
fn a_process_in_a_set_fails_its_row_alone() {
    let program = r#"while IFS= read -r line; do id=${line#*:}; id=${id%%,*}; case "$line" in *crash*) echo gone >&2; exit 7;; *) echo "{\"id\":$id,\"score\":0.75}";; esac; done"#;
    let set = json!({"rewards": [{"process": {"command": ["sh", "-c", program]}}]}).to_string();
    let rows = lines(&[
        json!({"completion": "a"}),
        json!({"completion": "crash"}),
        json!({"completion": "b"}),
    ]);
    let case = Case::new(&[("rows.jsonl", &rows), ("set.yaml", &set)]);
    let (code, output, error) = case.run(&["--set", "set.yaml", "--input", "rows.jsonl"]);
    assert_eq!(code, Some(0), "{error}");
    let found = parsed(&output);
    let rewards: Vec<&Value> = found.iter().map(|row| &row["reward"]).collect();
    assert_eq!(rewards, [&json!(0.75), &Value::Null, &json!(0.75)]);
    let failed = &found[1]["rewards"]["process"];
    assert_eq!(failed["verdict"], "failed");
    assert_eq!(failed["reason"], "it ended without an answer (exit status: 7); it said: gone");
}

#[test]
fn two_sets_are_compared_row_by_row() {
    let rows = lines(&[
        json!({"completion": "<answer>4</answer>", "solution": "$4$"}),
        json!({"completion": r"\boxed{4}", "solution": "$4$"}),
        json!({"completion": r"\boxed{5}", "solution": "$4$"}),
    ]);
    let case = Case::new(&[
        ("rows.jsonl", &rows),
        ("a.yaml", "rewards: [accuracy]\n"),
        ("b.yaml", "rewards: [{accuracy: {semantics: verify}}]\n"),
    ]);
    let (code, output, error) = case.run(&["diff", "a.yaml", "b.yaml", "--input", "rows.jsonl"]);
    assert_eq!(code, Some(0), "{error}");
    let found = parsed(&output);
    assert_eq!(found.len(), 1, "{output}");
    assert_eq!(
        (&found[0]["row"], &found[0]["completion"]),
        (&json!(1), &json!("<answer>4</answer>"))
    );
    let accuracy = &found[0]["rewards"]["accuracy"];
    assert_eq!([&accuracy["a"]["score"], &accuracy["b"]["score"]], [&json!(0.0), &json!(1.0)]);
    let summary = "accuracy: 1 of 3 rows differ; mean 0.3333 -> 0.6667; 1 unparseable -> correct";
    assert!(error.contains(summary), "{error}");
    for (set, scored) in [("a.yaml", "a.jsonl"), ("b.yaml", "b.jsonl")] {
        let (code, _, error) =
            case.run(&["--set", set, "--input", "rows.jsonl", "--output", scored]);
        assert_eq!(code, Some(0), "{error}");
    }
    let of_files = case.run(&["diff", "a.jsonl", "b.jsonl"]);
    assert_eq!((of_files.0, of_files.1), (Some(0), output));
    let (code, _, error) = case.run(&["diff", "a.jsonl", "rows.jsonl"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("rows.jsonl:1: rewards: expected the scores that `forethought reward` writes, found nothing"), "{error}");
    let (code, _, error) = case.run(&["diff", "a.yaml", "b.yaml"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("--input names the rows that it scores"), "{error}");
}

#[test]
fn a_folder_with_a_reward_model_scores_as_transformers_does() {
    let place = Workplace::with("tiny-qwen2-reward");
    let encoder = Encoder::open(place.path("model")).expect("it opens");
    let golden = "crates/model/tests/fixtures/forward/tiny-qwen2-reward.json";
    let golden = fs::read(repository().join(golden)).expect("a file");
    let golden: Value = serde_json::from_slice(&golden).expect("JSON");
    let sequences: Vec<Vec<u32>> =
        serde_json::from_value(golden["ids"].clone()).expect("lists of ids");
    let mut rows = Vec::new();
    for (index, ids) in sequences.iter().enumerate() {
        let (prompt, completion) = ids.split_at(ids.len() / 2);
        let [prompt, completion] =
            [prompt, completion].map(|ids| encoder.decode_with_specials(ids).expect("it decodes"));
        if encoder.encode(&format!("{prompt}{completion}")).expect("it encodes") == *ids {
            let expected = &golden["reward_unpadded"][index];
            rows.push(json!({"prompt": prompt, "completion": completion, "expected": expected}));
        }
    }
    assert!(!rows.is_empty());
    let judged = rows.len();
    rows.push(json!({"prompt": 3, "completion": "a"}));
    place.write(&rows);
    let folder = place.path("model");
    let set = json!({"rewards": [{"model": {"folder": folder}}], "max_unjudged_share": 0.5});
    fs::write(place.path("set.yaml"), set.to_string()).expect("written");
    let mut command = forethought(&place.path(""));
    command.args(["reward", "--set", "set.yaml", "--input", "rows.jsonl"]);
    let (code, output, error) = outcome(&mut command);
    assert_eq!(code, Some(0), "{error}");
    let found = parsed(&output);
    for row in &found[..judged] {
        let [score, expected] = [&row["rewards"]["model"]["score"], &row["expected"]]
            .map(|number| number.as_f64().expect("a number"));
        assert!((score - expected).abs() < 5e-5, "{row}");
        assert_eq!(row["reward"], row["rewards"]["model"]["score"]);
    }
    let last = &found[judged]["rewards"]["model"];
    assert_eq!((&last["score"], &last["verdict"]), (&Value::Null, &json!("label_unparseable")));
    assert_eq!(last["reason"], "prompt is neither text nor a list of messages");
    let missing = json!({"rewards": [{"model": {"folder": place.path("nowhere")}}]}).to_string();
    fs::write(place.path("set.yaml"), missing).expect("written");
    let (code, _, error) = outcome(&mut command);
    assert!(
        code != Some(0) && error.contains("the reward model ") && error.contains("nowhere"),
        "{error}"
    );
}
