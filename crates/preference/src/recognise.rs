//! Which shape the rows of a file have, by their columns and what these hold.

mod fits;
mod near;

use std::collections::{BTreeMap, BTreeSet};

use forethought_schema::RecordKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::layout::meant;
use crate::slips::{did_you_mean, nearest};
use crate::{Layout, LayoutError, Part, Shape, Tags};
use fits::{Share, misfit};
use near::Near;

/// What a source says about the layout of its rows; what it leaves out is recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Declared {
    /// The shape. Default: the one that the columns tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// The column of each part that has not its usual one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<Part, String>,
    /// The words of turns. Default: those of the shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
}

/// A layout, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// The layout.
    pub layout: Layout,
    /// Why it is this one.
    pub why: String,
    /// What the rows could be as well, each with the reason why it is not taken.
    pub others: Vec<String>,
}

/// Why rows have no layout, or more than one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecogniseError {
    /// What was declared does not go together.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Columns that were declared and that no row has.
    #[error("no column `{column}` for the part `{part}`{}; there are: {}", did_you_mean(nearest.as_deref()), listed(found))]
    NoColumn {
        /// The part.
        part: String,
        /// The column.
        column: String,
        /// The column whose name is most like it.
        nearest: Option<String>,
        /// The columns there are.
        found: Vec<String>,
    },
    /// Columns that hold something else than the declared shape.
    #[error("the shape {shape} does not fit: {why}")]
    Misfit {
        /// The shape.
        shape: &'static str,
        /// What does not fit.
        why: String,
    },
    /// Parts that no shape has together.
    #[error("no shape has the parts {} together; there are: {}", parts.join(", "), shapes.join("; "))]
    Parts {
        /// The parts whose columns were declared.
        parts: Vec<String>,
        /// The shapes that have the most of them, each with its parts.
        shapes: Vec<String>,
    },
    /// No shape fits.
    #[error(
        "no shape fits the columns {}{}; set `shape` and `columns`",
        listed(found),
        near_misses(near)
    )]
    None {
        /// The columns there are.
        found: Vec<String>,
        /// The shapes that nearly fit, each with what is missing.
        near: Vec<String>,
    },
    /// A column that may say which completions are desirable, in words of its own, and that the shape would pass over.
    #[error(
        "`{column}` holds {}: it may say which completions are desirable. If it does, set `shape` to {labelled}{}; if it \
         does not, to {plain}",
        values.join(", "),
        rewritten
    )]
    Label {
        /// The column.
        column: String,
        /// What it holds.
        values: Vec<String>,
        /// What that takes beside it, where some of the values are no words for yes or no.
        rewritten: &'static str,
        /// The shape in which it is a label.
        labelled: &'static str,
        /// The shape that has none.
        plain: &'static str,
    },
    /// Several shapes fit, and none of them reads more than the others.
    #[error("several shapes fit: {}; set `shape`", shapes.join("; "))]
    Several {
        /// The layouts that fit.
        shapes: Vec<String>,
    },
}

fn listed(found: &[String]) -> String {
    if found.is_empty() { "(none)".to_owned() } else { found.join(", ") }
}

fn near_misses(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!(" (nearly: {})", near.join("; ")) }
}

impl Declared {
    /// The layout of rows with these columns, of which some are given.
    ///
    /// # Errors
    ///
    /// If what is declared does not fit the columns, or they tell no shape, or more than one.
    pub fn resolve(
        &self,
        found: &[String],
        sample: &[Value],
    ) -> Result<Recognised, RecogniseError> {
        self.resolve_for(None, found, sample)
    }

