//! Files into problems: where each set keeps its answers, and what becomes of every row.

use std::path::Path;

use forethought_dataset::{DatasetError, Problems, Source, Table};
use forethought_preference::{Part, Shape};
use tempfile::TempDir;

use super::{of, reading};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn source(folder: &TempDir, name: &str, text: &str) -> Source {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("the folder can be written");
    Source::new(path.display().to_string())
}

fn read_problems(source: Source) -> Result<Problems, DatasetError> {
    forethought_dataset::read_problems(&of(source), reading())
}

fn parts(problems: &Problems) -> Vec<(u64, &str, Option<&str>, Option<&str>)> {
    problems
        .problems
        .iter()
        .map(|one| (one.row, one.problem.as_str(), one.solution.as_deref(), one.answer.as_deref()))
        .collect()
}

#[test]
fn a_set_with_hashes_is_recognised_and_read_the_same_under_other_names() {
    let folder = folder();
    let text = r#"{"question": " How many? ", "answer": "48+24 = <<48+24=72>>72.\n#### 72"}"#;
    let plain = source(&folder, "gsm8k.jsonl", text);
    let recognised = read_problems(plain).expect("one problem");
    let solution = "48+24 = <<48+24=72>>72.";
    assert_eq!(parts(&recognised), [(1, "How many?", Some(solution), Some("72"))]);
    assert_eq!(recognised.ledger.entries[0].about, "gsm8k (question, answer), recognised");
    let text = text.replace("question", "frage").replace("answer", "antwort");
    let columns = [(Part::Question, "frage".to_owned()), (Part::Answer, "antwort".to_owned())];
    let named = Source { columns: columns.into(), ..source(&folder, "other.jsonl", &text) };
    assert_eq!(parts(&read_problems(named).expect("one problem")), parts(&recognised));
}

#[test]
fn boxes_are_read_and_columns_left_aside_are_said() {
    let folder = folder();
    let row = r#"{"problem": "p", "solution": "So $\\boxed{\\frac{1}{2}}$.", "type": "Algebra", "level": 3}"#;
    let read = read_problems(source(&folder, "math.jsonl", row)).expect("one problem");
    let solution = r"So $\boxed{\frac{1}{2}}$.";
    assert_eq!(parts(&read), [(1, "p", Some(solution), Some(r"\frac{1}{2}"))]);
    assert_eq!(
        read.ledger.entries[0].about,
        "math (problem, solution), recognised; not read: type, level"
    );
}

#[test]
fn answers_may_be_numbers_and_problems_may_stand_in_two_columns() {
    let folder = folder();
    let rows = "{\"Body\": \"Two groups of 290. \", \"Question\": \"How big?\", \"Answer\": 145.0}\n\
                {\"Body\": \"b\", \"Question\": \"q\", \"Answer\": true}\n\
                {\"Body\": \"b\", \"Question\": \"q\", \"Answer\": 0.25}";
    let shape = Some(Shape::Exercise);
    let lines = Source { shape, ..source(&folder, "a.jsonl", rows) };
    let read = read_problems(lines).expect("two problems");
    let expected =
        [(1, "Two groups of 290. How big?", None, Some("145")), (3, "b q", None, Some("0.25"))];
    assert_eq!(parts(&read), expected);
    let error = read.ledger.entries[0].row_errors[0].to_string();
    assert!(
        error.ends_with(
            "a.jsonl:2:32: field `Answer` must be a text or a number, found true or false"
        ),
        "{error}"
    );

    let path = folder.path().join("a.parquet");
    let table = Table::new()
        .text("q", ["p".to_owned(), "r".to_owned()])
        .float("target", [Some(43.0), None]);
    table.write_parquet(Path::new(&path)).expect("the folder can be written");
    let columns = [(Part::Question, "q".to_owned()), (Part::Answer, "target".to_owned())].into();
    let parquet = Source { columns, ..Source::new(path.display().to_string()) };
    let read = read_problems(parquet).expect("one problem");
    assert_eq!(parts(&read), [(1, "p", None, Some("43"))]);
    assert_eq!(read.ledger.entries[0].dropped["null"].rows, [2]);
}

#[test]
fn rows_without_an_answer_are_noted_and_rows_without_anything_are_dropped() {
    let folder = folder();
    let rows = [
        r#"{"problem": "p", "solution": "It follows."}"#,
        r#"{"problem": " ", "solution": "So."}"#,
        r#"{"problem": "p", "solution": " "}"#,
    ];
    let read = read_problems(source(&folder, "a.jsonl", &rows.join("\n"))).expect("one problem");
    assert_eq!(parts(&read), [(1, "p", Some("It follows."), None)]);
    let entry = &read.ledger.entries[0];
    assert_eq!(entry.notes["no_answer"].rows, [1]);
    assert_eq!(entry.dropped["empty_text"].rows, [2, 3]);
    read.ledger.check().expect("every row is accounted for");
}

#[test]
fn other_shapes_hold_problems_too_and_what_fits_none_is_named() {
    let folder = folder();
    let pair = source(&folder, "a.jsonl", r#"{"prompt": "p", "completion": "\\boxed{3}"}"#);
    let read = read_problems(pair).expect("one problem");
    assert_eq!(parts(&read), [(1, "p", Some(r"\boxed{3}"), Some("3"))]);
    let error = |name: &str, row: &str| {
        read_problems(source(&folder, name, row)).expect_err("no shape").to_string()
    };
    let none = error("b.jsonl", r#"{"question": "q", "target": 3}"#);
    assert!(none.contains("no shape fits the columns question, target (nearly: "), "{none}");
    assert!(none.contains("exercise lacks `answer`"), "{none}");
    let empty = error("d.jsonl", r#"{"problem": "", "answer": "3"}"#);
    assert!(empty.starts_with("no problem is left of what was read"), "{empty}");
}
