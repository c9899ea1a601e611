//! Rows of any shape: each a JSON object, whatever the file holds them in.

use std::path::Path;

use serde_json::Value;

use crate::error::DatasetError;
use crate::probe::FirstContact;
use crate::rows::{RowError, RowFile, Selection};
use crate::source::Format;

/// One row of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectRow {
    /// Its number, counted from 1: that of its first line, or its place among the items or rows.
    pub number: u64,
    /// Its fields, or what is wrong with it.
    pub value: Result<Value, RowError>,
}

/// The rows of a file with all their columns, for readers that know the shape of the rows themselves.
///
/// A row that cannot be read costs no other row; blank lines are no rows.
///
/// # Errors
///
/// If the file cannot be read as its format.
pub fn read_objects(
    contact: &FirstContact,
    path: &Path,
    format: Format,
) -> Result<Vec<ObjectRow>, DatasetError> {
    let mut rows = Vec::new();
    for_each_object(contact, path, format, |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok(rows)
}

/// Hands over the rows of [`read_objects`] one after the other, so that the file is never in memory as a whole.
///
/// # Errors
///
/// If the file cannot be read as its format; and the first error of `sink`, after which no row is read.
pub fn for_each_object(
    contact: &FirstContact,
    path: &Path,
    format: Format,
    mut sink: impl FnMut(ObjectRow) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    let file = RowFile::open(contact, path, format)?;
    file.for_each(Selection::ALL, |mut row| {
        let value = std::mem::replace(&mut row.value, Ok(crate::Json::Null));
        let value = value.and_then(crate::Json::into_value).map_err(|problem| {
            let column = row.column_of(&problem);
            file.error(row.number, column, problem)
        });
        sink(ObjectRow { number: row.number, value })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Table;

    #[test]
    fn the_same_rows_come_out_of_every_format() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let lines = write("a.jsonl", "{\"question\": \"q\", \"margin\": 2.5}\n\n{\"question\": 1");
        let array = write("a.json", "[{\"question\": \"q\", \"margin\": 2.5}]");
        let parquet = folder.path().join("a.parquet");
        Table::new()
            .text("question", ["q".to_owned()])
            .float("margin", [Some(2.5)])
            .write_parquet(&parquet)
            .expect("written");
        let expected = json!({"question": "q", "margin": 2.5});
        for path in [&lines, &array, &parquet] {
            let rows = read_objects(&FirstContact::Here, path, Format::Auto).expect("readable");
            assert_eq!(rows[0], ObjectRow { number: 1, value: Ok(expected.clone()) });
        }
        let rows = read_objects(&FirstContact::Here, &lines, Format::Auto).expect("readable");
        assert_eq!(rows[1].number, 3, "blank lines are counted and are no rows");
        assert!(rows[1].value.is_err(), "a broken line costs no other");
    }
}
