//! Files of every format and shape into traces, and the errors of files and rows that are none.

use std::path::Path;

use forethought_dataset::{
    DatasetError, Format, Ingested, LedgerEntry, MixConfig, Source, Table, Unfinished, read_traces,
};
use forethought_preference::{Part, Shape};
use polars::prelude::{
    Column as PolarsColumn, DataFrame, IntoSeries, NamedFrom, ParquetWriter, Series, StructChunked,
};
use tempfile::TempDir;

use super::{of, reading};

/// A folder of files for one test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// Writes a file and names it as a source.
    pub(crate) fn source(&self, name: &str, content: impl AsRef<[u8]>) -> Source {
        std::fs::write(self.path(name), content).expect("the folder can be written");
        Source::new(self.path(name))
    }

    /// An error without the folder's path, which differs from run to run.
    pub(crate) fn plain(&self, error: &DatasetError) -> String {
        error.to_string().replace(&format!("{}/", self.0.path().display()), "")
    }

    pub(crate) fn error(&self, source: Source) -> String {
        let error =
            read_traces(&of(source), Unfinished::Drop, reading()).expect_err("the file is bad");
        self.plain(&error)
    }

    /// The errors of rows, without the folder's path.
    fn row_errors(&self, ingested: &Ingested) -> Vec<String> {
        let errors = ingested.ledger.entries.iter().flat_map(|entry| &entry.row_errors);
        let prefix = format!("{}/", self.0.path().display());
        errors.map(|error| error.to_string().replace(&prefix, "")).collect()
    }
}

pub(crate) fn read(source: Source) -> Ingested {
    read_traces(&of(source), Unfinished::Drop, reading()).expect("there are traces")
}

pub(crate) fn questions(ingested: &Ingested) -> Vec<&str> {
    ingested.traces.iter().map(|trace| trace.question.as_str()).collect()
}

/// Reason or note, how many rows, and which.
pub(crate) fn fates(entry: &LedgerEntry) -> Vec<(&str, &[u64])> {
    let lists = entry.dropped.iter().chain(&entry.notes);
    lists.map(|(what, rows)| (what.as_str(), rows.rows.as_slice())).collect()
}

const GOOD: &str = r#"{"prompt": "q", "completion": "<think>t</think>a"}"#;

/// A parquet file with conversations; each turn is (role, content).
pub(crate) fn write_messages(
    path: &str,
    fields: [&str; 2],
    conversations: &[&[(&str, Option<&str>)]],
) {
    let conversation = |turns: &&[(&str, Option<&str>)]| {
        let roles: Vec<&str> = turns.iter().map(|(role, _)| *role).collect();
        let contents: Vec<Option<&str>> = turns.iter().map(|(_, content)| *content).collect();
        let columns = [
            Series::new(fields[0].into(), roles),
            Series::new("index".into(), vec![7_i64; turns.len()]),
            Series::new(fields[1].into(), contents),
        ];
        StructChunked::from_series("".into(), turns.len(), columns.iter())
            .expect("columns of one length")
            .into_series()
    };
    let lists: Vec<Series> = conversations.iter().map(conversation).collect();
    let column = PolarsColumn::from(Series::new("messages".into(), lists));
    let mut frame = DataFrame::new(conversations.len(), vec![column]).expect("one column");
    let file = std::fs::File::create(path).expect("the folder can be written");
    ParquetWriter::new(file).finish(&mut frame).expect("the frame can be written");
}

#[test]
fn json_lines_are_read_with_their_line_numbers() {
    let folder = Folder::new();
    let text = "\u{feff}{\"prompt\": \" one \", \"completion\": \"<think> t \\n</think>\\n a \"}\r\n\r\n  \n\
                {\"completion\": \"u</think>b\", \"prompt\": \"two\", \"id\": 3}";
    let ingested = read(folder.source("a.jsonl", text));
    let [one, two] = ingested.traces.as_slice() else { panic!("two traces") };
    assert_eq!((one.row, one.question.as_str()), (1, "one"));
    assert_eq!((one.thinking.as_str(), one.answer.as_str(), one.is_finished), ("t", "a", true));
    assert_eq!((two.row, two.question.as_str()), (4, "two"));
    assert_eq!((two.thinking.as_str(), two.answer.as_str()), ("u", "b"));
    let entry = &ingested.ledger.entries[0];
    assert_eq!(entry.about, "prompt_completion (prompt, completion), recognised; not read: id");
    assert_eq!((entry.read, entry.num_kept()), (2, 2));
    assert_eq!(fates(entry), [("finished_without_open_tag", [4].as_slice())]);
}

