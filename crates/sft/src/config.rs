//! Hyper-parameters, checked by their types.

use serde::{Deserialize, Serialize};

use crate::SftLoss;

/// What is minimised for each completion token, `p` being its probability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossType {
    /// `-log p`, the negative log-likelihood.
    #[default]
    Nll,
    /// `-p log p` with the first `p` held constant: dynamic fine-tuning, Wu et al. 2025,
    /// <https://arxiv.org/abs/2508.05629>, which takes the weight off tokens that the model holds improbable.
    Dft,
}

/// Hyper-parameters of [`SftLoss`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SftConfig {
    /// What is minimised: `nll` or `dft`. Default `nll`, as TRL 1.16.
    pub loss_type: LossType,
}

impl SftConfig {
    /// Builds the loss. Every configuration is valid.
    #[must_use]
    pub fn init(&self) -> SftLoss {
        SftLoss { loss_type: self.loss_type }
    }
}
