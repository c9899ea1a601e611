//! The rows of a file, whatever holds them.

mod array;
mod columnar;
mod delimited;
mod exact;
mod features;
mod json;
mod lines;
mod place;
mod problem;
mod text;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use features::ClassNames;
pub use json::Json;
pub use problem::{RowError, RowProblem, RowUnit};

pub(crate) use columnar::{Batch, Column, INTERVAL, JSON, UUID};
pub(crate) use features::{KEY as FEATURES, class_names};

use crate::arrow_file::ArrowFile;
use crate::error::DatasetError;
use crate::parquet_file::ParquetFile;
use crate::probe::FirstContact;
use crate::source::Format;
use delimited::Delimited;

/// Objects of an untyped file whose keys are looked at before its rows are read.
const SAMPLE: usize = 1000;
/// What is wrong with an array that is said to be lines.
const ARRAY: &str = "this is one JSON array, and not an object a line; set `format: json`";

/// One row of a file.
#[derive(Debug)]
pub struct Row {
    /// Its number, counted from 1: that of its first line, or its place among the items or rows.
    pub number: u64,
    /// Its fields, or what is wrong with it.
    pub value: Result<Json, RowProblem>,
    /// What the cells of text columns look like that are [judged](Selection::judged).
    pub(crate) looks: Vec<(String, Json)>,
    /// The line it was read from, where it is one line.
    line: Option<Vec<u8>>,
}

impl Row {
    fn whole(number: u64, json: Json) -> Self {
        Self { number, value: Ok(json), looks: Vec::new(), line: None }
    }

    /// The byte of its line, counted from 1, where something is wrong.
    #[must_use]
    pub fn column_of(&self, problem: &RowProblem) -> Option<usize> {
        problem.column(self.line.as_deref()?)
    }
}

/// Whether rows are wanted further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Go,
    Stop,
}

/// A file whose columns are known and whose rows can be read, one after the other.
///
/// Memory is bounded by a line, a record or a batch, never by the file.
///
/// ```
/// use forethought_dataset::{FirstContact, Format, RowFile, Selection};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("steps.csv");
/// std::fs::write(&path, "question,steps\n2 + 2?,1\n")?;
/// let file = RowFile::open(&FirstContact::Here, &path, Format::Auto)?;
/// assert_eq!(file.columns(), Some(["question".to_owned(), "steps".to_owned()].as_slice()));
/// file.for_each(Selection::ALL, |row| {
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
pub struct Selection<'a> {
    /// The columns that are read where a container can leave the others out; JSON has them all. None: all.
    pub only: Option<&'a [&'a str]>,
    /// Columns of delimited text that are read as text, whatever they look like.
    pub as_text: &'a [&'a str],
    /// Columns that a condition names: to it, a text that looks like a number is one.
    pub judged: &'a [&'a str],
}

impl Selection<'_> {
    /// All columns, each as what it looks like.
    pub const ALL: Self = Self { only: None, as_text: &[], judged: &[] };

    /// Those of the columns that are selected.
    fn of<'c>(&self, columns: &'c [String]) -> Vec<&'c str> {
        let is_selected = |name: &&str| self.only.is_none_or(|only| only.contains(name));
        columns.iter().map(String::as_str).filter(is_selected).collect()
    }
}

#[derive(Debug)]
enum Content {
    Lines,
    Array,
    Delimited(Delimited),
    Parquet(Box<ParquetFile>),
    Arrow(ArrowFile),
}

/// The columns of a whole file, and some of its rows from all over it.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Json>,
}

impl RowFile {
    /// Looks at a file: its format, its columns. A parquet or Arrow file is first read by whom it is to be read first;
    /// this is the one door to such files.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, its format cannot be told, or it is not of its format; if the first reader failed.
    pub fn open(contact: &FirstContact, path: &Path, format: Format) -> Result<Self, DatasetError> {
        let known = format.of(path)?;
        if !known.is_text() {
            // What is found by comparing lengths needs no other process.
            match known {
                Format::Parquet => ParquetFile::check(path)?,
                _ => ArrowFile::check(path)?,
            }
            contact.meet(path, known)?;
        }
        let content = match known {
            Format::Jsonl if lines::is_array(path)? => match format {
                // Some programs call an array `.jsonl`.
                Format::Auto => Content::Array,
                _ => return Err(DatasetError::other_format(path, ARRAY)),
            },
            Format::Auto | Format::Jsonl => Content::Lines,
            // Many programs call JSON lines `.json`.
            Format::Json if format == Format::Auto && lines::begins_with_object(path)? => {
                Content::Lines
            }
            Format::Json => Content::Array,
            Format::Csv => Content::Delimited(Delimited::open(path, b',')?),
            Format::Tsv => Content::Delimited(Delimited::open(path, b'\t')?),
            Format::Parquet => Content::Parquet(Box::new(ParquetFile::open(path)?)),
            Format::Arrow => Content::Arrow(ArrowFile::open(path)?),
        };
        let columns = content.columns(path)?;
        Ok(Self { path: path.to_owned(), content, columns })
    }

    /// The columns in the order of the file, of JSON those of its first thousand objects; `None` if it has no object.
    #[must_use]
    pub fn columns(&self) -> Option<&[String]> {
        self.columns.as_deref()
    }

