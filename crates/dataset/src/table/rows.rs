//! Rows of JSON into parquet: lists and objects become the nested columns that other programs read.

use std::env;
use std::fmt;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use polars::prelude::{
    AnyValue, Column as PolarsColumn, CompatLevel, DataFrame, PolarsResult, Schema, SchemaExt as _,
    Series,
};
use serde_json::{Map, Value};

use super::kinds::{Differing, Kind, fields_of, named};
use super::parquet::{ROW_GROUP, writer};
use crate::error::DatasetError;
use crate::parquet_file::guarded;
use crate::spool::Spool;

/// Bytes of rows, as JSON, of one row group: what is in memory when it is written is a few times that. Like the number of
/// rows it depends on nothing but the rows, and so do the bytes of the file.
const GROUP_BYTES: usize = 16 << 20;

/// Rows that become a parquet file, from which they are read as they were: a field that a row does not have is null.
///
/// A column has one type. Objects with the same keys become one of columns; what has no type in common, objects with different
/// keys among them, becomes JSON in a text that Arrow knows as such, as `datasets` does it.
///
/// What the columns hold is known when the last row has come. Until then the rows lie in memory or, when they are many, in
/// a temporary file.
pub struct RowsAsParquet {
    /// The columns, in the order they first appear.
    kinds: Vec<(String, Kind)>,
    rows: Spool,
}

impl RowsAsParquet {
    /// No row yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "nothing is the default of a file")]
    pub fn new() -> Self {
        Self { kinds: Vec::new(), rows: Spool::new() }
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// If the temporary file cannot be written.
    pub fn push(&mut self, row: &Map<String, Value>) -> Result<(), DatasetError> {
        for (name, value) in row {
            let place = self.kinds.iter().position(|(known, _)| known == name);
            let place = place.unwrap_or_else(|| {
                self.kinds.push((name.clone(), Kind::Nothing));
                self.kinds.len() - 1
            });
            let known = &mut self.kinds[place].1;
            *known = std::mem::replace(known, Kind::Nothing)
                .with(Kind::of(value, Differing::Json), Differing::Json);
        }
        let json = serde_json::to_vec(row).unwrap_or_default();
        self.rows.push(&json).map_err(|source| DatasetError::write(&env::temp_dir(), source))
    }

    /// The places in the rows that become JSON in a text, such as `messages[].tool_calls[].function.arguments`.
    #[must_use]
    pub fn json_places(&self) -> Vec<String> {
        self.kinds.iter().flat_map(|(name, kind)| kind.json_places(name)).collect()
    }

    /// Writes the file, one group of rows after the other.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or the temporary one not be read.
    pub fn write(mut self, path: &Path) -> Result<(), DatasetError> {
        let file = File::create(path).map_err(|source| DatasetError::write(path, source))?;
        let schema = Schema::from_iter(fields_of(&self.kinds));
        let named = named(&schema.to_arrow(CompatLevel::oldest()), &self.kinds);
        let mut writer = guarded(path, || writer(BufWriter::new(file), &named).batched(&schema))?;
        let mut next = 0;
        while next < self.rows.len() {
            let group = self.group(next)?;
            next += group.len();
            let cell = |row: usize, name: &str| group[row].get(name);
            guarded(path, || writer.write_batch(&frame(&self.kinds, group.len(), cell)?))?;
        }
        guarded(path, || writer.finish())?;
        Ok(())
    }

    /// The rows of the group that begins with this one.
    fn group(&mut self, start: usize) -> Result<Vec<Map<String, Value>>, DatasetError> {
        let (mut group, mut bytes) = (Vec::new(), 0);
        while start + group.len() < self.rows.len()
            && group.len() < ROW_GROUP
            && bytes < GROUP_BYTES
        {
            let json = self.rows.get(start + group.len());
            bytes += json.as_ref().map_or(0, Vec::len);
            let row = json.and_then(|json| Ok(serde_json::from_slice(&json)?));
            group.push(row.map_err(|source| DatasetError::read(&env::temp_dir(), source))?);
        }
        Ok(group)
    }
}

impl fmt::Debug for RowsAsParquet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("RowsAsParquet");
        shown.field("kinds", &self.kinds).field("len", &self.rows.len()).finish_non_exhaustive()
    }
}

