//! Conditions on rows: SQL over the columns of a file, read and evaluated by polars.

mod condition;
mod held;
mod parse;
mod sound;

use std::path::Path;

use polars::prelude::Expr;

use crate::error::{DatasetError, nearest};
use crate::rows::RowFile;

pub(crate) use condition::Condition;
use held::Held;

/// A condition, checked as far as it can be without a file.
///
/// It is an expression as [`polars::sql::sql_expr`] reads it: columns are named as they are, or in double quotes; texts stand
/// in single quotes. A field that a row does not have is null, and so is what is computed from it; a row is kept where the
/// condition is true. What looks at other rows, such as an aggregate, is refused.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    expression: String,
    expr: Expr,
    /// The columns that it reads, each once.
    columns: Vec<String>,
}

impl Filter {
    /// Reads an expression.
    pub(crate) fn parse(expression: &str) -> Result<Self, DatasetError> {
        let (expr, columns) = parse::parse(expression).map_err(|message| DatasetError::Filter {
            expression: expression.to_owned(),
            message,
        })?;
        Ok(Self { expression: expression.to_owned(), expr, columns })
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> Vec<&str> {
        self.columns.iter().map(String::as_str).collect()
    }

    /// An error if a column is not there.
    pub(crate) fn require_columns(
        &self,
        path: &Path,
        columns: &[String],
    ) -> Result<(), DatasetError> {
        let unknown = self.columns.iter().find(|name| !columns.contains(name));
        let Some(name) = unknown else { return Ok(()) };
        let nearest = nearest(name, columns.iter().map(String::as_str));
        let hint = crate::error::hint(nearest.as_deref());
        let known = crate::error::listed(columns);
        Err(self.fault(format!("{}: no column `{name}`{hint}; it has: {known}", path.display())))
    }

    /// The condition with what its columns hold in all rows of the file; an error if that differs from row to row, or if
    /// nothing can be asked of it so. The first rows tell that before the others are read.
    pub(crate) fn over<'f>(&'f self, file: &'f RowFile) -> Result<Condition<'f>, DatasetError> {
        Held::in_file(self, file)?.condition()
    }

    fn fault(&self, message: String) -> DatasetError {
        DatasetError::Filter { expression: self.expression.clone(), message }
    }
}

#[cfg(test)]
mod tests;
