//! Hyper-parameters with the names and defaults of TRL 1.16, checked once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::SftLoss;

/// What is minimised for each completion token, `p` being its probability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossType {
    /// `-log p`, the negative log-likelihood.
    #[default]
    Nll,
    /// `-p log p` with the first `p` held constant: dynamic fine-tuning, Wu et al. 2025,
    /// <https://arxiv.org/abs/2508.05629>, which takes the weight off tokens that the model holds improbable.
    Dft,
}

/// Hyper-parameters of [`SftLoss`]. Names and defaults are those of `SFTConfig` in TRL 1.16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SftConfig {
    /// What is minimised: `nll` or `dft`. Default `nll`.
    pub loss_type: LossType,
    /// How much of the target is spread evenly over the vocabulary: in `[0, 1)`, 0 for `dft`; Szegedy et al. 2015, section 7,
    /// <https://arxiv.org/abs/1512.00567>. Default 0.
    pub label_smoothing_factor: f64,
}

/// A hyper-parameter outside its range, or two that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SftConfigError {
    /// At 1 nothing would be left of the target.
    #[error("label_smoothing_factor must be in [0, 1), got {0}")]
    LabelSmoothing(f64),
    /// `dft` weighs the likelihood of prescribed tokens and knows no others.
    #[error("label_smoothing_factor must be 0 for dft, got {0}")]
    SmoothDft(f64),
}

impl SftConfig {
    /// Builds the loss.
    ///
    /// # Errors
    ///
    /// If a hyper-parameter is outside its range.
    pub fn init(&self) -> Result<SftLoss, SftConfigError> {
        let label_smoothing = self.label_smoothing_factor;
        if !(0.0..1.0).contains(&label_smoothing) {
            return Err(SftConfigError::LabelSmoothing(label_smoothing));
        }
        if self.loss_type == LossType::Dft && label_smoothing != 0.0 {
            return Err(SftConfigError::SmoothDft(label_smoothing));
        }
        Ok(SftLoss { loss_type: self.loss_type, label_smoothing })
    }
}
