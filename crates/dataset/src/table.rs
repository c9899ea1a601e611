//! A small table of typed columns, written to parquet and read from it: the only door to polars for other crates.

mod kinds;
mod parquet;
mod rows;

use std::path::Path;

use crate::error::DatasetError;
use crate::probe::FirstContact;

pub use rows::RowsAsParquet;

pub(crate) use kinds::{Differing, Kind};
pub(crate) use rows::frame;

/// What the values of a [`Column`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// Whole numbers, 64 bits, signed.
    Integer,
    /// Numbers, 64 bits.
    Float,
}

impl ColumnType {
    /// The word that error messages use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Float => "float",
        }
    }
}

/// The values of one column, one for each row; `None` where the file holds null.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// UTF-8 text.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Numbers.
    Float(Vec<Option<f64>>),
}

impl Column {
    /// What its values are.
    #[must_use]
    pub fn column_type(&self) -> ColumnType {
        match self {
            Self::Text(_) => ColumnType::Text,
            Self::Integer(_) => ColumnType::Integer,
            Self::Float(_) => ColumnType::Float,
        }
    }

    /// The number of rows.
    #[must_use]
    pub fn num_rows(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Integer(values) => values.len(),
            Self::Float(values) => values.len(),
        }
    }
}

/// Named columns of equal length, in the order they were added.
///
/// ```
/// use forethought_dataset::{ColumnType, FirstContact, Table};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("steps.parquet");
/// let questions = ["2 + 2?", "3 + 3?"].map(String::from);
/// Table::new().text("question", questions).integer("steps", [Some(1), None]).write_parquet(&path)?;
///
/// let table = Table::read_parquet(&FirstContact::Here, &path, &[("steps", ColumnType::Integer)])?;
/// assert_eq!(table.integers("steps"), [Some(1), None]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<(String, Column)>,
}

impl Table {
    /// A table without columns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column of text; the values are `String` or `Option<String>`.
    ///
    /// # Panics
    ///
    /// As [`Table::with_column`].
    #[must_use]
    pub fn text<V: Into<Option<String>>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.with_column(name, Column::Text(values.into_iter().map(Into::into).collect()))
    }

    /// Adds a column of whole numbers; the values are `i64` or `Option<i64>`.
    ///
    /// # Panics
    ///
    /// As [`Table::with_column`].
    #[must_use]
    pub fn integer<V: Into<Option<i64>>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.with_column(name, Column::Integer(values.into_iter().map(Into::into).collect()))
    }

    /// Adds a column of numbers; the values are `f64` or `Option<f64>`.
    ///
    /// # Panics
    ///
    /// As [`Table::with_column`].
    #[must_use]
    pub fn float<V: Into<Option<f64>>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.with_column(name, Column::Float(values.into_iter().map(Into::into).collect()))
    }

    /// Adds a column.
    ///
    /// # Panics
    ///
    /// If a column of this name is there already, or if its length is not that of the columns before it.
    #[must_use]
    pub fn with_column(mut self, name: &str, column: Column) -> Self {
        assert!(self.column(name).is_none(), "the table has a column `{name}` already");
        if let Some((first, other)) = self.columns.first() {
            let (rows, expected) = (column.num_rows(), other.num_rows());
            assert!(
                rows == expected,
                "column `{name}` has {rows} rows, but column `{first}` has {expected}"
            );
        }
        self.columns.push((name.to_owned(), column));
        self
    }

    /// The number of rows; 0 without columns.
    #[must_use]
    pub fn num_rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.num_rows())
    }

    /// The columns with their names, in order.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Column)> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column))
    }

    /// The column of this name, if there is one.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns().find(|(other, _)| *other == name).map(|(_, column)| column)
    }

    /// The values of a column of text.
    ///
    /// # Panics
    ///
    /// If there is no such column, or it holds no text; [`Table::read_parquet`] has checked both for what it was asked.
    #[must_use]
    pub fn texts(&self, name: &str) -> &[Option<String>] {
        match self.column(name) {
            Some(Column::Text(values)) => values,
            other => no_such_column(name, ColumnType::Text, other),
        }
    }

    /// The values of a column of whole numbers.
    ///
    /// # Panics
    ///
    /// As [`Table::texts`].
    #[must_use]
    pub fn integers(&self, name: &str) -> &[Option<i64>] {
        match self.column(name) {
            Some(Column::Integer(values)) => values,
            other => no_such_column(name, ColumnType::Integer, other),
        }
    }

    /// The values of a column of numbers.
    ///
    /// # Panics
    ///
    /// As [`Table::texts`].
    #[must_use]
    pub fn floats(&self, name: &str) -> &[Option<f64>] {
        match self.column(name) {
            Some(Column::Float(values)) => values,
            other => no_such_column(name, ColumnType::Float, other),
        }
    }

    /// Writes the table as parquet (zstd). The same table gives the same bytes, whatever the machine's threads.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_parquet(&self, path: &Path) -> Result<(), DatasetError> {
        parquet::write(self, path)
    }

    /// Reads these columns of a parquet file, in this order. Narrower whole numbers and floats are widened.
    ///
    /// # Errors
    ///
    /// If the file is missing, truncated or corrupt, lacks a column, or holds another type in it; if its first reader
    /// failed.
    pub fn read_parquet(
        contact: &FirstContact,
        path: &Path,
        columns: &[(&str, ColumnType)],
    ) -> Result<Self, DatasetError> {
        parquet::read(contact, path, columns)
    }
}

fn no_such_column(name: &str, expected: ColumnType, found: Option<&Column>) -> ! {
    let found = found.map_or("there is none", |column| column.column_type().as_str());
    panic!("column `{name}` should be {}, found: {found}", expected.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "column `b` has 1 rows, but column `a` has 2")]
    fn columns_of_different_length_are_refused() {
        let _ = Table::new().integer("a", [1, 2]).integer("b", [1]);
    }

    #[test]
    #[should_panic(expected = "has a column `a` already")]
    fn a_name_stands_once() {
        let _ = Table::new().integer("a", [1]).float("a", [1.0]);
    }

    #[test]
    #[should_panic(expected = "column `a` should be text, found: integer")]
    fn asking_for_another_type_names_both() {
        let _ = Table::new().integer("a", [1]).texts("a");
    }
}
