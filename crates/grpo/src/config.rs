//! Hyper-parameters with the names and defaults of TRL 1.16, checked once.

use serde::{Deserialize, Serialize};

use crate::GrpoLoss;

/// How token losses become one number. `N` completions and `T` tokens count over the whole optimiser step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossType {
    /// Mean over completions of the mean over their tokens; Shao et al. 2024, Eq. 3. Prefers short good answers and long
    /// bad ones.
    Grpo,
    /// Sum over the tokens of each micro-batch, divided by their number, then the mean over micro-batches.
    Bnpo,
    /// Sum over tokens, divided by `N * max_completion_length`; Liu et al. 2025, <https://arxiv.org/abs/2503.20783>.
    DrGrpo,
    /// Sum over tokens, divided by `T`; Yu et al. 2025, Eq. 8, <https://arxiv.org/abs/2503.14476>.
    #[default]
    Dapo,
}

/// What advantages are divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleRewards {
    /// The standard deviation of the rewards of the same prompt.
    #[default]
    Group,
    /// The standard deviation of the rewards of the whole batch; Liu, Liu et al. 2025, <https://arxiv.org/abs/2508.08221>.
    Batch,
    /// Nothing; Liu et al. 2025, <https://arxiv.org/abs/2503.20783>.
    None,
}

/// Over what the ratio of policies is formed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportanceSamplingLevel {
    /// Each token by itself.
    #[default]
    Token,
    /// The geometric mean over the tokens of a completion; GSPO, Zheng et al. 2025, <https://arxiv.org/abs/2507.18071>.
    Sequence,
}

/// Hyper-parameters of [`GrpoLoss`]. Names and defaults are those of `GRPOConfig` in TRL 1.16.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrpoConfig {
    /// How token losses become one number: `grpo`, `bnpo`, `dr_grpo` or `dapo`. Default `dapo`.
    pub loss_type: LossType,
    /// How far the ratio of policies may fall below 1 before it is clipped: in `[0, 1]`. Default 0.2.
    pub epsilon: f64,
    /// How far it may rise above 1: finite, `>= 0`. Default: as `epsilon`. DAPO recommends 0.28.
    pub epsilon_high: Option<f64>,
    /// Weight of the divergence from the reference policy: finite, `>= 0`. Default 0, which needs no reference.
    pub beta: f64,
    /// Whether the divergence is multiplied by the ratio of policies, which makes its gradient unbiased off policy;
    /// DeepSeek-AI 2025, <https://arxiv.org/abs/2512.02556>. Default true.
    pub use_bias_correction_kl: bool,
    /// What advantages are divided by: `group`, `batch` or `none`. Default `group`.
    pub scale_rewards: ScaleRewards,
    /// Over what the ratio of policies is formed: `token` or `sequence`. Default `token`.
    pub importance_sampling_level: ImportanceSamplingLevel,
    /// Whether completions that were cut off at the length limit are left out of the loss. Default false.
    pub mask_truncated_completions: bool,
    /// Tokens that a completion may have, the divisor of `dr_grpo`: `>= 1`. Default 512.
    pub max_completion_length: usize,
}

impl Default for GrpoConfig {
    fn default() -> Self {
        Self {
            loss_type: LossType::default(),
            epsilon: 0.2,
            epsilon_high: None,
            beta: 0.0,
            use_bias_correction_kl: true,
            scale_rewards: ScaleRewards::default(),
            importance_sampling_level: ImportanceSamplingLevel::default(),
            mask_truncated_completions: false,
            max_completion_length: 512,
        }
    }
}

/// A hyper-parameter outside its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GrpoConfigError {
    /// The lower end of the clip range would be negative.
    #[error("epsilon must be in [0, 1], got {0}")]
    Epsilon(f64),
    /// The upper end of the clip range would be below 1.
    #[error("epsilon_high must be finite and at least 0, got {0}")]
    EpsilonHigh(f64),
    /// The divergence would be rewarded.
    #[error("beta must be finite and at least 0, got {0}")]
    Beta(f64),
    /// `dr_grpo` would divide by nothing.
    #[error("max_completion_length must be at least 1, got 0")]
    MaxCompletionLength,
}

impl GrpoConfig {
    /// Builds the loss.
    ///
    /// # Errors
    ///
    /// If a hyper-parameter is outside its range.
    pub fn init(&self) -> Result<GrpoLoss, GrpoConfigError> {
        let epsilon_high = self.epsilon_high.unwrap_or(self.epsilon);
        if !(0.0..=1.0).contains(&self.epsilon) {
            return Err(GrpoConfigError::Epsilon(self.epsilon));
        }
        if !(epsilon_high.is_finite() && 0.0 <= epsilon_high) {
            return Err(GrpoConfigError::EpsilonHigh(epsilon_high));
        }
        if !(self.beta.is_finite() && 0.0 <= self.beta) {
            return Err(GrpoConfigError::Beta(self.beta));
        }
        if self.max_completion_length == 0 {
            return Err(GrpoConfigError::MaxCompletionLength);
        }
        Ok(GrpoLoss { config: self.clone(), epsilon_high })
    }
}
