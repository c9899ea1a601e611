//! Tables to and from parquet files.

use std::io::Write;
use std::path::Path;

use polars::prelude::{
    Column as PolarsColumn, CompatLevel, DataFrame, DataType, KeyValueMetadata, NamedFrom,
    ParquetWriter, PolarsResult, Schema, SchemaExt as _, Series,
};
use polars_parquet::write::schema_to_metadata_key;

use super::{Column, ColumnType, Table};
use crate::error::DatasetError;
use crate::parquet_file::{ParquetFile, guarded};
use crate::probe::FirstContact;
use crate::source::Format;

/// Rows of one row group. Fixed, because the bytes of a file shall depend on nothing but its rows.
pub(super) const ROW_GROUP: usize = 1 << 16;

pub(super) fn write(table: &Table, path: &Path) -> Result<(), DatasetError> {
    let bytes = guarded(path, || encoded(to_frame(table)?))?;
    std::fs::write(path, bytes).map_err(|source| DatasetError::write(path, source))
}

/// What writes a parquet file of this schema. In it Arrow's schema calls texts `large_string`, which every reader knows:
/// polars' own name for them, `string_view`, is not among the types that other programs look for.
pub(super) fn writer<W: Write>(to: W, schema: &Schema) -> ParquetWriter<W> {
    let schema = schema_to_metadata_key(&schema.to_arrow(CompatLevel::oldest()));
    ParquetWriter::new(to)
        .with_row_group_size(Some(ROW_GROUP))
        .with_key_value_metadata(Some(KeyValueMetadata::Static(vec![schema])))
}

fn encoded(mut frame: DataFrame) -> PolarsResult<Vec<u8>> {
    let mut bytes = Vec::new();
    writer(&mut bytes, &frame.schema().clone()).finish(&mut frame)?;
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
    let frame = file.read(&names)?;
    columns.iter().try_fold(Table::new(), |table, &(name, column_type)| {
        let series = guarded(path, || Ok(frame.column(name)?.as_materialized_series().clone()))?;
        require_type(path, &series, column_type)?;
        let column = guarded(path, || from_series(&series, column_type))?;
        Ok(table.with_column(name, column))
    })
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

fn require_type(path: &Path, series: &Series, expected: ColumnType) -> Result<(), DatasetError> {
    let dtype = series.dtype();
    let fits = match expected {
        ColumnType::Text => dtype.is_string(),
        ColumnType::Integer => dtype.is_integer(),
        ColumnType::Float => dtype.is_float() || dtype.is_integer(),
    };
    if fits || dtype.is_null() {
        return Ok(());
    }
    Err(DatasetError::ColumnType {
        path: path.to_owned(),
        column: series.name().to_string(),
        found: dtype.to_string(),
        expected: expected.as_str(),
    })
}

/// The values in the type of the table; a number that does not fit is an error, not null.
fn from_series(series: &Series, column_type: ColumnType) -> PolarsResult<Column> {
    Ok(match column_type {
        ColumnType::Text => {
            let series = series.strict_cast(&DataType::String)?;
            Column::Text(series.str()?.iter().map(|text| text.map(str::to_owned)).collect())
        }
        ColumnType::Integer => {
            Column::Integer(series.strict_cast(&DataType::Int64)?.i64()?.iter().collect())
        }
        ColumnType::Float => {
            Column::Float(series.strict_cast(&DataType::Float64)?.f64()?.iter().collect())
        }
    })
}
