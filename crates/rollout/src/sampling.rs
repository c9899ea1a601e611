//! How the next token is chosen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the next token is chosen, in transformers' order: repetition penalty, no end before `min_new_tokens`,
/// temperature, top-k, top-p, min-p.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Divides the logits; finite and `>= 0`. 0 takes the most likely token. Default 1 (TRL's `GRPOConfig`).
    #[serde(default = "one")]
    pub temperature: f64,
    /// Keeps the tokens whose logit is among the `top_k` largest; 0 keeps all. Default 0 (TRL's `GRPOConfig`).
    #[serde(default)]
    pub top_k: usize,
    /// Keeps the fewest most likely tokens that together have at least this probability, in `(0, 1]`; 1 keeps all.
    /// Default 1 (TRL's `GRPOConfig`).
    #[serde(default = "one")]
    pub top_p: f64,
    /// Keeps the tokens that are at least this share as likely as the most likely one, in `[0, 1]`; 0 keeps all
    /// (Nguyen et al. 2024, <https://arxiv.org/abs/2407.01082>). Default 0 (TRL's `GRPOConfig` has none).
    #[serde(default)]
    pub min_p: f64,
    /// Divides the positive and multiplies the negative logits of tokens that occurred before, in the prompt or since
    /// (Keskar et al. 2019, <https://arxiv.org/abs/1909.05858>); finite and `> 0`. Default 1: off (TRL's `GRPOConfig`).
    #[serde(default = "one")]
    pub repetition_penalty: f64,
    /// Tokens of the longest completion, at least 1. Default 20 (transformers' `max_length`).
    #[serde(default = "default_max_new_tokens")]
    pub max_new_tokens: usize,
    /// Tokens before the first of which no token of `eos_ids` is drawn, at most `max_new_tokens`. A stop string may end
    /// a completion earlier, as in transformers. Default 0 (transformers' `min_new_tokens` is none).
    #[serde(default)]
    pub min_new_tokens: usize,
    /// Texts that end a completion as soon as it contains one of them; none is empty. Their tokens stay part of it, as
    /// in transformers. Default none.
    #[serde(default)]
    pub stop_strings: Vec<String>,
}

fn one() -> f64 {
    1.0
}

fn default_max_new_tokens() -> usize {
    20
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: one(),
            top_k: 0,
            top_p: one(),
            min_p: 0.0,
            repetition_penalty: one(),
            max_new_tokens: default_max_new_tokens(),
            min_new_tokens: 0,
            stop_strings: Vec::new(),
        }
    }
}

/// A number of [`Sampling`] outside its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplingError {
    /// A negative temperature would prefer unlikely tokens.
    #[error("temperature must be finite and at least 0, got {0}")]
    Temperature(f64),
    /// No token has no probability.
    #[error("top_p must be in (0, 1], got {0}")]
    TopP(f64),
    /// It is a share of the largest probability.
    #[error("min_p must be in [0, 1], got {0}")]
    MinP(f64),
    /// The penalty is a factor.
    #[error("repetition_penalty must be finite and greater than 0, got {0}")]
    RepetitionPenalty(f64),
    /// A completion has a token.
    #[error("max_new_tokens must be at least 1, got 0")]
    MaxNewTokens,
    /// No completion could be long enough.
    #[error("min_new_tokens must be at most max_new_tokens = {most}, got {found}")]
    MinNewTokens {
        /// The number that was found.
        found: usize,
        /// `max_new_tokens`.
        most: usize,
    },
    /// Every text contains the empty one.
    #[error("stop_strings must not hold an empty string")]
    EmptyStopString,
}

impl Sampling {
    /// Checks every number.
    ///
    /// # Errors
    ///
    /// The first number that is out of range.
    pub fn validate(&self) -> Result<(), SamplingError> {
        let &Self { temperature, top_p, min_p, repetition_penalty, max_new_tokens, .. } = self;
        if !(temperature.is_finite() && 0.0 <= temperature) {
            return Err(SamplingError::Temperature(temperature));
        }
        if !(0.0 < top_p && top_p <= 1.0) {
            return Err(SamplingError::TopP(top_p));
        }
        if !(0.0..=1.0).contains(&min_p) {
            return Err(SamplingError::MinP(min_p));
        }
        if !(repetition_penalty.is_finite() && 0.0 < repetition_penalty) {
            return Err(SamplingError::RepetitionPenalty(repetition_penalty));
        }
        if max_new_tokens == 0 {
            return Err(SamplingError::MaxNewTokens);
        }
        if max_new_tokens < self.min_new_tokens {
            let (found, most) = (self.min_new_tokens, max_new_tokens);
            return Err(SamplingError::MinNewTokens { found, most });
        }
        if self.stop_strings.iter().any(String::is_empty) {
            return Err(SamplingError::EmptyStopString);
        }
        Ok(())
    }

    /// Whether every token may be drawn.
    pub(crate) fn keeps_all(&self) -> bool {
        0.0 < self.temperature && self.top_k == 0 && self.top_p >= 1.0 && self.min_p <= 0.0
    }

    /// What the logits are divided by for a log-probability: the temperature, and 1 for the most likely token, to
    /// which every temperature gives another number.
    #[must_use]
    pub fn score_temperature(&self) -> f64 {
        if self.temperature == 0.0 { 1.0 } else { self.temperature }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_named_with_their_rule() {
        let default = Sampling::default;
        assert_eq!(default().validate(), Ok(()));
        assert_eq!(Sampling { temperature: 0.0, ..default() }.validate(), Ok(()));
        let error = |sampling: Sampling| sampling.validate().expect_err("out of range").to_string();
        assert_eq!(
            error(Sampling { temperature: -1.0, ..default() }),
            "temperature must be finite and at least 0, got -1"
        );
        assert_eq!(error(Sampling { top_p: 0.0, ..default() }), "top_p must be in (0, 1], got 0");
        assert_eq!(
            error(Sampling { top_p: f64::NAN, ..default() }),
            "top_p must be in (0, 1], got NaN"
        );
        assert_eq!(
            error(Sampling { repetition_penalty: 0.0, ..default() }),
            "repetition_penalty must be finite and greater than 0, got 0"
        );
        assert_eq!(
            error(Sampling { max_new_tokens: 0, ..default() }),
            "max_new_tokens must be at least 1, got 0"
        );
        assert_eq!(error(Sampling { min_p: 1.5, ..default() }), "min_p must be in [0, 1], got 1.5");
        assert_eq!(
            error(Sampling { max_new_tokens: 3, min_new_tokens: 4, ..default() }),
            "min_new_tokens must be at most max_new_tokens = 3, got 4"
        );
        let stop_strings = vec!["end".to_owned(), String::new()];
        assert_eq!(
            error(Sampling { stop_strings, ..default() }),
            "stop_strings must not hold an empty string"
        );
    }
}
