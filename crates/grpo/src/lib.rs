//! Group relative policy optimisation: of several completions of one prompt, make the better ones more probable.
//!
//! With `A` the advantage of a completion within its group ([`advantages`]), `rho = pi(token) / pi_old(token)` the ratio
//! between the policy being trained and the one that sampled, and `d = log pi_ref - log pi`,
//!
//! ```text
//! l_t  = -min(rho_t * A, clip(rho_t, 1 - epsilon, 1 + epsilon_high) * A) + beta * rho_t * (exp(d_t) - d_t - 1)
//! loss = sum_t w_t * l_t
//! ```
//!
//! Eq. 3 and 4 of Shao et al. 2024, <https://arxiv.org/abs/2402.03300>. The weight `w_t` of a token, and for some also its
//! loss `l_t`, depend on [`LossType`]. Departures from the paper, each as in TRL 1.16:
//!
//! 1. The default loss type is that of DAPO and `beta` is 0.
//! 2. The divergence is multiplied by `rho` (`use_bias_correction_kl`).
//! 3. The ratio may be that of whole completions (`importance_sampling_level`), as in GSPO.
//! 4. Divisors are totals over the optimiser step, so the losses of its micro-batches add up. TRL averages micro-batches,
//!    which is the same number when they hold equally many completions.
//!
//! And one that TRL does not share:
//!
//! 5. A token that a policy holds impossible (a log-probability that is no finite number) is left out of the loss and counted
//!    in the metric `tokens/not_finite`; log-ratios are bounded to ±20.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use forethought_grpo::{GrpoConfig, ScaleRewards, advantages};
//! use forethought_objective::{PolicyBatch, PolicyCompletion, PolicyLoss};
//!
//! let rewards = [Some(1.0), Some(0.0)];
//! let completions: Vec<PolicyCompletion> = advantages(&rewards, 2, ScaleRewards::None)?
//!     .values
//!     .into_iter()
//!     .map(|advantage| PolicyCompletion { num_tokens: 1, advantage, is_truncated: false })
//!     .collect();
//! let grpo = GrpoConfig::default().init()?;
//! let totals = grpo.step_totals(&[&completions]);
//! let log_probs = Tensor::from_floats([-1.0, -2.0], &Device::flex()); // [token]
//! let output = grpo.forward(PolicyBatch::new(log_probs, completions, totals));
//! // On policy every ratio is 1, so the loss is minus the mean advantage; its gradient is not 0.
//! assert!(output.loss.into_scalar::<f32>().abs() < 1e-6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod advantages;
mod config;
mod correction;
mod dynamic_sampling;
mod masks;
mod metrics;
mod micro_batch;
mod plan;
mod surrogate;
mod tokens;

use burn::tensor::Tensor;
use forethought_logprob::{KlEstimator, masked_mean};
use forethought_objective::{LossOutput, PolicyBatch, PolicyCompletion, PolicyLoss, StepTotals};

pub use advantages::{Advantages, advantages};
pub use config::{
    GrpoConfig, GrpoConfigError, ImportanceSamplingLevel, LossType, MultiObjectiveAggregation,
    SamplingCorrection, ScaleRewards, Semantics,
};
pub use dynamic_sampling::{DynamicSampling, Refill, RefillCounts};
pub use masks::entropy_threshold;
pub use plan::{GenerationPlan, PlanError, PlannedMicroBatch};

use correction::Correction;
use micro_batch::MicroBatch;
use surrogate::Surrogate;

/// The GRPO objective. Only [`GrpoConfig::init`] builds it, so its parameters are in range.
#[derive(Clone, Debug)]
pub struct GrpoLoss {
    config: GrpoConfig,
    loss_type: LossType,
    beta: f64,
    use_bias_correction_kl: bool,
    epsilon_high: f64,
}

impl GrpoLoss {
    /// The totals of a step made of these micro-batches, for [`PolicyBatch::new`]. If more was sampled at once than the step
    /// takes, add [`StepTotals::of_generation`].
    #[must_use]
    pub fn step_totals(&self, micro_batches: &[&[PolicyCompletion]]) -> StepTotals {
        let completions = || micro_batches.iter().copied().flatten();
        let counted = completions().filter(|completion| self.counts(completion));
        StepTotals::new(
            micro_batches.len(),
            completions().count(),
            counted.map(|completion| completion.num_tokens).sum(),
        )
    }

