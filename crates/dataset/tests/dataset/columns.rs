//! Columns of every type of Arrow and parquet, as Python reads them (`tests/columns/make.py`), and what JSON has no value for.

use std::path::{Path, PathBuf};

use forethought_dataset::{
    FirstContact, Format, Json, Mixing, Probe, RowFile, Selection, Source, Unfinished, mix,
    read_objects, read_traces,
};
use forethought_preference::{Part, Shape};
use forethought_schema::RecordKind;
use serde_json::{Map, Value, json};

use super::{HERE, of, reading};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/columns").join(name)
}

/// A value as `expected.json` has it.
fn plain(json: Json) -> Value {
    match json {
        Json::Foreign(found) => json!({ "foreign": found }),
        Json::List(items) => Value::Array(items.into_iter().map(plain).collect()),
        Json::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (key, plain(value))).collect())
        }
        other => other.into_value().expect("a plain value"),
    }
}

/// The columns of a file, read by a child first.
fn columns(name: &str) -> Map<String, Value> {
    let child = Probe::new(env!("CARGO_BIN_EXE_forethought-examine").into(), []);
    let file = RowFile::open(&FirstContact::Child(child), &file(name), Format::Auto);
    let file = file.expect("a whole file");
    let mut columns = Map::new();
    let read = file.for_each(Selection::ALL, |row| {
        let Json::Object(fields) = row.value.expect("a row") else { panic!("no object") };
        for (key, value) in fields {
            let column = columns.entry(key).or_insert_with(|| json!([]));
            column.as_array_mut().expect("a list").push(plain(value));
        }
        Ok(())
    });
    read.expect("a whole file");
    columns
}

#[test]
fn every_type_is_read_as_python_reads_it() {
    let expected = std::fs::read_to_string(file("expected.json")).expect("it is there");
    let expected: Value = serde_json::from_str(&expected).expect("JSON");
    for (name, answers) in [
        ("all.parquet", "all.parquet"),
        ("plain.parquet", "plain.parquet"),
        ("all.arrow", "all.arrow"),
        ("stream.arrow", "all.arrow"),
    ] {
        let found = columns(name);
        let expected = expected[answers].as_object().expect("columns");
        for (column, values) in expected {
            assert_eq!(found.get(column), Some(values), "column `{column}` of {name}");
        }
        assert_eq!(found.len(), expected.len(), "{name}");
    }
}

#[test]
fn compressed_columns_are_unpacked() {
    for name in ["lz4.feather", "zstd.feather"] {
        let found = columns(name);
        let numbers = (0..5).flat_map(|_| 0..300).collect::<Vec<u64>>();
        assert_eq!(found["n"], json!(numbers), "{name}");
        assert_eq!(found["text"], json!(vec!["a"; 1500]), "{name}");
        assert_eq!(found["of"], json!(["x", "yy"].repeat(750)), "{name}");
    }
}

#[test]
fn a_column_that_is_not_asked_for_is_not_read() {
    let file = RowFile::open(&HERE, &file("all.parquet"), Format::Auto).expect("a whole file");
    let only = Some(["category", "uint8"].as_slice());
    let mut rows = Vec::new();
    let read = file.for_each(Selection { only, ..Selection::ALL }, |row| {
        rows.push(plain(row.value.expect("a row")));
        Ok(())
    });
    read.expect("a whole file");
    assert_eq!(rows[2], json!({"uint8": 255, "category": "b"}));
}

/// Two rows in a file of Arrow's stream, of which the second has a score that is none.
fn with_nan() -> Source {
    let columns = [(Part::Prompt, "text".to_owned()), (Part::Completion, "category".to_owned())];
    let shape = Some(Shape::PromptCompletion);
    let path = file("all.parquet").display().to_string();
    Source { shape, columns: columns.into(), ..Source::new(path) }
}

#[test]
fn what_json_has_no_value_for_is_null_beside_a_record_and_the_ledger_says_so() {
    let config = of(with_nan());
    let mixing = Mixing { reading: reading(), kind: Some(RecordKind::PromptCompletion) };
    let (rows, ledger) = mix(&config, mixing).expect("readable").collect().expect("kept");
    assert_eq!(rows.len(), 2, "the row of nulls is none");
    assert_eq!(rows[0].extra["float64"], json!(0.1));
    assert_eq!(rows[1].extra["float64"], Value::Null);
    let notes = &ledger.entries[0].notes;
    let lost = |what: &str| notes.get(&format!("lost: {what}")).map(|rows| rows.rows.clone());
    assert_eq!(lost("float64: NaN"), Some(vec![3]));
    assert_eq!(lost("bytes: bytes that are no UTF-8"), Some(vec![3]));
}

#[test]
fn what_json_has_no_value_for_costs_a_row_where_it_is_read() {
    let columns = [(Part::Prompt, "text".to_owned()), (Part::Completion, "bytes".to_owned())];
    let source = Source { columns: columns.into(), ..with_nan() };
    let read = read_traces(&of(source), Unfinished::Keep, reading());
    let error = read.expect_err("no row is a trace").to_string();
    assert!(error.contains("not_in_json"), "{error}");
    let rows = read_objects(&HERE, &file("all.parquet"), Format::Auto).expect("readable");
    let error = rows[2].value.as_ref().expect_err("it holds NaN").to_string();
    let expected = "all.parquet, row 3: `float64` holds NaN, which JSON has no value for";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn integers_without_room_in_64_bits_are_the_text_of_their_digits() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = "123456789012345678901234567890";
    let row = format!(r#"{{"id": {long}, "ids": [18446744073709551615, -{long}], "score": 1e30}}"#);
    let expected = json!({"id": long, "ids": [u64::MAX, format!("-{long}")], "score": 1e30});
    for (name, text) in [("a.jsonl", row.clone()), ("a.json", format!("[{row}]"))] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        let rows = read_objects(&HERE, &path, Format::Auto).expect("readable");
        assert_eq!(rows[0].value, Ok(expected.clone()), "{name}");
    }
}
