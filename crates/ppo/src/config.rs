//! Hyper-parameters with the names and defaults of TRL, checked once.

use forethought_logprob::KlEstimator;
use forethought_objective::{EpochsError, MiniBatch, mini_batches};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{KlControl, KlController, PpoLoss};

/// Where the score of a completion is paid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScorePosition {
    /// At the position behind the last token, for which the critic predicts one value more; at the last token of a completion
    /// that filled the length limit. As TRL has it.
    #[default]
    AfterLastToken,
    /// At the last token. There is one value for each token.
    LastToken,
}

/// Hyper-parameters of [`PpoLoss`] and [`experience`](PpoConfig::experience). Names and defaults are those of `PPOConfig` in
/// TRL's experimental PPO (1.10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PpoConfig {
    /// How often each sampled batch is trained on: `>= 1`. Default 4.
    pub num_ppo_epochs: usize,
    /// Optimiser steps that each pass over a sampled batch is cut into: `>= 1`. Default 1.
    pub num_mini_batches: usize,
    /// Weight of the divergence from the reference policy, which is taken from the reward of each token: finite, `>= 0`.
    /// Default 0.05.
    pub kl_coef: f64,
    /// How the divergence is estimated: `k1`, `k2` or `k3`. Default `k1` (TRL has no `k2`).
    pub kl_estimator: KlEstimator,
    /// How `kl_coef` moves: `fixed: {}` or `adaptive: {target, horizon}`. Default fixed, as TRL since 0.12.
    pub kl_control: KlControl,
    /// How far the ratio of policies may leave 1 before it is clipped: in `[0, 1]`. Default 0.2.
    pub cliprange: f64,
    /// How far a value may leave the one at sampling time before it is clipped: finite, `> 0`. Default 0.2.
    pub cliprange_value: f64,
    /// Weight of the critic's loss: finite, `>= 0`. Default 0.1.
    pub vf_coef: f64,
    /// Discount from position to position: in `[0, 1]`. Default 1.
    pub gamma: f64,
    /// How far advantages look ahead, the λ of generalised advantage estimation: in `[0, 1]`. Default 0.95.
    pub lam: f64,
    /// Whether rewards are scaled to a variance of 1. Default false.
    pub whiten_rewards: bool,
    /// Taken from the score of a completion that was cut off at the length limit: finite. Default none.
    pub missing_eos_penalty: Option<f64>,
    /// Where the score is paid out: `after_last_token` or `last_token`. Default `after_last_token`.
    pub score_position: ScorePosition,
    /// Tokens that a completion may have: `>= 1`; `response_length` in TRL. Default 53.
    pub max_completion_length: usize,
}

impl Default for PpoConfig {
    fn default() -> Self {
        Self {
            num_ppo_epochs: 4,
            num_mini_batches: 1,
            kl_coef: 0.05,
            kl_estimator: KlEstimator::K1,
            kl_control: KlControl::default(),
            cliprange: 0.2,
            cliprange_value: 0.2,
            vf_coef: 0.1,
            gamma: 1.0,
            lam: 0.95,
            whiten_rewards: false,
            missing_eos_penalty: None,
            score_position: ScorePosition::default(),
            max_completion_length: 53,
        }
    }
}

/// A hyper-parameter outside its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{field} must be {rule}, got {value}")]
pub struct PpoConfigError {
    field: &'static str,
    rule: &'static str,
    value: f64,
}

const POSITIVE: (&str, fn(f64) -> bool) =
    ("finite and greater than 0", |value| value.is_finite() && 0.0 < value);
const NOT_NEGATIVE: (&str, fn(f64) -> bool) =
    ("finite and at least 0", |value| value.is_finite() && 0.0 <= value);
const FRACTION: (&str, fn(f64) -> bool) = ("in [0, 1]", |value| (0.0..=1.0).contains(&value));
const COUNT: (&str, fn(f64) -> bool) = ("at least 1", |value| 1.0 <= value);
const FINITE: (&str, fn(f64) -> bool) = ("finite", f64::is_finite);

impl PpoConfig {
    /// Builds the loss.
    ///
    /// # Errors
    ///
    /// If a hyper-parameter is outside its range.
    pub fn init(&self) -> Result<PpoLoss, PpoConfigError> {
        let (target, horizon) = match self.kl_control {
            KlControl::Fixed(_) => (None, None),
            KlControl::Adaptive(adaptive) => (Some(adaptive.target), Some(adaptive.horizon)),
        };
        let checks = [
            ("num_ppo_epochs", Some(self.num_ppo_epochs as f64), COUNT),
            ("num_mini_batches", Some(self.num_mini_batches as f64), COUNT),
            ("kl_coef", Some(self.kl_coef), NOT_NEGATIVE),
            ("kl_control.adaptive.target", target, POSITIVE),
            ("kl_control.adaptive.horizon", horizon, POSITIVE),
            ("cliprange", Some(self.cliprange), FRACTION),
            ("cliprange_value", Some(self.cliprange_value), POSITIVE),
            ("vf_coef", Some(self.vf_coef), NOT_NEGATIVE),
            ("gamma", Some(self.gamma), FRACTION),
            ("lam", Some(self.lam), FRACTION),
            ("missing_eos_penalty", self.missing_eos_penalty, FINITE),
            ("max_completion_length", Some(self.max_completion_length as f64), COUNT),
        ];
        for (field, value, (rule, holds)) in checks {
            if let Some(value) = value.filter(|value| !holds(*value)) {
                return Err(PpoConfigError { field, rule, value });
            }
        }
        Ok(PpoLoss { config: self.clone() })
    }

    /// The controller of `kl_coef`, at the start of a run.
    #[must_use]
    pub fn kl_controller(&self) -> KlController {
        KlController::new(self.kl_control, self.kl_coef)
    }

    /// Values that the critic predicts for a completion of so many tokens: one for the state before each, and with
    /// [`ScorePosition::AfterLastToken`] one for the state behind the last, unless the completion filled the length limit.
    #[must_use]
    pub fn num_values(&self, num_tokens: usize) -> usize {
        match self.score_position {
            ScorePosition::AfterLastToken if num_tokens < self.max_completion_length => {
                num_tokens + 1
            }
            ScorePosition::AfterLastToken | ScorePosition::LastToken => num_tokens,
        }
    }

    /// The optimiser steps that a sampled batch is trained on, by the indices of their completions. `order` gives a
    /// permutation for each pass; whoever draws it seeds it.
    ///
    /// # Errors
    ///
    /// If the completions do not divide into the mini-batches, or an order is no permutation.
    pub fn mini_batches(
        &self,
        num_completions: usize,
        order: impl FnMut(usize) -> Vec<usize>,
    ) -> Result<Vec<MiniBatch>, EpochsError> {
        let orders: Vec<Vec<usize>> = (0..self.num_ppo_epochs).map(order).collect();
        mini_batches(num_completions, self.num_mini_batches, &orders)
    }
}
