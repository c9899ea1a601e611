//! Direct preference optimisation: fit a policy to pairs of completions without a reward model.
//!
//! With `r = log pi(y|x) - log pi_ref(y|x)` of a completion (`r_c` of the chosen one, `r_r` of the rejected one), `s` what the
//! chosen divergence makes of `r` (`s = r` by default), `d = s_c - s_r`, `n` the number of completion tokens, `p = log pi(y|x)`,
//! `q = log pi_ref(y|x)` and `S` the logistic function,
//!
//! ```text
//! sigmoid       -log S(beta d)                    before TRL 1: -(1 - eps) log S(beta d) - eps log S(-beta d)
//! hinge         max(0, 1 - beta d)
//! ipo           (s_c / n_c - s_r / n_r - 1 / (2 beta))^2
//! robust        (-(1 - eps) log S(beta d) + eps log S(-beta d)) / (1 - 2 eps)
//! exo_pair      S(beta d) (log S(beta d) - log(1 - eps)) + S(-beta d) (log S(-beta d) - log eps)
//! nca_pair      -log S(beta r_c) - (log S(-beta r_c) + log S(-beta r_r)) / 2
//! bco_pair      -log S(beta r_c) - log S(-beta r_r)   before TRL 1: of beta r minus the running mean of all beta r
//! sppo_hard     (r_c - 1 / (2 beta))^2 + (r_r + 1 / (2 beta))^2
//! aot           sigmoid of sort(p_c - p_r) - sort(q_c - q_r), with eps
//! aot_unpaired  sigmoid of sort(r_c) - sort(r_r), with eps
//! apo_zero      1 - S(beta r_c) + S(beta r_r)
//! apo_down      S(beta r_c) + 1 - S(beta (r_c - r_r))
//! discopop      (1 - m) (-log S(beta d)) + m exp(-beta d),   m = S(beta d / tau)
//! sft           -sum of log pi(token) over chosen completions / their tokens
//! sigmoid_norm  -log S(beta (s_c / n_c - s_r / n_r))
//! simpo         sigmoid of beta (p_c / n_c - p_r / n_r) - gamma, with eps
//! ```
//!
//! `sigmoid` is Eq. 7 of Rafailov et al. 2023, <https://arxiv.org/abs/2305.18290>. The papers of the others stand at
//! [`LossType`]. The loss of a step is the weighted sum of the means over its pairs.
//!
//! 1. Divisors are totals of the optimiser step, so the losses of its micro-batches add up. TRL averages micro-batches,
//!    which is the same number when they hold equally many pairs (for `sft`: chosen tokens).
//! 2. `aot` and `aot_unpaired` sort within a micro-batch, so they depend on how a step is cut.
//! 3. A pair with a log-probability that is not finite is left out of loss and metrics and counted as `skipped_pairs`.
//! 4. A completion without tokens has `p = q = 0`.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use forethought_dpo::DpoConfig;
//! use forethought_objective::{PairLengths, PreferenceBatch, PreferenceLoss, PreferenceTotals};
//!
//! let pairs = vec![PairLengths { chosen: 2, rejected: 1 }];
//! let totals = PreferenceTotals::of(&[&pairs]);
//! let log_probs = Tensor::<1>::from_floats([-1.0, -2.0, -4.0], &Device::flex()); // [token]
//! let batch = PreferenceBatch::new(log_probs.clone(), pairs, totals)
//!     .with_reference_log_probs(log_probs);
//! let output = DpoConfig::default().init()?.forward(batch);
//! // A policy equal to its reference cannot tell the two apart: -log S(0) = log 2.
//! assert!((output.loss.into_scalar::<f32>() - 2f32.ln()).abs() < 1e-6);
//! # Ok::<(), forethought_dpo::DpoConfigError>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod config;
mod losses;
mod metrics;
mod pairs;

use burn::tensor::Tensor;
use forethought_logprob::masked_mean;
use forethought_objective::{LossOutput, PreferenceBatch, PreferenceLoss, RewardBaseline};

pub use config::{DpoConfig, DpoConfigError, FDivergence, LossType, Semantics};
use pairs::{Pairs, PerPair};

/// The objective. Only [`DpoConfig::init`] builds it, so its parameters are in range.
#[derive(Clone, Debug)]
pub struct DpoLoss {
    config: DpoConfig,
    terms: Vec<(LossType, f64)>,
}

impl DpoConfig {
    /// Whether the loss must be given the log-probabilities of a reference policy. `sft` alone needs them for its metrics.
    pub(crate) fn needs_reference(&self) -> bool {
        !self.reference_free && !self.loss_type.contains(&LossType::Simpo)
    }
}

