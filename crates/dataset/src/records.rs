//! Files of any shape into examples, with the fate of every row.

mod config;
mod files;
mod hub;
mod names;
mod reader;
mod reading;
mod store;
mod waiting;

use std::sync::Arc;

use forethought_preference::{Recognised, RowFault};
use forethought_schema::Example;

pub use config::Source;
pub use files::{SourceFile, find_files};
pub use reader::OnBadRow;
pub use store::ExampleRows;

pub(crate) use files::num_samples;
pub(crate) use reader::{Beside, Reader, Taken, for_each_file};
pub(crate) use reading::{Met, is_regrouped, read_into};

use crate::error::DatasetError;
use crate::ledger::Ledger;
use crate::probe::FirstContact;
use crate::rows::{ClassNames, RowError, RowProblem, RowUnit};

/// An example and the row it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct ExampleRow {
    /// The file.
    pub file: Arc<str>,
    /// The row, counted from 1 (in JSON lines: the line).
    pub row: u64,
    /// What it holds.
    pub example: Example,
}

/// The layout of a file, and the columns it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLayout {
    /// The file.
    pub file: Arc<str>,
    /// What its rows are counted in.
    pub unit: RowUnit,
    /// The layout, and why it is this one.
    pub recognised: Recognised,
    /// The columns, in the order they first appear.
    pub columns: Vec<String>,
    /// The names of the classes that numbers of its columns stand for, as `datasets` says.
    pub class_names: ClassNames,
}

/// Examples, where they come from, and what became of every row that was read.
///
/// Rows that may still be dropped are not booked as kept, but what is lost of them is noted: whoever uses them does the
/// rest.
#[derive(Debug)]
pub struct Examples {
    /// The examples, in the order of the files and their rows.
    pub rows: ExampleRows,
    /// How each file was read.
    pub layouts: Vec<FileLayout>,
    /// What became of every row; it also holds what is wrong with rows that could not be read.
    pub ledger: Ledger,
}

impl Examples {
    pub(crate) fn new(stage: &str) -> Self {
        Self { rows: ExampleRows::new(), layouts: Vec::new(), ledger: Ledger::new(stage) }
    }

    /// Drops an example under a reason.
    pub(crate) fn drop_row(&mut self, index: usize, reason: &str) {
        let (file, row) = self.rows.place(index);
        self.ledger.entry(file).drop_row(row, reason);
    }

    /// Drops a row that cannot be what it is to become.
    pub(crate) fn fault(&mut self, file: &Arc<str>, row: u64, fault: &RowFault) {
        let unit = self.layouts.iter().find(|layout| layout.file == *file);
        let unit = unit.map_or(RowUnit::Row, |layout| layout.unit);
        let (problem, column) = (RowProblem::from(fault), None);
        let error = RowError { file: file.to_string(), unit, row, column, problem };
        self.ledger.entry(file).drop_broken(error);
    }

    /// Why there is no example, with what became of every row.
    pub(crate) fn nothing_left(mut self) -> DatasetError {
        self.ledger.forget_dropped();
        DatasetError::NothingLeft { record: "row", table: self.ledger.to_table() }
    }

    /// Counts what of a row has no place in what it becomes.
    pub(crate) fn note_lost<S: AsRef<str>>(
        &mut self,
        file: &str,
        row: u64,
        names: impl IntoIterator<Item = S>,
    ) {
        let entry = self.ledger.entry(file);
        names.into_iter().for_each(|what| entry.note_lost(row, what.as_ref()));
    }
}

/// Reads the examples of all sources, one after the other.
///
/// Rows that cannot be read cost no other row: they are in the ledger, with what is wrong with them.
///
/// # Errors
///
/// If a path names no file, a file cannot be read as its format or has no shape, or a filter cannot be applied.
pub fn read_examples(
    stage: &str,
    sources: &[Source],
    contact: &FirstContact,
) -> Result<Examples, DatasetError> {
    let mut examples = Examples::new(stage);
    let (on_bad_row, beside) = (OnBadRow::Skip, Beside::Kept);
    let reader = Reader { contact, on_bad_row, beside, wanted: None };
    read_into(&mut examples, sources, reader, &mut |_| ())?;
    Ok(examples)
}
