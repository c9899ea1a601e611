//! Hyper-parameters with the names and defaults of TRL 1.16, checked once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RewardModelLoss;

/// Hyper-parameters of [`RewardModelLoss`]. Names and defaults are those of `RewardConfig` in TRL 1.16.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RewardModelConfig {
    /// Weight of the squared sum of both scores, which keeps scores near 0: finite, `>= 0`. Default: none, which is 0. Its
    /// paper uses 0.01.
    pub center_rewards_coefficient: Option<f64>,
}

/// A hyper-parameter outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RewardModelConfigError {
    /// A negative weight would drive scores away from 0 without end.
    #[error("center_rewards_coefficient must be finite and at least 0, got {0}")]
    Center(f64),
}

impl RewardModelConfig {
    /// Builds the loss.
    ///
    /// # Errors
    ///
    /// If a hyper-parameter is outside its range.
    pub fn init(&self) -> Result<RewardModelLoss, RewardModelConfigError> {
        let center_rewards_coefficient = self.center_rewards_coefficient.unwrap_or(0.0);
        if !(center_rewards_coefficient.is_finite() && 0.0 <= center_rewards_coefficient) {
            return Err(RewardModelConfigError::Center(center_rewards_coefficient));
        }
        Ok(RewardModelLoss { center_rewards_coefficient })
    }
}