    /// Whether the loss must be given the log-probabilities of a reference policy.
    #[must_use]
    pub fn needs_reference(&self) -> bool {
        self.beta != 0.0
    }

    /// Whether the loss must be given entropies, and whether their gradient matters: it rewards them.
    #[must_use]
    pub fn rewards_entropy(&self) -> bool {
        self.config.entropy_coef != 0.0
    }

    /// Whether the tokens of a completion count for the loss.
    fn counts(&self, completion: &PolicyCompletion) -> bool {
        !(self.config.mask_truncated_completions && completion.is_truncated)
    }

    /// The penalty for leaving the reference, `[token]`, before its weight; `None` if its weight is 0.
    ///
    /// # Panics
    ///
    /// If there is no reference.
    fn divergence(&self, batch: &MicroBatch, ratio: &Tensor<1>) -> Option<Tensor<1>> {
        if !self.needs_reference() {
            return None;
        }
        let Some(reference) = batch.reference_log_probs.clone() else {
            panic!("beta is {}, but the batch has no reference log-probabilities", self.beta)
        };
        let kl = KlEstimator::K3.estimate(batch.log_probs.clone(), reference); // [token]
        Some(if self.use_bias_correction_kl { kl * ratio.clone() } else { kl })
    }

    /// The share of the micro-batch in the mean entropy of the step, `[1]`; `None` if it is not rewarded.
    ///
    /// # Panics
    ///
    /// If the entropies are missing.
    fn entropy_bonus(&self, batch: &MicroBatch, is_top: Option<Tensor<1>>) -> Option<Tensor<1>> {
        let coefficient = self.config.entropy_coef;
        if !self.rewards_entropy() {
            return None;
        }
        let Some(entropy) = batch.entropy.clone() else {
            panic!("entropy_coef is {coefficient}, but the batch has no entropies")
        };
        let among = is_top.unwrap_or_else(|| batch.is_counted.clone()); // [token]
        Some(masked_mean(entropy, among) / batch.num_micro_batches as f64)
    }
}

impl PolicyLoss for GrpoLoss {
    /// # Panics
    ///
    /// If the config asks for what the batch does not have: a reference, entropies, or log-probabilities of the sampler.
    fn forward(&self, batch: PolicyBatch) -> LossOutput {
        let batch = MicroBatch::new(self, &batch);
        let ratio = batch.ratio(self.config.importance_sampling_level); // [token]
        let correction = Correction::new(&self.config, &batch);
        let surrogate = Surrogate::new(self, &batch, ratio.clone(), correction.as_ref());
        let is_top = masks::top_entropy(self, &batch);
        // The weight of a completion in `vespo` has the correction in it already.
        let corrects = correction.as_ref().filter(|_| self.loss_type != LossType::Vespo);
        let factors = [
            masks::off_policy(self, &batch),
            is_top.clone(),
            corrects.map(|one| one.weights.clone()),
        ];
        let learnt = factors.into_iter().flatten();
        let mut losses = learnt.fold(surrogate.losses.clone(), |losses, factor| losses * factor); // [token]

        let mut metrics = Vec::new();
        if let Some(kl) = self.divergence(&batch, &ratio) {
            metrics.push(("kl", metrics::mean(kl.clone(), &batch)));
            losses = losses + kl.mul_scalar(self.beta);
        }
        if let Some(entropy) = batch.entropy.clone() {
            metrics.push(("entropy", metrics::mean(entropy, &batch)));
        }
        let mut loss = (losses * batch.weights.clone() * batch.is_counted.clone()).sum();
        if let Some(bonus) = self.entropy_bonus(&batch, is_top) {
            let whole = loss.clone().detach() * batch.num_micro_batches as f64;
            metrics.push(("policy_loss", whole));
            metrics.push(("entropy_coef", bonus.ones_like() * self.config.entropy_coef));
            loss = loss - bonus.mul_scalar(self.config.entropy_coef);
        }
        metrics.extend(metrics::of_surrogate(self, &batch, surrogate));
        metrics.extend(correction::differences(&batch));
        metrics.extend(correction.iter().flat_map(|correction| correction.metrics(&batch)));
        metrics.push(("tokens/not_finite", batch.num_not_finite()));
        LossOutput { loss, metrics }
    }
}
