//! The same rows out of every container, splits, and what happens to containers that are broken.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use forethought_dataset::{
    DatasetError, Format, Json, RowFile, Selection, Source, find_files, read_objects,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::HERE;

/// Rows with every type that all containers have.
fn expected() -> Vec<Value> {
    vec![
        json!({"question": "2 + 2, \"quoted\"\nand more?", "steps": 3, "score": 0.5, "good": true}),
        json!({"question": "Größe — 多少？", "steps": -1, "score": 2.25, "good": false}),
        json!({"question": "third", "steps": null, "score": null, "good": null}),
    ]
}

/// A stream as `datasets` saved it.
fn stream() -> Vec<u8> {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/seeds/saved/train/data-00000-of-00001.arrow");
    std::fs::read(path).expect("a seed")
}

fn delimited(rows: &[Value], delimiter: char) -> String {
    let names = ["question", "steps", "score", "good"];
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        other => other.to_string(),
    };
    let row = |row: &Value| names.map(|name| cell(&row[name])).join(&delimiter.to_string());
    let lines: Vec<String> = rows.iter().map(row).collect();
    format!("{}\r\n{}\r\n", names.join(&delimiter.to_string()), lines.join("\r\n"))
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

fn zst(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).expect("memory")
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        std::fs::write(&path, content).expect("the folder can be written");
        path
    }

    /// An error without the folder's path, which differs from run to run.
    fn plain(&self, error: &DatasetError) -> String {
        error.to_string().replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn values(path: &Path) -> Result<Vec<Value>, DatasetError> {
    let rows = read_objects(&HERE, path, Format::Auto)?;
    Ok(rows.into_iter().map(|row| row.value.expect("a whole row")).collect())
}

/// The folder with the same rows in every container.
fn all_containers() -> (Folder, Vec<PathBuf>) {
    let folder = Folder::new();
    let rows = expected();
    let lines = rows.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n") + "\n";
    let array = serde_json::to_string_pretty(&rows).expect("JSON");
    let mut paths = vec![folder.write("lines.json", &lines)];
    for (name, text) in [
        ("a.jsonl", &lines),
        ("a.json", &array),
        ("a.csv", &delimited(&rows, ',')),
        ("a.tsv", &delimited(&rows, '\t')),
    ] {
        paths.push(folder.write(name, text));
        paths.push(folder.write(&format!("mark-{name}"), format!("\u{feff}{text}")));
        paths.push(folder.write(&format!("{name}.gz"), gzip(text.as_bytes())));
        paths.push(folder.write(&format!("{name}.zst"), zst(text.as_bytes())));
    }
    let table = forethought_dataset::Table::new();
    let text = |row: &Value| row["question"].as_str().map(str::to_owned);
    let table = table
        .text("question", rows.iter().map(text))
        .integer("steps", rows.iter().map(|row| row["steps"].as_i64()))
        .float("score", rows.iter().map(|row| row["score"].as_f64()));
    table.write_parquet(&folder.path("a.parquet")).expect("written");
    paths.push(folder.path("a.parquet"));
    (folder, paths)
}

#[test]
fn every_container_gives_the_same_rows() {
    let (_folder, paths) = all_containers();
    for path in paths {
        let mut expected = expected();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            // The table that writes it has no column of booleans.
            for row in &mut expected {
                row.as_object_mut().expect("an object").remove("good");
            }
        }
        assert_eq!(values(&path).expect("readable"), expected, "{}", path.display());
    }
}

#[test]
fn several_members_of_one_compressed_file_are_one_text() {
    let folder = Folder::new();
    for (name, compress) in [("a.jsonl.gz", gzip as fn(&[u8]) -> Vec<u8>), ("a.jsonl.zst", zst)] {
        let both = [compress(b"{\"a\": 1}\n"), compress(b"{\"a\": 2}\n")].concat();
        let path = folder.write(name, both);
        assert_eq!(values(&path).expect("readable"), [json!({"a": 1}), json!({"a": 2})]);
    }
}