    /// The same for somebody who wants records of a kind: where several shapes fit that read different columns, and one of
    /// them holds this kind, it is that one.
    ///
    /// # Errors
    ///
    /// As [`Declared::resolve`].
    pub fn resolve_for(
        &self,
        wanted: Option<RecordKind>,
        found: &[String],
        sample: &[Value],
    ) -> Result<Recognised, RecogniseError> {
        for (part, column) in &self.columns {
            if !found.contains(column) {
                return Err(no_column(part.name(), column, found));
            }
        }
        if let Some(shape) = self.shape {
            return self.declared(shape, found, sample);
        }
        if let Some(error) = self.without_shape() {
            return Err(error);
        }
        let guess = |share| self.guess(wanted, found, (sample, share));
        guess(Share::Nearly).or_else(|error| match error {
            RecogniseError::None { .. } => guess(Share::Mostly).map_err(|_| error),
            error => Err(error),
        })
    }

    /// The columns that hold no flag and no number in any shape that may be meant, so that where a file is text, what they
    /// hold is one whatever it looks like.
    #[must_use]
    pub fn text_columns<'f>(&self, found: &'f [String]) -> Vec<&'f str> {
        let is_text = |column: &&str| {
            let declared = self.columns.iter().find(|(_, declared)| declared == column);
            declared.map_or_else(|| !is_usually_no_text(column), |(part, _)| part.is_text())
        };
        found.iter().map(String::as_str).filter(is_text).collect()
    }

    /// An error if no shape has all parts whose columns are declared.
    fn without_shape(&self) -> Option<RecogniseError> {
        let num_strange = |shape: &Shape| {
            let of_shape = |part: &&Part| !shape.parts().iter().any(|of| of.part == **part);
            meant(*shape, &self.columns).keys().filter(of_shape).count()
        };
        let least = Shape::ALL.iter().map(num_strange).min().filter(|least| *least > 0)?;
        let names =
            |parts: &mut dyn Iterator<Item = Part>| parts.map(Part::name).collect::<Vec<_>>();
        let near = Shape::ALL.iter().filter(|shape| num_strange(shape) == least);
        let shapes = near.map(|shape| {
            let parts = names(&mut shape.parts().iter().map(|of| of.part));
            format!("{} ({})", shape.name(), parts.join(", "))
        });
        let shapes = shapes.collect();
        Some(RecogniseError::Parts { parts: names(&mut self.columns.keys().copied()), shapes })
    }

    fn layout(&self, shape: Shape, found: &[String]) -> Result<Layout, LayoutError> {
        Layout::named(shape, &self.columns, self.tags.clone(), found)
    }

    fn declared(
        &self,
        shape: Shape,
        found: &[String],
        sample: &[Value],
    ) -> Result<Recognised, RecogniseError> {
        let layout = self.layout(shape, found)?;
        for (part, column) in layout.columns() {
            if !found.contains(column) {
                return Err(no_column(part.name(), column, found));
            }
        }
        // A sample in which nothing fits is another file than was meant; single rows are for the ledger.
        if let Some(misfit) = misfit(&layout, sample, Share::Some, &meant(shape, &self.columns)) {
            return Err(RecogniseError::Misfit { shape: shape.name(), why: misfit.why });
        }
        Ok(Recognised { layout, why: "declared".to_owned(), others: Vec::new() })
    }

    fn guess(
        &self,
        wanted: Option<RecordKind>,
        found: &[String],
        (sample, share): (&[Value], Share),
    ) -> Result<Recognised, RecogniseError> {
        let (mut fitting, mut near) = (Vec::new(), Vec::new());
        let mut is_doubtful = false;
        for shape in Shape::ALL {
            let Ok(layout) = self.layout(shape, found) else { continue };
            let missing: Vec<&str> =
                layout.required().filter(|name| !found.iter().any(|one| one == name)).collect();
            let num_required = layout.required().count();
            match misfit(&layout, sample, share, &meant(shape, &self.columns)) {
                None if missing.is_empty() => fitting.push(layout),
                Some(misfit) if missing.is_empty() => {
                    is_doubtful |= !is_weak(shape);
                    near.push(Near::Misfit(Box::new(layout), misfit));
                }
                _ if missing.len() < num_required => {
                    is_doubtful |= missing.iter().any(|name| nearest(name, found).is_some());
                    near.push(Near::lacks(shape, &missing, found));
                }
                _ => {}
            }
        }
        let none = |near| RecogniseError::None { found: found.to_vec(), near: near::listed(near) };
        match choose(&fitting, wanted, found) {
            // A column under a misspelt name, or of another type, would be passed over in silence.
            Ok(one) if is_doubtful && is_weak(one.layout.shape()) => Err(none(&near)),
            Ok(one) => near::with_larger(one, &near, sample),
            Err(RecogniseError::None { .. }) => Err(none(&near)),
            Err(other) => Err(other),
        }
    }
}

