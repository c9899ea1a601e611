//! Supervised fine-tuning: raise the probability of prescribed completions, token by token.
//!
//! With `T` the number of completion tokens of the whole optimiser step, over all its micro-batches,
//!
//! ```text
//! nll:  loss = -(1 / T) * sum_t ((1 - eps) * log p_t + eps * mean over the vocabulary of log p_v)
//! dft:  loss = -(1 / T) * sum_t stop_gradient(p_t) * log p_t
//! ```
//!
//! with `eps` the label smoothing, 0 by default.
//!
//! `nll` is the maximum likelihood of Ouyang et al. 2022, section 3.5, <https://arxiv.org/abs/2203.02155>; `dft` is the
//! dynamic fine-tuning of Wu et al. 2025, <https://arxiv.org/abs/2508.05629>.
//!
//! 1. Only completion tokens are handed in: the prompt is not scored.
//! 2. The divisor is the token count of the step, as `num_items_in_batch` of transformers 5 and TRL 1.16, so micro-batch
//!    losses add up and cutting a step differently changes nothing.
//! 3. A token whose log-probability is not finite is left out of the loss and counted as `skipped_tokens`.
//! 4. [`plan_rows`] says which sequences stand together in one row, as TRL packs them.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use forethought_objective::{SupervisedBatch, SupervisedLoss};
//! use forethought_sft::SftConfig;
//!
//! // Two tokens of probability 1/2 in a step of four tokens: 2 * log 2 / 4.
//! let log_probs = Tensor::from_floats([0.5f32.ln(); 2], &Device::flex());
//! let output = SftConfig::default().init()?.forward(SupervisedBatch::new(log_probs, 4));
//! assert!((output.loss.into_scalar::<f32>() - 2f32.ln() / 2.0).abs() < 1e-6);
//! # Ok::<(), forethought_sft::SftConfigError>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod config;
mod packing;

use burn::tensor::Tensor;
use forethought_objective::{LossOutput, SupervisedBatch, SupervisedLoss};

pub use config::{LossType, SftConfig, SftConfigError};
pub use packing::{PackingStrategy, Piece, plan_rows};

/// The supervised objective. Only [`SftConfig::init`] builds it, so its parameters are in range.
#[derive(Clone, Copy, Debug)]
pub struct SftLoss {
    loss_type: LossType,
    label_smoothing: f64,
}

impl SftLoss {
    /// What is summed, `[token]`.
    ///
    /// # Panics
    ///
    /// If labels are smoothed and the batch does not carry the means over the vocabulary.
    fn gains(&self, batch: &SupervisedBatch) -> Tensor<1> {
        let log_probs = batch.log_probs(); // [token]
        match self.loss_type {
            LossType::Nll if self.label_smoothing == 0.0 => log_probs,
            LossType::Nll => {
                let Some(means) = batch.mean_log_probs() else {
                    panic!("label smoothing needs mean_log_probs, but the batch has none")
                };
                let kept = log_probs.mul_scalar(1.0 - self.label_smoothing);
                kept + means.mul_scalar(self.label_smoothing)
            }
            LossType::Dft => log_probs.clone().exp().detach() * log_probs,
        }
    }
}

impl SupervisedLoss for SftLoss {
    /// # Panics
    ///
    /// If the batch lacks what [`Self::needs_mean_log_probs`] asks for.
    fn forward(&self, batch: SupervisedBatch) -> LossOutput {
        let num_step_tokens = batch.num_step_tokens().max(1) as f64;
        let gains = self.gains(&batch); // [token]
        let is_skipped = gains.clone().detach().is_finite().bool_not(); // [token]
        let gains = gains.mask_fill(is_skipped.clone(), 0.0);
        let mut metrics: Vec<_> =
            [("entropy", batch.entropy()), ("mean_token_accuracy", batch.is_argmax())]
                .into_iter()
                .filter_map(|(name, values)| Some((name, mean(values?)?)))
                .collect();
        metrics.push(("skipped_tokens", is_skipped.float().sum()));
        LossOutput { loss: gains.sum().neg().div_scalar(num_step_tokens), metrics }
    }

    fn needs_mean_log_probs(&self) -> bool {
        self.label_smoothing != 0.0
    }
}

/// The mean of a list `[token]`, as `[1]`; none of an empty one.
fn mean(values: Tensor<1>) -> Option<Tensor<1>> {
    (values.dims() != [0]).then(|| values.mean())
}
