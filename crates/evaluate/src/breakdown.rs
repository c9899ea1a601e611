//! Where a model is right and where it errs: by class, by size of the error, and what it says instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Outcome, Proportion, within};

/// The predictions of one model, counted in three ways.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breakdown {
    /// The accuracy of each class that occurs, by ascending class.
    pub classes: Vec<ClassAccuracy>,
    /// How often each prediction met each class, by ascending class and prediction; pairs that never met are left out.
    pub confusion: Vec<ConfusionCell>,
    /// How often the prediction was off by so much, ascending; unparseable answers are left out.
    pub errors: Vec<ErrorCount>,
}

/// How well one class is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassAccuracy {
    /// The true class.
    pub class: u32,
    /// The share of its questions that were answered with it.
    pub strict: Proportion,
    /// The share of its questions that were answered with at most one more or less.
    pub within_1: Proportion,
}

/// How often one prediction met one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfusionCell {
    /// The true class.
    pub class: u32,
    /// The predicted class, rounded to a whole number; `None` for an unparseable answer.
    pub predicted: Option<i64>,
    /// How often.
    pub count: usize,
}

/// How often predictions were off by so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorCount {
    /// `predicted − class`, rounded to a whole number: positive where the model expects too much thinking.
    pub error: i64,
    /// How often.
    pub count: usize,
}

impl Breakdown {
    /// Counts the outcomes.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Self {
        let pairs = outcomes.iter().map(|row| (row.class, row.scorable().map(nearest)));
        let confusion = tally(pairs).into_iter().map(|((class, predicted), count)| ConfusionCell {
            class,
            predicted,
            count,
        });
        let errors = tally(outcomes.iter().filter_map(Outcome::error).map(nearest));
        Self {
            classes: class_accuracies(outcomes),
            confusion: confusion.collect(),
            errors: errors.into_iter().map(|(error, count)| ErrorCount { error, count }).collect(),
        }
    }
}

fn class_accuracies(outcomes: &[Outcome]) -> Vec<ClassAccuracy> {
    let mut rows: BTreeMap<u32, Vec<(Option<f64>, f64)>> = BTreeMap::new();
    for row in outcomes {
        rows.entry(row.class).or_default().push((row.scorable(), f64::from(row.class)));
    }
    let accuracy = |(class, pairs): (u32, Vec<_>)| ClassAccuracy {
        class,
        strict: within(pairs.iter().copied(), 0.0),
        within_1: within(pairs, 1.0),
    };
    rows.into_iter().map(accuracy).collect()
}

fn tally<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

/// The nearest whole number, halves away from zero; what no `i64` holds becomes the greatest or least one.
#[expect(clippy::cast_possible_truncation, reason = "saturating is what is wanted here")]
fn nearest(value: f64) -> i64 {
    value.round() as i64
}
