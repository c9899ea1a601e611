//! Arrow's columns as JSON values, so that one set of rules reads every container.
//!
//! A value becomes what `to_pylist` of `pyarrow` makes of it, as JSON: the rules are in `docs/algorithms/dataset.md`.

mod moments;
mod plain;

use polars_arrow::array::{
    Array, DictionaryArray, DictionaryKey, FixedSizeListArray, ListArray, MapArray, StructArray,
    UnionArray,
};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::datatypes::{
    ArrowDataType, ExtensionType, Field, IntegerType, PhysicalType, UnionType,
};
use polars_arrow::match_integer_type;
use polars_arrow::offset::{Offset, OffsetsBuffer};

use super::json::Json;

/// The name under which Arrow knows texts that are JSON.
pub(crate) const JSON: &str = "arrow.json";
/// The name under which Arrow knows the 16 bytes of a UUID.
pub(crate) const UUID: &str = "arrow.uuid";
/// The name of the twelve bytes that parquet calls an interval.
pub(crate) const INTERVAL: &str = "parquet.interval";
/// The name under which Arrow knows booleans of a byte each.
const BOOLEAN: &str = "arrow.bool8";

/// What is wrong with a column, in words.
type Fault = String;

/// Some rows of a column.
pub(crate) struct Column {
    pub(crate) name: String,
    /// What the values are. The arrays may be of the type in which such values are stored.
    pub(crate) of: ArrowDataType,
    pub(crate) arrays: Vec<Box<dyn Array>>,
}

/// Rows in columns of equal length.
pub(crate) struct Batch {
    pub(crate) num_rows: usize,
    pub(crate) columns: Vec<Column>,
}

impl Batch {
    /// The values of each column.
    pub(crate) fn into_columns(self) -> Result<Vec<(String, Vec<Json>)>, Fault> {
        let num_rows = self.num_rows;
        let values = |column: Column| Ok((column.name.clone(), column.values(num_rows)?));
        self.columns.into_iter().map(values).collect()
    }

    /// The rows, each an object with all columns.
    pub(crate) fn into_rows(self) -> Result<impl Iterator<Item = Json>, Fault> {
        let num_rows = self.num_rows;
        let (names, columns) = self.into_columns()?.into_iter().unzip();
        Ok(objects(names, columns, num_rows))
    }
}

impl Column {
    fn values(&self, num_rows: usize) -> Result<Vec<Json>, Fault> {
        let named = |fault: Fault| format!("column `{}`: {fault}", self.name);
        let mut all = Vec::with_capacity(num_rows);
        for array in &self.arrays {
            all.append(&mut values(array.as_ref(), &self.of).map_err(named)?);
        }
        if all.len() == num_rows {
            Ok(all)
        } else {
            Err(named(format!("corrupt: it has {} of {num_rows} rows", all.len())))
        }
    }
}

