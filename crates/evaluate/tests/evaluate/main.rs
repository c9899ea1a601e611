//! Intervals against their formulas, metrics against their source, baselines on data made by hand, and what a report
//! says and must not do.

mod baselines;
mod intervals;
mod metrics;
mod pages;
mod scores;
mod solving;
mod verdicts;

use forethought_evaluate::Outcome;

#[track_caller]
fn assert_close(actual: f64, expected: f64) {
    assert!((actual - expected).abs() <= 1e-12, "{actual} is not {expected}");
}

/// An outcome in the middle of its class, 25 tokens wide.
fn outcome(class: u32, predicted: Option<f64>) -> Outcome {
    Outcome { class, amount: 25 * class + 12, predicted }
}

/// `right` exact predictions and `wrong` ones that are far off.
fn outcomes(right: usize, wrong: usize) -> Vec<Outcome> {
    let right = std::iter::repeat_n(outcome(3, Some(3.0)), right);
    right.chain(std::iter::repeat_n(outcome(3, Some(30.0)), wrong)).collect()
}
