//! Rows of every shape into traces: recognised, declared, chosen among.

use std::path::Path;

use forethought_dataset::{
    Deduplicate, FirstContact, MixConfig, MixOrder, Source, Unfinished, read_examples, read_traces,
};
use forethought_preference::{Part, Shape};

use super::ingest::{Folder, fates, questions, questions_and_rows, read, write_messages};
use super::reading;

#[test]
fn conversations_under_other_tags_are_read_and_unknown_ones_are_named() {
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    let turns: &[(&str, Option<&str>)] = &[("human", Some("q")), ("gpt", Some("t</think>a"))];
    write_messages(&path, ["from", "value"], &[turns]);
    let ingested = read(Source::new(&path));
    assert_eq!(questions_and_rows(&ingested), [("q", 1)]);
    assert_eq!(ingested.ledger.entries[0].about, "sharegpt (messages), recognised");
    write_messages(&path, ["who", "says"], &[turns]);
    let error = folder.error(Source::new(&path));
    assert!(
        error.starts_with("a.parquet: no shape fits the columns messages (nearly: "),
        "{error}"
    );
}

#[test]
fn a_file_that_fits_two_shapes_is_read_in_the_one_that_is_declared() {
    let folder = Folder::new();
    let row = r#"{"prompt": "p", "completion": "t</think>", "instruction": "i", "response": "t</think>"}"#;
    let source = folder.source("a.jsonl", row);
    let error = folder.error(source.clone());
    assert!(error.contains(
        "several shapes fit: prompt_completion (prompt, completion); instruction_response"
    ));
    let shape = Some(Shape::InstructionResponse);
    assert_eq!(questions(&read(Source { shape, ..source })), ["i"]);
}

#[test]
fn problems_and_reasoning_of_their_own_are_traces_and_pairs_are_none() {
    let folder = Folder::new();
    let solved = r#"{"problem": "p", "solution": "<think>t</think>a"}"#;
    assert_eq!(questions(&read(folder.source("a.jsonl", solved))), ["p"]);
    let turns = r#"{"messages": [{"role": "user", "content": "q"},
        {"role": "assistant", "content": "a", "reasoning_content": "hm"}]}"#;
    let read = read(folder.source("b.jsonl", turns.replace('\n', "")));
    assert_eq!((read.traces[0].thinking.as_str(), read.traces[0].answer.as_str()), ("hm", "a"));
    let pair = r#"{"prompt": "p", "chosen": "a", "rejected": "b"}"#;
    assert_eq!(
        folder.error(folder.source("c.jsonl", pair)),
        "c.jsonl: holds preference records, of which no trace can be made"
    );
}

#[test]
fn a_condition_leaves_rows_out_and_may_name_columns_that_are_not_read() {
    let folder = Folder::new();
    let row = |question: &str, score: f64| {
        format!(r#"{{"prompt": "{question}", "completion": "t</think>", "score": {score}}}"#)
    };
    let rows = [row("a", 0.9), row("b", 0.1), row("c", 0.8)].join("\n");
    let filter = Some("score > 0.5".to_owned());
    let ingested = read(Source { filter, ..folder.source("a.jsonl", &rows) });
    assert_eq!(questions(&ingested), ["a", "c"]);
    assert_eq!(
        fates(&ingested.ledger.entries[0]),
        [
            ("filtered_out", [2].as_slice()),
            ("empty_answer", [1, 3].as_slice()),
            ("finished_without_open_tag", [1, 3].as_slice()),
        ]
    );
    let csv = "prompt,completion,score\n1,</think>x,0.9\n2,</think>x,0.1\n";
    let filter = Some("score > 0.5".to_owned());
    let shape = Some(Shape::PromptCompletion);
    let columns = [(Part::Prompt, "prompt".to_owned())].into();
    let numbers = Source { filter, shape, columns, ..folder.source("a.csv", csv) };
    assert_eq!(questions(&read(numbers)), ["1"], "a number is text where text is declared");
}

#[test]
fn a_mix_chooses_among_traces_that_are_whole() {
    let folder = Folder::new();
    let row = |question: &str, completion: &str| {
        format!(r#"{{"prompt": "{question}", "completion": "{completion}"}}"#)
    };
    let a = [row("a", "t</think>"), row("a", "t</think>"), row("cut", "<think>t")].join("\n");
    let turns = r#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "t</think>"}]}"#;
    let b = format!("{turns}\n{}", turns.replace(r#""a""#, r#""b""#));
    let config = MixConfig {
        deduplicate: Some(Deduplicate::default()),
        max_rows: Some(2),
        order: MixOrder::Shuffle,
        ..MixConfig::of(vec![folder.source("a.jsonl", a), folder.source("b.jsonl", b)])
    };
    let mixed = read_traces(&config, Unfinished::Drop, reading()).expect("two traces");
    let mut asked = questions(&mixed);
    asked.sort_unstable();
    assert_eq!(asked, ["a", "b"], "the same in another shape is the same");
    let dropped = mixed.ledger.dropped_by_reason();
    assert_eq!((dropped["duplicate"], dropped["unfinished"]), (2, 1));
    assert_eq!((mixed.ledger.read(), mixed.ledger.kept()), (5, 2));
}

/// `tests/classes/make.py` wrote the files, with `datasets`.
#[test]
fn the_names_of_classes_are_known_and_the_values_stay_numbers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/classes");
    for name in ["classes.parquet", "saved"] {
        let sources = [Source::new(folder.join(name).display().to_string())];
        let examples = read_examples("test", &sources, &FirstContact::Here).expect("readable");
        let classes = &examples.layouts[0].class_names;
        assert_eq!(classes["label"], ["bad", "good"], "{name}");
        let labels = &examples.layouts[0].recognised.layout;
        assert_eq!(labels.describe(), "unpaired (prompt, completion, label)", "{name}");
    }
    // The folder's own description is read where the file has none.
    let copy = tempfile::tempdir().expect("a folder");
    std::fs::copy(folder.join("saved/dataset_info.json"), copy.path().join("dataset_info.json"))
        .expect("copied");
    let rows = copy.path().join("a.jsonl");
    std::fs::write(&rows, r#"{"prompt": "a", "completion": "b", "label": 1}"#).expect("written");
    let sources = [Source::new(rows.display().to_string())];
    let examples = read_examples("test", &sources, &FirstContact::Here).expect("readable");
    assert_eq!(examples.layouts[0].class_names["label"], ["bad", "good"]);
}
