//! Mean and spread of plain numbers: rewards, advantages, values.

/// Mean and spread of some numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    count: usize,
    mean: f64,
    sum_of_squares: f64,
}

/// Whether [`whiten`] moves the mean to 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Centre {
    /// The mean becomes 0.
    Remove,
    /// The mean stays as it was.
    Keep,
}

impl Moments {
    /// The moments of numbers, all of which are finite.
    #[must_use]
    pub fn of(numbers: impl Iterator<Item = f64> + Clone) -> Self {
        let count = numbers.clone().count();
        let mean = numbers.clone().sum::<f64>() / count.max(1) as f64;
        let sum_of_squares = numbers.map(|number| (number - mean).powi(2)).sum();
        Self { count, mean, sum_of_squares }
    }

    /// How many numbers there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Their mean; 0 of none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Their variance, with `n - 1`; 0 of a single number.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.sum_of_squares / self.count.saturating_sub(1).max(1) as f64
    }

    /// Their standard deviation, with `n - 1`; 0 of a single number.
    #[must_use]
    pub fn std(&self) -> f64 {
        self.variance().sqrt()
    }

    /// Whether there are several and all are equal, up to the tolerance of `torch.isclose`.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        2 <= self.count && self.std() <= 1e-8
    }
}

/// Scales numbers to a variance (with `n - 1`) of 1: `(x - mean) / sqrt(variance + 1e-8)`, and adds the mean again if it is
/// to stay. As `masked_whiten` of TRL, over the numbers that its mask keeps.
///
/// ```
/// use forethought_logprob::{Centre, whiten};
///
/// assert_eq!(whiten(&[1.0, 3.0], Centre::Remove), [-0.70710677, 0.70710677]);
/// assert_eq!(whiten(&[5.0, 5.0], Centre::Keep), [5.0, 5.0]);
/// ```
#[must_use]
pub fn whiten(numbers: &[f32], centre: Centre) -> Vec<f32> {
    const EPSILON: f64 = 1e-8;
    let moments = Moments::of(numbers.iter().copied().map(f64::from));
    let scale = (moments.variance() + EPSILON).sqrt().recip();
    let back = match centre {
        Centre::Remove => 0.0,
        Centre::Keep => moments.mean(),
    };
    #[expect(clippy::cast_possible_truncation, reason = "they were single-precision numbers")]
    let whitened = |number: &f32| ((f64::from(*number) - moments.mean()) * scale + back) as f32;
    numbers.iter().map(whitened).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /* Python: statistics.mean([1, 2, 6]), statistics.stdev([1, 2, 6]) == (3, 2.6457513110645907) */
    #[test]
    fn the_moments_are_those_of_python() {
        let moments = Moments::of([1.0, 2.0, 6.0].into_iter());
        assert_eq!((moments.count(), moments.mean()), (3, 3.0));
        assert!((moments.std() - 7f64.sqrt()).abs() < 1e-12);
        assert!(!moments.is_equal());
    }

    #[test]
    fn none_and_one_have_no_spread_and_are_not_equal_to_anything() {
        for numbers in [vec![], vec![4.0]] {
            let moments = Moments::of(numbers.iter().copied());
            assert!(moments.std().abs() < 1e-12 && !moments.is_equal());
        }
        assert!(Moments::of([2.0, 2.0].into_iter()).is_equal());
    }

    #[test]
    fn nothing_to_whiten_is_nothing() {
        assert!(whiten(&[], Centre::Remove).is_empty());
    }

    proptest! {
        #[test]
        fn whitened_numbers_have_variance_one_and_the_mean_they_should(
            numbers in prop::collection::vec(-10f32..10., 3..20),
        ) {
            let before = Moments::of(numbers.iter().copied().map(f64::from));
            prop_assume!(before.std() > 0.1);
            for (centre, mean) in [(Centre::Remove, 0.0), (Centre::Keep, before.mean())] {
                let after = whiten(&numbers, centre);
                let after = Moments::of(after.into_iter().map(f64::from));
                prop_assert!((after.variance() - 1.0).abs() < 1e-4);
                prop_assert!((after.mean() - mean).abs() < 1e-5);
            }
        }
    }
}
