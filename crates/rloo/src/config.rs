//! Hyper-parameters with the names and defaults of TRL, checked once.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::RlooLoss;

/// Whose formulas and defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Semantics {
    /// TRL 1.16.
    #[default]
    #[serde(rename = "trl-1.16")]
    Trl116,
    /// TRL 0.15.
    #[serde(rename = "trl-0.15")]
    Trl015,
}

/// Hyper-parameters of [`RlooLoss`] and [`advantages`](crate::RlooConfig::advantages). Names and defaults are those of
/// `RLOOConfig` in TRL 1.16; the names of TRL 0.15 are understood where they differ.
///
/// Those whose default depends on the version that `semantics` names are optional. Reading and writing a config fills them
/// in, as [`resolved`](Self::resolved) does, so that a written config shows every value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, remote = "Self")]
#[schemars(transform = with_old_names)]
#[expect(clippy::struct_excessive_bools, reason = "they are those of TRL")]
pub struct RlooConfig {
    /// Whose formulas and defaults: `trl-1.16` or `trl-0.15`. Default `trl-1.16`.
    pub semantics: Semantics,
    /// Weight of the divergence from the reference policy, which is taken from the reward: finite, `>= 0`; `kl_coef` in
    /// 0.15. Default 0.05. 0 needs no reference.
    #[serde(alias = "kl_coef")]
    pub beta: f64,
    /// Where the divergence is taken from the reward: at each token (true), or once for the completion. The advantage of a
    /// completion is the same. Default false (0.15; 1.16 has no choice).
    pub token_level_kl: bool,
    /// How far the ratio of policies may fall below 1 before it is clipped: in `[0, 1]`; `cliprange` in 0.15. Default 0.2.
    #[serde(alias = "cliprange")]
    pub epsilon: f64,
    /// How far it may rise above 1: finite, `>= 0`. Default: as `epsilon`.
    pub epsilon_high: Option<f64>,
    /// Weight of each reward function: finite, as many as there are functions. Default 1 each.
    pub reward_weights: Option<Vec<f64>>,
    /// Whether rewards are normalised over the batch before they are clipped. Default false.
    pub normalize_reward: bool,
    /// Lowest and highest reward. Default none: no bounds; with `trl-0.15`, `[-10, 10]`, which act on normalised rewards
    /// only.
    pub reward_clip_range: Option<[f64; 2]>,
    /// Taken from the reward of a completion that was cut off at the length limit: finite. Default none.
    pub missing_eos_penalty: Option<f64>,
    /// Whether advantages are normalised over the batch; `normalize_advantage` in 0.15. Default false.
    #[serde(alias = "normalize_advantage")]
    pub normalize_advantages: bool,
    /// How often each sampled batch is trained on: `>= 1`; `num_ppo_epochs` in 0.15. Default 1; with `trl-0.15`, 4.
    #[serde(alias = "num_ppo_epochs")]
    pub num_iterations: Option<usize>,
    /// Optimiser steps that each pass over a sampled batch is cut into: `>= 1`. Default 1.
    pub num_mini_batches: usize,
    /// Whether completions that were cut off at the length limit are left out of the loss. Default false.
    pub mask_truncated_completions: bool,
}

/// Puts the names of TRL 0.15 into the schema, which serde understands as aliases and schemars does not see.
fn with_old_names(schema: &mut schemars::Schema) {
    let Some(properties) = schema.get_mut("properties").and_then(|one| one.as_object_mut()) else {
        return;
    };
    for (name, old) in [
        ("beta", "kl_coef"),
        ("epsilon", "cliprange"),
        ("normalize_advantages", "normalize_advantage"),
        ("num_iterations", "num_ppo_epochs"),
    ] {
        if let Some(rule) = properties.get(name).cloned() {
            properties.insert(old.to_owned(), rule);
        }
    }
}

impl Default for RlooConfig {
    fn default() -> Self {
        Self {
            semantics: Semantics::default(),
            beta: 0.05,
            token_level_kl: false,
            epsilon: 0.2,
            epsilon_high: None,
            reward_weights: None,
            normalize_reward: false,
            reward_clip_range: None,
            missing_eos_penalty: None,
            normalize_advantages: false,
            num_iterations: None,
            num_mini_batches: 1,
            mask_truncated_completions: false,
        }
    }
}

impl<'de> Deserialize<'de> for RlooConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::deserialize(deserializer)?.resolved())
    }
}

impl Serialize for RlooConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(&self.resolved(), serializer)
    }
}

/// A hyper-parameter that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RlooConfigError {
    /// One field breaks its own rule.
    #[error("{field} must be {rule}, got {value}")]
    OutOfRange {
        /// Name of the field.
        field: &'static str,
        /// What is allowed.
        rule: &'static str,
        /// What was found.
        value: f64,
    },
    /// No reward lies between the bounds.
    #[error("reward_clip_range must be a lower and a higher number, got [{low}, {high}]")]
    RewardClipRange {
        /// The first bound.
        low: f64,
        /// The second bound.
        high: f64,
    },
}

const NOT_NEGATIVE: (&str, fn(f64) -> bool) =
    ("finite and at least 0", |value| value.is_finite() && 0.0 <= value);
const FRACTION: (&str, fn(f64) -> bool) = ("in [0, 1]", |value| (0.0..=1.0).contains(&value));
const COUNT: (&str, fn(f64) -> bool) = ("at least 1", |value| 1.0 <= value);
const FINITE: (&str, fn(f64) -> bool) = ("finite", f64::is_finite);

impl RlooConfig {
    /// The same config, with the defaults of its semantics written out.
    #[must_use]
    pub fn resolved(&self) -> Self {
        let (reward_clip_range, num_iterations) = match self.semantics {
            Semantics::Trl116 => (None, 1),
            Semantics::Trl015 => (Some([-10.0, 10.0]), 4),
        };
        Self {
            reward_clip_range: self.reward_clip_range.or(reward_clip_range),
            num_iterations: self.num_iterations.or(Some(num_iterations)),
            ..self.clone()
        }
    }

    /// Builds the loss.
    ///
    /// # Errors
    ///
    /// If a hyper-parameter is outside its range.
    pub fn init(&self) -> Result<RlooLoss, RlooConfigError> {
        let config = self.resolved();
        config.check()?;
        Ok(RlooLoss { epsilon_high: config.epsilon_high.unwrap_or(config.epsilon), config })
    }

    fn check(&self) -> Result<(), RlooConfigError> {
        let num_iterations = self.num_iterations.map(|count| count as f64);
        let weights = self.reward_weights.iter().flatten();
        let weights = weights.map(|weight| ("reward_weights", Some(*weight), FINITE));
        let checks = [
            ("beta", Some(self.beta), NOT_NEGATIVE),
            ("epsilon", Some(self.epsilon), FRACTION),
            ("epsilon_high", self.epsilon_high, NOT_NEGATIVE),
            ("missing_eos_penalty", self.missing_eos_penalty, FINITE),
            ("num_iterations", num_iterations, COUNT),
            ("num_mini_batches", Some(self.num_mini_batches as f64), COUNT),
        ];
        for (field, value, (rule, holds)) in checks.into_iter().chain(weights) {
            if let Some(value) = value.filter(|value| !holds(*value)) {
                return Err(RlooConfigError::OutOfRange { field, rule, value });
            }
        }
        match self.reward_clip_range {
            Some([low, high]) if !(low.is_finite() && high.is_finite() && low < high) => {
                Err(RlooConfigError::RewardClipRange { low, high })
            }
            _ => Ok(()),
        }
    }
}
