//! REINFORCE leave-one-out: of several completions of one prompt, each is judged by how much better it did than the mean of
//! the others.
//!
//! With `R` the reward less `beta` times the divergence of the completion from the reference,
//!
//! ```text
//! A_i  = R_i - mean_{j != i} R_j
//! rho  = pi(completion) / pi_old(completion)
//! loss = -mean_i min(rho_i * A_i, clip(rho_i, 1 - epsilon, 1 + epsilon_high) * A_i)
//! ```
//!
//! Eq. 9 of Ahmadian et al. 2024, <https://arxiv.org/abs/2402.14740>. On policy `rho` is 1 and the gradient is that of
//! REINFORCE with the baseline of Kool et al. 2019. Departures from the paper:
//!
//! 1. The ratio and its clip, of whole completions, allow several updates from the same samples (TRL).
//! 2. The divergence is the estimator k1, and part of the reward; no gradient flows through it (TRL).
//! 3. The loss is divided by the completions of the whole optimiser step, so that its micro-batches add up. TRL averages
//!    micro-batches, which is the same number when they hold equally many completions.
//! 4. A completion with a token that a policy holds impossible (a log-probability that is no finite number) is left out of the
//!    loss and counted in the metric `completions/not_finite`; log-ratios are bounded to ±20.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use forethought_objective::{PolicyBatch, PolicyCompletion, PolicyLoss};
//!
//! let completions = vec![PolicyCompletion { num_tokens: 2, advantage: 1.5, is_truncated: false }];
//! let rloo = forethought_rloo::RlooConfig::default().init()?;
//! let totals = rloo.step_totals(&[&completions]);
//! let log_probs = Tensor::from_floats([-1.0, -2.0], &Device::flex()); // [token]
//! let output = rloo.forward(PolicyBatch::new(log_probs, completions, totals));
//! assert_eq!(output.loss.into_scalar::<f32>(), -1.5); // on policy: minus the mean advantage
//! # Ok::<(), forethought_rloo::RlooConfigError>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod advantages;
mod config;

use burn::tensor::{Bool, Tensor};
use forethought_logprob::{Ragged, masked_mean};
use forethought_objective::{LossOutput, PolicyBatch, PolicyCompletion, PolicyLoss, StepTotals};

pub use advantages::{Advantages, AdvantagesError, Judged};
pub use config::{RlooConfig, RlooConfigError, Semantics};

/// Log-ratios are bounded to this, as in verl: single precision overflows from 88 on.
const MAX_LOG_RATIO: f32 = 20.0;

/// The RLOO objective. Only [`RlooConfig::init`] builds it, so its parameters are in range.
#[derive(Clone, Debug)]
pub struct RlooLoss {
    config: RlooConfig,
    epsilon_high: f64,
}

impl RlooLoss {
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

    /// Whether the advantages must be given the divergence from a reference policy.
    #[must_use]
    pub fn needs_reference(&self) -> bool {
        self.config.beta != 0.0
    }

    /// Whether the tokens of a completion count for the loss.
    fn counts(&self, completion: &PolicyCompletion) -> bool {
        !(self.config.mask_truncated_completions && completion.is_truncated)
    }
}

/// Sums over the completions of a micro-batch, `[completion]`, and what they are made of.
struct Completions {
    ragged: Ragged,
    advantages: Tensor<1>,
    /// `log pi - log pi_old`, 0 for completions with a token that is left out.
    log_ratio: Tensor<1>,
    /// The same for each token, `[token]`.
    token_log_ratio: Tensor<1>,
    /// 1 for completions all of whose tokens are possible, 0 for the others.
    is_finite: Tensor<1>,
    /// `[token]`, 1 for tokens that count.
    is_counted: Tensor<1>,
}

impl Completions {
    fn new(loss: &RlooLoss, batch: &PolicyBatch) -> Self {
        let device = batch.device();
        let ragged = Ragged::new(&batch.lengths(), &device);
        let counts = batch.completions().iter();
        let counts: Vec<f32> = counts.map(|one| f32::from(loss.counts(one))).collect();
        let is_asked = ragged.spread(Tensor::from_floats(counts.as_slice(), &device)); // [token]
        let (log_probs, old) = (batch.log_probs(), batch.old_log_probs());
        let is_possible = log_probs.clone().detach().is_finite().bool_and(old.clone().is_finite());
        let impossible = is_possible.bool_not().float() * is_asked.clone(); // [token]
        let is_finite = ragged.sum(impossible).equal_scalar(0.0).float(); // [completion]
        let is_counted = is_asked * ragged.spread(is_finite.clone());
        let is_left_out = is_counted.clone().equal_scalar(0.0);
        let counted = |list: Tensor<1>| list.mask_fill(is_left_out.clone(), 0.0);
        let token_log_ratio = counted(log_probs) - counted(old); // [token]
        let log_ratio = ragged.sum(token_log_ratio.clone()).clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO);
        let advantages = batch.completions().iter().map(|one| one.advantage);
        let advantages: Vec<f32> = advantages.collect();
        let advantages = Tensor::from_floats(advantages.as_slice(), &device);
        Self { ragged, advantages, log_ratio, token_log_ratio, is_finite, is_counted }
    }
}