/// So many rows as columns of these kinds; a cell that is not there is null.
pub(crate) fn frame<'r>(
    kinds: &[(String, Kind)],
    num_rows: usize,
    cell: impl Fn(usize, &str) -> Option<&'r Value>,
) -> PolarsResult<DataFrame> {
    let column = |(name, kind): &(String, Kind)| {
        let values = (0..num_rows).map(|row| kind.value(cell(row, name).unwrap_or(&Value::Null)));
        let values: Vec<AnyValue<'_>> = values.collect();
        let name = name.as_str().into();
        Series::from_any_values_and_dtype(name, &values, &kind.dtype(), true)
            .map(PolarsColumn::from)
    };
    DataFrame::new(num_rows, kinds.iter().map(column).collect::<PolarsResult<_>>()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{FirstContact, Format, read_objects};

    fn write(path: &std::path::Path, rows: &[Value]) -> Result<(), DatasetError> {
        let mut parquet = RowsAsParquet::new();
        for row in rows {
            parquet.push(row.as_object().expect("an object"))?;
        }
        parquet.write(path)
    }

    #[test]
    fn nested_rows_survive_the_way_through_parquet() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.parquet");
        let turn = |role: &str, text: &str| json!({"role": role, "content": text});
        let written = [
            json!({"messages": [turn("user", "天空?"), turn("assistant", "b")], "label": true, "n": 1}),
            json!({"messages": [turn("user", "c")], "label": false, "n": 2.5}),
            json!({"messages": [], "label": null, "n": null}),
        ];
        write(&path, &written).expect("written");
        let read = read_objects(&FirstContact::Here, &path, Format::Auto).expect("readable");
        let read: Vec<Value> = read.into_iter().map(|row| row.value.expect("an object")).collect();
        let expected = [
            json!({"messages": written[0]["messages"], "label": true, "n": 1.0}),
            written[1].clone(),
            written[2].clone(),
        ];
        assert_eq!(read, expected);
    }

    fn read(path: &std::path::Path) -> Vec<Value> {
        let read = read_objects(&FirstContact::Here, path, Format::Auto).expect("readable");
        read.into_iter().map(|row| row.value.expect("an object")).collect()
    }

    #[test]
    fn rows_without_a_type_in_common_come_back_as_they_were() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.parquet");
        let call = |arguments: Value| json!([{"name": "f", "arguments": arguments}]);
        let rows = [
            json!({"mixed": "x", "calls": call(json!({"b": 1, "a": null})), "empty": {}, "keys": {"a": 1, "b": 2}}),
            json!({"mixed": 3, "calls": call(json!({"c": [1, "x"]})), "empty": {}, "keys": {"b": 2, "a": 1}}),
            json!({"mixed": ["3"], "calls": [], "empty": null, "keys": null}),
            json!({"mixed": "[3]", "calls": call(json!({})), "empty": {}, "keys": {"a": 0, "b": 0}}),
        ];
        let mut parquet = RowsAsParquet::new();
        for row in &rows {
            parquet.push(row.as_object().expect("one")).expect("kept");
        }
        assert_eq!(parquet.json_places(), ["mixed", "calls[].arguments", "empty", "keys"]);
        parquet.write(&path).expect("written");
        let back = read(&path);
        assert_eq!(back, rows);
        let order =
            |row: &Value| row["keys"].as_object().map(|keys| keys.keys().cloned().collect());
        let orders: Vec<Option<Vec<String>>> = back.iter().map(order).collect();
        assert_eq!(orders, rows.iter().map(order).collect::<Vec<_>>());
    }

    #[test]
    fn no_integer_is_rounded() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.parquet");
        let long = (1_u64 << 53) + 1;
        let rows = [
            json!({"with_float": long, "with_huge": 1, "negative": u64::MAX, "plain": 0.5}),
            json!({"with_float": 0.5, "with_huge": u64::MAX, "negative": -1, "plain": 3}),
        ];
        write(&path, &rows).expect("written");
        let mut expected = rows.clone();
        // An integer that a float holds is one there.
        expected[1]["plain"] = json!(3.0);
        assert_eq!(read(&path), expected);
    }

    #[test]
    fn row_groups_end_by_their_bytes_and_a_late_column_is_null_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.parquet");
        let text = "x".repeat(GROUP_BYTES / 3);
        let mut rows: Vec<Value> =
            (0..5).map(|number| json!({"text": text, "n": number})).collect();
        rows[4]["late"] = json!([true]);
        write(&path, &rows).expect("written");
        let read = read_objects(&FirstContact::Here, &path, Format::Auto).expect("readable");
        let read: Vec<Value> = read.into_iter().map(|row| row.value.expect("an object")).collect();
        assert_eq!(
            (&read[3]["n"], &read[3]["late"], &read[4]),
            (&json!(3), &Value::Null, &rows[4])
        );
        let file = crate::parquet_file::ParquetFile::open(&path).expect("parquet");
        assert_eq!(file.groups(), [3, 2]);
    }
}
