//! Estimates that say how sure they are: proportions and means with their 95 % intervals.

use serde::{Deserialize, Serialize};

/// The 97.5 % quantile of the standard normal distribution, which makes two-sided 95 % intervals.
const Z: f64 = 1.959_963_984_540_054;

/// A closed interval that covers the true value in 95 % of samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Whether two intervals share no point. Disjoint 95 % intervals are a stricter sign of a difference than a test at
/// 5 %: intervals may overlap although such a test would tell the values apart.
#[must_use]
pub fn apart(a: Interval, b: Interval) -> bool {
    a.high < b.low || b.high < a.low
}

/// A share of rows: `successes` of `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "ProportionRecord", try_from = "ProportionRecord")]
pub struct Proportion {
    successes: usize,
    n: usize,
}

impl Proportion {
    /// `successes` of `n` rows.
    ///
    /// # Panics
    ///
    /// If there are more successes than rows.
    #[must_use]
    pub fn new(successes: usize, n: usize) -> Self {
        assert!(successes <= n, "{successes} successes in {n} rows");
        Self { successes, n }
    }

    /// The share of the items that fulfil a claim.
    pub fn of<T>(items: impl IntoIterator<Item = T>, is_success: impl Fn(T) -> bool) -> Self {
        let count = |(hits, n), item| (hits + usize::from(is_success(item)), n + 1);
        let (successes, n) = items.into_iter().fold((0, 0), count);
        Self { successes, n }
    }

    /// How many rows succeeded.
    #[must_use]
    pub fn successes(self) -> usize {
        self.successes
    }

    /// How many rows there were.
    #[must_use]
    pub fn n(self) -> usize {
        self.n
    }

    /// The share, between 0 and 1; NaN where there was no row.
    #[must_use]
    pub fn value(self) -> f64 {
        self.successes as f64 / self.n as f64
    }

    /// The 95 % score interval of Wilson (1927), between 0 and 1; of no rows it is everything, `[0, 1]`.
    ///
    /// Unlike `p ± z·sqrt(p(1 − p)/n)` it stays inside `[0, 1]` and has a width where `p` is 0 or 1.
    #[must_use]
    pub fn interval(self) -> Interval {
        if self.n == 0 {
            return Interval { low: 0.0, high: 1.0 };
        }
        score_interval(self.value(), self.n as f64)
    }
}

/// Wilson's score interval of a share `p` of `n` rows, or of as many as `n` independent rows would tell.
fn score_interval(p: f64, n: f64) -> Interval {
    let scale = 1.0 / (1.0 + Z * Z / n);
    let centre = scale * (p + Z * Z / (2.0 * n));
    let half = scale * Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    // The formula reaches the ends exactly; its rounding errors do not.
    let low = if p <= 0.0 { 0.0 } else { centre - half };
    let high = if p >= 1.0 { 1.0 } else { centre + half };
    Interval { low, high }
}

/// What a [`Proportion`] is in a file: its counts, and the numbers that follow from them for whoever reads the file.
/// Reading it back, only the counts matter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProportionRecord {
    successes: usize,
    n: usize,
    #[serde(default)]
    value: Option<f64>,
    #[serde(default)]
    low: f64,
    #[serde(default)]
    high: f64,
}

impl From<Proportion> for ProportionRecord {
    fn from(proportion: Proportion) -> Self {
        let Proportion { successes, n } = proportion;
        let Interval { low, high } = proportion.interval();
        Self { successes, n, value: (n > 0).then(|| proportion.value()), low, high }
    }
}

impl TryFrom<ProportionRecord> for Proportion {
    type Error = String;

    fn try_from(record: ProportionRecord) -> Result<Self, String> {
        let ProportionRecord { successes, n, .. } = record;
        if successes > n {
            return Err(format!("successes must be at most n, got {successes} of {n}"));
        }
        Ok(Self { successes, n })
    }
}

/// A mean and how far it may be off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanInterval {
    /// How many values there were; at least one.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Where the true mean lies; none of a single value, whose spread is unknown.
    pub interval: Option<Interval>,
}

impl MeanInterval {
    /// The mean of the values with its 95 % interval by the normal approximation, `mean ± 1.96 s / sqrt(n)` with the
    /// sample's standard deviation `s`; none of no values.
    ///
    /// The approximation rests on the central limit theorem: it is good for hundreds of values, too narrow for ten.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let (n, mean) = (values.len(), mean(values)?);
        let interval = variance(values, mean).map(|variance| {
            let half = Z * (variance / n as f64).sqrt();
            Interval { low: mean - half, high: mean + half }
        });
        Some(Self { n, mean, interval })
    }

    /// The mean of shares, one of each independent group of tries, with a 95 % interval inside `[0, 1]`; none of no
    /// shares.
    ///
    /// It is the score interval of Wilson (1927) of the effective sample size: of `n p(1 − p) / s²` independent tries, where
    /// `p(1 − p)` is the variance of a single try and `s²` that of the shares (Dean and Pagano 2015, *Evaluating
    /// Confidence Interval Methods for Binomial Proportions in Clustered Surveys*). Where `p` is 0 or 1 both vanish, and each
    /// group counts as one try.
    ///
    /// # Panics
    ///
    /// If a value lies outside `[0, 1]`.
    #[must_use]
    pub fn of_shares(shares: &[f64]) -> Option<Self> {
        let outside = shares.iter().find(|share| !(0.0..=1.0).contains(*share));
        assert!(outside.is_none(), "{outside:?} is no share");
        let (n, mean) = (shares.len(), mean(shares)?);
        let interval = variance(shares, mean).map(|variance| {
            let of_a_try = mean * (1.0 - mean);
            let tries_of_a_group = if of_a_try == 0.0 { 1.0 } else { of_a_try / variance };
            match n as f64 * tries_of_a_group {
                // All shares are the same, and neither 0 nor 1.
                f64::INFINITY => Interval { low: mean, high: mean },
                tries => score_interval(mean, tries),
            }
        });
        Some(Self { n, mean, interval })
    }
}

/// The mean; none of no values.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sample's variance; none of a single value.
fn variance(values: &[f64], mean: f64) -> Option<f64> {
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| squares / (values.len() as f64 - 1.0))
}
