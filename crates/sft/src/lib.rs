//! Supervised fine-tuning: raise the probability of prescribed completions, token by token.
//!
//! With `T` the number of completion tokens of the whole optimiser step, over all its micro-batches,
//!
//! ```text
//! nll:  loss = -(1 / T) * sum_t log p_t
//! dft:  loss = -(1 / T) * sum_t stop_gradient(p_t) * log p_t
//! ```
//!
//! `nll` is the maximum likelihood of Ouyang et al. 2022, section 3.5, <https://arxiv.org/abs/2203.02155>; `dft` is the
//! dynamic fine-tuning of Wu et al. 2025, <https://arxiv.org/abs/2508.05629>.
//!
//! 1. Only completion tokens are handed in: the prompt is not scored.
//! 2. The divisor is the token count of the step, as `num_items_in_batch` of transformers 5 and TRL 1.16, so micro-batch
//!    losses add up and cutting a step differently changes nothing.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use forethought_objective::{SupervisedBatch, SupervisedLoss};
//! use forethought_sft::SftConfig;
//!
//! // Two tokens of probability 1/2 in a step of four tokens: 2 * log 2 / 4.
//! let log_probs = Tensor::from_floats([0.5f32.ln(); 2], &Device::flex());
//! let output = SftConfig::default().init().forward(SupervisedBatch::new(log_probs, 4));
//! assert!((output.loss.into_scalar::<f32>() - 2f32.ln() / 2.0).abs() < 1e-6);
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod config;

use burn::tensor::Tensor;
use forethought_objective::{LossOutput, SupervisedBatch, SupervisedLoss};

pub use config::{LossType, SftConfig};

/// The supervised objective.
#[derive(Clone, Copy, Debug)]
pub struct SftLoss {
    loss_type: LossType,
}

impl SupervisedLoss for SftLoss {
    fn forward(&self, batch: SupervisedBatch) -> LossOutput {
        let log_probs = batch.log_probs(); // [token]
        let weighted = match self.loss_type {
            LossType::Nll => log_probs,
            LossType::Dft => log_probs.clone().exp().detach() * log_probs,
        };
        let num_step_tokens = batch.num_step_tokens().max(1) as f64;
        LossOutput {
            loss: weighted.sum().neg().div_scalar(num_step_tokens),
            metrics: [("entropy", batch.entropy()), ("mean_token_accuracy", batch.is_argmax())]
                .into_iter()
                .filter_map(|(name, values)| Some((name, mean(values?)?)))
                .collect(),
        }
    }
}

/// The mean of a list `[token]`, as `[1]`; none of an empty one.
fn mean(values: Tensor<1>) -> Option<Tensor<1>> {
    (values.dims() != [0]).then(|| values.mean())
}
