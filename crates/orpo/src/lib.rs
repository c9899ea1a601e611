//! Odds ratio preference optimisation: learn chosen completions and prefer them to rejected ones, without a reference.
//!
//! With `p` the mean log-probability of the tokens of a completion, `odds = e^p / (1 - e^p)` and `S` the logistic function,
//!
//! ```text
//! nll       = -sum of log-probabilities of chosen completions and their prompts / their tokens      (TRL)
//!           = -mean over pairs of p_c                                                              (LLaMA-Factory)
//! log_odds  = log(odds_c / odds_r) = p_c - p_r - (log(1 - e^p_c) - log(1 - e^p_r))
//! loss      = nll - beta mean over pairs of log S(log_odds)
//! ```
//!
//! Eq. 6 and 7 of Hong et al. 2024, <https://arxiv.org/abs/2403.07691>, whose `lambda` is `beta` here.
//!
//! 1. Which likelihood runs, `semantics` says: the two are different numbers.
//! 2. Divisors are totals of the optimiser step, so the losses of its micro-batches add up.
//! 3. A pair with a log-probability that is not finite, or with an empty side, is left out of loss and metrics and counted
//!    as `skipped_pairs`. A prompt token that is not finite counts as 0.
//! 4. `p` is at most -2^-23, the step of single precision below 1: the odds of a certain completion are infinite.
//! 5. `logits/chosen` and `logits/rejected` are means over completion tokens. TRL's run over prompts and padding too.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use forethought_objective::{PairLengths, PreferenceBatch, PreferenceLoss, PreferenceTotals};
//! use forethought_orpo::{OrpoConfig, Semantics};
//!
//! let pairs = vec![PairLengths { chosen: 2, rejected: 1 }];
//! let totals = PreferenceTotals::of(&[&pairs]);
//! let log_probs = Tensor::from_floats([-1.0, -3.0, -2.0], &Device::flex()); // [token]
//! let config = OrpoConfig { semantics: Semantics::LlamaFactory, beta: 0.5 };
//! let output = config.init()?.forward(PreferenceBatch::new(log_probs, pairs, totals));
//! // Equal means have equal odds: 2 - 0.5 log S(0).
//! assert!((output.loss.into_scalar::<f32>() - (2.0 + 0.5 * 2f32.ln())).abs() < 1e-6);
//! # Ok::<(), forethought_orpo::OrpoConfigError>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod config;
mod metrics;

use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Device, Tensor};
use forethought_logprob::Ragged;
use forethought_objective::{LossOutput, PreferenceBatch, PreferenceLoss};

pub use config::{OrpoConfig, OrpoConfigError, Semantics};

/// The least distance of a log-probability from 0.
const CERTAIN: f64 = -(f32::EPSILON as f64);

/// The objective. Only [`OrpoConfig::init`] builds it, so its parameters are in range.
#[derive(Clone, Debug)]
pub struct OrpoLoss {
    config: OrpoConfig,
}

/// Pairs of a micro-batch. Those that do not count are replaced by zeros, so that they reach neither loss nor gradient.
struct Pairs {
    /// `[token]`, log-probabilities, 0 in replaced pairs.
    log_probs: Tensor<1>,
    /// `[token]`, 1 for tokens of pairs that count.
    is_kept_token: Tensor<1>,
    /// `[pair]`, 1 for pairs that count.
    is_kept: Tensor<1>,
    /// `[pair]`, mean log-probabilities of chosen completions.
    chosen: Tensor<1>,
    /// `[pair]`, of rejected ones.
    rejected: Tensor<1>,
    /// `[pair]`, the logarithm of the ratio of their odds.
    log_odds: Tensor<1>,
}

impl Pairs {
    fn new(batch: &PreferenceBatch) -> Self {
        let ragged = Ragged::new(&batch.lengths(), &batch.device());
        let num_pairs = batch.pairs().len();
        let sides = |completions: Tensor<1>| {
            let chosen = completions.clone().slice(0..num_pairs);
            (chosen, completions.slice(num_pairs..2 * num_pairs))
        };
        let is_finite = ragged.is_finite(batch.log_probs().detach()).float();
        let (chosen, rejected) = sides(is_finite * has_tokens(batch, &batch.device()));
        let is_kept = chosen * rejected; // [pair]
        let is_kept_token = ragged.spread(Tensor::cat(vec![is_kept.clone(), is_kept.clone()], 0));
        let is_replaced = is_kept_token.clone().equal_scalar(0.0); // [token]
        let log_probs = batch.log_probs().mask_fill(is_replaced, 0.0); // [token]
        let (chosen, rejected) = sides(ragged.mean(log_probs.clone()).clamp_max(CERTAIN));
        let log_odds = chosen.clone()
            - rejected.clone()
            - (log_one_minus_exp(chosen.clone()) - log_one_minus_exp(rejected.clone()));
        Self { log_probs, is_kept_token, is_kept, chosen, rejected, log_odds }
    }

