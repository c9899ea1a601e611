//! polars' columns as JSON values, so that one set of rules reads every container.

use polars::prelude::{AnyValue, DataFrame, DataType, ListChunked, PolarsResult, Series};
use serde_json::Number;

use super::json::Json;

/// The rows of a frame, each an object with all its columns.
pub(crate) fn rows(frame: &DataFrame) -> PolarsResult<impl Iterator<Item = Json> + use<>> {
    let names: Vec<String> =
        frame.columns().iter().map(|column| column.name().to_string()).collect();
    let columns = frame.columns().iter().map(|column| values(column.as_materialized_series()));
    let columns: Vec<Vec<Json>> = columns.collect::<PolarsResult<_>>()?;
    Ok(objects(names, columns, frame.height()))
}

/// Columns of equal length into objects.
pub(super) fn objects(
    names: Vec<String>,
    columns: Vec<Vec<Json>>,
    num_rows: usize,
) -> impl Iterator<Item = Json> {
    let mut columns: Vec<std::vec::IntoIter<Json>> =
        columns.into_iter().map(Vec::into_iter).collect();
    (0..num_rows).map(move |_| {
        let values = columns.iter_mut().map(|column| column.next().unwrap_or_default());
        Json::Object(names.iter().cloned().zip(values).collect())
    })
}

fn values(series: &Series) -> PolarsResult<Vec<Json>> {
    match series.dtype() {
        DataType::Null => Ok(vec![Json::Null; series.len()]),
        DataType::String => {
            let text =
                |text: Option<&str>| text.map_or(Json::Null, |text| Json::Text(text.to_owned()));
            Ok(series.str()?.iter().map(text).collect())
        }
        DataType::List(_) => lists(series.list()?),
        DataType::Struct(_) => structs(series),
        _ => series.iter().map(|value| Ok(scalar(&value))).collect(),
    }
}

fn lists(lists: &ListChunked) -> PolarsResult<Vec<Json>> {
    let list = |items: Option<Series>| {
        items.map_or(Ok(Json::Null), |items| values(&items).map(Json::List))
    };
    lists.series_iter().map(list).collect()
}

fn structs(series: &Series) -> PolarsResult<Vec<Json>> {
    let is_null = series.is_null();
    let fields = series.struct_()?.fields_as_series();
    let names = fields.iter().map(|field| field.name().to_string()).collect();
    let columns = fields.iter().map(values).collect::<PolarsResult<_>>()?;
    let rows = objects(names, columns, series.len()).zip(is_null.iter());
    let row = |(row, is_null)| if is_null == Some(true) { Json::Null } else { row };
    Ok(rows.map(row).collect())
}

/// A cell as JSON. Types that JSON does not have, such as dates, become their text.
fn scalar(value: &AnyValue<'_>) -> Json {
    match value {
        AnyValue::Null => Json::Null,
        AnyValue::Boolean(truth) => Json::Boolean(*truth),
        value if value.is_integer() => {
            let number = value.extract::<i64>().map(Number::from);
            let number = number.or_else(|| value.extract::<u64>().map(Number::from));
            number.map_or_else(|| Json::Text(value.to_string()), Json::Number)
        }
        AnyValue::Float32(number) => Json::float(f64::from(*number)),
        AnyValue::Float64(number) => Json::float(*number),
        other => Json::Text(other.to_string()),
    }
}