fn no_column(part: String, column: &str, found: &[String]) -> RecogniseError {
    let (nearest, found) = (nearest(column, found), found.to_vec());
    RecogniseError::NoColumn { part, column: column.to_owned(), nearest, found }
}

/// The layout that reads more than every other, or as much and comes first.
fn choose(
    fitting: &[Layout],
    wanted: Option<RecordKind>,
    found: &[String],
) -> Result<Recognised, RecogniseError> {
    let mut others = Vec::new();
    let mut best: Vec<&Layout> = Vec::new();
    for (index, layout) in fitting.iter().enumerate() {
        let better = fitting
            .iter()
            .enumerate()
            .find(|(other, one)| *other != index && is_better((*other, one), (index, layout)));
        match better {
            Some((_, other)) => others.push(why_not(layout, other)),
            None => best.push(layout),
        }
    }
    let is_wanted = |layout: &&Layout| wanted == Some(layout.kind());
    if best.len() > 1 && best.iter().filter(|layout| is_wanted(layout)).count() == 1 {
        best.retain(is_wanted);
    }
    match best.as_slice() {
        [layout] => {
            let unread: Vec<&str> = unread(layout, found);
            let rest = if unread.is_empty() {
                "every column is read".to_owned()
            } else {
                format!("beside it: {}", unread.join(", "))
            };
            let why = format!("the only shape that reads all of {}; {rest}", columns(layout));
            Ok(Recognised { layout: (*layout).clone(), why, others })
        }
        [] => Err(RecogniseError::None { found: found.to_vec(), near: Vec::new() }),
        several => {
            let shapes = several.iter().map(|layout| layout.describe()).collect();
            Err(RecogniseError::Several { shapes })
        }
    }
}

fn used(layout: &Layout) -> BTreeSet<&str> {
    layout.columns().values().map(String::as_str).collect()
}

fn columns(layout: &Layout) -> String {
    used(layout).into_iter().collect::<Vec<_>>().join(", ")
}

fn unread<'a>(layout: &Layout, found: &'a [String]) -> Vec<&'a str> {
    let used = used(layout);
    found.iter().map(String::as_str).filter(|name| !used.contains(name)).collect()
}

/// A single column of a common name says little where more of them make another shape.
fn is_weak(shape: Shape) -> bool {
    matches!(shape, Shape::Text | Shape::Prompt)
}

fn is_better((index, one): (usize, &Layout), (other_index, other): (usize, &Layout)) -> bool {
    let (used_one, used_other) = (used(one), used(other));
    if used_one == used_other {
        return index < other_index;
    }
    let is_weaker = is_weak(other.shape()) && !is_weak(one.shape());
    used_one.is_superset(&used_other) || is_weaker
}

fn why_not(layout: &Layout, better: &Layout) -> String {
    let (one, other) = (used(layout), used(better));
    let more: Vec<&str> = other.difference(&one).copied().collect();
    if more.is_empty() {
        return format!(
            "{}: the same columns; {} goes first",
            layout.describe(),
            better.shape().name()
        );
    }
    format!("{}: {} reads {} as well", layout.describe(), better.shape().name(), more.join(", "))
}
/// Whether a column of this name is a flag or a number in some shape.
fn is_usually_no_text(column: &str) -> bool {
    let mut parts = Shape::ALL.into_iter().flat_map(Shape::parts);
    parts.any(|of| !of.part.is_text() && of.columns.contains(&column))
}
