//! Scores, and counts of them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Extracted;

/// What a reward function found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// As good as the function can ask for.
    Correct,
    /// Not correct, but worth something.
    Close,
    /// An answer, and not a good one.
    Wrong,
    /// The completion holds no answer.
    Unparseable,
    /// The row holds nothing to compare with: the completion cannot be judged.
    LabelUnparseable,
    /// The function itself failed: the completion was not judged.
    Failed,
}

/// The value of one completion, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// The reward; `None` where the completion cannot be judged, which leaves it out of every sum and mean.
    pub value: Option<f64>,
    /// What was found.
    pub verdict: Verdict,
    /// What was read from the completion.
    pub extracted: Option<Extracted>,
    /// The reason, in words.
    pub reason: String,
}

impl Score {
    /// A completion that was not judged.
    #[must_use]
    pub fn none(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { value: None, verdict, extracted: None, reason: reason.into() }
    }
}

/// How many scores there were of each verdict, and their mean.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Number of scores.
    pub count: usize,
    /// Mean of the values that are there; `None` when none is.
    pub mean: Option<f64>,
    /// Number of scores by verdict; verdicts that did not occur are not listed.
    pub verdicts: BTreeMap<Verdict, usize>,
}

impl Summary {
    /// Counts scores.
    #[must_use]
    pub fn of<'s>(scores: impl IntoIterator<Item = &'s Score>) -> Self {
        let mut summary = Self::default();
        let (mut sum, mut judged) = (0.0, 0_usize);
        for score in scores {
            summary.count += 1;
            *summary.verdicts.entry(score.verdict).or_default() += 1;
            if let Some(value) = score.value {
                sum += value;
                judged += 1;
            }
        }
        summary.mean = (0 < judged).then(|| sum / judged as f64);
        summary
    }

    /// Number of scores of one verdict.
    #[must_use]
    pub fn of_verdict(&self, verdict: Verdict) -> usize {
        self.verdicts.get(&verdict).copied().unwrap_or(0)
    }
}
