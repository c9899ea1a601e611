//! Rows of any shape: each a JSON object, whatever the file holds them in.

use std::path::Path;

use polars::prelude::{AnyValue, DataFrame, PolarsResult};
use serde_json::{Map, Number, Value};

use crate::error::DatasetError;
use crate::parquet_file::{ParquetFile, guarded};
use crate::rows::for_each_line;
use crate::source::Format;

/// One row of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectRow {
    /// Its number, counted from 1; in JSON lines that of the line.
    pub number: u64,
    /// Its fields, or what is wrong with it.
    pub value: Result<Value, String>,
}

/// The rows of a file with all their columns, for readers that know the shape of the rows themselves.
///
/// A row that cannot be read costs no other row; blank lines are no rows.
///
/// # Errors
///
/// If the file cannot be read as its format.
pub fn read_objects(path: &Path, format: Format) -> Result<Vec<ObjectRow>, DatasetError> {
    match format.of(path)? {
        Format::Auto | Format::Jsonl => read_lines(path),
        Format::Json => read_array(path),
        Format::Parquet => read_parquet(path),
    }
}

fn read_lines(path: &Path) -> Result<Vec<ObjectRow>, DatasetError> {
    let mut rows = Vec::new();
    for_each_line(path, |number, line| {
        let value = serde_json::from_slice(line).map_err(|error| error.to_string());
        rows.push(ObjectRow { number, value });
    })?;
    Ok(rows)
}

fn read_array(path: &Path) -> Result<Vec<ObjectRow>, DatasetError> {
    let bytes = std::fs::read(path).map_err(|source| DatasetError::read(path, source))?;
    let items: Vec<Value> = serde_json::from_slice(&bytes).map_err(|fault| DatasetError::Json {
        path: path.to_owned(),
        line: fault.line(),
        column: fault.column(),
        message: fault.to_string(),
    })?;
    let row = |(number, item)| ObjectRow { number, value: Ok(item) };
    Ok((1..).zip(items).map(row).collect())
}

fn read_parquet(path: &Path) -> Result<Vec<ObjectRow>, DatasetError> {
    let file = ParquetFile::open(path)?;
    let names: Vec<&str> = file.columns().iter().map(String::as_str).collect();
    let mut rows = Vec::new();
    file.for_each_group(&names, |frame| {
        for index in 0..frame.height() {
            let value = guarded(path, || row(&frame, index))?;
            rows.push(ObjectRow { number: rows.len() as u64 + 1, value: Ok(value) });
        }
        Ok(())
    })?;
    Ok(rows)
}

fn row(frame: &DataFrame, index: usize) -> PolarsResult<Value> {
    let mut fields = Map::new();
    for column in frame.columns() {
        fields.insert(column.name().to_string(), json(&column.get(index)?)?);
    }
    Ok(Value::Object(fields))
}

/// A cell as JSON. Types that JSON does not have, such as dates, become their text.
fn json(value: &AnyValue<'_>) -> PolarsResult<Value> {
    Ok(match value {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(truth) => Value::Bool(*truth),
        AnyValue::String(text) => Value::String((*text).to_owned()),
        AnyValue::StringOwned(text) => Value::String(text.to_string()),
        AnyValue::List(items) => {
            Value::Array(items.iter().map(|item| json(&item)).collect::<PolarsResult<_>>()?)
        }
        AnyValue::Struct(_, _, fields) => {
            let names = fields.iter().map(|field| field.name().to_string());
            let values = value._iter_struct_av().map(|item| json(&item));
            let pairs = names.zip(values).map(|(name, value)| Ok((name, value?)));
            Value::Object(pairs.collect::<PolarsResult<Map<_, _>>>()?)
        }
        other => other
            .extract::<f64>()
            .and_then(|number| whole(other).or_else(|| Number::from_f64(number)))
            .map_or_else(|| Value::String(other.to_string()), Value::Number),
    })
}

/// A whole number keeps its digits.
fn whole(value: &AnyValue<'_>) -> Option<Number> {
    value.is_integer().then(|| value.extract::<i64>()).flatten().map(Number::from)
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
            let rows = read_objects(path, Format::Auto).expect("readable");
            assert_eq!(rows[0], ObjectRow { number: 1, value: Ok(expected.clone()) });
        }
        let rows = read_objects(&lines, Format::Auto).expect("readable");
        assert_eq!(rows[1].number, 3, "blank lines are counted and are no rows");
        assert!(rows[1].value.is_err(), "a broken line costs no other");
    }
}
