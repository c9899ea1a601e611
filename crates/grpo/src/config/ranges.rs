//! What the values of a config may be.

use super::GrpoConfig;
use crate::{LossType, Semantics};

/// A hyper-parameter that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GrpoConfigError {
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
    /// That version of TRL knew no such choice.
    #[error("{field} must be {rule} with semantics trl-0.15")]
    Unknown {
        /// Name of the field.
        field: &'static str,
        /// What is allowed.
        rule: &'static str,
    },
}

const POSITIVE: (&str, fn(f64) -> bool) =
    ("finite and greater than 0", |value| value.is_finite() && 0.0 < value);
const NOT_NEGATIVE: (&str, fn(f64) -> bool) =
    ("finite and at least 0", |value| value.is_finite() && 0.0 <= value);
const FRACTION: (&str, fn(f64) -> bool) = ("in [0, 1]", |value| (0.0..=1.0).contains(&value));
const COUNT: (&str, fn(f64) -> bool) = ("at least 1", |value| 1.0 <= value);
const FINITE: (&str, fn(f64) -> bool) = ("finite", f64::is_finite);

/// The name of a field, its value if it has one, and its rule.
type Check = (&'static str, Option<f64>, (&'static str, fn(f64) -> bool));

impl GrpoConfig {
    pub(super) fn check(&self) -> Result<(), GrpoConfigError> {
        let checks = self.checks();
        let broken = checks.into_iter().find_map(|(field, value, (rule, holds))| {
            let value = value.filter(|value| !holds(*value))?;
            Some(GrpoConfigError::OutOfRange { field, rule, value })
        });
        let broken = broken.or_else(|| self.unknown()).or_else(|| self.empty_range());
        broken.map_or(Ok(()), Err)
    }

    fn checks(&self) -> Vec<Check> {
        let weights = self.reward_weights.iter().flatten();
        let weights = weights.map(|weight| ("reward_weights", Some(*weight), FINITE));
        let dynamic = self.dynamic_sampling.map(|dynamic| dynamic.max_rounds as f64);
        let mut checks: Vec<Check> = vec![
            ("epsilon", Some(self.epsilon), FRACTION),
            ("epsilon_high", self.epsilon_high, NOT_NEGATIVE),
            ("delta", self.delta, POSITIVE),
            ("beta", self.beta, NOT_NEGATIVE),
            ("num_iterations", Some(self.num_iterations as f64), COUNT),
            ("steps_per_generation", self.steps_per_generation.map(|steps| steps as f64), COUNT),
            ("max_completion_length", Some(self.max_completion_length as f64), COUNT),
            ("top_entropy_quantile", Some(self.top_entropy_quantile), FRACTION),
            ("entropy_coef", Some(self.entropy_coef), FINITE),
            ("off_policy_mask_threshold", self.off_policy_mask_threshold, POSITIVE),
            ("sampling_correction_max", Some(self.sampling_correction_max), POSITIVE),
            ("sampling_correction_min", self.sampling_correction_min, NOT_NEGATIVE),
            ("sapo_temperature_pos", Some(self.sapo_temperature_pos), POSITIVE),
            ("sapo_temperature_neg", Some(self.sapo_temperature_neg), POSITIVE),
            ("vespo_k_pos", Some(self.vespo_k_pos), NOT_NEGATIVE),
            ("vespo_lambda_pos", Some(self.vespo_lambda_pos), NOT_NEGATIVE),
            ("vespo_k_neg", Some(self.vespo_k_neg), NOT_NEGATIVE),
            ("vespo_lambda_neg", Some(self.vespo_lambda_neg), NOT_NEGATIVE),
            ("dynamic_sampling.max_rounds", dynamic, COUNT),
        ];
        checks.extend(weights);
        checks
    }

    /// Bounds of the correction that no ratio lies between.
    fn empty_range(&self) -> Option<GrpoConfigError> {
        let value = self.sampling_correction_min?;
        let rule = "less than sampling_correction_max";
        let field = "sampling_correction_min";
        let is_empty = self.sampling_correction_max <= value;
        is_empty.then_some(GrpoConfigError::OutOfRange { field, rule, value })
    }

    /// What a version of TRL that had one loss and one update did not know.
    fn unknown(&self) -> Option<GrpoConfigError> {
        if self.semantics == Semantics::Trl116 {
            return None;
        }
        let known = [
            ("loss_type", "grpo", self.loss_type == Some(LossType::Grpo)),
            ("use_bias_correction_kl", "false", self.use_bias_correction_kl == Some(false)),
            ("num_iterations", "1", self.num_iterations == 1),
        ];
        let (field, rule, _) = known.into_iter().find(|(_, _, is_known)| !is_known)?;
        Some(GrpoConfigError::Unknown { field, rule })
    }
}
