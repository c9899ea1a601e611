//! Files nobody here wrote: what is wrong is said with path and row, good rows are kept, and every row is accounted for.

use std::fs;

use forethought_dataset::{Ledger, Table};
use forethought_schema::{
    LabelledQuestion, Message, Prediction, Prompt, PromptCompletion, Role, Trace,
};
use forethought_tests::{Project, lines};
use forethought_tokenize::Encoder;

use crate::attempt::{Attempt, Finished};

/// Ingests one file of the project, read with these further keys of its source.
fn ingest(project: &Project, file: &str, keys: &str) -> Attempt {
    let path = project.path(file).display().to_string();
    Attempt::new(project, "run")
        .set(format!("ingest.sources=[{{path: '{path}'{keys}}}]"))
        .until("ingest")
}

#[test]
fn a_missing_file_is_named_with_the_nearest_name_of_its_folder() {
    let project = Project::new();
    let error = ingest(&project, "tracse.jsonl", "").error();
    let path = project.path("tracse.jsonl");
    let expected = format!("{}: no such file (did you mean `traces.jsonl`?)", path.display());
    assert_eq!(error, expected);
    let error = ingest(&project, "*.parquet", "").error();
    assert!(error.ends_with("*.parquet: no file matches this pattern"), "{error}");
}

#[test]
fn a_missing_column_is_named_with_those_there_are() {
    let project = Project::new();
    let error =
        ingest(&project, "traces.jsonl", ", columns: {prompt: promt, completion: completion}")
            .error();
    let path = project.path("traces.jsonl");
    let expected = format!(
        "{}: no column `promt` for the part `prompt` (did you mean `prompt`?); there are: prompt, completion",
        path.display()
    );
    assert_eq!(error, expected);
    project.write("other.jsonl", "{\"question\": \"a\", \"reply\": \"b\"}\n");
    let error = ingest(&project, "other.jsonl", "").error();
    assert!(error.contains("no shape fits the columns question, reply"), "{error}");
}

#[test]
fn broken_rows_cost_no_other_row_and_the_ledger_names_each() {
    let project = Project::new();
    let good: Vec<String> = lines()[..4].iter().map(forethought_tests::Line::json).collect();
    let rows = [
        good[0].as_str(),
        "{\"prompt\": \"cut off",
        good[1].as_str(),
        "[1, 2]",
        "{\"prompt\": \"no completion\"}",
        "{\"prompt\": 3, \"completion\": \"<think>a</think>b\"}",
        "",
        good[2].as_str(),
        "{\"prompt\": null, \"completion\": \"<think>a</think>b\"}",
        "{\"prompt\": \"never ends\", \"completion\": \"<think>\\nhm\"}",
        good[3].as_str(),
    ];
    project.write("rows.jsonl", rows.join("\n"));
    let run = ingest(&project, "rows.jsonl", "").finish();

    let traces: Vec<Trace> = run.rows("ingest/traces.jsonl");
    let kept: Vec<(u64, &str)> =
        traces.iter().map(|one| (one.row, one.question.as_str())).collect();
    let questions: Vec<String> = lines()[..4].iter().map(|line| line.question.clone()).collect();
    let expected: Vec<(u64, &str)> =
        [1, 3, 8, 11].into_iter().zip(questions.iter().map(String::as_str)).collect();
    assert_eq!(kept, expected);

    let ledger: Ledger = run.json("artifacts/ingest/ledger.json");
    ledger.check().expect("sums that agree");
    assert_eq!((ledger.read(), ledger.kept(), ledger.dropped()), (10, 4, 6));
    let entry = &ledger.entries[0];
    let rows_of = |reason: &str| entry.dropped[reason].rows.clone();
    assert_eq!(rows_of("invalid_json"), [2]);
    assert_eq!(rows_of("not_an_object"), [4]);
    assert_eq!(rows_of("missing_field"), [5]);
    assert_eq!(rows_of("wrong_type"), [6]);
    assert_eq!(rows_of("null"), [9]);
    assert_eq!(rows_of("unfinished"), [10]);
    let first = entry.row_errors[0].to_string();
    let path = project.path("rows.jsonl");
    assert!(first.starts_with(&format!("{}:2:", path.display())), "{first}");
}

