//! Proximal policy optimisation: a critic predicts what is still to come, and tokens after which more came than it predicted
//! become more probable.
//!
//! ```text
//! r_t     = -kl_coef * (log pi_old(t) - log pi_ref(t)), and the score at the end
//! A_t     = generalised advantage estimation over r and the values, whitened over the batch
//! R_t     = A_t (before it is whitened) + V_old(t)
//! policy  = mean_t max(-A_t * rho_t, -A_t * clip(rho_t, 1 - cliprange, 1 + cliprange))
//! critic  = 0.5 * mean_t max((V_t - R_t)^2, (clip(V_t, V_old ± cliprange_value) - R_t)^2)
//! loss    = policy + vf_coef * critic
//! ```
//!
//! Eq. 7 and 9 of Schulman et al. 2017, <https://arxiv.org/abs/1707.06347>, with advantages after Schulman et al. 2015,
//! <https://arxiv.org/abs/1506.02438>, and the cost of the divergence after Ziegler et al. 2019,
//! <https://arxiv.org/abs/1909.08593>. Departures from the papers:
//!
//! 1. The value is clipped as the ratio is (TRL).
//! 2. There is no entropy bonus (TRL).
//! 3. The score is paid out behind the last token, where the critic predicts one value more ([`ScorePosition`]; TRL).
//! 4. Means are over the tokens and the values of the whole optimiser step, so that its micro-batches add up. TRL averages
//!    micro-batches, which is the same number when they hold equally many.
//! 5. `policy/approxkl_avg` and `val/ratio` are means over tokens. TRL's are over padding too, where they are 0 and 1.
//! 6. A token that a policy holds impossible is left out and counted in `tokens/not_finite`, a value without a return in
//!    `values/not_finite`; log-ratios are bounded to ±20.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use forethought_objective::{ValueBatch, ValueLoss};
//!
//! let ppo = forethought_ppo::PpoConfig::default().init()?;
//! let list = |value: f32| Tensor::from_floats([value], &Device::flex()); // [value]
//! let output = ppo.forward_values(ValueBatch::new(list(1.0), list(0.0), list(0.5), 1));
//! // The prediction left the old one by 1. Clipped to 0.2 it would be nearer; the farther one counts: 0.1 * 0.5 * 0.5².
//! assert_eq!(output.loss.into_scalar::<f32>(), 0.0125);
//! # Ok::<(), forethought_ppo::PpoConfigError>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod config;
mod experience;
mod gae;
mod kl_control;

use burn::tensor::Tensor;
use forethought_logprob::masked_mean;
use forethought_objective::{
    LossOutput, PolicyBatch, PolicyCompletion, PolicyLoss, StepTotals, ValueBatch, ValueLoss,
};

pub use config::{PpoConfig, PpoConfigError, ScorePosition};
pub use experience::{Experience, ExperienceError, Sampled};
pub use gae::gae;
pub use kl_control::{AdaptiveKl, FixedKl, KlControl, KlController};

/// Log-ratios are bounded to this, as in verl: single precision overflows from 88 on.
const MAX_LOG_RATIO: f32 = 20.0;

/// The PPO objectives: as a [`PolicyLoss`] that of the policy, as a [`ValueLoss`] that of the critic, with its weight. Only
/// [`PpoConfig::init`] builds it, so its parameters are in range.
#[derive(Clone, Debug)]
pub struct PpoLoss {
    config: PpoConfig,
}

impl PpoLoss {
    /// The totals of a step made of these micro-batches, for [`PolicyBatch::new`].
    #[must_use]
    pub fn step_totals(&self, micro_batches: &[&[PolicyCompletion]]) -> StepTotals {
        let completions = || micro_batches.iter().copied().flatten();
        StepTotals::new(
            micro_batches.len(),
            completions().count(),
            completions().map(|completion| completion.num_tokens).sum(),
        )
    }

