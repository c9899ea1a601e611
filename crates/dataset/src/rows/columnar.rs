//! Parquet rows as JSON values, so that one set of rules reads every format.

use std::path::Path;

use polars::prelude::{AnyValue, DataFrame, DataType, ListChunked, PolarsResult, Series};

use super::json::Json;
use crate::columns::{Cell, ColumnMap};
use crate::error::DatasetError;
use crate::parquet_file::{ParquetFile, guarded};

/// The fields of a turn that are read; others are ignored.
const TURN: [&str; 2] = ["role", "content"];

/// Hands over each row with its number, counted from 1, a row group at a time.
pub(super) fn for_each(
    path: &Path,
    file: &ParquetFile,
    map: &ColumnMap,
    mut sink: impl FnMut(u64, Json),
) -> Result<(), DatasetError> {
    let names = map.names();
    let mut number = 0;
    file.for_each_group(&names, |frame| {
        for row in rows(path, &frame, map)? {
            number += 1;
            sink(number, row);
        }
        Ok(())
    })
}

/// The rows of a frame, each an object with the columns of the map.
fn rows(
    path: &Path,
    frame: &DataFrame,
    map: &ColumnMap,
) -> Result<impl Iterator<Item = Json>, DatasetError> {
    let names: Vec<String> = map.names().into_iter().map(str::to_owned).collect();
    let mut columns = Vec::new();
    for name in &names {
        columns.push(cells(path, frame, name, map)?.into_iter());
    }
    Ok((0..frame.height()).map(move |_| {
        let values = columns.iter_mut().map(|cells| cells.next().unwrap_or(Json::Null));
        Json::Object(names.iter().cloned().zip(values).collect())
    }))
}

fn cells(
    path: &Path,
    frame: &DataFrame,
    name: &str,
    map: &ColumnMap,
) -> Result<Vec<Json>, DatasetError> {
    let series = guarded(path, || Ok(frame.column(name)?.as_materialized_series().clone()))?;
    let dtype = series.dtype();
    let (fits, expected) = match map.cell(name) {
        Cell::Turns => (is_turns(dtype), "a list of {role, content}"),
        Cell::Text => (is_text(dtype), "text"),
        Cell::TextOrNumber => (is_text(dtype) || dtype.is_primitive_numeric(), "text or a number"),
    };
    if !fits {
        return Err(DatasetError::ColumnType {
            path: path.to_owned(),
            column: name.to_owned(),
            found: describe(series.dtype()),
            expected,
        });
    }
    guarded(path, || match series.dtype() {
        DataType::List(_) => conversations(series.list()?),
        dtype if dtype.is_integer() => numbers(&series, &DataType::Int64),
        dtype if dtype.is_float() => numbers(&series, &DataType::Float64),
        _ => texts(&series),
    })
}

/// A column of nothing but null has no type of its own; its rows are row errors.
fn is_text(dtype: &DataType) -> bool {
    matches!(dtype, DataType::String | DataType::Null)
}

fn is_turns(dtype: &DataType) -> bool {
    match dtype {
        DataType::Null => true,
        DataType::List(turn) => match &**turn {
            DataType::Struct(fields) => TURN.iter().all(|name| {
                fields.iter().any(|field| field.name() == *name && is_text(field.dtype()))
            }),
            _ => false,
        },
        _ => false,
    }
}

/// The type in words that name the fields of a struct, which polars' own do not.
fn describe(dtype: &DataType) -> String {
    match dtype {
        DataType::List(item) => format!("a list of {}", describe(item)),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{}: {}", field.name(), describe(field.dtype())))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        DataType::String => "text".to_owned(),
        other => other.to_string(),
    }
}

fn texts(series: &Series) -> PolarsResult<Vec<Json>> {
    let series = series.strict_cast(&DataType::String)?;
    let texts = series.str()?;
    Ok(texts.iter().map(|text| text.map_or(Json::Null, |text| Json::Text(text.into()))).collect())
}

/// Numbers as their shortest text, as in the other formats.
fn numbers(series: &Series, as_type: &DataType) -> PolarsResult<Vec<Json>> {
    let series = series.strict_cast(as_type)?;
    let text = |value: AnyValue<'_>| match value {
        AnyValue::Int64(number) => Json::Number(number.to_string()),
        AnyValue::Float64(number) => Json::Number(number.to_string()),
        _ => Json::Null,
    };
    Ok(series.iter().map(text).collect())
}

fn conversations(lists: &ListChunked) -> PolarsResult<Vec<Json>> {
    lists.series_iter().map(|turns| turns.map_or(Ok(Json::Null), |turns| list(&turns))).collect()
}

fn list(turns: &Series) -> PolarsResult<Json> {
    let fields = turns.struct_()?;
    let roles = texts(&fields.field_by_name(TURN[0])?)?;
    let contents = texts(&fields.field_by_name(TURN[1])?)?;
    let turn = |(role, content)| {
        Json::Object(vec![(TURN[0].to_owned(), role), (TURN[1].to_owned(), content)])
    };
    Ok(Json::List(roles.into_iter().zip(contents).map(turn).collect()))
}