#[test]
fn three_shapes_and_three_formats_are_one_data_set() {
    let project = Project::new();
    let lines = lines();
    let completion = |index: usize| {
        let value: serde_json::Value = serde_json::from_str(&lines[index].json()).expect("JSON");
        value["completion"].as_str().expect("text").to_owned()
    };
    let table = Table::new()
        .text("instruction", (0..20).map(|index| lines[index].question.clone()))
        .text("response", (0..20).map(completion));
    table.write_parquet(&project.path("a.parquet")).expect("written");
    let turns = |index: usize| {
        serde_json::json!({"messages": [
            {"role": "system", "content": "Be a parrot."},
            {"role": "user", "content": lines[index].question},
            {"role": "assistant", "content": completion(index)},
            {"role": "user", "content": "Thank you."},
        ]})
    };
    project.write("b.json", serde_json::json!((20..30).map(turns).collect::<Vec<_>>()).to_string());
    let rest: Vec<String> = lines[30..40].iter().map(forethought_tests::Line::json).collect();
    project.write("c.jsonl", rest.join("\n"));
    let [a, b, c] =
        ["a.parquet", "b.json", "c.jsonl"].map(|name| project.path(name).display().to_string());
    let run = Attempt::new(&project, "run")
        .set(format!("ingest.sources=[{{path: '{a}'}}, {{path: ['{b}', '{c}']}}]"))
        .until("ingest")
        .finish();
    let traces: Vec<Trace> = run.rows("ingest/traces.jsonl");
    let found: Vec<(&str, usize)> =
        traces.iter().map(|one| (one.question.as_str(), one.thinking.split(' ').count())).collect();
    let expected: Vec<(&str, usize)> =
        lines[..40].iter().map(|line| (line.question.as_str(), line.thinking_tokens)).collect();
    assert_eq!(found, expected);
    let ledger: Ledger = run.json("artifacts/ingest/ledger.json");
    assert_eq!(ledger.entries.iter().map(|entry| entry.read).collect::<Vec<_>>(), [20, 10, 10]);
}

#[test]
fn a_truncated_parquet_file_is_an_error_with_its_path() {
    let project = Project::new();
    let path = project.path("whole.parquet");
    let table = Table::new().text("prompt", ["a".to_owned()]).text("completion", ["b".to_owned()]);
    table.write_parquet(&path).expect("written");
    let bytes = fs::read(&path).expect("it is there");
    let cut = project.write("cut.parquet", &bytes[..bytes.len() - 20]);
    let error = ingest(&project, "cut.parquet", "").error();
    assert!(error.starts_with(&format!("{}: ", cut.display())), "{error}");
    let none = project.write("none.parquet", "");
    let error = ingest(&project, "none.parquet", "").error();
    assert!(error.starts_with(&format!("{}: ", none.display())), "{error}");
}

#[test]
fn a_json_file_that_breaks_off_has_line_and_column() {
    let project = Project::new();
    project.write("cut.json", "[{\"prompt\": \"a\", \"completion\": \"b\"},\n {\"prompt\": \"c\"");
    let error = ingest(&project, "cut.json", "").error();
    let start = format!("{}:2:", project.path("cut.json").display());
    assert!(error.starts_with(&start), "{error}");
}

#[test]
fn an_empty_data_set_is_an_error_with_its_ledger() {
    let project = Project::new();
    project.write("empty.jsonl", "");
    let error = ingest(&project, "empty.jsonl", "").error();
    assert!(error.starts_with("no trace is left of what was read:"), "{error}");
    assert!(error.contains("empty.jsonl") && error.contains("read  0"), "{error}");

    let unfinished: Vec<String> = lines()
        .iter()
        .filter(|line| !line.is_finished)
        .map(forethought_tests::Line::json)
        .collect();
    project.write("unfinished.jsonl", unfinished.join("\n"));
    let error = ingest(&project, "unfinished.jsonl", "").error();
    assert!(error.contains("5 rows read = 0 kept + 5 dropped"), "{error}");
    let kept = ingest(&project, "unfinished.jsonl", "").set("ingest.unfinished=keep").finish();
    let traces: Vec<Trace> = kept.rows("ingest/traces.jsonl");
    assert!(traces.len() == 5 && traces.iter().all(|trace| !trace.is_finished));
}

#[test]
fn a_data_set_of_which_nothing_is_left_says_why_and_what_to_change() {
    let project = Project::new();
    let error = Attempt::new(&project, "run").set("balance.min_count=1000").error();
    assert!(
        error.starts_with("nothing is left for training: none of 4 classes has min_count = 1000"),
        "{error}"
    );
    assert!(error.contains("126 rows read = 0 kept + 126 dropped"), "{error}");
    let error = Attempt::new(&project, "run").set("balance.validation.ratio=0.001").error();
    assert!(error.starts_with("nothing is left for validation"), "{error}");
    let run = Attempt::new(&project, "run").until("label").finish();
    assert!(!run.artifact("balance").exists(), "a stage that failed leaves no artifact");
}