#[test]
fn broken_lines_are_named_and_cost_no_other_line() {
    let folder = Folder::new();
    let mut bytes = Vec::new();
    for line in [
        GOOD.as_bytes(),
        br#"{"prompt": "q", "completion": "<think>t"#,
        b"{\"prompt\": \"\xff\"}",
        b"[1, 2]",
        br#"{"prompt": "q" "completion": "c"}"#,
        br#"{"prompt": "a", "prompt": "b", "completion": "c"}"#,
        br#"{"promt": "q", "completion": "c"}"#,
        br#"{"prompt": null, "completion": "c"}"#,
        br#"{"prompt": "q", "completion": 3.5}"#,
        GOOD.as_bytes(),
    ] {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    let shape = Some(Shape::PromptCompletion);
    let ingested = read(Source { shape, ..folder.source("a.jsonl", bytes) });
    assert_eq!(ingested.traces.iter().map(|trace| trace.row).collect::<Vec<_>>(), [1, 10]);
    assert_eq!(
        folder.row_errors(&ingested),
        [
            "a.jsonl:2:39: not valid JSON: EOF while parsing a string, near `ompletion\": \"<think>t`",
            "a.jsonl:3:13: not valid UTF-8 from byte 13 on",
            "a.jsonl:4:1: expected an object, found a list",
            "a.jsonl:5:16: not valid JSON: expected `,` or `}`, near `{\"prompt\": \"q\" \"completion\": \"c\"}`",
            "a.jsonl:6:17: `prompt` stands 2 times",
            "a.jsonl:7:1: field `prompt` is missing (did you mean `promt`?); there are: completion, promt",
            "a.jsonl:8:2: field `prompt` is null",
            "a.jsonl:9:17: field `completion` must be a text or a list of turns, found a number",
        ]
    );
    let entry = &ingested.ledger.entries[0];
    assert_eq!((entry.read, entry.num_kept(), entry.num_dropped()), (10, 2, 8));
    assert_eq!(entry.dropped["invalid_json"].rows, [2, 5]);
}

#[test]
fn unfinished_traces_are_dropped_by_default_and_kept_when_asked() {
    let folder = Folder::new();
    let row = |completion: &str| format!(r#"{{"instruction": "q", "response": "{completion}"}}"#);
    let rows = [row("<think>t</think>a"), row("<think>t"), row("no tags"), row("<think></think>a")];
    let source = folder.source("a.ndjson", rows.join("\n"));

    let dropped = read(source.clone());
    assert_eq!(dropped.traces.iter().map(|trace| trace.row).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(
        fates(&dropped.ledger.entries[0]),
        [
            ("no_think_tags", [3].as_slice()),
            ("unfinished", [2].as_slice()),
            ("empty_thinking", [4].as_slice())
        ]
    );

    let kept = read_traces(&of(source), Unfinished::Keep, reading()).expect("there are traces");
    let finished: Vec<(u64, bool)> =
        kept.traces.iter().map(|trace| (trace.row, trace.is_finished)).collect();
    assert_eq!(finished, [(1, true), (2, false), (4, true)]);
    assert_eq!(kept.ledger.entries[0].notes["unfinished"].rows, [2]);
    assert_eq!(kept.ledger.entries[0].dropped["no_think_tags"].rows, [3]);
}

#[test]
fn a_json_array_is_read_by_item() {
    let folder = Folder::new();
    let turns =
        r#"[{"role": "user", "content": "q"}, {"role": "assistant", "content": "t</think>a"}]"#;
    let text = format!(r#"[{{"messages": {turns}}}, 7, {{"messages": {turns}, "id": 1}}]"#);
    let ingested = read(folder.source("a.json", text));
    assert_eq!(ingested.traces.iter().map(|trace| trace.row).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(folder.row_errors(&ingested), ["a.json, row 2: expected an object, found a number"]);
}

#[test]
fn a_json_file_that_is_no_array_holds_lines_or_says_where_and_what() {
    let folder = Folder::new();
    assert_eq!(
        folder.error(folder.source("a.json", format!("[{GOOD},\n {{\"prompt\": }}]"))),
        "a.json:2:13: not valid JSON: expected value"
    );
    assert_eq!(
        folder.error(folder.source("b.json", "{\n \"prompt\": \"q\"}")),
        "b.json:1:1: not valid JSON: expected an array of objects, found an object; \
         for one object a line, set `format: jsonl`"
    );
    assert_eq!(
        folder.error(folder.source("c.json", format!("[{GOOD}]\n{GOOD}"))),
        "c.json:2:1: not valid JSON: trailing characters; for one object a line, set `format: jsonl`"
    );
    assert_eq!(read(folder.source("e.json", format!("{GOOD}\n{GOOD}"))).traces.len(), 2);
    let as_array = Source { format: Format::Json, ..Source::new(folder.path("e.json")) };
    assert!(folder.error(as_array).contains("found an object"));
    let invalid = folder.error(folder.source("d.json", b"[\n\"\xff\"]"));
    assert!(invalid.starts_with("d.json:2:"), "{invalid}");
}

#[test]
fn parquet_of_two_columns_is_read() {
    let folder = Folder::new();
    let questions = [Some("q".to_owned()), None, Some("r".to_owned())];
    let completions = ["<think>t</think>a", "<think>t</think>a", "<think>u"].map(String::from);
    let path = folder.path("a.parquet");
    let table =
        Table::new().integer("id", 0..3).text("q", questions).text("completion", completions);
    table.write_parquet(Path::new(&path)).expect("the folder can be written");

    let columns = [(Part::Prompt, "q".to_owned())].into();
    let ingested = read(Source { columns, ..Source::new(&path) });
    assert_eq!(questions_and_rows(&ingested), [("q", 1)]);
    let entry = &ingested.ledger.entries[0];
    assert_eq!(entry.about, "prompt_completion (q, completion), as declared; not read: id");
    assert_eq!(fates(entry), [("null", [2].as_slice()), ("unfinished", [3].as_slice())]);
    assert_eq!(folder.row_errors(&ingested), ["a.parquet, row 2: field `q` is null"]);

    assert_eq!(
        folder.error(Source::new(&path)),
        "a.parquet: no shape fits the columns id, q, completion (nearly: prompt_completion lacks `prompt`); set `shape` and `columns`"
    );
    let columns = [(Part::Prompt, "q".to_owned()), (Part::Completion, "id".to_owned())].into();
    let shape = Some(Shape::PromptCompletion);
    assert_eq!(
        folder.error(Source { shape, columns, ..Source::new(&path) }),
        "a.parquet: the shape prompt_completion does not fit: `id` does not hold texts or lists of {role: user | \
         assistant | tool | function_call | system, content}"
    );
}

pub(crate) fn questions_and_rows(ingested: &Ingested) -> Vec<(&str, u64)> {
    ingested.traces.iter().map(|trace| (trace.question.as_str(), trace.row)).collect()
}

#[test]
fn parquet_of_conversations_is_read_and_extra_fields_are_ignored() {
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    let answer = ("assistant", Some("<think>t</think>a"));
    write_messages(
        &path,
        ["role", "content"],
        &[
            &[("system", Some("s")), ("user", Some("q")), answer],
            &[answer, ("user", Some("r"))],
            &[],
            &[("user", None), answer],
            &[("user", Some("z")), answer],
        ],
    );
    let ingested = read(Source::new(&path));
    assert_eq!(questions_and_rows(&ingested), [("q", 1), ("z", 5)]);
    assert_eq!(
        folder.row_errors(&ingested),
        [
            "a.parquet, row 2: field `messages` has no turn of the assistant after one of the user; its roles are: \
             assistant, user",
            "a.parquet, row 3: field `messages` is empty",
            "a.parquet, row 4: field `messages[0].content` is null",
        ]
    );
}

#[test]
fn every_row_group_of_a_large_parquet_file_is_read_once() {
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    let rows = 140_000;
    let texts = |text: &str| (0..rows).map(|row| format!("{text}{row}")).collect::<Vec<_>>();
    let table = Table::new().text("prompt", texts("q")).text("completion", texts("t</think>"));
    table.write_parquet(Path::new(&path)).expect("the folder can be written");
    let ingested = read(Source::new(&path));
    assert_eq!(ingested.traces.len(), rows);
    let in_place = |(index, trace): (usize, &forethought_schema::Trace)| {
        trace.row == index as u64 + 1 && trace.question == format!("q{index}")
    };
    assert!(ingested.traces.iter().enumerate().all(in_place));
}

#[test]
fn truncated_and_corrupt_parquet_is_named() {
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    write_messages(
        &path,
        ["role", "content"],
        &[&[("user", Some("q")), ("assistant", Some("</think>"))]],
    );
    let whole = std::fs::read(&path).expect("it was written");
    let truncated = folder.error(folder.source("b.parquet", &whole[..whole.len() - 9]));
    assert!(truncated.starts_with("b.parquet: truncated: it ends with "), "{truncated}");
    for index in (4..whole.len() - 4).step_by(5) {
        let mut bytes = whole.clone();
        bytes[index] ^= 0x55;
        let source = folder.source("c.parquet", bytes);
        if let Err(error) = read_traces(&of(source), Unfinished::Drop, reading()) {
            let text = folder.plain(&error);
            assert!(text.contains("c.parquet"), "byte {index}: {text}");
        }
    }
}

#[test]
fn a_column_missing_from_every_row_is_an_error_of_the_file() {
    let folder = Folder::new();
    let rows = r#"{"promt": "q", "completion": "c"}"#;
    let shape = Some(Shape::PromptCompletion);
    let source = Source { shape, ..folder.source("a.jsonl", rows) };
    assert_eq!(
        folder.error(source),
        "a.jsonl: no column `prompt` for the part `prompt` (did you mean `promt`?); there are: promt, completion"
    );
    let error = folder.error(Source::new(folder.path("a.jsonl")));
    assert!(error.contains("prompt_completion lacks `prompt` (did you mean `promt`?)"), "{error}");
    assert_eq!(
        folder.error(folder.source("b.jsonl", "{}")),
        "b.jsonl: no shape fits the columns (none); set `shape` and `columns`"
    );
}

#[test]
fn nothing_left_shows_where_everything_went() {
    let folder = Folder::new();
    assert_eq!(
        folder.error(folder.source("a.jsonl", "")),
        "no trace is left of what was read:\n\
         ingest: 0 rows read = 0 kept + 0 dropped\n  a.jsonl\n    read  0\n"
    );
    let error = folder.error(folder.source("b.jsonl", "nonsense\n\nmore"));
    assert!(error.contains("ingest: 2 rows read = 0 kept + 2 dropped"), "{error}");
    assert!(error.contains("dropped invalid_json  2  rows 1, 3"), "{error}");
    let row = r#"{"prompt": " ", "completion": "</think>"}"#;
    let error = folder.error(folder.source("c.jsonl", row));
    assert!(error.contains("dropped empty_question  1  row 1"), "{error}");
}

#[test]
fn an_empty_file_beside_a_full_one_is_in_the_ledger() {
    let folder = Folder::new();
    let sources = [folder.source("a.json", " \n"), folder.source("b.jsonl", GOOD)];
    let ingested = read_traces(&MixConfig::of(sources.into()), Unfinished::Drop, reading())
        .expect("one trace");
    let read: Vec<u64> = ingested.ledger.entries.iter().map(|entry| entry.read).collect();
    assert_eq!(read, [0, 1]);
}

#[test]
fn no_source_a_missing_file_and_a_file_named_twice_are_errors() {
    let folder = Folder::new();
    let none = read_traces(&MixConfig::default(), Unfinished::Drop, reading())
        .expect_err("nothing to read");
    assert_eq!(none.to_string(), "no files to read: sources is empty");
    let source = folder.source("a.jsonl", GOOD);
    assert_eq!(
        folder.error(Source::new(folder.path("a.json"))),
        "a.json: no such file (did you mean `a.jsonl`?)"
    );
    let again = Source::new(folder.path("*.jsonl"));
    let error = read_traces(&MixConfig::of(vec![source, again]), Unfinished::Drop, reading())
        .expect_err("named twice");
    assert_eq!(
        folder.plain(&error),
        "a.jsonl: named by two sources, so its rows would count twice"
    );
}