#[test]
fn a_compressed_text_that_was_cut_off_is_an_error_with_its_name() {
    let folder = Folder::new();
    let lines = (0..500).map(|number| json!({"a": number}).to_string());
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    for (name, whole) in
        [("a.jsonl.gz", gzip(text.as_bytes())), ("a.jsonl.zst", zst(text.as_bytes()))]
    {
        for length in [whole.len() / 2, whole.len() - 1] {
            let error = values(&folder.write(name, &whole[..length])).expect_err("cut off");
            assert!(
                folder.plain(&error).starts_with(&format!("{name}: cannot be read: ")),
                "{error}"
            );
        }
    }
}

#[test]
fn cells_of_a_text_column_stay_text_and_others_have_the_type_of_their_column() {
    let folder = Folder::new();
    let path = folder.write("a.csv", "prompt,label,n,mixed\n\n12,True,1,1\n013,FALSE,2.5,x\n,,,\n");
    let file = RowFile::open(&HERE, &path, Format::Auto).expect("readable");
    let mut rows = Vec::new();
    let read = file.for_each(Selection { as_text: &["prompt"], ..Selection::ALL }, |row| {
        rows.push((row.number, row.value.and_then(Json::into_value).expect("a whole row")));
        Ok(())
    });
    read.expect("readable");
    assert_eq!(
        rows,
        [
            (3, json!({"prompt": "12", "label": true, "n": 1.0, "mixed": "1"})),
            (4, json!({"prompt": "013", "label": false, "n": 2.5, "mixed": "x"})),
            (5, json!({"prompt": null, "label": null, "n": null, "mixed": null})),
        ]
    );
}

