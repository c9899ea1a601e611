//! How good predictions of classes are.

use serde::{Deserialize, Serialize};

use crate::{MeanInterval, Proportion};

/// What was predicted for one question, and what was true.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The true class.
    pub class: u32,
    /// The true amount, in the unit of the target: thinking tokens, or steps.
    pub amount: u32,
    /// The predicted class, which need not be a whole number; `None` where the answer held no number.
    pub predicted: Option<f64>,
}

impl Outcome {
    /// The prediction, if it is a finite number: an infinity cannot be scored, so it counts as unparseable.
    #[must_use]
    pub fn scorable(&self) -> Option<f64> {
        self.predicted.filter(|predicted| predicted.is_finite())
    }

    /// `predicted − class`, of a prediction that can be scored.
    #[must_use]
    pub fn error(&self) -> Option<f64> {
        self.scorable().map(|predicted| predicted - f64::from(self.class))
    }
}

/// How good the predictions of one model are. The shares have all rows as their denominator: an unparseable answer is
/// a wrong answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassMetrics {
    /// How many questions were asked.
    pub n: usize,
    /// The share of predictions that equal the class.
    pub strict: Proportion,
    /// The share with `|predicted − class| ≤ 0.5`.
    pub within_half: Proportion,
    /// The share with `|predicted − class| ≤ 1`.
    pub within_1: Proportion,
    /// The share with `|predicted − class| ≤ 2`.
    pub within_2: Proportion,
    /// [`strict`](Self::strict) among the answers that hold a number, as the published workflow for steps counts. An
    /// infinite prediction is a number here, and wrong.
    pub strict_of_parsed: Proportion,
    /// [`within_1`](Self::within_1) among the same answers.
    pub within_1_of_parsed: Proportion,
    /// The mean of `|amount of the predicted class − true amount|`, see [`amount_of_class`]; rows with an unparseable
    /// answer are left out of it, and it is absent where no row is left.
    pub mean_absolute_error: Option<MeanInterval>,
    /// The median of the same values: one absurd prediction moves the mean a lot and the median hardly.
    pub median_absolute_error: Option<f64>,
    /// The share of answers without a number.
    pub unparseable: Proportion,
}

/// The share of predictions with `|predicted − truth| ≤ limit`; a missing one is never within.
pub fn within(pairs: impl IntoIterator<Item = (Option<f64>, f64)>, limit: f64) -> Proportion {
    Proportion::of(pairs, |(predicted, truth)| {
        predicted.is_some_and(|predicted| (predicted - truth).abs() <= limit)
    })
}

/// The amount that a class stands for: the middle of the `width` amounts it covers, `width·class + (width − 1)/2`. With
/// a width of 1 a class is an amount.
#[must_use]
pub fn amount_of_class(class: f64, width: u32) -> f64 {
    let width = f64::from(width);
    width * class + (width - 1.0) / 2.0
}

/// Scores predictions of classes that are `width` wide.
///
/// # Panics
///
/// If `width` is 0.
#[must_use]
pub fn class_metrics(outcomes: &[Outcome], width: u32) -> ClassMetrics {
    assert!(width > 0, "a class must be at least 1 wide");
    let share =
        |limit| within(outcomes.iter().map(|row| (row.scorable(), f64::from(row.class))), limit);
    let said = |row: &&Outcome| row.predicted.is_some_and(|predicted| !predicted.is_nan());
    let of_parsed = |limit| {
        let rows = outcomes.iter().filter(said);
        within(rows.map(|row| (row.scorable(), f64::from(row.class))), limit)
    };
    let errors = absolute_errors(outcomes, width);
    ClassMetrics {
        n: outcomes.len(),
        strict: share(0.0),
        within_half: share(0.5),
        within_1: share(1.0),
        within_2: share(2.0),
        strict_of_parsed: of_parsed(0.0),
        within_1_of_parsed: of_parsed(1.0),
        mean_absolute_error: MeanInterval::of(&errors),
        median_absolute_error: median(&errors),
        unparseable: Proportion::of(outcomes, |row| row.scorable().is_none()),
    }
}

/// In the unit of the amounts, ascending.
fn absolute_errors(outcomes: &[Outcome], width: u32) -> Vec<f64> {
    let error = |row: &Outcome| {
        let amount = amount_of_class(row.scorable()?, width);
        Some((amount - f64::from(row.amount)).abs())
    };
    let mut errors: Vec<f64> = outcomes.iter().filter_map(error).collect();
    errors.sort_by(f64::total_cmp);
    errors
}

fn median(ascending: &[f64]) -> Option<f64> {
    let upper = *ascending.get(ascending.len() / 2)?;
    let lower = ascending[(ascending.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}
