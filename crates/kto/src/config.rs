//! Hyper-parameters with the names and defaults of TRL 1.16, checked once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::KtoLoss;

/// What one completion costs; the formulas are in the documentation of the crate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossType {
    /// Ethayarajh et al. 2024, Eq. 7, <https://arxiv.org/abs/2402.01306>.
    #[default]
    Kto,
    /// D'Oosterlinck et al. 2024, Eq. 7 without pairs, <https://arxiv.org/abs/2408.06266>: no divergence is subtracted.
    ApoZeroUnpaired,
}

/// Hyper-parameters of [`KtoLoss`]. Names and defaults are those of `KTOConfig` in TRL 1.16.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KtoConfig {
    /// What one completion costs: `kto` or `apo_zero_unpaired`. Default `kto`.
    pub loss_type: LossType,
    /// Strength of the pull towards the reference: finite, `> 0`. Default 0.1.
    pub beta: f64,
    /// Weight of desirable completions: finite, `>= 0`. Default 1. The paper keeps `desirable_weight` times their number
    /// between 1 and 4/3 of `undesirable_weight` times the number of the others.
    pub desirable_weight: f64,
    /// Weight of the other completions: finite, `>= 0`. Default 1.
    pub undesirable_weight: f64,
}

impl Default for KtoConfig {
    fn default() -> Self {
        Self {
            loss_type: LossType::default(),
            beta: 0.1,
            desirable_weight: 1.0,
            undesirable_weight: 1.0,
        }
    }
}

/// A hyper-parameter outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KtoConfigError {
    /// `beta` is not a positive number.
    #[error("beta must be finite and greater than 0, got {0}")]
    Beta(f64),
    /// A negative weight would turn a verdict around.
    #[error("desirable_weight must be finite and at least 0, got {0}")]
    DesirableWeight(f64),
    /// A negative weight would turn a verdict around.
    #[error("undesirable_weight must be finite and at least 0, got {0}")]
    UndesirableWeight(f64),
}

impl KtoConfig {
    /// Builds the loss.
    ///
    /// # Errors
    ///
    /// If a hyper-parameter is outside its range.
    pub fn init(&self) -> Result<KtoLoss, KtoConfigError> {
        let is_weight = |weight: f64| weight.is_finite() && 0.0 <= weight;
        if !(self.beta.is_finite() && 0.0 < self.beta) {
            return Err(KtoConfigError::Beta(self.beta));
        }
        if !is_weight(self.desirable_weight) {
            return Err(KtoConfigError::DesirableWeight(self.desirable_weight));
        }
        if !is_weight(self.undesirable_weight) {
            return Err(KtoConfigError::UndesirableWeight(self.undesirable_weight));
        }
        Ok(KtoLoss { config: self.clone() })
    }
}
