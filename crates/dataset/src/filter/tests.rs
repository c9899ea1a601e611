//! Conditions on rows of a file, judged together and alone.

use serde_json::{Value, json};

use super::*;
use crate::{FirstContact, Format};

/// What a condition says of the rows of a file, as lines of JSON: judged so many at a time, in each case the same.
fn kept(expression: &str, rows: &[Value]) -> Result<Vec<bool>, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f.jsonl");
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    std::fs::write(&path, lines.join("\n")).expect("it can be written");
    let judged = judged(expression, &path, rows);
    judged.map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

fn judged(expression: &str, path: &Path, rows: &[Value]) -> Result<Vec<bool>, DatasetError> {
    let filter = Filter::parse(expression)?;
    let file = RowFile::open(&FirstContact::Here, path, Format::Auto)?;
    filter.require_columns(path, file.columns().expect("columns"))?;
    let condition = filter.over(&file)?;
    let by = |size: usize| -> Result<Vec<bool>, DatasetError> {
        let mut verdicts = Vec::new();
        for (batch, part) in rows.chunks(size).enumerate() {
            let numbers: Vec<u64> =
                (1..=part.len()).map(|row| (batch * size + row) as u64).collect();
            verdicts.extend(condition.verdicts(&numbers, |row, name| part[row].get(name))?);
        }
        Ok(verdicts)
    };
    let together = by(rows.len())?;
    for size in [1, 3] {
        assert_eq!(by(size)?, together, "{expression}, {size} at a time");
    }
    Ok(together)
}

fn row() -> Value {
    json!({"prompt": "天空是蓝的?", "score": 0.75, "n": 3, "ok": true, "tags": ["a", "b"],
        "none": null, "Row Id": 7, "obj": {"a": 1}})
}

fn error(expression: &str) -> String {
    kept(expression, &[row()]).expect_err(expression)
}

/// `tests/conditions/make.py` made the verdicts, with polars for Python.
#[test]
fn verdicts_are_those_of_polars_however_many_rows_are_judged_together() {
    let verdicts: Value =
        serde_json::from_str(include_str!("../../tests/conditions/verdicts.json")).expect("JSON");
    let rows = verdicts["rows"].as_array().expect("rows");
    let cases = verdicts["kept"].as_object().expect("cases");
    assert!(cases.len() > 130 && rows.len() == 6);
    let differing = cases.iter().filter_map(|(expression, expected)| {
        let expected: Vec<bool> = serde_json::from_value(expected.clone()).expect("verdicts");
        let found = kept(expression, rows);
        (found != Ok(expected.clone()))
            .then(|| format!("{expression}: {found:?}, expected {expected:?}"))
    });
    assert_eq!(differing.collect::<Vec<_>>(), Vec::<String>::new());
    for expression in verdicts["refused"].as_array().expect("expressions") {
        let expression = expression.as_str().expect("a text");
        assert!(kept(expression, rows).is_err(), "{expression}");
    }
}

#[test]
fn what_depends_on_other_rows_is_refused_before_a_file_is_read() {
    for expression in [
        "score > avg(score)",
        "n = max(n)",
        "n = min(n) OR ok",
        "count(*) > 1",
        "count(n) > 1",
        "count(DISTINCT n) > 1",
        "sum(n) > 1",
        "n > median(n)",
        "stddev(n) > 1",
        "quantile_cont(n, 0.5) > 1",
        "first(n) = 1",
        "last(n) = 1",
        "first_value(n) OVER (ORDER BY n) = 1",
        "sum(n) OVER () > 1",
        "sum(n) OVER (PARTITION BY ok) > 1",
        "sum(n) OVER (ORDER BY n) > 1",
        "row_number() OVER (ORDER BY n) < 5",
        "row_number() OVER () < 5",
        "rank() OVER (ORDER BY n) < 5",
        "lag(n) OVER (ORDER BY n) < n",
        "lead(n, 2) OVER (ORDER BY n) < n",
        "sum(n) FILTER (WHERE ok) > 1",
        "unnest(tags) = 'a'",
        "explode(tags) = 'a'",
        "array_agg(n) IS NULL",
        "string_agg(prompt, ',') = 'a'",
        "corr(n, score) > 0",
        "n IN (SELECT n FROM f)",
        "EXISTS (SELECT 1)",
        "n = (SELECT 1)",
        "n = ALL (SELECT 1)",
        "date(prompt) = '2024-01-01'",
        "columns('n') > 1",
        "\"*\" > 1",
        "\"^n.*$\" > 1",
    ] {
        assert!(Filter::parse(expression).is_err(), "{expression}");
    }
    let error = Filter::parse("score > avg(score)").expect_err("an aggregate").to_string();
    let expected = "where `score > avg(score)`: an aggregate depends on other rows, but each row is judged by itself";
    assert_eq!(error, expected);
    let error = Filter::parse("\"^n.*$\" > 1").expect_err("a pattern").to_string();
    assert!(error.ends_with(": it names columns by a pattern; name each"), "{error}");
}