#[test]
fn examples_over_the_length_limit_are_an_error_or_counted() {
    let project = Project::new();
    let limited = || Attempt::new(&project, "run").set("sft.max_length=20").until("sft");
    let error = limited().error();
    assert!(error.contains("stage sft: example 1: an example has"), "{error}");
    assert!(error.contains("allowed are 20; raise max_length or set on_overflow"), "{error}");
    // Dropping all of them leaves nothing to train on, which is no success either.
    let error = limited().set("sft.on_overflow=drop").error();
    let expected =
        "stage sft: no example is left: all have more than max_length = 20 tokens; raise it";
    assert!(error.starts_with(expected), "{error}");
    assert!(error.contains("sft: 64 rows read = 0 kept + 64 dropped"), "{error}");
    let limited = Attempt::new(&project, "run").set("grpo.max_prompt_length=20").until("grpo");
    assert!(limited.error().contains("max_prompt_length = 20 tokens"));
}

/// How many tokens each validation question has, with its instruction and the marks of the chat template.
fn lengths_of_questions(run: &Finished) -> Vec<usize> {
    let encoder = Encoder::open(run.artifact("model/model")).expect("a tokenizer");
    let examples: Vec<PromptCompletion> = run.rows("convert/validation.jsonl");
    let length = |example: PromptCompletion| {
        let Prompt::Text(text) = example.prompt else { panic!("a text") };
        let turns = [Message::new(Role::User, text)];
        let prompt = forethought_tokenize::Prompt::Chat(&turns);
        encoder.encode_prompt(prompt).expect("a prompt").len()
    };
    examples.into_iter().map(length).collect()
}

#[test]
fn long_questions_are_an_error_of_predict_or_counted_and_nobody_is_measured_on_them() {
    let project = Project::new();
    let attempt = |folder: &str| Attempt::new(&project, folder).set("sft.training.max_steps=1");
    let run = attempt("run").until("sft").finish();
    let lengths = lengths_of_questions(&run);
    let longest = *lengths.iter().max().expect("questions");
    let long: Vec<u64> =
        (1..).zip(&lengths).filter(|(_, one)| **one == longest).map(|(row, _)| row).collect();
    assert!(long.len() < lengths.len(), "{lengths:?}");
    let limited = |overflow: &str| {
        let limit = format!("predict.max_prompt_length={}", longest - 1);
        attempt("run").set(limit).set(format!("predict.on_overflow={overflow}"))
    };
    let error = limited("error").until("predict").error();
    let expected = format!("stage predict: example {}: ", long[0]);
    assert!(error.starts_with(&expected), "{error}");
    assert!(error.ends_with("raise max_prompt_length or set on_overflow"), "{error}");
    let none = attempt("run").set("predict.max_prompt_length=1").until("predict").error();
    assert!(none.contains("all have more than max_prompt_length = 1 tokens; raise it"), "{none}");

    let run = limited("drop").finish();
    let ledger: Ledger = run.json("artifacts/predict/ledger.json");
    ledger.check().expect("sums that agree");
    assert_eq!(ledger.read(), lengths.len() as u64);
    assert_eq!(ledger.entries[0].dropped["too_long"].rows, long);
    let kept = lengths.len() - long.len();
    let truths: Vec<LabelledQuestion> = run.rows("balance/validation.jsonl");
    let asked: Vec<(String, u32)> = (1..)
        .zip(truths)
        .filter(|(row, _)| !long.contains(row))
        .map(|(_, one)| (one.question, one.class))
        .collect();
    for model in ["sft", "grpo"] {
        let predictions: Vec<Prediction> = run.rows(&format!("predict/{model}.jsonl"));
        let answered: Vec<(String, u32)> =
            predictions.into_iter().map(|one| (one.question, one.class)).collect();
        assert_eq!(answered, asked, "{model}");
    }
    let report: serde_json::Value = run.json("report.json");
    let entries = report["entries"].as_array().expect("baselines and models");
    assert_eq!(entries.len(), 5);
    for entry in entries {
        assert_eq!(entry["metrics"]["strict"]["n"], kept, "{entry}");
    }
    let stages = report["ledger"].as_array().expect("accounts");
    let predict = stages.iter().find(|one| one["stage"] == "predict").expect("what was left out");
    assert_eq!(predict["dropped"][0]["count"], long.len());

    let run = limited("truncate").until("predict").finish();
    let ledger: Ledger = run.json("artifacts/predict/ledger.json");
    ledger.check().expect("sums that agree");
    let cut = &ledger.entries[0].changed["truncated"];
    assert_eq!((ledger.kept(), &cut.rows), (lengths.len() as u64, &long));
    assert!(cut.tokens.iter().all(|lost| *lost == 1), "{cut:?}");
    let predictions: Vec<Prediction> = run.rows("predict/sft.jsonl");
    assert_eq!(predictions.len(), lengths.len());
}

#[test]
fn an_empty_prompt_file_is_an_error_with_its_path() {
    let project = Project::new();
    let path = project.write("prompt.txt", " \n");
    let error = Attempt::new(&project, "run").until("convert").error();
    let expected =
        format!("stage convert: {} is empty; write the instruction into it", path.display());
    assert_eq!(error, expected);
}