impl PolicyLoss for RlooLoss {
    fn forward(&self, batch: PolicyBatch) -> LossOutput {
        let completions = Completions::new(self, &batch);
        let ratio = completions.log_ratio.clone().exp(); // [completion]
        let inside = ratio.clone().clamp(1.0 - self.config.epsilon, 1.0 + self.epsilon_high);
        let advantages = completions.advantages.clone();
        let (plain, clipped) = (ratio.clone() * advantages.clone(), inside * advantages);
        // The minimum takes the clipped ratio only where it is the worse of the two: a bad move is always undone.
        let gain = plain.clone().min_pair(clipped.clone()) * completions.is_finite.clone(); // [completion]
        let loss = gain.sum().neg() / batch.totals().num_completions as f64;

        let mut metrics = Vec::new();
        if let Some(entropy) = batch.entropy() {
            let name = match self.config.semantics {
                Semantics::Trl116 => "entropy",
                Semantics::Trl015 => "policy/entropy_avg",
            };
            metrics.push((name, masked_mean(entropy.detach(), completions.is_counted.clone())));
        }
        metrics.extend(match self.config.semantics {
            Semantics::Trl116 => self.clip_ratios(&completions, ratio.detach()),
            Semantics::Trl015 => older_metrics(&completions, plain.detach(), clipped.detach()),
        });
        let num_completions = completions.advantages.dims()[0] as f64;
        let num_not_finite = (completions.is_finite.sum() - num_completions).neg();
        metrics.push(("completions/not_finite", num_not_finite));
        LossOutput { loss, metrics }
    }
}

impl RlooLoss {
    /// How often the ratio left the clip range in the direction of its advantage: shares of completions, and the least and
    /// the greatest of them, as TRL 1.16 reports.
    fn clip_ratios(
        &self,
        completions: &Completions,
        ratio: Tensor<1>,
    ) -> Vec<(&'static str, Tensor<1>)> {
        let advantages = completions.advantages.clone();
        let low = ratio.clone().lower_scalar(1.0 - self.config.epsilon);
        let low = low.bool_and(advantages.clone().lower_scalar(0.0)); // [completion]
        let high = ratio.greater_scalar(1.0 + self.epsilon_high);
        let high = high.bool_and(advantages.greater_scalar(0.0));
        let region = low.clone().bool_or(high.clone());
        let share = |clipped: Tensor<1, Bool>| clipped.float().mean();
        vec![
            ("clip_ratio/low_mean", share(low.clone())),
            ("clip_ratio/low_min", low.float().min()),
            ("clip_ratio/high_mean", share(high.clone())),
            ("clip_ratio/high_max", high.float().max()),
            ("clip_ratio/region_mean", share(region)),
        ]
    }
}

/// The metrics of TRL 0.15.
fn older_metrics(
    completions: &Completions,
    plain: Tensor<1>,
    clipped: Tensor<1>,
) -> Vec<(&'static str, Tensor<1>)> {
    let gain = plain.clone().min_pair(clipped.clone()) * completions.is_finite.clone(); // [completion]
    let log_ratio = completions.log_ratio.clone().detach(); // [completion]
    let token_ratio = completions.token_log_ratio.clone().detach();
    let token_ratio = token_ratio.clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO).exp(); // [token]
    let num_tokens = completions.ragged.lengths().iter().sum::<usize>();
    let ratio = if num_tokens == 0 { plain.zeros_like().mean() } else { token_ratio.mean() };
    vec![
        ("loss/policy_avg", gain.neg().mean()),
        ("policy/approxkl_avg", (log_ratio.clone() * log_ratio).mean() * 0.5),
        ("policy/clipfrac_avg", clipped.lower(plain).float().mean()),
        ("val/ratio", ratio),
    ]
}