#[test]
fn digits_that_are_no_number_stay_text() {
    let folder = Folder::new();
    let text = "zip,id,long,mixed,ratio\n007,00012,18446744073709551616,9007199254740993,-0.5\n10,1e3,2,0.5,0\n";
    let rows = values(&folder.write("a.csv", text)).expect("readable");
    let row = |zip: &str, id: &str, long: &str, mixed: Value, ratio: f64| json!({"zip": zip, "id": id, "long": long, "mixed": mixed, "ratio": ratio});
    let expected = [
        row("007", "00012", "18446744073709551616", json!(9_007_199_254_740_993_u64), -0.5),
        row("10", "1e3", "2", json!(0.5), 0.0),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_condition_sees_a_number_in_a_column_that_is_read_as_text() {
    let folder = Folder::new();
    let path = folder.write("a.csv", "question,answer\n2 + 2?,4\n3 + 4?,7\nwho?,\n0 + 7?,7.0\n");
    let answers = |condition: &str| {
        let filter = Some(condition.to_owned());
        let source = Source { filter, ..Source::new(path.display().to_string()) };
        let read = forethought_dataset::read_problems(&super::of(source), super::reading());
        let problems = read.expect("readable").problems;
        problems.into_iter().map(|problem| problem.answer).collect::<Vec<_>>()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(answers("answer IS NOT NULL"), [text("4"), text("7"), text("7.0")]);
    assert_eq!(answers("answer > 4.5"), [text("7"), text("7.0")]);
}

#[test]
fn texts_that_are_numbers_are_the_texts_that_a_shape_wants() {
    let folder = Folder::new();
    let path = folder.write("a.csv", "prompt,completion,label\n2+2?,4,True\n2+3?,4,False\n");
    let examples = forethought_dataset::read_examples(
        "convert",
        &[Source::new(path.display().to_string())],
        &HERE,
    );
    let mut examples = examples.expect("readable");
    assert_eq!(examples.layouts[0].recognised.layout.shape().name(), "unpaired");
    let first = serde_json::to_value(examples.rows.get(0).expect("it is there").example);
    let first = first.expect("JSON").to_string();
    assert!(first.contains("\"4\"") && first.contains("true"), "{first}");
}

#[test]
fn broken_records_of_delimited_text_are_named_and_cost_no_other() {
    let folder = Folder::new();
    let text = b"prompt,completion\n\"two\nlines\",a\nonly one\nx,y,z\nq,\xffb\n\nlast,b\n";
    let path = folder.write("a.csv", text);
    let rows = read_objects(&HERE, &path, Format::Auto).expect("readable");
    let plain = |text: String| text.replace(&format!("{}/", folder.0.path().display()), "");
    let found: Vec<(u64, Result<Value, String>)> = rows
        .into_iter()
        .map(|row| (row.number, row.value.map_err(|error| plain(error.to_string()))))
        .collect();
    assert_eq!(
        found,
        [
            (2, Ok(json!({"prompt": "two\nlines", "completion": "a"}))),
            (4, Err("a.csv:4: 1 cells, but the header has 2".to_owned())),
            (5, Err("a.csv:5: 3 cells, but the header has 2".to_owned())),
            (6, Err("a.csv:6: `completion` is not valid UTF-8 from its byte 1 on".to_owned())),
            (8, Ok(json!({"prompt": "last", "completion": "b"}))),
        ]
    );
}

#[test]
fn a_quote_that_is_never_closed_is_an_error_of_the_file() {
    let folder = Folder::new();
    let error = |text: &str| {
        let path = folder.write("a.csv", text);
        folder.plain(&values(&path).expect_err("open"))
    };
    let expected = "a.csv:3: a quoted cell of this record is never closed: the file was cut off, or a `\"` is stray";
    assert_eq!(error("a,b\n1,2\n3,\"4\n5,6\n"), expected);
    assert_eq!(error("a,b\n1,2\n3,\"4"), expected);
    let closed = folder.write("a.csv", "a,b\n1,2\n3,\"4\n5\"");
    assert_eq!(values(&closed).expect("whole").len(), 2);
    let twice = folder.write("a.csv", "a,b,a\n1,2,3\n");
    let error = folder.plain(&values(&twice).expect_err("two columns of one name"));
    assert_eq!(error, "a.csv:1: the header has the column `a` twice");
}

#[test]
fn arrow_that_is_none_or_was_cut_off_is_an_error_that_says_so() {
    let folder = Folder::new();
    let error = |content: &[u8]| {
        let path = folder.write("a.arrow", content);
        folder.plain(&values(&path).expect_err("broken"))
    };
    assert_eq!(error(b""), "a.arrow: 0 bytes are too few for an Arrow stream");
    let other = error(b"{\"prompt\": \"q\"}");
    assert!(other.starts_with("a.arrow: not Arrow: it begins with `{"), "{other}");
    let stream = stream();
    assert_eq!(
        error(&stream[..stream.len() - 8]),
        "a.arrow: truncated: it ends without the mark that ends an Arrow stream"
    );
    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/seeds/rows.arrow");
    let file = std::fs::read(seed).expect("a seed");
    let cut = error(&file[..file.len() - 8]);
    assert!(cut.starts_with("a.arrow: truncated: it ends with "), "{cut}");
}

#[test]
fn a_folder_that_datasets_saved_is_read_by_what_it_says_of_itself() {
    let folder = Folder::new();
    let state = |names: &[&str]| {
        let files: Vec<Value> = names.iter().map(|name| json!({"filename": name})).collect();
        json!({"_data_files": files, "_fingerprint": "0", "_split": "train"}).to_string()
    };
    let names = ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"];
    folder.write("one/state.json", state(&names));
    folder.write("one/dataset_info.json", "{}");
    folder.write(&format!("one/{}", names[0]), stream());
    let files = |path: &str, split: Option<&str>| {
        let path = folder.path(path).display().to_string();
        let source = Source { split: split.map(str::to_owned), ..Source::new(path) };
        let shown = |file: PathBuf| {
            file.strip_prefix(folder.0.path()).expect("below").display().to_string()
        };
        let files = find_files(&source)
            .map(|files| files.into_iter().map(|file| shown(file.path)).collect::<Vec<_>>());
        files.map_err(|error| folder.plain(&error))
    };
    let missing = "one/state.json: it names `data-00001-of-00002.arrow`, which is not there";
    assert_eq!(files("one", None), Err(missing.to_owned()));
    folder.write(&format!("one/{}", names[1]), stream());
    let both = names.map(|name| format!("one/{name}")).to_vec();
    assert_eq!(files("one", None), Ok(both.clone()));
    assert_eq!(files("one", Some("train")), Ok(both));
    let other = files("one", Some("test")).expect_err("another split");
    assert!(other.ends_with("one: there is no split `test`; it has: train"), "{other}");
    let unsaid = state(&names).replace("\"train\"", "null");
    folder.write("unsaid/state.json", unsaid);
    for name in names {
        folder.write(&format!("unsaid/{name}"), stream());
    }
    // As `datasets` takes data that say nothing of their split.
    assert_eq!(files("unsaid", Some("train")), files("unsaid", None));
    let other = files("unsaid", Some("test")).expect_err("another split");
    assert!(other.ends_with("unsaid: there is no split `test`; it has: train"), "{other}");

    folder.write("dict/dataset_dict.json", r#"{"splits": ["train", "test"]}"#);
    for split in ["train", "test"] {
        folder.write(&format!("dict/{split}/state.json"), state(&["data-00000-of-00001.arrow"]));
        folder.write(&format!("dict/{split}/data-00000-of-00001.arrow"), stream());
    }
    assert_eq!(
        files("dict", Some("test")),
        Ok(vec!["dict/test/data-00000-of-00001.arrow".to_owned()])
    );
    let several = files("dict", None).expect_err("two splits");
    let end = "dict: there are several splits; choose one with `split`; it has: train, test";
    assert!(several.ends_with(end), "{several}");
    folder.write("bad/state.json", state(&["../one/data-00000-of-00002.arrow"]));
    let outside = files("bad", None).expect_err("another folder");
    assert!(outside.contains("is no name of a file in this folder"), "{outside}");
}

#[test]
fn names_of_files_and_folders_tell_splits_where_that_is_clear() {
    let folder = Folder::new();
    for name in [
        "a/train.jsonl",
        "a/valid.jsonl",
        "a/README.md",
        "b/x.csv",
        "b/deep/y.csv.gz",
        "c/train.csv",
        "c/extra.csv",
    ] {
        folder.write(name, "");
    }
    let files = |path: &str, split: Option<&str>| {
        let path = folder.path(path).display().to_string();
        let source = Source { split: split.map(str::to_owned), ..Source::new(path) };
        let name = |file: PathBuf| file.file_name().expect("a file").to_string_lossy().into_owned();
        let files = find_files(&source)
            .map(|files| files.into_iter().map(|file| name(file.path)).collect::<Vec<_>>());
        files.map_err(|error| folder.plain(&error))
    };
    assert_eq!(files("a", Some("validation")), Ok(vec!["valid.jsonl".to_owned()]));
    assert_eq!(files("a/*.jsonl", Some("train")), Ok(vec!["train.jsonl".to_owned()]));
    let several = files("a", None).expect_err("two splits");
    assert!(several.ends_with("choose one with `split`; it has: train, validation"), "{several}");
    assert_eq!(files("b", None), Ok(vec!["y.csv.gz".to_owned(), "x.csv".to_owned()]));
    let unnamed = files("c", None).expect_err("one file is of no split");
    assert!(unnamed.contains("extra.csv, whose name tells no split"), "{unnamed}");
    std::fs::create_dir(folder.path("none")).expect("a folder");
    let none = files("none", None).expect_err("nothing there");
    assert!(none.contains("none: this folder holds no data file (.jsonl"), "{none}");
}
