//! The rows of a file, whatever its format.

mod columnar;
mod json;
mod lines;
mod problem;
mod record;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub use problem::{RowError, RowProblem, RowUnit};

pub(crate) use json::Json;
pub(crate) use lines::for_each_line;
pub(crate) use record::Record;

use crate::columns::ColumnMap;
use crate::error::{DatasetError, require_columns};
use crate::parquet_file::ParquetFile;
use crate::source::Format;

/// Tells the map from the columns of a file.
pub(crate) type Recognise = fn(&Path, &[String]) -> Result<ColumnMap, DatasetError>;

/// A file whose columns are known and whose rows can be read.
pub(crate) struct RowFile {
    path: PathBuf,
    content: Content,
    /// `None` if the file holds no record that could have columns.
    columns: Option<Vec<String>>,
}

enum Content {
    Lines,
    Items(Vec<Json>),
    Parquet(ParquetFile),
}

impl RowFile {
    pub(crate) fn open(path: &Path, format: Format) -> Result<Self, DatasetError> {
        let (content, columns) = match format.of(path)? {
            Format::Auto | Format::Jsonl => (Content::Lines, lines::columns(path)?),
            Format::Json => {
                let items = read_array(path)?;
                let columns = item_columns(&items);
                (Content::Items(items), columns)
            }
            Format::Parquet => {
                let file = ParquetFile::open(path)?;
                let columns = file.columns().to_vec();
                (Content::Parquet(file), Some(columns))
            }
        };
        Ok(Self { path: path.to_owned(), content, columns })
    }

    /// What [`RowFile::for_each`] counts.
    pub(crate) fn unit(&self) -> RowUnit {
        match self.content {
            Content::Lines => RowUnit::Line,
            Content::Items(_) | Content::Parquet(_) => RowUnit::Row,
        }
    }

    /// The columns there are; `None` if the file holds no record that could have columns.
    pub(crate) fn columns(&self) -> Option<&[String]> {
        self.columns.as_deref()
    }

    /// The map that was given, if the file has its columns, or the one its columns tell; `None` if it has no record.
    pub(crate) fn map(
        &self,
        given: Option<&ColumnMap>,
        recognise: Recognise,
    ) -> Result<Option<ColumnMap>, DatasetError> {
        let Some(columns) = &self.columns else { return Ok(None) };
        match given {
            Some(map) => {
                require_columns(&self.path, &map.names(), columns)?;
                Ok(Some(map.clone()))
            }
            None => recognise(&self.path, columns).map(Some),
        }
    }

    /// Hands over each row with its number, counted from 1.
    pub(crate) fn for_each(
        self,
        map: &ColumnMap,
        mut sink: impl FnMut(u64, Result<Json, RowProblem>),
    ) -> Result<(), DatasetError> {
        match self.content {
            Content::Lines => lines::for_each(&self.path, sink),
            Content::Items(items) => {
                (1..).zip(items).for_each(|(number, item)| sink(number, Ok(item)));
                Ok(())
            }
            Content::Parquet(file) => {
                columnar::for_each(&self.path, &file, map, |number, row| sink(number, Ok(row)))
            }
        }
    }
}

/// The items of a JSON array. A break in it makes the whole file unreadable, since what follows has no beginning.
fn read_array(path: &Path) -> Result<Vec<Json>, DatasetError> {
    let bytes = std::fs::read(path).map_err(|source| DatasetError::read(path, source))?;
    let bytes = bytes.strip_prefix(lines::BYTE_ORDER_MARK).unwrap_or(&bytes);
    if bytes.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let error =
        |line, column, message| DatasetError::Json { path: path.to_owned(), line, column, message };
    match serde_json::from_slice(bytes) {
        Ok(Json::List(items)) => Ok(items),
        Ok(other) => {
            let message = format!("expected an array of objects, found {}", other.kind());
            Err(error(1, 1, format!("{message}; for one object a line, set `format: jsonl`")))
        }
        Err(fault) => {
            let mut message = lines::without_place(&fault);
            if message.contains("trailing characters") {
                message.push_str("; for one object a line, set `format: jsonl`");
            }
            Err(error(fault.line(), fault.column(), message))
        }
    }
}

/// The keys of all objects in the order they first appear; `None` if there is no object.
fn item_columns(items: &[Json]) -> Option<Vec<String>> {
    let objects: Vec<&Vec<(String, Json)>> = items
        .iter()
        .filter_map(|item| if let Json::Object(fields) = item { Some(fields) } else { None })
        .collect();
    let mut seen = BTreeSet::new();
    let keys = objects.iter().flat_map(|fields| fields.iter().map(|(key, _)| key));
    let names = keys.filter(|key| seen.insert(key.as_str())).cloned().collect();
    (!objects.is_empty()).then_some(names)
}
