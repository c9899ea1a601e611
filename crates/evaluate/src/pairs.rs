//! How well scores tell better from worse completions: accuracy, calibration, margins.

use serde::{Deserialize, Serialize};

use crate::Proportion;

/// The scores of one pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoredPair {
    /// What kind of pair it is, where there are several; empty where not.
    pub kind: String,
    /// The score of the preferred completion.
    pub chosen: f64,
    /// The score of the other one.
    pub rejected: f64,
}

impl ScoredPair {
    /// By how much the preferred completion scores higher.
    #[must_use]
    pub fn margin(&self) -> f64 {
        self.chosen - self.rejected
    }

    /// How sure the scores are that the preferred one is preferred: `1 / (1 + exp(-margin))`, Bradley and Terry 1952.
    #[must_use]
    pub fn probability(&self) -> f64 {
        1.0 / (1.0 + (-self.margin()).exp())
    }

    /// A pair whose scores are equal is not ranked.
    fn is_right(&self) -> bool {
        self.margin() > 0.0
    }
}

/// Accuracy over the pairs of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairAccuracy {
    /// The kind.
    pub kind: String,
    /// Pairs whose preferred completion scores higher.
    pub accuracy: Proportion,
}

/// Pairs of about the same confidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationBin {
    /// Mean of the confidence, the greater of the two probabilities: in `[0.5, 1]`.
    pub confidence: f64,
    /// How often the favoured completion is the preferred one.
    pub accuracy: Proportion,
}

/// Pairs whose margins are near each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarginCount {
    /// The bin: margins from `bin * width` to `(bin + 1) * width`.
    pub bin: i64,
    /// Pairs in it; those beyond the first and the last bin are in these.
    pub count: usize,
}

/// How a model that scores does on unseen pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairResult {
    /// The model.
    pub name: String,
    /// Over all pairs.
    pub accuracy: Proportion,
    /// By kind, where there are several.
    pub kinds: Vec<PairAccuracy>,
    /// By rising confidence; bins without pairs are left out.
    pub calibration: Vec<CalibrationBin>,
    /// Mean distance between confidence and accuracy, each bin weighed by its pairs; Naeini et al. 2015.
    pub calibration_error: f64,
    /// Mean of `-log` of the probability of the preferred completion, in nats; ln 2 = 0.693 is chance.
    pub log_loss: f64,
    /// The histogram of margins.
    pub margins: Vec<MarginCount>,
    /// The width of its bins.
    pub margin_width: f64,
    /// Pairs left out because a score is no finite number.
    pub num_not_finite: usize,
}

/// Bins of confidence between 0.5 and 1.
const CONFIDENCE_BINS: usize = 10;
/// Bins of the histogram on either side of 0.
const MARGIN_BINS: i64 = 12;

impl PairResult {
    /// Evaluates the scores of some pairs.
    #[must_use]
    pub fn of(name: impl Into<String>, pairs: &[ScoredPair]) -> Self {
        let finite: Vec<&ScoredPair> =
            pairs.iter().filter(|pair| pair.margin().is_finite()).collect();
        let calibration = calibration(&finite);
        let error = |bin: &CalibrationBin| {
            (bin.confidence - bin.accuracy.value()).abs() * bin.accuracy.n() as f64
        };
        let count = finite.len().max(1) as f64;
        // log(1 + exp(-m)) in the form that neither overflows nor loses small numbers.
        let loss = |pair: &&ScoredPair| {
            let margin = pair.margin();
            (-margin.abs()).exp().ln_1p() + (-margin).max(0.0)
        };
        let margin_width = margin_width(&finite);
        Self {
            name: name.into(),
            accuracy: Proportion::of(&finite, |pair| pair.is_right()),
            kinds: kinds(&finite),
            calibration_error: calibration.iter().map(error).sum::<f64>() / count,
            calibration,
            log_loss: finite.iter().map(loss).sum::<f64>() / count,
            margins: margins(&finite, margin_width),
            margin_width,
            num_not_finite: pairs.len() - finite.len(),
        }
    }
}

fn kinds(pairs: &[&ScoredPair]) -> Vec<PairAccuracy> {
    let mut names: Vec<&str> = pairs.iter().map(|pair| pair.kind.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() < 2 {
        return Vec::new();
    }
    let of_kind = |name: &str| {
        let own = pairs.iter().filter(|pair| pair.kind == name);
        PairAccuracy {
            kind: name.to_owned(),
            accuracy: Proportion::of(own, |pair| pair.is_right()),
        }
    };
    names.into_iter().map(of_kind).collect()
}

fn calibration(pairs: &[&ScoredPair]) -> Vec<CalibrationBin> {
    let mut bins: Vec<Vec<(f64, bool)>> = vec![Vec::new(); CONFIDENCE_BINS];
    for pair in pairs {
        let probability = pair.probability();
        let confidence = probability.max(1.0 - probability);
        let place = (confidence - 0.5) * 2.0 * CONFIDENCE_BINS as f64;
        bins[bin_of(place)].push((confidence, pair.is_right()));
    }
    let bin = |members: Vec<(f64, bool)>| CalibrationBin {
        confidence: members.iter().map(|(confidence, _)| confidence).sum::<f64>()
            / members.len() as f64,
        accuracy: Proportion::of(&members, |(_, is_right)| *is_right),
    };
    bins.into_iter().filter(|members| !members.is_empty()).map(bin).collect()
}

/// The bin of a place between 0 and the number of bins, its end included.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place is between 0 and the number of bins"
)]
fn bin_of(place: f64) -> usize {
    (place as usize).min(CONFIDENCE_BINS - 1)
}

/// A round width of which some bins hold nearly all margins.
fn margin_width(pairs: &[&ScoredPair]) -> f64 {
    let mut sizes: Vec<f64> = pairs.iter().map(|pair| pair.margin().abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let most = sizes.get(sizes.len().saturating_sub(1) * 99 / 100).copied().unwrap_or(1.0);
    let least = most / MARGIN_BINS as f64;
    let magnitude = 10f64.powf(least.max(1e-6).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|step| step * magnitude)
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(1.0)
}

fn margins(pairs: &[&ScoredPair], width: f64) -> Vec<MarginCount> {
    #[expect(clippy::cast_possible_truncation, reason = "it is clamped to a few bins")]
    let bin = |pair: &&ScoredPair| {
        (pair.margin() / width).floor().clamp(-MARGIN_BINS as f64, (MARGIN_BINS - 1) as f64) as i64
    };
    let bins: Vec<i64> = pairs.iter().map(bin).collect();
    let (Some(first), Some(last)) = (bins.iter().min(), bins.iter().max()) else {
        return Vec::new();
    };
    let count = |bin| bins.iter().filter(|one| **one == bin).count();
    (*first..=*last).map(|bin| MarginCount { bin, count: count(bin) }).collect()
}
