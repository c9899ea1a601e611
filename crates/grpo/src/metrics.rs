//! The numbers that TRL logs beside the loss, under its names.

use burn::tensor::{Bool, Int, Tensor};
use forethought_logprob::masked_mean;

use crate::micro_batch::MicroBatch;
use crate::surrogate::Surrogate;
use crate::{GrpoLoss, ImportanceSamplingLevel, LossType};

/// The mean over the tokens that count, `[1]`, detached.
pub(crate) fn mean(values: Tensor<1>, batch: &MicroBatch) -> Tensor<1> {
    masked_mean(values.detach(), batch.is_counted.clone())
}

/// What the loss type reports about its ratios.
pub(crate) fn of_surrogate(
    loss: &GrpoLoss,
    batch: &MicroBatch,
    surrogate: Surrogate,
) -> Vec<(&'static str, Tensor<1>)> {
    let clipped = Clipped { level: loss.config.importance_sampling_level, batch };
    let ratio = surrogate.ratio.detach(); // [token]
    let is_good = batch.advantages.clone().greater_scalar(0.0);
    match loss.loss_type {
        LossType::Cispo => {
            let is_above = ratio.greater_scalar(loss.epsilon_high).bool_and(is_good);
            vec![("cispo_clip_ratio", clipped.average(is_above))]
        }
        LossType::Sapo => vec![],
        LossType::Vespo => {
            let phi = surrogate.phi.map_or_else(|| ratio.zeros_like(), Tensor::detach);
            vec![("vespo/phi_seq_mean", batch.ragged.mean(phi).mean())]
        }
        _ => {
            let is_bad = batch.advantages.clone().lower_scalar(0.0);
            let low = ratio.clone().lower_scalar(1.0 - loss.config.epsilon).bool_and(is_bad);
            let high = ratio.greater_scalar(1.0 + loss.epsilon_high).bool_and(is_good);
            clipped.ratios(low, high)
        }
    }
}

/// Shares of tokens, or of completions where the ratio is theirs.
struct Clipped<'a> {
    level: ImportanceSamplingLevel,
    batch: &'a MicroBatch,
}

impl Clipped<'_> {
    /// How often the ratio left the clip range in the direction of its advantage, and the least and the greatest share
    /// within one completion.
    fn ratios(
        &self,
        low: Tensor<1, Bool>,
        high: Tensor<1, Bool>,
    ) -> Vec<(&'static str, Tensor<1>)> {
        let region = low.clone().bool_or(high.clone());
        vec![
            ("clip_ratio/low_mean", self.average(low.clone())),
            ("clip_ratio/low_min", self.shares(low).min()),
            ("clip_ratio/high_mean", self.average(high.clone())),
            ("clip_ratio/high_max", self.shares(high).max()),
            ("clip_ratio/region_mean", self.average(region)),
        ]
    }

    fn average(&self, is_clipped: Tensor<1, Bool>) -> Tensor<1> {
        match self.level {
            ImportanceSamplingLevel::Token => {
                masked_mean(is_clipped.float(), self.batch.is_counted.clone())
            }
            ImportanceSamplingLevel::Sequence => self.shares(is_clipped).mean(),
        }
    }

    /// The share of each completion, `[completion]`; of those of which tokens count, where the ratio is that of tokens.
    fn shares(&self, is_clipped: Tensor<1, Bool>) -> Tensor<1> {
        let shares = self.batch.ragged.mean(self.batch.among_counted(is_clipped));
        match (self.level, counted_completions(self.batch)) {
            (ImportanceSamplingLevel::Token, Some(counted)) => shares.select(0, counted),
            _ => shares,
        }
    }
}

/// The completions of which tokens count, if there are any.
fn counted_completions(batch: &MicroBatch) -> Option<Tensor<1, Int>> {
    let mut start = 0;
    let mut counted: Vec<i64> = Vec::new();
    for (index, length) in (0..).zip(&batch.tokens.lengths) {
        if batch.tokens.is_counted[start..start + length].contains(&1.0) {
            counted.push(index);
        }
        start += length;
    }
    let device = batch.is_counted.device();
    (!counted.is_empty()).then(|| Tensor::from_ints(counted.as_slice(), &device))
}