    /// The sum over pairs that count, `[1]`.
    fn sum(&self, values: Tensor<1>) -> Tensor<1> {
        (values * self.is_kept.clone()).sum()
    }
}

/// 1 for completions that have tokens, `[completion]`.
fn has_tokens(batch: &PreferenceBatch, device: &Device) -> Tensor<1> {
    let flags: Vec<f32> =
        batch.lengths().iter().map(|length| f32::from(u8::from(*length > 0))).collect();
    Tensor::from_floats(flags.as_slice(), device)
}

/// `log(1 - e^x)` for `x < 0`. Near 0 `1 - e^x` loses its digits, so that it is written `-tanh(x / 2) (e^x + 1)`; far from it
/// `log` does, so that `log1p` stands there. Both are finite on either side, as gradients of both are formed.
fn log_one_minus_exp(x: Tensor<1>) -> Tensor<1> {
    let near = (x.clone().mul_scalar(0.5).tanh().neg() * x.clone().exp().add_scalar(1.0)).log();
    let far = x.clone().exp().neg().log1p();
    far.mask_where(x.greater_scalar(-std::f64::consts::LN_2), near)
}

/// A sum and what it is divided by, in this micro-batch and in its step.
struct Likelihood {
    sum: Tensor<1>,
    num_own: usize,
    num_step: usize,
}

impl OrpoLoss {
    /// The negative log-likelihood of the chosen completions.
    ///
    /// # Panics
    ///
    /// If the prompts belong to it and the batch does not carry them.
    fn nll(&self, pairs: &Pairs, batch: &PreferenceBatch) -> Likelihood {
        let totals = batch.totals();
        if !self.needs_prompt() {
            let sum = pairs.sum(pairs.chosen.clone()).neg();
            return Likelihood { sum, num_own: batch.pairs().len(), num_step: totals.num_pairs };
        }
        let Some((prompt, num_step_prompt_tokens)) = batch.prompt_log_probs() else {
            panic!("the likelihood of TRL needs prompt_log_probs, but the batch has none")
        };
        let num_chosen = batch.num_chosen_tokens();
        let num_own = num_chosen + prompt.dims()[0];
        let is_infinite = prompt.clone().detach().is_finite().bool_not(); // [token]
        let prompt = prompt.mask_fill(is_infinite, 0.0).sum(); // [1]
        let chosen = pairs.log_probs.clone().slice(0..num_chosen).sum(); // [1]
        let num_step = totals.num_chosen_tokens + num_step_prompt_tokens;
        Likelihood { sum: (prompt + chosen).neg(), num_own, num_step }
    }
}

impl PreferenceLoss for OrpoLoss {
    /// # Panics
    ///
    /// If the batch lacks the prompts that [`Self::needs_prompt`] asks for.
    fn forward(&self, batch: PreferenceBatch) -> LossOutput {
        if batch.pairs().is_empty() {
            return LossOutput { loss: batch.log_probs().sum(), metrics: Vec::new() };
        }
        let pairs = Pairs::new(&batch);
        let nll = self.nll(&pairs, &batch);
        let log_ratios = log_sigmoid(pairs.log_odds.clone()); // [pair]
        let num_pairs = batch.totals().num_pairs.max(1) as f64;
        let preference = pairs.sum(log_ratios.clone()).mul_scalar(self.config.beta / num_pairs);
        let loss = nll.sum.clone().div_scalar(nll.num_step.max(1) as f64) - preference;
        let nll = nll.sum.detach().div_scalar(nll.num_own.max(1) as f64);
        LossOutput { loss, metrics: metrics::all(&self.config, &pairs, &batch, nll, log_ratios) }
    }

    fn needs_reference(&self) -> bool {
        false
    }

    fn needs_prompt(&self) -> bool {
        self.config.semantics != Semantics::LlamaFactory
    }
}