/// Columns of equal length into objects.
fn objects(
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

/// The values of an array that is stored as this type is.
fn values(array: &dyn Array, of: &ArrowDataType) -> Result<Vec<Json>, Fault> {
    match (of, array.dtype().to_physical_type()) {
        (ArrowDataType::Extension(of), _) => extended(array, of),
        (ArrowDataType::Dictionary(key, of, _), PhysicalType::Dictionary(_)) => {
            dictionary(array, *key, of)
        }
        (ArrowDataType::List(item) | ArrowDataType::LargeList(item), PhysicalType::List) => {
            let list = plain::cast::<ListArray<i32>>(array)?;
            lists(list.values().as_ref(), list.offsets(), list.validity(), item)
        }
        (ArrowDataType::List(item) | ArrowDataType::LargeList(item), PhysicalType::LargeList) => {
            let list = plain::cast::<ListArray<i64>>(array)?;
            lists(list.values().as_ref(), list.offsets(), list.validity(), item)
        }
        (ArrowDataType::Map(entry, _), PhysicalType::Map) => {
            let map = plain::cast::<MapArray>(array)?;
            lists(map.field().as_ref(), map.offsets(), map.validity(), entry)
        }
        (ArrowDataType::FixedSizeList(item, width), _) => {
            let list = plain::cast::<FixedSizeListArray>(array)?;
            let items = values(list.values().as_ref(), &item.dtype)?;
            Ok(grouped(items, std::iter::repeat_n(*width, list.len()), list.validity()))
        }
        (ArrowDataType::Struct(fields), _) => structs(plain::cast(array)?, fields),
        (ArrowDataType::Union(of), _) => unions(plain::cast(array)?, of),
        _ => plain::values(array, of),
    }
}

fn is_null(validity: Option<&Bitmap>, index: usize) -> bool {
    validity.is_some_and(|validity| !validity.get_bit(index))
}

fn lists<O: Offset>(
    items: &dyn Array,
    offsets: &OffsetsBuffer<O>,
    validity: Option<&Bitmap>,
    item: &Field,
) -> Result<Vec<Json>, Fault> {
    let (start, end) = (offsets.first().to_usize(), offsets.last().to_usize());
    let items = items.sliced(start, end.saturating_sub(start));
    let items = values(items.as_ref(), &item.dtype)?;
    Ok(grouped(items, offsets.lengths(), validity))
}

/// Items into the lists that they are of.
fn grouped(
    items: Vec<Json>,
    lengths: impl Iterator<Item = usize>,
    validity: Option<&Bitmap>,
) -> Vec<Json> {
    let mut items = items.into_iter();
    let list = |(index, length)| {
        let list: Vec<Json> = items.by_ref().take(length).collect();
        if is_null(validity, index) { Json::Null } else { Json::List(list) }
    };
    lengths.enumerate().map(list).collect()
}

fn structs(array: &StructArray, fields: &[Field]) -> Result<Vec<Json>, Fault> {
    let names = fields.iter().map(|field| field.name.to_string()).collect();
    let columns = array.values().iter().zip(fields);
    let columns = columns.map(|(column, field)| values(column.as_ref(), &field.dtype));
    let rows = objects(names, columns.collect::<Result<_, _>>()?, array.len());
    let row = |(index, row)| if is_null(array.validity(), index) { Json::Null } else { row };
    Ok(rows.enumerate().map(row).collect())
}

fn unions(array: &UnionArray, of: &UnionType) -> Result<Vec<Json>, Fault> {
    let columns = array.fields().iter().zip(&of.fields);
    let columns = columns.map(|(column, field)| values(column.as_ref(), &field.dtype));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let value = |index| {
        let (column, row) = array.index(index);
        columns.get(column).and_then(|values| values.get(row)).cloned()
    };
    let all = (0..array.len()).map(value).collect::<Option<Vec<_>>>();
    all.ok_or_else(|| "corrupt: a union names a value that is not there".to_owned())
}

fn dictionary(array: &dyn Array, key: IntegerType, of: &ArrowDataType) -> Result<Vec<Json>, Fault> {
    match_integer_type!(key, |$T| looked_up(plain::cast::<DictionaryArray<$T>>(array)?, of))
}

/// The values that the keys stand for.
fn looked_up<K: DictionaryKey>(
    array: &DictionaryArray<K>,
    of: &ArrowDataType,
) -> Result<Vec<Json>, Fault> {
    let known = values(array.values().as_ref(), of)?;
    let value = |key: Option<usize>| key.map_or(Some(Json::Null), |key| known.get(key).cloned());
    let all = array.keys_iter().map(value).collect::<Option<Vec<_>>>();
    all.ok_or_else(|| "corrupt: a key that its dictionary lacks".to_owned())
}

/// The values of a type that is another one with a meaning of its own.
fn extended(array: &dyn Array, of: &ExtensionType) -> Result<Vec<Json>, Fault> {
    let stored = values(array, &of.inner);
    match of.name.as_str() {
        JSON => Ok(stored?.into_iter().map(parsed).collect()),
        UUID => plain::uuids(plain::cast(array)?),
        INTERVAL => Ok(moments::intervals(plain::cast(array)?)),
        BOOLEAN => Ok(stored?.into_iter().map(truth).collect()),
        _ => stored,
    }
}

/// What a text of JSON says; a text that is none stays a text.
fn parsed(json: Json) -> Json {
    match json {
        Json::Text(text) => Json::parse(&text).unwrap_or(Json::Text(text)),
        other => other,
    }
}

fn truth(json: Json) -> Json {
    match json {
        Json::Number(number) => Json::Boolean(number.as_i64() != Some(0)),
        other => other,
    }
}
