//! Rows of JSON into parquet: lists and objects become the nested columns that other programs read.

use std::collections::BTreeSet;
use std::path::Path;

use polars::prelude::{AnyValue, Column as PolarsColumn, DataFrame, DataType, Field, Series};
use serde_json::{Map, Value};

use super::parquet::encoded;
use crate::error::DatasetError;
use crate::parquet_file::guarded;

/// Writes rows as parquet. A field that a row does not have is null; one that holds a text in one row and something else
/// in another is an error, since a column has one type.
///
/// # Errors
///
/// If a column has no single type, or the file cannot be written.
pub fn write_rows(path: &Path, rows: &[Map<String, Value>]) -> Result<(), DatasetError> {
    let mut seen = BTreeSet::new();
    let names: Vec<&String> =
        rows.iter().flat_map(Map::keys).filter(|name| seen.insert(name.as_str())).collect();
    let mut columns = Vec::new();
    for name in names {
        let mut kind = Kind::Nothing;
        for (index, row) in rows.iter().enumerate() {
            let Some(value) = row.get(name) else { continue };
            kind = kind.with(Kind::of(value)).map_err(|(found, other)| {
                let message = format!(
                    "column `{name}`: row {} holds {}, rows before it {}",
                    index + 1,
                    other.word(),
                    found.word()
                );
                DatasetError::Parquet { path: path.to_owned(), message }
            })?;
        }
        let values = rows.iter().map(|row| kind.value(row.get(name).unwrap_or(&Value::Null)));
        let values: Vec<AnyValue<'_>> = values.collect();
        let series = guarded(path, || {
            Series::from_any_values_and_dtype(name.as_str().into(), &values, &kind.dtype(), true)
        })?;
        columns.push(PolarsColumn::from(series));
    }
    let bytes = guarded(path, || encoded(DataFrame::new(rows.len(), columns)?))?;
    std::fs::write(path, bytes).map_err(|source| DatasetError::write(path, source))
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
    use crate::{Format, read_objects};

    fn rows(values: &[Value]) -> Vec<Map<String, Value>> {
        values.iter().map(|value| value.as_object().expect("an object").clone()).collect()
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
        write_rows(&path, &rows(&written)).expect("written");
        let read = read_objects(&path, Format::Auto).expect("readable");
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
        let mixed = rows(&[json!({"a": "x"}), json!({"a": 3})]);
        let error = write_rows(&folder.path().join("a.parquet"), &mixed).expect_err("two kinds");
        let text = error.to_string();
        assert!(
            text.ends_with("column `a`: row 2 holds a number, rows before it a text"),
            "{text}"
        );
    }
}