    /// The number of values of a step made of these micro-batches, for [`ValueBatch::new`].
    #[must_use]
    pub fn num_step_values(&self, micro_batches: &[&[PolicyCompletion]]) -> usize {
        let completions = micro_batches.iter().copied().flatten();
        completions.map(|completion| self.config.num_values(completion.num_tokens)).sum()
    }
}

impl PolicyLoss for PpoLoss {
    /// Give the batch the advantages of its tokens ([`PolicyBatch::with_token_advantages`]) and the old log-probabilities.
    fn forward(&self, batch: PolicyBatch) -> LossOutput {
        let (log_probs, old) = (batch.log_probs(), batch.old_log_probs());
        let is_possible = log_probs.clone().detach().is_finite().bool_and(old.clone().is_finite());
        let is_counted = is_possible.clone().float(); // [token]
        let is_left_out = is_possible.bool_not();
        let log_ratio =
            log_probs.mask_fill(is_left_out.clone(), 0.0) - old.mask_fill(is_left_out, 0.0);
        let log_ratio = log_ratio.clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO); // [token]
        let ratio = log_ratio.clone().exp();

        let advantages = batch.token_advantages();
        let advantages = Tensor::<1>::from_floats(advantages.as_slice(), &batch.device()); // [token]
        let inside = ratio.clone().clamp(1.0 - self.config.cliprange, 1.0 + self.config.cliprange);
        let plain = -(ratio.clone() * advantages.clone());
        let clipped = -(inside * advantages);
        // The maximum takes the clipped ratio only where it is the worse of the two: a bad move is always undone.
        let losses = plain.clone().max_pair(clipped.clone()); // [token]

        let mean = |list: Tensor<1>| masked_mean(list.detach(), is_counted.clone());
        let mut metrics = vec![
            ("loss/policy_avg", mean(losses.clone())),
            ("policy/approxkl_avg", mean(log_ratio.clone() * log_ratio) * 0.5),
            ("policy/clipfrac_avg", mean(clipped.greater(plain).float())),
            ("val/ratio", mean(ratio)),
        ];
        if let Some(entropy) = batch.entropy() {
            metrics.push(("policy/entropy_avg", mean(entropy)));
        }
        let num_not_finite = (is_counted.clone().sum() - batch.num_tokens() as f64).neg();
        metrics.push(("tokens/not_finite", num_not_finite));
        let divisor = batch.totals().num_tokens.max(1) as f64;
        LossOutput { loss: (losses * is_counted).sum() / divisor, metrics }
    }
}

impl ValueLoss for PpoLoss {
    fn forward_values(&self, batch: ValueBatch) -> LossOutput {
        let (values, old, returns) = (batch.values(), batch.old_values(), batch.returns());
        let is_known = old.clone().is_finite().bool_and(returns.clone().is_finite());
        let is_counted = is_known.clone().float(); // [value]
        let is_left_out = is_known.bool_not();
        let known = |list: Tensor<1>| list.mask_fill(is_left_out.clone(), 0.0);
        let (values, old, returns) = (known(values), known(old), known(returns));

        let range = self.config.cliprange_value;
        let moved = (values.clone() - old.clone()).clamp(-range, range); // [value]
        let plain = square(values - returns.clone());
        let clipped = square(old + moved - returns);
        let losses = plain.clone().max_pair(clipped.clone()) * 0.5; // [value]

        let mean = |list: Tensor<1>| masked_mean(list.detach(), is_counted.clone());
        let metrics = vec![
            ("loss/value_avg", mean(losses.clone())),
            ("val/clipfrac_avg", mean(clipped.greater(plain).float())),
            ("values/not_finite", (is_counted.clone().sum() - batch.num_values() as f64).neg()),
        ];
        let divisor = batch.num_step_values().max(1) as f64;
        let loss = (losses * is_counted).sum() * (self.config.vf_coef / divisor);
        LossOutput { loss, metrics }
    }
}

fn square(list: Tensor<1>) -> Tensor<1> {
    list.clone() * list
}