impl DpoLoss {
    /// The share `[1]` of one loss type, before its weight.
    fn term(&self, loss_type: LossType, pairs: &Pairs, batch: &PreferenceBatch) -> Tensor<1> {
        if loss_type == LossType::Sft {
            return self.nll(pairs, batch);
        }
        let baseline = self.baseline(pairs, batch.baseline());
        let losses = losses::of_pairs(loss_type, &self.config, pairs, &baseline);
        let values = if self.config.use_weighting {
            let weights = policy_weights(pairs, batch); // [pair]
            // Before TRL 1 a pair that the policy would have written anyway weighed no more than 1.
            let is_new = self.config.semantics == Semantics::Trl116;
            losses.values * if is_new { weights } else { weights.clamp_max(1.0) }
        } else {
            losses.values
        };
        (values * losses.is_kept).sum().div_scalar(batch.totals().num_pairs.max(1) as f64)
    }

    /// The negative log-likelihood of the chosen completions, `[1]`: a mean over tokens, in LLaMA-Factory a mean over
    /// completions of means over tokens.
    fn nll(&self, pairs: &Pairs, batch: &PreferenceBatch) -> Tensor<1> {
        let totals = batch.totals();
        if self.config.semantics == Semantics::LlamaFactory {
            let sums = pairs.ragged.mean(pairs.log_probs.clone()); // [completion]
            let chosen = sums.slice(0..batch.pairs().len()); // [pair]
            return chosen.sum().neg().div_scalar(totals.num_pairs.max(1) as f64);
        }
        let chosen = pairs.log_probs.clone().slice(0..batch.num_chosen_tokens()); // [token]
        chosen.sum().neg().div_scalar(totals.num_chosen_tokens.max(1) as f64)
    }

    /// What `bco_pair` measures rewards against, `[1]`: before TRL 1 the running mean with this micro-batch in it, since
    /// then 0.
    fn baseline(&self, pairs: &Pairs, before: RewardBaseline) -> Tensor<1> {
        if self.config.semantics == Semantics::Trl116 {
            return Tensor::zeros([1], &pairs.is_kept.device());
        }
        let mean = mean_reward(pairs, self.config.beta); // [1]
        let weight = 1.0 / (before.num_micro_batches + 1) as f64;
        mean.mul_scalar(weight).add_scalar(before.mean * (1.0 - weight))
    }
}

/// How probably the policy itself would have written both sides, `[pair]`, relative to what it expects of itself.
///
/// # Panics
///
/// If the batch does not carry the sums of squared probabilities.
fn policy_weights(pairs: &Pairs, batch: &PreferenceBatch) -> Tensor<1> {
    let Some(expected) = batch.log_sum_squared_probs() else {
        panic!("use_weighting needs log_sum_squared_probs, but the batch has none")
    };
    let is_replaced = pairs.is_kept_token.clone().equal_scalar(0.0); // [token]
    let aligned = pairs.log_probs.clone().detach() - expected.mask_fill(is_replaced, 0.0);
    let weights = pairs.ragged.mean(aligned).exp(); // [completion]
    let num_pairs = batch.pairs().len();
    weights.clone().slice(0..num_pairs) * weights.slice(num_pairs..2 * num_pairs)
}

/// The mean over all completions that count, `[1]`, detached.
fn mean_reward(pairs: &Pairs, beta: f64) -> Tensor<1> {
    let PerPair { chosen, rejected } = pairs.log_ratios.clone();
    let means = (chosen + rejected).detach().mul_scalar(beta / 2.0); // [pair]
    masked_mean(means, pairs.is_kept.clone())
}

impl PreferenceLoss for DpoLoss {
    /// # Panics
    ///
    /// If the batch lacks what [`Self::needs_reference`] or [`Self::needs_sum_squared_probs`] ask for.
    fn forward(&self, batch: PreferenceBatch) -> LossOutput {
        if batch.pairs().is_empty() {
            return LossOutput { loss: batch.log_probs().sum(), metrics: Vec::new() };
        }
        let pairs = Pairs::new(&self.config, &batch);
        let loss = self
            .terms
            .iter()
            .map(|(loss_type, weight)| self.term(*loss_type, &pairs, &batch).mul_scalar(*weight))
            .reduce(|sum, term| sum + term)
            .expect("a loss has at least one term");
        let mut metrics = metrics::of_tokens(&pairs, &batch);
        metrics.extend(metrics::of_pairs(&pairs, self.config.beta));
        LossOutput { loss, metrics }
    }

    fn needs_reference(&self) -> bool {
        self.config.needs_reference()
    }

    fn needs_sum_squared_probs(&self) -> bool {
        self.config.use_weighting
    }

    fn baseline_after(&self, before: RewardBaseline, output: &LossOutput) -> RewardBaseline {
        let is_kept = self.config.semantics != Semantics::Trl116
            && self.config.loss_type.contains(&LossType::BcoPair);
        let metric = |name| output.metrics.iter().find(|(metric, _)| *metric == name);
        match (is_kept, metric("rewards/chosen"), metric("rewards/rejected")) {
            (true, Some((_, chosen)), Some((_, rejected))) => {
                let mean = (chosen.clone() + rejected.clone()).into_scalar::<f32>() / 2.0;
                before.after(f64::from(mean))
            }
            _ => before,
        }
    }
}
