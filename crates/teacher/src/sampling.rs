//! How answers are drawn.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::TeacherError;

/// How answers are drawn. The defaults are those of the published workflow for steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Divides the logits; finite and at least 0. Default 0.3.
    #[serde(default = "default_temperature")]
    pub temperature: f64,
    /// The fewest most likely tokens that together have this probability are drawn from, in `(0, 1]`. Default 0.95.
    #[serde(default = "default_top_p")]
    pub top_p: f64,
    /// Only so many of the most likely tokens are drawn from, at least 1; `null` sends no such field, which endpoints of
    /// OpenAI refuse. Default 50.
    #[serde(default = "default_top_k")]
    pub top_k: Option<u32>,
    /// Tokens of the longest answer, at least 1. Default 400.
    #[serde(default = "default_max_tokens")]
    pub max_tokens: u32,
}

fn default_temperature() -> f64 {
    0.3
}
fn default_top_p() -> f64 {
    0.95
}
#[expect(clippy::unnecessary_wraps, reason = "serde wants the type of the field")]
fn default_top_k() -> Option<u32> {
    Some(50)
}
fn default_max_tokens() -> u32 {
    400
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: default_temperature(),
            top_p: default_top_p(),
            top_k: default_top_k(),
            max_tokens: default_max_tokens(),
        }
    }
}

impl Sampling {
    /// Checks the ranges.
    ///
    /// # Errors
    ///
    /// If a setting is out of its range.
    pub fn check(&self) -> Result<(), TeacherError> {
        let Self { temperature, top_p, top_k, max_tokens } = *self;
        let faults = [
            (
                !(temperature.is_finite() && 0.0 <= temperature),
                "temperature",
                "finite and at least 0",
                temperature,
            ),
            (!(0.0 < top_p && top_p <= 1.0), "top_p", "above 0 and at most 1", top_p),
            (top_k == Some(0), "top_k", "at least 1, or null", 0.0),
            (max_tokens == 0, "max_tokens", "at least 1", 0.0),
        ];
        match faults.into_iter().find(|(is_wrong, ..)| *is_wrong) {
            Some((_, field, rule, found)) => {
                Err(TeacherError::Setting { field, rule, found: found.to_string() })
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        let sampling = Sampling { top_k: Some(0), ..Sampling::default() };
        let error = sampling.check().expect_err("no token is left").to_string();
        assert_eq!(error, "top_k must be at least 1, or null, got 0");
        let sampling = Sampling { top_p: 0.0, ..Sampling::default() };
        assert!(sampling.check().is_err());
    }
}
