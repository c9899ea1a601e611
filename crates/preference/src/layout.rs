//! A shape with the names of its columns and tags: rows into examples and back.

mod fields;
mod read;
mod turns;
mod write;

use std::collections::BTreeMap;

use forethought_schema::RecordKind;
use serde::{Deserialize, Serialize};

use crate::shape::{Holds, PartOf};
use crate::{Part, Shape, Tags};

pub use read::Read;
pub(crate) use turns::thinking_text;
pub use write::{BORDER, Written};

/// How the rows of one file are laid out: their shape, the column of each part, and the words of turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    shape: Shape,
    columns: BTreeMap<Part, String>,
    tags: Tags,
}

/// Columns or tags that do not go with a shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// A part that the shape does not have.
    #[error("columns: the shape {shape} has no part `{part}`; its parts are: {parts}")]
    NoPart {
        /// The shape.
        shape: &'static str,
        /// The part.
        part: String,
        /// The parts there are.
        parts: String,
    },
    /// A part without which the shape is another one.
    #[error("columns: the shape {shape} needs the part `{part}`")]
    Missing {
        /// The shape.
        shape: &'static str,
        /// The part.
        part: String,
    },
    /// One column for two parts.
    #[error("columns: `{first}` and `{second}` are both the column `{column}`")]
    SameColumn {
        /// A part.
        first: String,
        /// Another.
        second: String,
        /// Their column.
        column: String,
    },
    /// Tags for a shape without turns.
    #[error("tags: the shape {shape} holds no turns")]
    NoTurns {
        /// The shape.
        shape: &'static str,
    },
}

impl Layout {
    /// The shape with every part under its usual name.
    #[must_use]
    pub fn usual(shape: Shape) -> Self {
        let columns = shape.parts().iter().map(|of| (of.part, of.columns[0].to_owned()));
        Self { shape, columns: columns.collect(), tags: usual_tags(shape) }
    }

    /// The shape with these columns and no others.
    ///
    /// # Errors
    ///
    /// If a column is of a part that the shape does not have, or a part that it needs has none; if two parts share a
    /// column; if there are tags and no turns.
    pub fn exact(
        shape: Shape,
        columns: BTreeMap<Part, String>,
        tags: Option<Tags>,
    ) -> Result<Self, LayoutError> {
        check_parts(shape, &columns)?;
        let has_turns = |of: &PartOf| matches!(of.holds, Holds::Turns | Holds::Turn | Holds::Prose);
        if tags.is_some() && !shape.parts().iter().any(has_turns) {
            return Err(LayoutError::NoTurns { shape: shape.name() });
        }
        let tags = tags.unwrap_or_else(|| usual_tags(shape));
        Ok(Self { shape, columns, tags })
    }

    /// The shape with these columns; parts that are not named keep their usual name where the file has it, and a part may be
    /// named by a usual name of its column.
    ///
    /// # Errors
    ///
    /// As [`Layout::exact`].
    pub fn named(
        shape: Shape,
        columns: &BTreeMap<Part, String>,
        tags: Option<Tags>,
        found: &[String],
    ) -> Result<Self, LayoutError> {
        let mut columns = meant(shape, columns);
        for of in shape.parts() {
            let is_free = |name: &&&str| {
                found.iter().any(|one| one == **name) && !columns.values().any(|one| one == **name)
            };
            let there = of.columns.iter().find(is_free).copied();
            let name = there.or_else(|| of.is_required.then_some(of.columns[0]));
            if let (Some(name), false) = (name, columns.contains_key(&of.part)) {
                columns.insert(of.part, name.to_owned());
            }
        }
        Self::exact(shape, columns, tags)
    }

    /// The shape.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// What its rows hold.
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        self.shape.kind()
    }

    /// The column of each part that has one.
    #[must_use]
    pub fn columns(&self) -> &BTreeMap<Part, String> {
        &self.columns
    }

    /// The words of turns.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// The columns that hold text or turns, rather than a number or a flag.
    pub fn text_columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|(part, _)| part.is_text()).map(|(_, name)| name.as_str())
    }

    /// The columns without which no row can be read.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        let is_required =
            |part: &Part| self.shape.parts().iter().any(|of| of.part == *part && of.is_required);
        self.columns
            .iter()
            .filter(move |(part, _)| is_required(part))
            .map(|(_, name)| name.as_str())
    }

    /// The layout in words: `triple (question, chosen, rejected)`.
    #[must_use]
    pub fn describe(&self) -> String {
        let parts = self.shape.parts().iter();
        let columns: Vec<&str> =
            parts.filter_map(|of| self.columns.get(&of.part)).map(String::as_str).collect();
        format!("{} ({})", self.shape.name(), columns.join(", "))
    }
}

/// The columns by the parts of the shape: where it has no such part, the part whose column is usually called so is meant.
pub(crate) fn meant(shape: Shape, columns: &BTreeMap<Part, String>) -> BTreeMap<Part, String> {
    let has = |part: Part| shape.parts().iter().any(|of| of.part == part);
    let renamed = |part: Part| {
        let name = part.name();
        let mut parts = shape.parts().iter();
        let of = parts.find(|of| of.columns.contains(&name.as_str()))?;
        (!columns.contains_key(&of.part)).then_some(of.part)
    };
    let part = |part: Part| if has(part) { part } else { renamed(part).unwrap_or(part) };
    columns.iter().map(|(one, column)| (part(*one), column.clone())).collect()
}

fn usual_tags(shape: Shape) -> Tags {
    match shape {
        Shape::Sharegpt | Shape::SharegptRanking | Shape::SharegptKto => Tags::sharegpt(),
        _ => Tags::openai(),
    }
}

fn check_parts(shape: Shape, columns: &BTreeMap<Part, String>) -> Result<(), LayoutError> {
    let parts = shape.parts();
    let stranger = columns.keys().find(|part| !parts.iter().any(|of| of.part == **part));
    if let Some(part) = stranger {
        let names: Vec<String> = parts.iter().map(|of| of.part.name()).collect();
        let (shape, part) = (shape.name(), part.name());
        return Err(LayoutError::NoPart { shape, part, parts: names.join(", ") });
    }
    let lacks = parts.iter().find(|of| of.is_required && !columns.contains_key(&of.part));
    if let Some(of) = lacks {
        return Err(LayoutError::Missing { shape: shape.name(), part: of.part.name() });
    }
    let mut seen: BTreeMap<&str, Part> = BTreeMap::new();
    for (part, column) in columns {
        if let Some(first) = seen.insert(column, *part) {
            let (first, second, column) = (first.name(), part.name(), column.clone());
            return Err(LayoutError::SameColumn { first, second, column });
        }
    }
    Ok(())
}
