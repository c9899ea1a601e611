//! Comparisons of numbers with what they should be; of each case the worst is kept.

use std::fmt::Debug;

/// How far a number may be from the expected one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tolerance {
    /// This much.
    Absolute(f64),
    /// This share of the expected number, and at least `floor`.
    Relative {
        /// The share.
        share: f64,
        /// What is allowed where the expected number is about 0.
        floor: f64,
    },
}

/// Logits, log-probabilities, hidden states in single precision.
pub(crate) const LOGITS: Tolerance = Tolerance::Absolute(5e-5);
/// Logits of a model that computes in bfloat16.
pub(crate) const BF16_LOGITS: Tolerance = Tolerance::Absolute(0.2);
/// Metrics of losses. Many are differences of sums of log-probabilities, which are known to 5e-5 and cancel.
pub(crate) const METRIC: Tolerance = Tolerance::Relative { share: 1e-5, floor: 2e-5 };
/// Losses of ratios between sums over completions: a sum of a hundred nats is rounded to 8e-6, as the file's is.
pub(crate) const SEQUENCE_LOSS: Tolerance = Tolerance::Relative { share: 1e-5, floor: 1e-5 };
/// Losses.
pub(crate) const LOSS: Tolerance = Tolerance::Relative { share: 1e-5, floor: 1e-6 };
/// Losses of a few steps of training: each stands on the updates before it.
pub(crate) const TRAINING_LOSS: Tolerance = Tolerance::Relative { share: 1e-4, floor: 1e-6 };
/// Weights after a few steps: `AdamW` turns the sign of a gradient near 0 into a whole step.
pub(crate) const TRAINED_WEIGHT: Tolerance = Tolerance::Absolute(2e-4);
/// Norms of weights after a few steps.
pub(crate) const TRAINED_NORM: Tolerance = Tolerance::Relative { share: 1e-5, floor: 1e-6 };
/// Learning rates.
pub(crate) const LEARNING_RATE: Tolerance = Tolerance::Relative { share: 1e-9, floor: 1e-15 };
/// Rewards, which are computed in double precision.
pub(crate) const REWARD: Tolerance = Tolerance::Absolute(1e-9);
/// Norms of gradients.
pub(crate) const GRADIENT_NORM: Tolerance = Tolerance::Relative { share: 1e-4, floor: 1e-6 };
/// Elements of a gradient, as a share of its largest element.
pub(crate) const GRADIENT_ELEMENT: f64 = 1e-4;

impl Tolerance {
    fn at(self, expected: f64) -> f64 {
        match self {
            Self::Absolute(tolerance) => tolerance,
            Self::Relative { share, floor } => (share * expected.abs()).max(floor),
        }
    }
}

/// The comparison of a case that came nearest to its tolerance, or went furthest beyond it.
#[derive(Clone, Debug, PartialEq)]
pub struct Worst {
    /// What was compared.
    pub what: String,
    /// How far the number is from the expected one; infinite where something should be equal and is not.
    pub error: f64,
    /// How far it may be.
    pub tolerance: f64,
}

impl Worst {
    /// Whether the error is within its tolerance. An error that is not a number is not.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.error <= self.tolerance
    }

    /// The error in tolerances, for comparing quantities that have different ones.
    fn severity(&self) -> f64 {
        match (self.error, self.tolerance) {
            (error, _) if error.is_nan() => f64::INFINITY,
            (0.0, _) => 0.0,
            (error, tolerance) => error / tolerance,
        }
    }
}

/// The comparisons of one case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Checks {
    worst: Option<Worst>,
    count: usize,
}

impl Checks {
    /// A number against the expected one. Two infinities of one sign, or two that are no numbers, agree.
    pub(crate) fn number(&mut self, what: &str, found: f64, expected: f64, tolerance: Tolerance) {
        #[expect(clippy::float_cmp, reason = "an infinity is no distance from itself")]
        let is_same = found == expected || (found.is_nan() && expected.is_nan());
        let error = if is_same { 0.0 } else { (found - expected).abs() };
        // A difference from an infinity is infinite or no number, and so is beyond every tolerance.
        self.push(what, error, tolerance.at(if expected.is_finite() { expected } else { 0.0 }));
    }

    /// Two lists of numbers, element by element.
    pub(crate) fn numbers<F, E>(
        &mut self,
        what: &str,
        found: &[F],
        expected: &[E],
        tolerance: Tolerance,
    ) where
        F: Copy + Into<f64>,
        E: Copy + Into<f64>,
    {
        self.equal(&format!("length of {what}"), &found.len(), &expected.len());
        for (&found, &expected) in found.iter().zip(expected) {
            self.number(what, found.into(), expected.into(), tolerance);
        }
    }

    /// Two things that must be the same.
    pub(crate) fn equal<T: PartialEq + Debug + ?Sized>(
        &mut self,
        what: &str,
        found: &T,
        expected: &T,
    ) {
        if found == expected {
            self.push(what, 0.0, 0.0);
        } else {
            let what = format!("{what} is {}, not {}", short(found), short(expected));
            self.push(&what, f64::INFINITY, 0.0);
        }
    }

    fn push(&mut self, what: &str, error: f64, tolerance: f64) {
        self.count += 1;
        let next = Worst { what: what.to_owned(), error, tolerance };
        if self.worst.as_ref().is_none_or(|worst| worst.severity() < next.severity()) {
            self.worst = Some(next);
        }
    }

    /// The worst comparison; none if nothing was compared.
    pub(crate) fn finish(self) -> Option<(Worst, usize)> {
        self.worst.map(|worst| (worst, self.count))
    }
}

/// The most that a message shows of a value.
const SHOWN: usize = 120;

fn short<T: Debug + ?Sized>(value: &T) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(compare: impl FnOnce(&mut Checks)) -> Worst {
        let mut checks = Checks::default();
        compare(&mut checks);
        checks.finish().expect("something was compared").0
    }

    #[test]
    fn the_comparison_furthest_beyond_its_own_tolerance_is_kept() {
        let worst = worst(|checks| {
            checks.number("loose", 1.0, 0.0, Tolerance::Absolute(10.0));
            checks.number("tight", 1e-3, 0.0, Tolerance::Absolute(1e-4));
            checks.number("exact", 2.0, 2.0, Tolerance::Absolute(1e-9));
        });
        assert_eq!((worst.what.as_str(), worst.is_within()), ("tight", false));
    }

    #[test]
    fn a_number_that_is_none_is_beyond_every_tolerance() {
        for found in [f64::NAN, f64::INFINITY] {
            assert!(!worst(|checks| checks.number("x", found, 1.0, LOSS)).is_within());
        }
        assert!(!worst(|checks| checks.number("x", 1.0, f64::INFINITY, LOSS)).is_within());
        assert!(worst(|checks| checks.number("x", f64::NAN, f64::NAN, LOSS)).is_within());
    }

    #[test]
    fn a_relative_tolerance_grows_with_the_number_from_its_floor() {
        assert!(worst(|checks| checks.number("x", 100.0005, 100.0, LOSS)).is_within());
        assert!(!worst(|checks| checks.number("x", 1.0005, 1.0, LOSS)).is_within());
        assert!(worst(|checks| checks.number("x", 5e-7, 0.0, LOSS)).is_within());
    }

    #[test]
    fn lists_of_different_lengths_do_not_agree() {
        let worst = worst(|checks| checks.numbers("list", &[1.0], &[1.0, 2.0], LOSS));
        assert_eq!(worst.what, "length of list is 1, not 2");
    }
}
