//! What can be wrong with one row.

use std::fmt;

use forethought_preference::RowFault;
use serde::{Deserialize, Serialize};

use super::place::column_of;

/// What is wrong with a row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RowProblem {
    /// The line is not UTF-8.
    #[error("not valid UTF-8 from byte {byte} on")]
    InvalidUtf8 {
        /// The first bad byte of the line, counted from 1.
        byte: usize,
    },
    /// The line has NUL bytes, as a file has whose end was never written.
    #[error("{count} NUL bytes from byte {byte} on: the file was not written to its end")]
    NulBytes {
        /// The first of them in the line, counted from 1.
        byte: usize,
        /// How many there are.
        count: usize,
    },
    /// The line is longer than any that is read.
    #[error("the line has more than {limit} bytes; is this a text file with one row a line?")]
    LineTooLong {
        /// The longest line that is read, in bytes.
        limit: u64,
    },
    /// The last line, which ends before the row does.
    #[error("the last line ends in the middle of the row, near `{near}`: the file was cut off")]
    CutOff {
        /// The byte of the line where it ends, counted from 1.
        #[serde(rename = "byte")]
        column: usize,
        /// The text before that place.
        near: String,
    },
    /// A row of text whose number of cells is not that of the header.
    #[error("{found} cells, but the header has {expected}")]
    CellCount {
        /// Cells of the row.
        found: usize,
        /// Cells of the header.
        expected: usize,
    },
    /// A cell of text that is not UTF-8.
    #[error("`{field}` is not valid UTF-8 from its byte {byte} on")]
    InvalidCell {
        /// The column.
        field: String,
        /// The first bad byte of the cell, counted from 1.
        byte: usize,
    },
    /// The line is not JSON.
    #[error("not valid JSON: {message}, near `{near}`")]
    InvalidJson {
        /// The byte of the line, counted from 1.
        #[serde(rename = "byte")]
        column: usize,
        /// What was expected there.
        message: String,
        /// The text around that place.
        near: String,
    },
    /// The row is JSON, but no object.
    #[error("expected an object, found {found}")]
    NotAnObject {
        /// What it is.
        found: String,
    },
    /// A key that stands more than once: which of its values counts would be a guess.
    #[error("`{field}` stands {count} times")]
    DuplicateKey {
        /// The key.
        field: String,
        /// How often it stands in the row.
        count: usize,
    },
    /// A value of another container that JSON has none for, such as NaN or bytes.
    #[error("`{field}` holds {found}, which JSON has no value for")]
    NotInJson {
        /// The field.
        field: String,
        /// What it holds.
        found: String,
    },
    /// A row that does not hold what its shape says.
    #[error("{message}")]
    Misfit {
        /// The reason to count it by.
        fault: String,
        /// The field that is at fault, such as `messages[1].role`, where it is one.
        field: Option<String>,
        /// What is wrong, in words.
        message: String,
    },
}

impl RowProblem {
    /// The reason under which the ledger counts it.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::InvalidUtf8 { .. } | Self::InvalidCell { .. } => "invalid_utf8",
            Self::NulBytes { .. } => "nul_bytes",
            Self::LineTooLong { .. } => "line_too_long",
            Self::CutOff { .. } => "cut_off",
            Self::CellCount { .. } => "cell_count",
            Self::InvalidJson { .. } => "invalid_json",
            Self::NotAnObject { .. } => "not_an_object",
            Self::DuplicateKey { .. } => "duplicate_key",
            Self::NotInJson { .. } => "not_in_json",
            Self::Misfit { fault, .. } => fault,
        }
    }
}

impl RowProblem {
    /// Where in its line the fault is, in bytes counted from 1.
    pub(super) fn column(&self, line: &[u8]) -> Option<usize> {
        match self {
            Self::InvalidUtf8 { byte } | Self::NulBytes { byte, .. } => Some(*byte),
            Self::InvalidJson { column, .. } | Self::CutOff { column, .. } => Some(*column),
            Self::DuplicateKey { field, .. } => column_of(line, field),
            Self::Misfit { field, .. } => column_of(line, field.as_deref().unwrap_or_default()),
            Self::NotAnObject { .. } => Some(1),
            Self::LineTooLong { .. }
            | Self::CellCount { .. }
            | Self::InvalidCell { .. }
            | Self::NotInJson { .. } => None,
        }
    }
}

impl From<&RowFault> for RowProblem {
    fn from(fault: &RowFault) -> Self {
        let field = fault.field().map(str::to_owned);
        Self::Misfit { fault: fault.reason().to_owned(), field, message: fault.to_string() }
    }
}

/// What rows are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowUnit {
    /// Lines of the file, blank ones included.
    Line,
    /// Items of an array, or rows of a table.
    Row,
}

/// A row that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// The file.
    pub file: String,
    /// What `row` counts.
    pub unit: RowUnit,
    /// The row, counted from 1.
    pub row: u64,
    /// The byte of the line, counted from 1, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What is wrong with it.
    #[serde(flatten)]
    pub problem: RowProblem,
}

impl RowUnit {
    /// Where a row is: `a.jsonl:5`, or `a.parquet, row 5`.
    pub(crate) fn place(self, file: &str, row: u64) -> String {
        match self {
            Self::Line => format!("{file}:{row}"),
            Self::Row => format!("{file}, row {row}"),
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.unit.place(&self.file, self.row))?;
        if let (RowUnit::Line, Some(column)) = (self.unit, self.column) {
            write!(formatter, ":{column}")?;
        }
        write!(formatter, ": {}", self.problem)
    }
}

impl std::error::Error for RowError {}
