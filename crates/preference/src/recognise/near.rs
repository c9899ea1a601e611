//! Shapes that nearly fit: what is said of them, and when one of them is the better guess.

use serde_json::Value;

use super::fits::{Misfit, values};
use super::{RecogniseError, Recognised, used};
use crate::shape::Holds;
use crate::slips::{did_you_mean, nearest};
use crate::{Layout, Shape, verdict};

/// So many are named where no shape fits.
const MOST: usize = 3;
/// What makes a label of words that nobody knows.
const REWRITTEN: &str = " and write true and false, or 1 and 0, in it";

/// A shape that does not fit.
pub(super) enum Near {
    /// A column holds something else than the shape says.
    Misfit(Box<Layout>, Misfit),
    /// Some of its columns are not there.
    Lacks {
        num_missing: usize,
        /// Whether a column has a name that is a slip away.
        is_slip: bool,
        text: String,
    },
}

impl Near {
    pub(super) fn lacks(shape: Shape, missing: &[&str], found: &[String]) -> Self {
        let hint = missing.iter().find_map(|name| nearest(name, found));
        let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
        let (names, hint) = (names.join(" and "), did_you_mean(hint.as_deref()));
        let text = format!("{} lacks {names}{hint}", shape.name());
        Self::Lacks { num_missing: missing.len(), is_slip: !hint.is_empty(), text }
    }

    fn text(&self) -> String {
        match self {
            Self::Misfit(layout, misfit) => format!("{}: {}", layout.shape().name(), misfit.why),
            Self::Lacks { text, .. } => text.clone(),
        }
    }

    /// Columns without which it is another shape; none where a slip of the keyboard hides them.
    fn distance(&self) -> usize {
        match self {
            Self::Misfit(..) | Self::Lacks { is_slip: true, .. } => 0,
            Self::Lacks { num_missing, .. } => *num_missing,
        }
    }
}

/// The nearest, and how many others are as near.
pub(super) fn listed(near: &[Near]) -> Vec<String> {
    let Some(least) = near.iter().map(Near::distance).min() else { return Vec::new() };
    let nearest: Vec<String> =
        near.iter().filter(|one| one.distance() == least).map(Near::text).collect();
    let mut shown: Vec<String> = nearest.iter().take(MOST).cloned().collect();
    if nearest.len() > MOST {
        shown.push(format!("{} more", nearest.len() - MOST));
    }
    shown
}

/// What was found, with the shapes that would have read all that it reads and more, had a column held what they say.
///
/// Where that column is a label, and what it holds may be one, nobody can tell whether it is: an error.
pub(super) fn with_larger(
    mut one: Recognised,
    near: &[Near],
    sample: &[Value],
) -> Result<Recognised, RecogniseError> {
    for near in near {
        let Near::Misfit(layout, misfit) = near else { continue };
        let (more, read) = (used(layout), used(&one.layout));
        if more == read || !more.is_superset(&read) {
            continue;
        }
        let label = (misfit.holds == Holds::Flag).then(|| values(sample, &misfit.column));
        if let Some(values) = label.and_then(verdict::doubtful) {
            let are_known = values.iter().all(|value| verdict::told(value).is_some());
            return Err(RecogniseError::Label {
                column: misfit.column.clone(),
                rewritten: if are_known { "" } else { REWRITTEN },
                values: shown(&values),
                labelled: layout.shape().name(),
                plain: one.layout.shape().name(),
            });
        }
        one.others.push(near.text());
    }
    Ok(one)
}

/// Some of the values as they stand in JSON.
fn shown(values: &[&Value]) -> Vec<String> {
    let mut shown: Vec<String> = values.iter().take(MOST).map(|value| short(value)).collect();
    if values.len() > MOST {
        shown.push("…".to_owned());
    }
    shown
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(30) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