#[test]
fn errors_name_the_expression_and_the_columns_there_are() {
    assert_eq!(
        error("length(promt) > 1"),
        "where `length(promt) > 1`: f.jsonl: no column `promt` (did you mean `prompt`?); it has: prompt, score, n, ok, \
         tags, none, Row Id, obj"
    );
    for (expression, expected) in [
        ("score >", "it is no expression of SQL"),
        ("SELECT 1", ""),
        ("lenght(prompt) > 1", "no function `lenght` (did you mean `length`?)"),
        ("contains(prompt, 'a')", "no function `contains`; write `strpos(text, part) > 0`"),
        ("1 = 1", "it names no column, so that it says the same of every row"),
        ("ok score", "`score` stands behind the condition"),
        ("ok; DROP", "invalid expression (found unexpected token ';')"),
        ("prompt > 1", "f.jsonl: cannot compare string with numeric type (i32)"),
        ("n + 1", "f.jsonl: it is a number, not a condition"),
        ("prompt", "f.jsonl: it is a text, not a condition"),
        ("tags", "f.jsonl: it is a list, not a condition"),
        ("abs(prompt) = 1", "f.jsonl: `abs` operation not supported for dtype `str`"),
        (
            "obj = 'a'",
            "f.jsonl: an object and a text cannot be compared; name a field (`object.field`) or an item (`list[1]`) of it",
        ),
        ("obj.b = 1", ""),
    ] {
        let found = error(expression);
        let start = format!("where `{expression}`: {expected}");
        assert!(found.starts_with(&start), "{found}");
    }
}

#[test]
fn a_row_without_the_field_is_not_kept_and_a_column_without_a_value_is_null() {
    let rows = [json!({"n": 1, "empty": null}), json!({"empty": null}), json!({"n": 3})];
    for (expression, expected) in [
        ("n > 0", [true, false, true]),
        ("n IS NULL", [false, true, false]),
        ("coalesce(n, 5) = 5", [false, true, false]),
        ("empty > 1", [false; 3]),
        ("empty", [false; 3]),
        ("NOT empty", [false; 3]),
        ("empty IS NULL", [true; 3]),
        ("length(empty) > 3", [false; 3]),
        ("length(empty) IS NULL AND array_length(empty) IS NULL", [false; 3]),
        ("array_length(empty) IS NULL", [true; 3]),
        ("empty LIKE 'a%' OR n = 3", [false, false, true]),
    ] {
        let found = kept(expression, &rows);
        if expression.contains("AND array_length") {
            assert!(found.is_err(), "it is no text and a list: {found:?}");
            continue;
        }
        assert_eq!(found, Ok(expected.to_vec()), "{expression}");
    }
}

#[test]
fn what_a_column_holds_is_told_by_the_whole_file() {
    // Integers that a decimal follows far down are decimals in the first row too.
    let mut rows: Vec<Value> = (0..2500).map(|n| json!({"n": n, "late": null})).collect();
    rows.push(json!({"n": 0.5, "late": "x"}));
    let text = kept("CAST(n AS VARCHAR) = '3.0'", &rows).expect("a condition");
    assert_eq!(text.iter().position(|is_kept| *is_kept), Some(3));
    let late = kept("length(late) = 1", &rows).expect("a condition");
    assert_eq!(late.iter().position(|is_kept| *is_kept), Some(2500));

    rows.push(json!({"n": "3", "late": null}));
    assert_eq!(
        kept("n > 1", &rows),
        Err("where `n > 1`: f.jsonl:2502: `n` is a text here, but a number in f.jsonl:1; a condition needs one kind for \
             the whole column, and null where there is none"
            .to_owned())
    );
    assert!(kept("length(late) > 1", &rows).is_ok(), "other columns do not matter");
}

