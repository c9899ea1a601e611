//! The rows of a file, whatever holds them.

mod array;
mod columnar;
mod delimited;
mod json;
mod lines;
mod place;
mod problem;
mod record;
mod text;
mod typed;

use std::path::{Path, PathBuf};

pub use json::Json;
pub use problem::{RowError, RowProblem, RowUnit};

pub(crate) use columnar::cells as polars_cells;
pub(crate) use record::Record;
pub(crate) use typed::TypedColumn;

use crate::arrow_file::ArrowFile;
use crate::columns::ColumnMap;
use crate::error::{DatasetError, require_columns};
use crate::parquet_file::{ParquetFile, guarded};
use crate::probe::FirstContact;
use crate::source::Format;
use delimited::Delimited;

/// Tells the map from the columns of a file.
pub(crate) type Recognise = fn(&Path, &[String]) -> Result<ColumnMap, DatasetError>;

/// Objects of an untyped file whose keys are looked at before its rows are read. If what is looked for is not among
/// them, all are looked at.
const SAMPLE: usize = 1000;

/// One row of a file.
#[derive(Debug)]
pub struct Row<'a> {
    /// Its number, counted from 1: that of its first line, or its place among the items or rows.
    pub number: u64,
    /// Its fields, or what is wrong with it.
    pub value: Result<Json, RowProblem>,
    /// The line it was read from, where it is one line.
    line: Option<&'a [u8]>,
}

impl Row<'_> {
    /// The byte of its line, counted from 1, where something is wrong.
    #[must_use]
    pub fn column_of(&self, problem: &RowProblem) -> Option<usize> {
        problem.column(self.line?)
    }
}

/// A file whose columns are known and whose rows can be read, one after the other.
///
/// Memory is bounded by a line, a record or a batch, never by the file.
///
/// ```
/// use forethought_dataset::{Format, RowFile, Selection};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("steps.csv");
/// std::fs::write(&path, "question,steps\n2 + 2?,1\n")?;
/// let file = RowFile::open(&path, Format::Auto)?;
/// assert_eq!(file.columns(), Some(["question".to_owned(), "steps".to_owned()].as_slice()));
/// file.for_each(Selection::All, |row| {
///     let value = row.value.and_then(|json| json.into_value());
///     assert_eq!(value, Ok(serde_json::json!({"question": "2 + 2?", "steps": 1})));
///     Ok(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RowFile {
    path: PathBuf,
    content: Content,
    columns: Option<Vec<String>>,
}

/// The columns that rows are read with.
#[derive(Clone, Copy, Debug)]
pub enum Selection<'a> {
    /// All of them.
    All,
    /// These; JSON rows have the others too. In delimited text they are read as text, whatever it looks like.
    Text(&'a [&'a str]),
}

impl Selection<'_> {
    fn is_text(&self, name: &str) -> bool {
        matches!(self, Self::Text(names) if names.contains(&name))
    }

    /// Those of the columns that are selected.
    fn of<'c>(&self, columns: &'c [TypedColumn]) -> Vec<&'c str> {
        let names = columns.iter().map(|column| column.name.as_str());
        names.filter(|name| matches!(self, Self::All) || self.is_text(name)).collect()
    }
}

#[derive(Debug)]
enum Content {
    Lines,
    Array,
    Delimited(Delimited),
    Parquet(ParquetFile),
    Arrow(ArrowFile),
}

impl RowFile {
    /// Looks at a file: its format, its columns.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, its format cannot be told, or it is not of its format.
    pub fn open(path: &Path, format: Format) -> Result<Self, DatasetError> {
        Self::open_after(&FirstContact::Here, path, format)
    }

    /// The same, once the file was read by whom it is to be read first.
    ///
    /// # Errors
    ///
    /// As [`RowFile::open`], and if the first reader failed.
    pub fn open_after(
        contact: &FirstContact,
        path: &Path,
        format: Format,
    ) -> Result<Self, DatasetError> {
        let known = format.of(path)?;
        if let FirstContact::Child(probe) = contact
            && !known.is_text()
        {
            // What is found by comparing lengths needs no other process.
            match known {
                Format::Parquet => ParquetFile::check(path)?,
                _ => ArrowFile::check(path)?,
            }
            probe.examine(path, known)?;
        }
        let content = match known {
            Format::Auto | Format::Jsonl => Content::Lines,
            // Many programs call JSON lines `.json`.
            Format::Json if format == Format::Auto && lines::begins_with_object(path)? => {
                Content::Lines
            }
            Format::Json => Content::Array,
            Format::Csv => Content::Delimited(Delimited::open(path, b',')?),
            Format::Tsv => Content::Delimited(Delimited::open(path, b'\t')?),
            Format::Parquet => Content::Parquet(ParquetFile::open(path)?),
            Format::Arrow => Content::Arrow(ArrowFile::open(path)?),
        };
        let columns = content.columns(path, SAMPLE)?;
        Ok(Self { path: path.to_owned(), content, columns })
    }

