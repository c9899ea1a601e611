//! Columns of containers that give each a type: what fits is known before any row is read.

use std::path::Path;

use crate::columns::{Cell, ColumnMap};
use crate::error::DatasetError;

/// The fields of a turn that are read; others are ignored.
pub(crate) const TURN: [&str; 2] = ["role", "content"];

/// A column and what its cells are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypedColumn {
    pub(crate) name: String,
    pub(crate) cells: Cells,
}

/// What the cells of a column are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cells {
    /// A column of nothing but null fits anything; its rows are row errors.
    Null,
    Text,
    /// Numbers, by the name of their type.
    Number(String),
    List(Box<Cells>),
    Fields(Vec<(String, Cells)>),
    /// Something else, by its name.
    Other(String),
}

impl Cells {
    fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Null)
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    fn is_turns(&self) -> bool {
        let Self::List(turn) = self else { return *self == Self::Null };
        let Self::Fields(fields) = &**turn else { return **turn == Self::Null };
        TURN.iter().all(|name| fields.iter().any(|(field, cells)| field == name && cells.is_text()))
    }

    /// The type in words that name the fields of a struct.
    fn describe(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Text => "text".to_owned(),
            Self::List(item) => format!("a list of {}", item.describe()),
            Self::Fields(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, cells)| format!("{name}: {}", cells.describe()))
                    .collect();
                format!("{{{}}}", fields.join(", "))
            }
            Self::Number(name) | Self::Other(name) => name.clone(),
        }
    }
}

/// An error for the first column of the map whose type cannot hold what it should.
pub(super) fn require_types(
    path: &Path,
    columns: &[TypedColumn],
    map: &ColumnMap,
) -> Result<(), DatasetError> {
    let names = map.names();
    let wanted = columns.iter().filter(|column| names.contains(&column.name.as_str()));
    for TypedColumn { name, cells } in wanted {
        let (fits, expected) = match map.cell(name) {
            Cell::Turns => (cells.is_turns(), "a list of {role, content}"),
            Cell::Text => (cells.is_text(), "text"),
            Cell::TextOrNumber => (cells.is_text() || cells.is_number(), "text or a number"),
        };
        if !fits {
            return Err(DatasetError::ColumnType {
                path: path.to_owned(),
                column: name.clone(),
                found: cells.describe(),
                expected,
            });
        }
    }
    Ok(())
}
