//! Tables to and from parquet files.

use std::io::Write;
use std::path::Path;

use polars::prelude::{
    Column as PolarsColumn, CompatLevel, DataFrame, KeyValueMetadata, NamedFrom, ParquetWriter,
    PolarsResult, SchemaExt as _, Series,
};
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema};
use polars_parquet::write::schema_to_metadata_key;

use super::{Column, ColumnType, Table};
use crate::error::DatasetError;
use crate::parquet_file::{ParquetFile, guarded};
use crate::probe::FirstContact;
use crate::rows::Json;
use crate::source::Format;

/// Rows of one row group. Fixed, because the bytes of a file shall depend on nothing but its rows.
pub(super) const ROW_GROUP: usize = 1 << 16;

pub(super) fn write(table: &Table, path: &Path) -> Result<(), DatasetError> {
    let bytes = guarded(path, || encoded(to_frame(table)?))?;
    std::fs::write(path, bytes).map_err(|source| DatasetError::write(path, source))
}

/// What writes a parquet file with this schema of Arrow. It calls texts `large_string`, which every reader knows:
/// polars' own name for them, `string_view`, is not among the types that other programs look for.
pub(super) fn writer<W: Write>(to: W, schema: &ArrowSchema) -> ParquetWriter<W> {
    let schema = schema_to_metadata_key(schema);
    ParquetWriter::new(to)
        .with_row_group_size(Some(ROW_GROUP))
        .with_key_value_metadata(Some(KeyValueMetadata::Static(vec![schema])))
}

fn encoded(mut frame: DataFrame) -> PolarsResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let schema = frame.schema().to_arrow(CompatLevel::oldest());
    writer(&mut bytes, &schema).finish(&mut frame)?;
    Ok(bytes)
}

pub(super) fn read(
    contact: &FirstContact,
    path: &Path,
    columns: &[(&str, ColumnType)],
) -> Result<Table, DatasetError> {
    ParquetFile::check(path)?;
    contact.meet(path, Format::Parquet)?;
    let file = ParquetFile::open(path)?;
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    file.require(&names)?;
    let mut read = Vec::with_capacity(columns.len());
    for (name, column_type) in columns {
        require_type(path, &file, name, *column_type)?;
        read.push((*name, empty(*column_type)));
    }
    for batch in file.batches(&names, usize::MAX) {
        let batch = batch?;
        for (name, values) in guarded(path, || batch.into_columns())? {
            for (_, column) in read.iter_mut().filter(|(wanted, _)| *wanted == name) {
                guarded(path, || extend(column, &values))?;
            }
        }
    }
    Ok(read.into_iter().fold(Table::new(), |table, (name, column)| table.with_column(name, column)))
}

fn empty(column_type: ColumnType) -> Column {
    match column_type {
        ColumnType::Text => Column::Text(Vec::new()),
        ColumnType::Integer => Column::Integer(Vec::new()),
        ColumnType::Float => Column::Float(Vec::new()),
    }
}

/// Adds values in the type of the table; a number that does not fit is an error, not null.
fn extend(column: &mut Column, values: &[Json]) -> Result<(), String> {
    fn all<T>(values: &[Json], of: fn(&Json) -> Option<T>) -> Result<Vec<Option<T>>, String> {
        let value = |json: &Json| match json {
            Json::Null => Ok(None),
            json => of(json).map(Some).ok_or_else(|| format!("{json:?} does not fit its column")),
        };
        values.iter().map(value).collect()
    }
    match column {
        Column::Text(texts) => texts.extend(all(values, text)?),
        Column::Integer(numbers) => numbers.extend(all(values, integer)?),
        Column::Float(numbers) => numbers.extend(all(values, float)?),
    }
    Ok(())
}

fn text(json: &Json) -> Option<String> {
    if let Json::Text(text) = json { Some(text.clone()) } else { None }
}

fn integer(json: &Json) -> Option<i64> {
    if let Json::Number(number) = json { number.as_i64() } else { None }
}

fn float(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        // What JSON does not have, a table has: NaN and the infinite.
        Json::Foreign(text) => text.parse().ok(),
        _ => None,
    }
}

fn to_frame(table: &Table) -> PolarsResult<DataFrame> {
    let columns = table.columns().map(|(name, column)| to_column(name, column)).collect();
    DataFrame::new(table.num_rows(), columns)
}

fn to_column(name: &str, column: &Column) -> PolarsColumn {
    let series = match column {
        Column::Text(values) => Series::new(name.into(), values),
        Column::Integer(values) => Series::new(name.into(), values),
        Column::Float(values) => Series::new(name.into(), values),
    };
    series.into()
}

fn require_type(
    path: &Path,
    file: &ParquetFile,
    name: &str,
    expected: ColumnType,
) -> Result<(), DatasetError> {
    let of = file.field(name).map_or(&ArrowDataType::Null, |field| field.dtype());
    let found = word(of);
    let fits = found == expected.as_str() || expected == ColumnType::Float && found == "integer";
    if fits || *of == ArrowDataType::Null {
        return Ok(());
    }
    let (path, column, expected) = (path.to_owned(), name.to_owned(), expected.as_str());
    Err(DatasetError::ColumnType { path, column, found, expected })
}

/// A type in the words of error messages.
fn word(of: &ArrowDataType) -> String {
    use ArrowDataType as D;
    let word = match of {
        D::Int8 | D::Int16 | D::Int32 | D::Int64 | D::UInt8 | D::UInt16 | D::UInt32 | D::UInt64 => {
            "integer"
        }
        D::Float16 | D::Float32 | D::Float64 => "float",
        D::Utf8 | D::LargeUtf8 | D::Utf8View => "text",
        other => return format!("{other:?}"),
    };
    word.to_owned()
}
