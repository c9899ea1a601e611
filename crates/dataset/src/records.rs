//! Files of any shape into examples, with the fate of every row.

mod files;
mod hub;
mod reading;
mod source;
mod store;

use std::sync::Arc;

use forethought_preference::{Recognised, RowFault};
use forethought_schema::Example;

pub use files::{SourceFile, find_files};
pub use source::RecordSource;
pub use store::ExampleRows;

pub(crate) use reading::{Met, is_regrouped, read_into};

use crate::error::DatasetError;
use crate::ledger::Ledger;

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

/// A row that is not what its shape says, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultyRow {
    /// The file.
    pub file: Arc<str>,
    /// The row, counted from 1 (in JSON lines: the line).
    pub row: u64,
    /// What is wrong with it.
    pub message: String,
}

/// The layout of a file, and the columns it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLayout {
    /// The file.
    pub file: Arc<str>,
    /// The layout, and why it is this one.
    pub recognised: Recognised,
    /// The columns, in the order they first appear.
    pub columns: Vec<String>,
}

/// Examples, where they come from, and what became of every row that was read.
///
/// Rows that may still be dropped are not booked as kept: whoever uses them does that.
#[derive(Debug)]
pub struct Examples {
    /// The examples, in the order of the files and their rows.
    pub rows: ExampleRows,
    /// How each file was read.
    pub layouts: Vec<FileLayout>,
    /// Rows that could not be read.
    pub faults: Vec<FaultyRow>,
    /// What became of every row.
    pub ledger: Ledger,
}

impl Examples {
    pub(crate) fn new(stage: &str) -> Self {
        let (layouts, faults) = (Vec::new(), Vec::new());
        Self { rows: ExampleRows::new(), layouts, faults, ledger: Ledger::new(stage) }
    }

    /// Drops an example under a reason.
    pub(crate) fn drop_row(&mut self, index: usize, reason: &str) {
        let (file, row) = self.rows.place(index);
        self.ledger.entry(file).drop_row(row, reason);
    }

    /// Drops a row that cannot be read, or be what it is to become.
    pub(crate) fn fault(&mut self, file: &Arc<str>, row: u64, fault: &RowFault) {
        self.ledger.entry(file).drop_row(row, fault.reason());
        self.faults.push(FaultyRow { file: file.clone(), row, message: fault.to_string() });
    }

    /// Counts what of a row has no place in what it becomes.
    pub(crate) fn note_lost<S: AsRef<str>>(
        &mut self,
        file: &str,
        row: u64,
        lost: impl IntoIterator<Item = S>,
    ) {
        let entry = self.ledger.entry(file);
        lost.into_iter().for_each(|what| entry.note(row, &format!("lost: {}", what.as_ref())));
    }
}

/// Reads the examples of all sources, one after the other.
///
/// Rows that cannot be read cost no other row: they are in the ledger, and named among the faults.
///
/// # Errors
///
/// If a path names no file, a file cannot be read as its format or has no shape, or a filter cannot be applied.
pub fn read_examples(stage: &str, sources: &[RecordSource]) -> Result<Examples, DatasetError> {
    let mut examples = Examples::new(stage);
    read_into(&mut examples, sources, None, &mut |_| ())?;
    Ok(examples)
}
