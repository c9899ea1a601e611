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
//! Eq. 3 and 4 of Shao et al. 2024, <https://arxiv.org/abs/2402.03300>. The weight `w_t` of a token depends on
//! [`LossType`]. Departures from the paper, each as in TRL 1.16:
//!
//! 1. The default loss type is that of DAPO and `beta` is 0.
//! 2. The divergence is multiplied by `rho` (`use_bias_correction_kl`).
//! 3. The ratio may be that of whole completions (`importance_sampling_level`), as in GSPO.
//! 4. Divisors are totals over the optimiser step, so the losses of its micro-batches add up. TRL averages micro-batches,
//!    which is the same number when they hold equally many completions.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use forethought_grpo::{GrpoConfig, ScaleRewards, advantages};
//! use forethought_objective::{PolicyBatch, PolicyCompletion, PolicyLoss};
//!
//! let rewards = [Some(1.0), Some(0.0)];
//! let completions: Vec<PolicyCompletion> = advantages(&rewards, 2, ScaleRewards::None)
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
//! # Ok::<(), forethought_grpo::GrpoConfigError>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod advantages;
mod config;
mod metrics;
mod weights;

use burn::tensor::Tensor;
use forethought_logprob::{KlEstimator, Ragged};
use forethought_objective::{LossOutput, PolicyBatch, PolicyCompletion, PolicyLoss, StepTotals};

pub use advantages::{Advantages, advantages};
pub use config::{GrpoConfig, GrpoConfigError, ImportanceSamplingLevel, LossType, ScaleRewards};

/// The GRPO objective. Only [`GrpoConfig::init`] builds it, so its parameters are in range.
#[derive(Clone, Debug)]
pub struct GrpoLoss {
    config: GrpoConfig,
    epsilon_high: f64,
}

impl GrpoLoss {
    /// The totals of a step made of these micro-batches, for [`PolicyBatch::new`].
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
        self.config.beta != 0.0
    }

    /// Whether the tokens of a completion count for the loss.
    fn counts(&self, completion: &PolicyCompletion) -> bool {
        !(self.config.mask_truncated_completions && completion.is_truncated)
    }

    /// The ratio of policies, `[token]`.
    fn ratio(&self, policies: &Policies, ragged: &Ragged) -> Tensor<1> {
        let log_ratio = policies.current.clone() - policies.old.clone(); // [token]
        match self.config.importance_sampling_level {
            ImportanceSamplingLevel::Token => log_ratio.exp(),
            ImportanceSamplingLevel::Sequence => ragged.spread(ragged.mean(log_ratio)).exp(),
        }
    }

    /// The penalty for leaving the reference, `[token]`, before its weight.
    ///
    /// # Panics
    ///
    /// If there is no reference.
    fn divergence(&self, policies: Policies, ratio: Tensor<1>) -> Tensor<1> {
        let Some(reference) = policies.reference else {
            panic!("beta is {}, but the batch has no reference log-probabilities", self.config.beta)
        };
        let kl = KlEstimator::K3.estimate(policies.current, reference); // [token]
        if self.config.use_bias_correction_kl { kl * ratio } else { kl }
    }
}

/// Log-probabilities `[token]` under the policies, 0 for tokens that do not count: whatever stood there, an infinity even,
/// reaches neither the loss nor the gradient.
struct Policies {
    current: Tensor<1>,
    old: Tensor<1>,
    reference: Option<Tensor<1>>,
}

impl Policies {
    fn new(batch: &PolicyBatch, is_counted: Tensor<1>) -> Self {
        let is_masked = is_counted.equal_scalar(0.0); // [token]
        let counted = |list: Tensor<1>| list.mask_fill(is_masked.clone(), 0.0);
        Self {
            current: counted(batch.log_probs()),
            old: counted(batch.old_log_probs()),
            reference: batch.reference_log_probs().map(counted),
        }
    }
}

impl PolicyLoss for GrpoLoss {
    /// # Panics
    ///
    /// If `beta` is not 0 and the batch has no reference.
    fn forward(&self, batch: PolicyBatch) -> LossOutput {
        let device = batch.device();
        let tokens = weights::Tokens::new(self, &batch);
        let [advantages, is_counted, weights] =
            [&tokens.advantages, &tokens.is_counted, &tokens.weights]
                .map(|list| Tensor::<1>::from_floats(list.as_slice(), &device)); // [token]
        let ragged = Ragged::new(&tokens.lengths, &device);
        let policies = Policies::new(&batch, is_counted.clone());

        let ratio = self.ratio(&policies, &ragged); // [token]
        let clipped = ratio.clone().clamp(1.0 - self.config.epsilon, 1.0 + self.epsilon_high);
        // The minimum takes the clipped ratio only where it is the worse of the two: a bad move is always undone.
        let gain = (ratio.clone() * advantages.clone()).min_pair(clipped * advantages.clone());
        let mut losses = -gain; // [token]
        let mut metrics = Vec::new();
        if self.needs_reference() {
            let kl = self.divergence(policies, ratio.clone()); // [token]
            metrics.push(("kl", metrics::mean(kl.clone(), is_counted.clone())));
            losses = losses + kl.mul_scalar(self.config.beta);
        }
        if let Some(entropy) = batch.entropy() {
            metrics.push(("entropy", metrics::mean(entropy, is_counted.clone())));
        }
        metrics.extend(metrics::clip_ratios(
            self,
            &tokens,
            &ragged,
            [ratio, advantages, is_counted],
        ));
        LossOutput { loss: (losses * weights).sum(), metrics }
    }
}
