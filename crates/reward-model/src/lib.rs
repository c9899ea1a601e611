//! Reward models: scores learnt from pairs of completions, of which one is preferred.
//!
//! With `c` and `r` the scores of the chosen and the rejected completion, `m` the margin of the pair (0 where none is given) and
//! `S` the logistic function,
//!
//! ```text
//! loss = mean over pairs of  -log S(c - r - m) + center_rewards_coefficient (c + r)^2
//! ```
//!
//! The first term is Eq. 1 of Ouyang et al. 2022, <https://arxiv.org/abs/2203.02155>: the likelihood of Bradley and Terry 1952. The
//! margin is Eq. 2 of Touvron et al. 2023, <https://arxiv.org/abs/2307.09288>, the second term that of Eisenstein et al. 2023,
//! <https://arxiv.org/abs/2312.09244>: scores are determined up to a constant alone, and it keeps them near 0.
//!
//! 1. Only scores are handed in. As in TRL 1.16, a score is one number read from the last token of a text.
//! 2. The divisor is the number of pairs of the optimiser step, so the losses of its micro-batches add up.
//! 3. A pair with a score or a margin that is not finite is left out of loss and metrics and counted as `skipped_pairs`.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use forethought_objective::{ScoreBatch, ScoreLoss};
//! use forethought_reward_model::RewardModelConfig;
//!
//! let scores = Tensor::<1>::from_floats([1.5], &Device::flex()); // [pair]
//! let batch = ScoreBatch::new(scores.clone(), scores, 1);
//! let output = RewardModelConfig::default().init()?.forward(batch);
//! // Equal scores tell nothing apart: -log S(0) = log 2.
//! assert!((output.loss.into_scalar::<f32>() - 2f32.ln()).abs() < 1e-6);
//! # Ok::<(), forethought_reward_model::RewardModelConfigError>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod config;
mod scores;

use burn::tensor::Tensor;
use burn::tensor::activation::log_sigmoid;
use forethought_logprob::masked_mean;
use forethought_objective::{LossOutput, ScoreBatch, ScoreLoss};

pub use config::{RewardModelConfig, RewardModelConfigError};
pub use scores::{preference_probability, sigmoid};

/// The objective. Only [`RewardModelConfig::init`] builds it, so its parameters are in range.
#[derive(Clone, Debug)]
pub struct RewardModelLoss {
    center_rewards_coefficient: f64,
}

/// Scores `[pair]` of which those that do not count are 0.
struct Scores {
    chosen: Tensor<1>,
    rejected: Tensor<1>,
    margins: Option<Tensor<1>>,
    /// 1 for pairs that count.
    is_kept: Tensor<1>,
}

impl Scores {
    fn new(batch: &ScoreBatch) -> Self {
        let lists = [Some(batch.chosen()), Some(batch.rejected()), batch.margins()];
        let is_finite = lists
            .iter()
            .flatten()
            .map(|list| list.clone().detach().is_finite())
            .reduce(Tensor::bool_and)
            .expect("both sides are there"); // [pair]
        let is_replaced = is_finite.clone().bool_not();
        let [chosen, rejected, margins] =
            lists.map(|list| list.map(|list| list.mask_fill(is_replaced.clone(), 0.0)));
        let side = |list: Option<Tensor<1>>| list.expect("both sides are there");
        Self { chosen: side(chosen), rejected: side(rejected), margins, is_kept: is_finite.float() }
    }

    /// The numbers that TRL logs beside the loss, under its names; `skipped_pairs` is how many pairs do not count.
    fn metrics(&self) -> Vec<(&'static str, Tensor<1>)> {
        let chosen = self.chosen.clone().detach();
        let rejected = self.rejected.clone().detach();
        let mean = |values: Tensor<1>| masked_mean(values, self.is_kept.clone());
        let scores = Tensor::cat(vec![chosen.clone(), rejected.clone()], 0); // [completion]
        let is_kept = Tensor::cat(vec![self.is_kept.clone(), self.is_kept.clone()], 0);
        let average = masked_mean(scores.clone(), is_kept.clone()); // [1]
        // The mean is no extreme, so it may stand where nothing counts.
        let fill = average.clone().expand(scores.dims());
        let scores = scores.mask_where(is_kept.equal_scalar(0.0), fill);
        vec![
            ("min_reward", scores.clone().min()),
            ("mean_reward", average),
            ("max_reward", scores.max()),
            ("accuracy", mean(chosen.clone().greater(rejected.clone()).float())),
            ("margin", mean(chosen - rejected)),
            ("skipped_pairs", self.is_kept.clone().neg().add_scalar(1.0).sum()),
        ]
    }
}

impl ScoreLoss for RewardModelLoss {
    fn forward(&self, batch: ScoreBatch) -> LossOutput {
        if batch.num_pairs() == 0 {
            return LossOutput { loss: batch.chosen().sum(), metrics: Vec::new() };
        }
        let scores = Scores::new(&batch);
        let mut lead = scores.chosen.clone() - scores.rejected.clone(); // [pair]
        if let Some(margins) = scores.margins.clone() {
            lead = lead - margins;
        }
        let mut losses = -log_sigmoid(lead); // [pair]
        if self.center_rewards_coefficient != 0.0 {
            let sum = scores.chosen.clone() + scores.rejected.clone(); // [pair]
            losses = losses + (sum.clone() * sum).mul_scalar(self.center_rewards_coefficient);
        }
        let num_pairs = batch.num_step_pairs().max(1) as f64;
        let loss = (losses * scores.is_kept.clone()).sum().div_scalar(num_pairs);
        LossOutput { loss, metrics: scores.metrics() }
    }
}
