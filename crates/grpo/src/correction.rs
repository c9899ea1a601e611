//! Weights that make good the difference between the sampler's log-probabilities and those of training.

use burn::tensor::Tensor;
use forethought_logprob::masked_mean;

use crate::micro_batch::MicroBatch;
use crate::{GrpoConfig, SamplingCorrection};

/// The smallest weight that `vespo` tells from 0; TRL 1.16.
const MIN_WEIGHT: f32 = 1e-8;

/// `[token]`: what each token weighs.
pub(crate) struct Correction {
    pub(crate) weights: Tensor<1>,
    is_of_sequences: bool,
}

/// `log pi_old - log pi_sampler`, `[token]`; 0 where the sampler reported nothing, or the token does not count.
fn difference(batch: &MicroBatch) -> Option<Tensor<1>> {
    let sampled = batch.sampling_log_probs.clone()?;
    let is_unknown = sampled.clone().is_finite().bool_not().bool_or(batch.is_left_out.clone());
    let difference = batch.old_log_probs.clone() - sampled; // [token]
    Some(difference.mask_fill(is_unknown, 0.0))
}

impl Correction {
    /// The weights, if the config asks for them.
    ///
    /// # Panics
    ///
    /// If the sampler's log-probabilities are missing.
    pub(crate) fn new(config: &GrpoConfig, batch: &MicroBatch) -> Option<Self> {
        let (is_of_sequences, is_truncating) = match config.sampling_correction.unwrap_or_default()
        {
            SamplingCorrection::None => return None,
            SamplingCorrection::TokenTruncate => (false, true),
            SamplingCorrection::TokenMask => (false, false),
            SamplingCorrection::SequenceTruncate => (true, true),
            SamplingCorrection::SequenceMask => (true, false),
        };
        let Some(difference) = difference(batch) else {
            let mode = config.sampling_correction.unwrap_or_default();
            panic!(
                "sampling_correction is {mode:?}, but the batch has no sampling log-probabilities"
            )
        };
        let log_ratio = if is_of_sequences { batch.spread_sum(difference) } else { difference };
        let ratio = log_ratio.exp(); // [token]
        let lowest = config.sampling_correction_min.unwrap_or(0.0);
        let highest = config.sampling_correction_max;
        let weights = if is_truncating {
            ratio.clamp(lowest, highest)
        } else {
            let is_low = ratio.clone().lower_scalar(lowest);
            let is_out = is_low.bool_or(ratio.clone().greater_scalar(highest)); // [token]
            ratio.mask_fill(is_out, 0.0)
        };
        Some(Self { weights, is_of_sequences })
    }

    /// What the correction adds to the logarithm of the weight of a whole completion, `[token]`.
    pub(crate) fn log_weight_of_completion(&self, batch: &MicroBatch) -> Tensor<1> {
        let log_weights = self.weights.clone().clamp_min(MIN_WEIGHT).log().clamp_max(20.0); // [token]
        if self.is_of_sequences {
            return log_weights;
        }
        batch.spread_sum(log_weights * batch.is_counted.clone())
    }

    /// TRL's metrics: over completions if the weights are theirs, else over tokens.
    pub(crate) fn metrics(&self, batch: &MicroBatch) -> Vec<(&'static str, Tensor<1>)> {
        let values = if self.is_of_sequences {
            batch.ragged.mean(self.weights.clone()) // [completion]
        } else {
            self.weights.clone()
        };
        let mean = if self.is_of_sequences {
            values.clone().mean()
        } else {
            masked_mean(values.clone(), batch.is_counted.clone())
        };
        vec![
            ("sampling/importance_sampling_ratio/min", values.clone().min()),
            ("sampling/importance_sampling_ratio/mean", mean),
            ("sampling/importance_sampling_ratio/max", values.max()),
        ]
    }
}

/// How far the sampler's log-probabilities are from those of training, where it reported any.
pub(crate) fn differences(batch: &MicroBatch) -> Vec<(&'static str, Tensor<1>)> {
    let Some(difference) = difference(batch) else { return vec![] };
    let sampled = batch.sampling_log_probs.clone().map(Tensor::is_finite);
    let is_known = sampled.map_or_else(|| batch.is_counted.clone(), |is| batch.among_counted(is));
    let difference = difference.abs(); // [token]
    vec![
        ("sampling/sampling_logp_difference/mean", masked_mean(difference.clone(), is_known)),
        ("sampling/sampling_logp_difference/max", difference.max()),
    ]
}
