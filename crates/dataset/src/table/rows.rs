//! Rows of JSON into parquet: lists and objects become the nested columns that other programs read.

use std::env;
use std::fmt;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use polars::prelude::{
    AnyValue, Column as PolarsColumn, DataFrame, DataType, Field, PolarsResult, Schema, Series,
};
use serde_json::{Map, Value};

use super::parquet::{ROW_GROUP, writer};
use crate::error::DatasetError;
use crate::parquet_file::guarded;
use crate::spool::Spool;

/// Bytes of rows, as JSON, of one row group: what is in memory when it is written is a few times that. Like the number of
/// rows it depends on nothing but the rows, and so do the bytes of the file.
const GROUP_BYTES: usize = 16 << 20;

/// Rows that become a parquet file. A field that a row does not have is null; one that holds a text in one row and
/// something else in another is an error, since a column has one type.
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
    /// If a column has no single type; and if the temporary file cannot be written.
    pub fn push(&mut self, row: &Map<String, Value>) -> Result<(), DatasetError> {
        for (name, value) in row {
            let place = self.kinds.iter().position(|(known, _)| known == name);
            let place = place.unwrap_or_else(|| {
                self.kinds.push((name.clone(), Kind::Nothing));
                self.kinds.len() - 1
            });
            let known = &mut self.kinds[place].1;
            *known = std::mem::replace(known, Kind::Nothing).with(Kind::of(value)).map_err(
                |(found, other)| {
                    let number = self.rows.len() + 1;
                    let (found, other) = (found.word(), other.word());
                    let message = format!(
                        "column `{name}`: row {number} holds {other}, rows before it {found}"
                    );
                    DatasetError::Column(message)
                },
            )?;
        }
        let json = serde_json::to_vec(row).unwrap_or_default();
        self.rows.push(&json).map_err(|source| DatasetError::write(&env::temp_dir(), source))
    }

    /// Writes the file, one group of rows after the other.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or the temporary one not be read.
    pub fn write(mut self, path: &Path) -> Result<(), DatasetError> {
        let file = File::create(path).map_err(|source| DatasetError::write(path, source))?;
        let schema = Schema::from_iter(fields_of(&self.kinds));
        let mut writer = guarded(path, || writer(BufWriter::new(file), &schema).batched(&schema))?;
        let mut next = 0;
        while next < self.rows.len() {
            let group = self.group(next)?;
            next += group.len();
            guarded(path, || writer.write_batch(&frame(&self.kinds, &group)?))?;
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

fn frame(kinds: &[(String, Kind)], rows: &[Map<String, Value>]) -> PolarsResult<DataFrame> {
    let column = |(name, kind): &(String, Kind)| {
        let values = rows.iter().map(|row| kind.value(row.get(name).unwrap_or(&Value::Null)));
        let values: Vec<AnyValue<'_>> = values.collect();
        let name = name.as_str().into();
        Series::from_any_values_and_dtype(name, &values, &kind.dtype(), true)
            .map(PolarsColumn::from)
    };
    DataFrame::new(rows.len(), kinds.iter().map(column).collect::<PolarsResult<_>>()?)
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Nothing,
    Flag,
    Integer,
    Float,
    Text,
    List(Box<Kind>),
    Object(Vec<(String, Kind)>),
}

type Clash = (Kind, Kind);

impl Kind {
    /// Of a list and an object the kinds of all that is in them; what clashes inside is kept as JSON in a text.
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(_) => Self::Flag,
            Value::Number(number) if number.is_i64() => Self::Integer,
            Value::Number(_) => Self::Float,
            Value::String(_) => Self::Text,
            Value::Array(items) => {
                let kind =
                    items.iter().try_fold(Self::Nothing, |kind, item| kind.with(Self::of(item)));
                Self::List(Box::new(kind.unwrap_or(Self::Text)))
            }
            Value::Object(fields) => Self::Object(
                fields.iter().map(|(key, value)| (key.clone(), Self::of(value))).collect(),
            ),
        }
    }

    /// The kind that holds both.
    fn with(self, other: Self) -> Result<Self, Clash> {
        match (self, other) {
            (Self::Nothing, kind) | (kind, Self::Nothing) => Ok(kind),
            (Self::Integer, Self::Float) | (Self::Float, Self::Integer) => Ok(Self::Float),
            (Self::List(one), Self::List(other)) => {
                one.with(*other).map(|kind| Self::List(Box::new(kind)))
            }
            (Self::Object(mut fields), Self::Object(others)) => {
                for (key, kind) in others {
                    match fields.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, known)) => *known = known.clone().with(kind)?,
                        None => fields.push((key, kind)),
                    }
                }
                Ok(Self::Object(fields))
            }
            (one, other) if one == other => Ok(one),
            clash => Err(clash),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Nothing => "null",
            Self::Flag => "true or false",
            Self::Integer | Self::Float => "a number",
            Self::Text => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    fn dtype(&self) -> DataType {
        match self {
            Self::Nothing => DataType::Null,
            Self::Flag => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Text => DataType::String,
            Self::List(item) => DataType::List(Box::new(item.dtype())),
            Self::Object(fields) => DataType::Struct(fields_of(fields)),
        }
    }

    /// A value of this kind.
    fn value<'a>(&self, value: &'a Value) -> AnyValue<'a> {
        match (self, value) {
            (_, Value::Null) => AnyValue::Null,
            (Self::Flag, Value::Bool(truth)) => AnyValue::Boolean(*truth),
            (Self::Integer, Value::Number(number)) => {
                number.as_i64().map_or(AnyValue::Null, AnyValue::Int64)
            }
            (Self::Float, Value::Number(number)) => {
                number.as_f64().map_or(AnyValue::Null, AnyValue::Float64)
            }
            (Self::Text, Value::String(text)) => AnyValue::String(text),
            (Self::Text, other) => AnyValue::StringOwned(other.to_string().as_str().into()),
            (Self::List(item), Value::Array(items)) => {
                let values: Vec<AnyValue<'_>> = items.iter().map(|one| item.value(one)).collect();
                let series =
                    Series::from_any_values_and_dtype("".into(), &values, &item.dtype(), true);
                series.map_or(AnyValue::Null, AnyValue::List)
            }
            (Self::Object(fields), Value::Object(map)) => {
                let values = fields.iter().map(|(key, kind)| {
                    kind.value(map.get(key).unwrap_or(&Value::Null)).into_static()
                });
                AnyValue::StructOwned(Box::new((values.collect(), fields_of(fields))))
            }
            _ => AnyValue::Null,
        }
    }
}

fn fields_of(fields: &[(String, Kind)]) -> Vec<Field> {
    fields.iter().map(|(key, kind)| Field::new(key.as_str().into(), kind.dtype())).collect()
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

    #[test]
    fn a_column_of_two_kinds_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let mixed = [json!({"a": "x"}), json!({"a": 3})];
        let error = write(&folder.path().join("a.parquet"), &mixed).expect_err("two kinds");
        let text = error.to_string();
        assert_eq!(text, "column `a`: row 2 holds a number, rows before it a text");
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
