//! Scores, and counts of them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::excerpt::excerpt;

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
    /// Whether the answer is right could not be decided within the limits.
    Undecided,
    /// The function itself failed: the completion was not judged.
    Failed,
}

impl Verdict {
    /// The name used in files, such as `label_unparseable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Correct => "correct",
            Self::Close => "close",
            Self::Wrong => "wrong",
            Self::Unparseable => "unparseable",
            Self::LabelUnparseable => "label_unparseable",
            Self::Undecided => "undecided",
            Self::Failed => "failed",
        }
    }

    /// The verdict on a share of what can be had: all of it, some, or nothing.
    pub(crate) fn of_share(share: f64) -> Self {
        if share >= 1.0 {
            Self::Correct
        } else if share > 0.0 {
            Self::Close
        } else {
            Self::Wrong
        }
    }
}

/// The verdict on something that is as asked, or not.
impl From<bool> for Verdict {
    fn from(is_correct: bool) -> Self {
        if is_correct { Self::Correct } else { Self::Wrong }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The value of one completion, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// The reward; `None` where the completion cannot be judged, which leaves it out of every sum and mean.
    pub value: Option<f64>,
    /// What was found.
    pub verdict: Verdict,
    /// What was read from the completion, by its beginning where it is long.
    pub answer: Option<String>,
    /// What it was compared with, by its beginning where it is long.
    pub gold: Option<String>,
    /// The reason, in words.
    pub reason: String,
}

impl Score {
    /// A judged completion.
    #[must_use]
    pub fn new(value: f64, verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { value: Some(value), verdict, answer: None, gold: None, reason: reason.into() }
    }

    /// A completion that was not judged.
    #[must_use]
    pub fn none(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { value: None, verdict, answer: None, gold: None, reason: reason.into() }
    }

    /// The same with what was read from the completion.
    #[must_use]
    pub fn with_answer(self, answer: &str) -> Self {
        Self { answer: Some(excerpt(answer)), ..self }
    }

    /// The same with what it was compared with.
    #[must_use]
    pub fn with_gold(self, gold: &str) -> Self {
        Self { gold: Some(excerpt(gold)), ..self }
    }
}

/// How many scores there were of each verdict, and their mean and deviation.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Number of scores.
    pub count: usize,
    /// Number of scores without a value.
    pub unjudged: usize,
    /// Mean of the values that are there; `None` when none is.
    pub mean: Option<f64>,
    /// Deviation of the values that are there, with Bessel's correction as in TRL; `None` for fewer than two.
    pub std: Option<f64>,
    /// Number of scores by verdict; verdicts that did not occur are not listed.
    pub verdicts: BTreeMap<Verdict, usize>,
}

impl Summary {
    /// Counts scores.
    #[must_use]
    pub fn of<'s>(scores: impl IntoIterator<Item = &'s Score>) -> Self {
        let mut summary = Self::default();
        let mut values = Vec::new();
        for score in scores {
            summary.count += 1;
            *summary.verdicts.entry(score.verdict).or_default() += 1;
            values.extend(score.value);
        }
        summary.unjudged = summary.count - values.len();
        (summary.mean, summary.std) = mean_and_std(&values);
        summary
    }

    /// Number of scores of one verdict.
    #[must_use]
    pub fn of_verdict(&self, verdict: Verdict) -> usize {
        self.verdicts.get(&verdict).copied().unwrap_or(0)
    }

    /// The part of the scores that have no value; 0 where there are none at all.
    #[must_use]
    pub fn unjudged_share(&self) -> f64 {
        self.unjudged as f64 / self.count.max(1) as f64
    }
}

/// Mean, and deviation with Bessel's correction, where there are values enough.
#[must_use]
pub fn mean_and_std(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let count = values.len() as f64;
    let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / count);
    let std = mean.filter(|_| values.len() > 1).map(|mean| {
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / (count - 1.0)).sqrt()
    });
    (mean, std)
}