    /// The names of classes that numbers of columns stand for, where `datasets` wrote the file.
    #[must_use]
    pub fn class_names(&self) -> ClassNames {
        let within = match &self.content {
            Content::Parquet(file) => file.class_names(),
            Content::Arrow(file) => file.class_names(),
            Content::Lines | Content::Array | Content::Delimited(_) => ClassNames::new(),
        };
        if within.is_empty() { features::beside(&self.path) } else { within }
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

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What separates cells, where there are such.
    pub(crate) fn delimiter(&self) -> Option<char> {
        match &self.content {
            Content::Delimited(file) => Some(file.delimiter()),
            _ => None,
        }
    }

    /// Whether columns may first appear behind those that [`RowFile::columns`] has seen.
    fn may_have_more_columns(&self) -> bool {
        matches!(self.content, Content::Lines | Content::Array)
    }

    /// Hands over each row.
    ///
    /// # Errors
    ///
    /// If the file cannot be read to its end; and the first error of `sink`, after which no row is read.
    pub fn for_each(
        &self,
        selection: Selection<'_>,
        mut sink: impl FnMut(Row) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        self.walk(selection, usize::MAX, |row| sink(row).map(|()| Next::Go))
    }

    /// The first objects, so many at most. Rows that cannot be read are passed over.
    pub(crate) fn head(
        &self,
        num_rows: usize,
        as_text: &[&str],
    ) -> Result<Vec<Json>, DatasetError> {
        let mut rows = Vec::new();
        self.walk(Selection { as_text, ..Selection::ALL }, num_rows, |row| {
            rows.extend(row.value.ok().filter(|value| value.fields().is_some()));
            Ok(if rows.len() < num_rows { Next::Go } else { Next::Stop })
        })?;
        Ok(rows)
    }

    /// Looks at the whole file: all columns, and about so many objects spread evenly over it.
    pub(crate) fn survey(&self, num_rows: usize, as_text: &[&str]) -> Result<Survey, DatasetError> {
        let mut survey = Survey::default();
        let (mut seen, mut step, mut place) = (BTreeSet::new(), 1, 0);
        self.for_each(Selection { as_text, ..Selection::ALL }, |row| {
            let Some(value) = row.value.ok().filter(|value| value.fields().is_some()) else {
                return Ok(());
            };
            for (key, _) in value.fields().unwrap_or_default() {
                if !seen.contains(key) {
                    seen.insert(key.clone());
                    survey.columns.push(key.clone());
                }
            }
            if place % step == 0 {
                survey.rows.push(value);
            }
            place += 1;
            if survey.rows.len() == 2 * num_rows {
                let mut index = 0;
                survey.rows.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                step *= 2;
            }
            Ok(())
        })?;
        if !self.may_have_more_columns() {
            survey.columns = self.columns.clone().unwrap_or_default();
        }
        Ok(survey)
    }

    /// Hands over rows until it is enough. So many are needed at most, which a container may go by.
    fn walk(
        &self,
        selection: Selection<'_>,
        num_rows: usize,
        mut sink: impl FnMut(Row) -> Result<Next, DatasetError>,
    ) -> Result<(), DatasetError> {
        let path = &self.path;
        match &self.content {
            Content::Lines => lines::for_each(path, sink),
            Content::Array => array::for_each(path, sink),
            Content::Delimited(file) => file.for_each(selection, sink),
            Content::Parquet(file) => {
                let fault = |message| DatasetError::Parquet { path: path.clone(), message };
                let names = selection.of(file.columns());
                walk_batches(file.batches(&names, num_rows), fault, &mut sink)
            }
            Content::Arrow(file) => {
                let fault = |message| DatasetError::Arrow { path: path.clone(), message };
                let names = selection.of(file.columns());
                walk_batches(file.batches(&names)?, fault, &mut sink)
            }
        }
    }
}

/// Hands over the rows of batches until it is enough.
fn walk_batches(
    batches: impl Iterator<Item = Result<Batch, DatasetError>>,
    fault: impl Fn(String) -> DatasetError,
    sink: &mut dyn FnMut(Row) -> Result<Next, DatasetError>,
) -> Result<(), DatasetError> {
    let mut number = 0;
    for batch in batches {
        let batch = batch?;
        for json in crate::guard::guarded(|| batch.into_rows()).map_err(&fault)? {
            number += 1;
            if sink(Row::whole(number, json))? == Next::Stop {
                return Ok(());
            }
        }
    }
    Ok(())
}

impl Content {
    fn columns(&self, path: &Path) -> Result<Option<Vec<String>>, DatasetError> {
        match self {
            Self::Lines => lines::columns(path, SAMPLE),
            Self::Array => array::columns(path, SAMPLE),
            Self::Delimited(file) => Ok(Some(file.columns().to_vec())),
            Self::Parquet(file) => Ok(Some(file.columns().to_vec())),
            Self::Arrow(file) => Ok(Some(file.columns().to_vec())),
        }
    }
}

/// What a value takes in memory, about.
pub(crate) fn bytes_of(value: &Value) -> usize {
    let within = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(bytes_of).sum(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| key.len() + bytes_of(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + within
}