#[test]
fn objects_have_the_keys_of_all_and_what_differs_within_is_no_text() {
    let rows = [
        json!({"meta": {"a": 1}, "turns": [{"role": "user", "content": "x"}]}),
        json!({"meta": {"b": "y", "a": 2}, "turns": [{"content": [{"text": "x"}], "name": 1}]}),
        json!({"meta": {}, "turns": []}),
    ];
    for (expression, expected) in [
        ("meta.a = 1", [true, false, false]),
        ("meta.b = 'y'", [false, true, false]),
        ("meta.a IS NULL", [false, false, true]),
        ("array_length(turns) = 1", [true, true, false]),
        ("(turns[1] -> 'role') = 'user'", [true, false, false]),
        ("(turns[1] -> 'content' -> 'json') = '\"x\"'", [true, false, false]),
    ] {
        assert_eq!(kept(expression, &rows), Ok(expected.to_vec()), "{expression}");
    }
    let error = kept("(turns[1] -> 'content') = 'x'", &rows).expect_err("an object");
    assert!(error.contains("an object and a text cannot be compared"), "{error}");
}

#[test]
fn no_integer_is_rounded() {
    let long = (1_i64 << 53) + 1;
    let rows = [json!({"id": long, "n": 1, "x": 0.5}), json!({"id": long - 1, "n": 2, "x": 1.0})];
    for (expression, expected) in [
        ("id = 9007199254740993", [true, false]),
        ("id > 9007199254740992", [true, false]),
        ("id IN (9007199254740993, 5)", [true, false]),
        ("id BETWEEN 5 AND 9007199254740992", [false, true]),
        ("id % 2 = 1", [true, false]),
        ("id <> n AND CAST(id AS VARCHAR) LIKE '%3'", [true, false]),
        ("CASE WHEN id = 9007199254740993 THEN 0.5 ELSE 1.5 END > x", [false, true]),
    ] {
        assert_eq!(kept(expression, &rows), Ok(expected.to_vec()), "{expression}");
    }
    for expression in [
        "id > 9007199254740992.0",
        "id > x",
        "id IN (0.5, 1.5)",
        "id / 2 > 1",
        "id + 1 > 0",
        "id * n > 0",
        "id BETWEEN 0.5 AND 1.5",
        "coalesce(id, x) > 1",
        "greatest(id, x) > 1",
        "CAST(id AS DOUBLE) > 1",
        "sqrt(id) > 1",
    ] {
        let error = kept(expression, &rows).expect_err(expression);
        assert!(error.contains("`id` holds 9007199254740993, and beyond 2^53"), "{error}");
    }
    for other in [json!({"id": 0.5}), json!({"id": u64::MAX}), json!({"id": -1})] {
        let found = kept("id > 5", &[json!({"id": long}), json!({"id": u64::MAX}), other.clone()]);
        assert_eq!(found.is_ok(), other["id"].is_u64(), "{other}: {found:?}");
    }
    let error = kept("id > 5", &[json!({"id": long}), json!({"id": 0.5})]).expect_err("both");
    assert!(
        error.contains("f.jsonl:2: `id` is a number here, with those before it no number"),
        "{error}"
    );
}

#[test]
fn a_value_that_cannot_be_cast_is_named_with_its_row() {
    let rows = [json!({"n": "1"}), json!({"n": "2"}), json!({"n": "x"})];
    let error = kept("CAST(n AS INT) > 1", &rows).expect_err("x is no number");
    assert!(error.starts_with("where `CAST(n AS INT) > 1`: f.jsonl:3: conversion from"), "{error}");
    assert_eq!(kept("TRY_CAST(n AS INT) > 1", &rows), Ok(vec![false, true, false]));
}

#[test]
fn conditions_in_the_documents_are_conditions() {
    let text = include_str!("../../../../docs/algorithms/dataset.md");
    let written =
        text.lines().filter_map(|line| line.strip_prefix("  where: \"")?.strip_suffix('"'));
    let parsed =
        written.map(|expression| Filter::parse(expression).map(drop).map_err(|e| e.to_string()));
    assert_eq!(parsed.collect::<Vec<_>>(), vec![Ok(()); 6]);
}
