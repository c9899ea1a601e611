//! Tables through parquet files and back, and what is said about files that are none.

use std::path::Path;

use forethought_dataset::{ColumnType, DatasetError, Table};

use super::HERE;

fn sample() -> Table {
    Table::new()
        .text("question", [Some("2 + 2?".to_owned()), None, Some("多少？".to_owned())])
        .integer("steps", [Some(i64::MIN), Some(7), None])
        .float("score", [0.1, f64::NEG_INFINITY, -0.0])
}

const ALL: [(&str, ColumnType); 3] =
    [("question", ColumnType::Text), ("steps", ColumnType::Integer), ("score", ColumnType::Float)];

fn error_of(path: &Path, columns: &[(&str, ColumnType)]) -> String {
    let error = Table::read_parquet(&HERE, path, columns).expect_err("the file is bad");
    let text = error.to_string();
    let prefix = path.display().to_string();
    text.strip_prefix(&prefix).expect("the error begins with the path").to_owned()
}

#[test]
fn a_table_comes_back_as_it_was_written() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("t.parquet");
    sample().write_parquet(&path)?;
    assert_eq!(Table::read_parquet(&HERE, &path, &ALL)?, sample());

    let selected = Table::read_parquet(&HERE, &path, &[ALL[2], ALL[0]])?;
    assert_eq!(selected.columns().map(|(name, _)| name).collect::<Vec<_>>(), ["score", "question"]);
    assert_eq!(selected.floats("score"), sample().floats("score"));
    Ok(())
}

#[test]
fn a_table_without_rows_comes_back_with_its_columns() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("t.parquet");
    let table = Table::new().text("question", Vec::<String>::new());
    table.write_parquet(&path)?;
    assert_eq!(Table::read_parquet(&HERE, &path, &ALL[..1])?, table);
    Ok(())
}

#[test]
fn the_same_rows_give_the_same_bytes() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let rows = 200_000_i64;
    let big = || {
        Table::new()
            .integer("index", 0..rows)
            .text("text", (0..rows).map(|index| format!("row {}", index % 977)))
    };
    let paths = ["a", "b"].map(|name| folder.path().join(name));
    for path in &paths {
        big().write_parquet(path)?;
    }
    let [a, b] = paths.map(|path| std::fs::read(path).expect("it was written"));
    assert_eq!(a, b);
    assert!(a.len() < 1_000_000, "{} bytes: the columns are compressed", a.len());
    Ok(())
}

#[test]
fn whole_numbers_are_read_as_floats_where_floats_are_asked() -> Result<(), DatasetError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("t.parquet");
    Table::new().integer("n", [Some(3), None]).write_parquet(&path)?;
    let table = Table::read_parquet(&HERE, &path, &[("n", ColumnType::Float)])?;
    assert_eq!(table.floats("n"), [Some(3.0), None]);
    Ok(())
}

#[test]
fn a_missing_column_and_another_type_are_named() -> Result<(), DatasetError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("t.parquet");
    sample().write_parquet(&path)?;
    assert_eq!(
        error_of(&path, &[("questions", ColumnType::Text)]),
        ": no column `questions` (did you mean `question`?); it has: question, steps, score"
    );
    assert_eq!(
        error_of(&path, &[("steps", ColumnType::Text)]),
        ": column `steps` should be text, found integer"
    );
    Ok(())
}

#[test]
fn a_file_that_is_no_parquet_is_described() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("t.parquet");
    assert!(error_of(&path, &ALL).contains("cannot be read"), "a missing file");
    std::fs::write(&path, b"{}")?;
    assert_eq!(error_of(&path, &ALL), ": 2 bytes are too few for a parquet file");
    std::fs::write(&path, b"{\"prompt\": \"a\"}")?;
    assert_eq!(error_of(&path, &ALL), ": not a parquet file: it begins with `{\\\"pr`, not `PAR1`");
    Ok(())
}

#[test]
fn every_truncation_is_an_error_that_names_the_file() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("t.parquet");
    sample().write_parquet(&path)?;
    let whole = std::fs::read(&path)?;
    for length in 12..whole.len() {
        std::fs::write(&path, &whole[..length])?;
        assert!(error_of(&path, &ALL).contains("truncated"), "{length} bytes");
    }
    // Here the tail is whole, so that only polars can notice what is missing in the middle.
    let mut gap = whole[..8].to_vec();
    gap.extend_from_slice(&whole[whole.len() - 8..]);
    std::fs::write(&path, gap)?;
    assert_ne!(error_of(&path, &ALL), "");
    Ok(())
}

/// A flipped byte may leave a readable file (a changed letter), but it never ends the program.
#[test]
fn a_corrupt_file_is_an_error_or_a_table_but_never_a_panic()
-> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("t.parquet");
    sample().write_parquet(&path)?;
    let whole = std::fs::read(&path)?;
    let mut errors = 0;
    for index in 4..whole.len() - 4 {
        let mut bytes = whole.clone();
        bytes[index] ^= 0xff;
        std::fs::write(&path, bytes)?;
        errors += usize::from(Table::read_parquet(&HERE, &path, &ALL).is_err());
    }
    assert!(errors > 100, "only {errors} of {} flips were noticed", whole.len());
    Ok(())
}
