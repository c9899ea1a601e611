//! Kahneman-Tversky optimisation: align a policy with single completions that are called desirable or not.
//!
//! With `r = log pi(y|x) - log pi_ref(y|x)` of a completion, `z` the divergence from the reference, estimated from prompts
//! followed by the answers to others and held constant, `S` the logistic function and `w` the weight of the verdict,
//!
//! ```text
//! z    = max(0, mean of log pi(y'|x) - log pi_ref(y'|x))
//! kto                w S(-beta (r - z)) if desirable, w S(beta (r - z)) if not
//! apo_zero_unpaired  w S(-beta r)       if desirable, w S(beta r)       if not
//! loss = sum over completions / completions of the step
//! ```
//!
//! Eq. 7 and 8 of Ethayarajh et al. 2024, <https://arxiv.org/abs/2402.01306>, with `1 - S(x)` written `S(-x)`.
//!
//! 1. The divisor is the number of completions of the optimiser step, so the losses of its micro-batches add up. TRL
//!    averages micro-batches, which is the same number when they hold equally many.
//! 2. `z` is the mean of what the batch carries: the mismatched completions of the micro-batch, as in TRL, or those of the
//!    whole step. [`mismatched`] says whose answer follows which prompt.
//! 3. A completion with a log-probability that is not finite is left out of loss and metrics and counted as
//!    `skipped_completions`; a log-ratio that is not finite is left out of `z`.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use forethought_kto::KtoConfig;
//! use forethought_objective::{UnpairedBatch, UnpairedCompletion, UnpairedLoss};
//!
//! let device = Device::flex();
//! let completions = vec![UnpairedCompletion { num_tokens: 2, is_desirable: true }];
//! let log_probs = Tensor::<1>::from_floats([-1.0, -2.0], &device); // [token]
//! let batch = UnpairedBatch::new(log_probs.clone(), completions, 1)
//!     .with_reference_log_probs(log_probs)
//!     .with_kl_log_ratios(Tensor::from_floats([0.0], &device));
//! let output = KtoConfig::default().init()?.forward(batch);
//! // A policy equal to its reference finds everything half desirable.
//! assert!((output.loss.into_scalar::<f32>() - 0.5).abs() < 1e-6);
//! # Ok::<(), forethought_kto::KtoConfigError>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod config;
mod metrics;

use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use forethought_logprob::{Ragged, masked_mean};
use forethought_objective::{LossOutput, UnpairedBatch, UnpairedCompletion, UnpairedLoss};

pub use config::{KtoConfig, KtoConfigError, LossType};

/// The objective. Only [`KtoConfig::init`] builds it, so its parameters are in range.
#[derive(Clone, Debug)]
pub struct KtoLoss {
    config: KtoConfig,
}

/// For each completion of a micro-batch, whose answer follows its prompt where the divergence is estimated: that of the
/// completion before it, and of the last one for the first, as in TRL 1.16 and LLaMA-Factory. Where two neighbours have one
/// prompt the answer is not mismatched, so pairs should be listed chosen ones first.
///
/// ```
/// assert_eq!(forethought_kto::mismatched(3), [2, 0, 1]);
/// ```
#[must_use]
pub fn mismatched(num_completions: usize) -> Vec<usize> {
    (0..num_completions).map(|index| (index + num_completions - 1) % num_completions).collect()
}

/// Completions of a micro-batch. Those that hold a log-probability that is not finite are replaced by zeros, so that they
/// reach neither loss nor gradient.
struct Completions {
    ragged: Ragged,
    /// `[completion]`, `log pi(y|x)`.
    log_probs: Tensor<1>,
    /// `[completion]`, `log pi(y|x) - log pi_ref(y|x)`.
    log_ratios: Tensor<1>,
    /// `[completion]`, 1 for those that count, 0 for replaced ones.
    is_kept: Tensor<1>,
}

impl Completions {
    /// # Panics
    ///
    /// If the batch has no reference.
    fn new(batch: &UnpairedBatch) -> Self {
        let Some(reference) = batch.reference_log_probs() else {
            panic!("the loss needs reference_log_probs, but the batch has none")
        };
        let ragged = Ragged::new(&batch.lengths(), &batch.device());
        let policy = batch.log_probs();
        let is_finite =
            ragged.is_finite(policy.clone().detach()).bool_and(ragged.is_finite(reference.clone()));
        let is_kept = is_finite.float(); // [completion]
        let is_replaced = ragged.spread(is_kept.clone()).equal_scalar(0.0); // [token]
        let sum = |tokens: Tensor<1>| ragged.sum(tokens.mask_fill(is_replaced.clone(), 0.0));
        let log_probs = sum(policy); // [completion]
        let log_ratios = log_probs.clone() - sum(reference); // [completion]
        Self { ragged, log_probs, log_ratios, is_kept }
    }
}

impl KtoLoss {
    /// The divergence from the reference, `[1]`, detached; 0 where the loss has none.
    ///
    /// # Panics
    ///
    /// If the loss has one and the batch does not carry log-ratios for it.
    fn kl(&self, batch: &UnpairedBatch) -> Tensor<1> {
        if !self.needs_kl() {
            return Tensor::zeros([1], &batch.device());
        }
        let Some(log_ratios) = batch.kl_log_ratios() else {
            panic!(
                "the loss {:?} needs kl_log_ratios, but the batch has none",
                self.config.loss_type
            )
        };
        let is_finite = log_ratios.clone().is_finite().float();
        masked_mean(log_ratios, is_finite).clamp_min(0.0)
    }

    /// 1 and -1 for desirable and other completions, and their weights, `[completion]` each.
    #[allow(clippy::cast_possible_truncation, reason = "weights are far from the ends of f32")]
    fn signs_and_weights(&self, batch: &UnpairedBatch) -> [Tensor<1>; 2] {
        let KtoConfig { desirable_weight, undesirable_weight, .. } = self.config;
        let list = |yes: f64, no: f64| {
            let of = |one: &UnpairedCompletion| (if one.is_desirable { yes } else { no }) as f32;
            let values: Vec<f32> = batch.completions().iter().map(of).collect();
            Tensor::from_floats(values.as_slice(), &batch.device())
        };
        [list(1.0, -1.0), list(desirable_weight, undesirable_weight)]
    }
}

impl UnpairedLoss for KtoLoss {
    /// # Panics
    ///
    /// If the batch has no reference, or lacks the log-ratios that [`Self::needs_kl`] asks for.
    fn forward(&self, batch: UnpairedBatch) -> LossOutput {
        if batch.completions().is_empty() {
            return LossOutput { loss: batch.log_probs().sum(), metrics: Vec::new() };
        }
        let completions = Completions::new(&batch);
        let kl = self.kl(&batch); // [1]
        let [signs, weights] = self.signs_and_weights(&batch); // [completion]
        let advantage = (completions.log_ratios.clone() - kl.clone()) * signs; // [completion]
        let losses = sigmoid(advantage.mul_scalar(-self.config.beta)) * weights; // [completion]
        let num_completions = batch.num_step_completions().max(1) as f64;
        let loss = (losses * completions.is_kept.clone()).sum().div_scalar(num_completions);
        LossOutput { loss, metrics: metrics::all(&completions, &batch, kl, self.config.beta) }
    }

    fn needs_kl(&self) -> bool {
        self.config.loss_type == LossType::Kto
    }
}
