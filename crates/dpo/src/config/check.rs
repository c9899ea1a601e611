//! Ranges, and what does not go together.

use super::{DpoConfig, FDivergence, LossType, Semantics};
use crate::DpoLoss;

/// A hyper-parameter outside its range, or two that contradict each other.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DpoConfigError {
    /// There is nothing to minimise.
    #[error("loss_type must name at least one loss, got none")]
    NoLoss,
    /// The weights do not belong to the loss types.
    #[error("loss_weights must be as many as loss types, {num_types}, got {num_weights}")]
    NumWeights {
        /// Number of loss types.
        num_types: usize,
        /// Number of weights.
        num_weights: usize,
    },
    /// A weight is no number.
    #[error("loss_weights must be finite, got {0}")]
    Weight(f64),
    /// `beta` is not a positive number.
    #[error("beta must be finite and greater than 0, got {0}")]
    Beta(f64),
    /// At one half the labels carry no information; beyond it they are reversed.
    #[error("label_smoothing must be in [0, 0.5), got {0}")]
    LabelSmoothing(f64),
    /// `exo_pair` takes the logarithm of the label smoothing.
    #[error("label_smoothing must be greater than 0 for exo_pair, got 0; its paper uses 0.001")]
    Exo,
    /// The exponent of the alpha divergence.
    #[error("f_alpha_divergence_coef must be finite (and not 0 under trl-0.15), got {0}")]
    Alpha(f64),
    /// The mixing temperature of `discopop`.
    #[error("discopop_tau must be finite and greater than 0, got {0}")]
    Tau(f64),
    /// The weight of the tail.
    #[error("ld_alpha must be in [0, 1], got {0}")]
    LdAlpha(f64),
    /// The target margin of `simpo`.
    #[error("simpo_gamma must be finite and at least 0, got {0}")]
    Gamma(f64),
    /// The normaliser of a divergence cancels in differences of scores alone.
    #[error(
        "f_divergence_type must be reverse_kl for {0:?}, whose log-ratios are not a difference"
    )]
    Divergence(LossType),
    /// `sft` is a mean over tokens, which have no pair to weigh them.
    #[error("use_weighting must be false beside sft, got true")]
    Weighting,
    /// `simpo` has no reference and takes means.
    #[error("simpo must stand alone or beside sft, got it beside {0:?}")]
    Simpo(LossType),
}

impl DpoConfig {
    /// Builds the loss.
    ///
    /// # Errors
    ///
    /// If a hyper-parameter is outside its range, or two contradict each other.
    pub fn init(&self) -> Result<DpoLoss, DpoConfigError> {
        self.check_numbers()?;
        self.check_losses()?;
        let weights = self.weights()?;
        let terms = self.loss_type.iter().copied().zip(weights).collect();
        Ok(DpoLoss { config: self.clone(), terms })
    }

    fn check_numbers(&self) -> Result<(), DpoConfigError> {
        let is_positive = |value: f64| value.is_finite() && 0.0 < value;
        if !is_positive(self.beta) {
            return Err(DpoConfigError::Beta(self.beta));
        }
        if !(0.0..0.5).contains(&self.label_smoothing) {
            return Err(DpoConfigError::LabelSmoothing(self.label_smoothing));
        }
        let alpha = self.f_alpha_divergence_coef;
        if !alpha.is_finite() || (alpha == 0.0 && self.semantics != Semantics::Trl116) {
            return Err(DpoConfigError::Alpha(alpha));
        }
        if !is_positive(self.discopop_tau) {
            return Err(DpoConfigError::Tau(self.discopop_tau));
        }
        if let Some(ld_alpha) = self.ld_alpha.filter(|alpha| !(0.0..=1.0).contains(alpha)) {
            return Err(DpoConfigError::LdAlpha(ld_alpha));
        }
        if !(self.simpo_gamma.is_finite() && 0.0 <= self.simpo_gamma) {
            return Err(DpoConfigError::Gamma(self.simpo_gamma));
        }
        Ok(())
    }

    fn check_losses(&self) -> Result<(), DpoConfigError> {
        let losses = || self.loss_type.iter().copied();
        let is_exo = losses().any(|loss| loss == LossType::ExoPair);
        if is_exo && self.label_smoothing == 0.0 && self.semantics == Semantics::Trl116 {
            return Err(DpoConfigError::Exo);
        }
        if self.use_weighting && losses().any(|loss| loss == LossType::Sft) {
            return Err(DpoConfigError::Weighting);
        }
        let is_divergent = self.f_divergence_type != FDivergence::ReverseKl;
        if let Some(loss) = losses().find(|loss| is_divergent && !loss.is_of_a_difference()) {
            return Err(DpoConfigError::Divergence(loss));
        }
        let is_simpo = losses().any(|loss| loss == LossType::Simpo);
        let is_apart = |loss: &LossType| !matches!(loss, LossType::Simpo | LossType::Sft);
        match losses().find(|loss| is_simpo && is_apart(loss)) {
            Some(loss) => Err(DpoConfigError::Simpo(loss)),
            None => Ok(()),
        }
    }

    fn weights(&self) -> Result<Vec<f64>, DpoConfigError> {
        let num_types = self.loss_type.len();
        if num_types == 0 {
            return Err(DpoConfigError::NoLoss);
        }
        let Some(weights) = &self.loss_weights else { return Ok(vec![1.0; num_types]) };
        if weights.len() != num_types {
            return Err(DpoConfigError::NumWeights { num_types, num_weights: weights.len() });
        }
        match weights.iter().find(|weight| !weight.is_finite()) {
            Some(weight) => Err(DpoConfigError::Weight(*weight)),
            None => Ok(weights.clone()),
        }
    }
}

impl LossType {
    /// Whether the loss sees scores as a difference alone, in which what a divergence adds to both cancels.
    fn is_of_a_difference(self) -> bool {
        matches!(
            self,
            Self::Sigmoid
                | Self::SigmoidNorm
                | Self::Hinge
                | Self::Ipo
                | Self::ExoPair
                | Self::Robust
                | Self::Discopop
                | Self::Sft
        )
    }
}
