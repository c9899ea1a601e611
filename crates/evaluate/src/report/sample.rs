//! Single predictions, chosen so that a reader sees the right, the near and the wrong ones.

use serde::{Deserialize, Serialize};

use crate::Outcome;

/// One question with what the model said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The question.
    pub question: String,
    /// The text the model wrote.
    pub completion: String,
    /// The number in it, and the truth.
    pub outcome: Outcome,
}

/// How good one prediction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SampleKind {
    /// The class itself.
    Right,
    /// Off by at most two classes.
    Near,
    /// Off by more.
    Wrong,
    /// No number.
    Unparseable,
}

impl SampleKind {
    /// From best to worst.
    pub const ALL: [Self; 4] = [Self::Right, Self::Near, Self::Wrong, Self::Unparseable];

    /// One word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Near => "near",
            Self::Wrong => "wrong",
            Self::Unparseable => "unparseable",
        }
    }
}

impl Sample {
    /// How good the prediction is.
    #[must_use]
    pub fn kind(&self) -> SampleKind {
        match self.outcome.error().map(f64::abs) {
            None => SampleKind::Unparseable,
            Some(0.0) => SampleKind::Right,
            Some(error) if error <= 2.0 => SampleKind::Near,
            Some(_) => SampleKind::Wrong,
        }
    }
}

/// Up to `each` samples of each kind, best kind first, evenly spaced over the rows: neither the best nor the worst are
/// sought out, and the same rows give the same choice.
#[must_use]
pub fn choose_samples(rows: &[Sample], each: usize) -> Vec<Sample> {
    let chosen_of = |kind| {
        let of_kind: Vec<&Sample> = rows.iter().filter(|row| row.kind() == kind).collect();
        let count = each.min(of_kind.len());
        (0..count).map(move |i| of_kind[i * of_kind.len() / count].clone())
    };
    SampleKind::ALL.into_iter().flat_map(chosen_of).collect()
}
