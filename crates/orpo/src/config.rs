//! Hyper-parameters with the names and defaults of TRL 1.16, checked once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OrpoLoss;

/// Whose formulas run where programs disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Semantics {
    /// TRL 1.16: the likelihood is a mean over the tokens of chosen completions and of their prompts.
    #[default]
    #[serde(rename = "trl-1.16")]
    Trl116,
    /// TRL 0.15, which computes the same.
    #[serde(rename = "trl-0.15")]
    Trl015,
    /// LLaMA-Factory 0.9: the likelihood is a mean over chosen completions of means over their tokens.
    #[serde(rename = "llama-factory")]
    LlamaFactory,
}

/// Hyper-parameters of [`OrpoLoss`]. Names and defaults are those of `ORPOConfig` in TRL 1.16.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrpoConfig {
    /// Whose likelihood runs: `trl-1.16`, `trl-0.15` or `llama-factory`. Default `trl-1.16`.
    pub semantics: Semantics,
    /// Weight of the odds ratio, `lambda` in the paper: finite, `> 0`. Default 0.1.
    pub beta: f64,
}

impl Default for OrpoConfig {
    fn default() -> Self {
        Self { semantics: Semantics::default(), beta: 0.1 }
    }
}

/// A hyper-parameter outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OrpoConfigError {
    /// `beta` is not a positive number.
    #[error("beta must be finite and greater than 0, got {0}")]
    Beta(f64),
}

impl OrpoConfig {
    /// Builds the loss.
    ///
    /// # Errors
    ///
    /// If a hyper-parameter is outside its range.
    pub fn init(&self) -> Result<OrpoLoss, OrpoConfigError> {
        if !(self.beta.is_finite() && 0.0 < self.beta) {
            return Err(OrpoConfigError::Beta(self.beta));
        }
        Ok(OrpoLoss { config: self.clone() })
    }
}