    /// The columns in the order of the file, of JSON those of its first thousand objects; `None` if it has no object.
    #[must_use]
    pub fn columns(&self) -> Option<&[String]> {
        self.columns.as_deref()
    }

    /// What [`Row::number`] counts.
    #[must_use]
    pub fn unit(&self) -> RowUnit {
        match self.content {
            Content::Lines | Content::Delimited(_) => RowUnit::Line,
            Content::Array | Content::Parquet(_) | Content::Arrow(_) => RowUnit::Row,
        }
    }

    /// An error of one of its rows.
    #[must_use]
    pub fn error(&self, row: u64, column: Option<usize>, problem: RowProblem) -> RowError {
        let file = self.path.display().to_string();
        RowError { file, unit: self.unit(), row, column, problem }
    }

    /// The map that was given, if the file has its columns, or the one its columns tell; `None` if it has no record.
    pub(crate) fn map(
        &self,
        given: Option<&ColumnMap>,
        recognise: Recognise,
    ) -> Result<Option<ColumnMap>, DatasetError> {
        let Some(columns) = &self.columns else { return Ok(None) };
        let map_among = |columns: &[String]| match given {
            Some(map) => require_columns(&self.path, &map.names(), columns).map(|()| map.clone()),
            None => recognise(&self.path, columns),
        };
        let map = map_among(columns).or_else(|error| {
            // A column may first appear far down.
            let all = self.content.columns(&self.path, usize::MAX)?.unwrap_or_default();
            if all.len() == columns.len() { Err(error) } else { map_among(&all) }
        })?;
        if let Some(typed) = self.content.typed() {
            typed::require_types(&self.path, typed, &map)?;
        }
        Ok(Some(map))
    }

    /// Hands over each row.
    ///
    /// # Errors
    ///
    /// If the file cannot be read to its end; and the first error of `sink`, after which no row is read.
    pub fn for_each(
        &self,
        selection: Selection<'_>,
        mut sink: impl FnMut(Row<'_>) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        let path = &self.path;
        let mut number = 0;
        let mut take = |json| {
            number += 1;
            sink(Row { number, value: Ok(json), line: None })
        };
        match &self.content {
            Content::Lines => lines::for_each(path, sink),
            Content::Array => array::for_each(path, sink),
            Content::Delimited(file) => file.for_each(|name| selection.is_text(name), sink),
            Content::Parquet(file) => file.for_each_group(&selection.of(file.columns()), |frame| {
                guarded(path, || columnar::rows(&frame))?.try_for_each(&mut take)
            }),
            Content::Arrow(file) => {
                let fault = |message| DatasetError::Arrow { path: path.clone(), message };
                file.for_each_batch(&selection.of(file.columns()), |frame| {
                    let rows = crate::guard::guarded(|| columnar::rows(&frame));
                    rows.map_err(fault)?.try_for_each(&mut take)
                })
            }
        }
    }
}

impl Content {
    /// The columns and their types, where the container has types.
    fn typed(&self) -> Option<&[TypedColumn]> {
        match self {
            Self::Parquet(file) => Some(file.columns()),
            Self::Arrow(file) => Some(file.columns()),
            Self::Lines | Self::Array | Self::Delimited(_) => None,
        }
    }

    fn columns(&self, path: &Path, limit: usize) -> Result<Option<Vec<String>>, DatasetError> {
        match self {
            Self::Lines => lines::columns(path, limit),
            Self::Array => array::columns(path, limit),
            Self::Delimited(file) => Ok(Some(file.columns().to_vec())),
            Self::Parquet(_) | Self::Arrow(_) => {
                let names = self.typed().unwrap_or_default().iter();
                Ok(Some(names.map(|column| column.name.clone()).collect()))
            }
        }
    }
}
