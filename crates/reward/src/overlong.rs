//! A punishment that grows over the last tokens before the limit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::at_least_one;
use crate::function::each;
use crate::{Need, RewardConfigError, RewardFn, Sample, Score, Verdict};

/// Settings of [`SoftOverlong`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SoftOverlongConfig {
    /// L, the longest completion in tokens, at least 1. Default 16,384, as open-r1's command line.
    pub max_completion_len: usize,
    /// C, the tokens before it over which the punishment grows, at most L. Default 4,096, as open-r1's command line.
    pub soft_punish_cache: usize,
}

impl Default for SoftOverlongConfig {
    fn default() -> Self {
        Self { max_completion_len: 16_384, soft_punish_cache: 4_096 }
    }
}

impl SoftOverlongConfig {
    /// Builds the function.
    ///
    /// # Errors
    ///
    /// If the longest completion is 0 or shorter than the part over which the punishment grows.
    pub fn init(&self) -> Result<SoftOverlong, RewardConfigError> {
        at_least_one("max_completion_len", self.max_completion_len)?;
        if self.max_completion_len < self.soft_punish_cache {
            return Err(RewardConfigError::OverlongCache {
                max: self.max_completion_len,
                found: self.soft_punish_cache,
            });
        }
        Ok(SoftOverlong(*self))
    }
}

/// `get_soft_overlong_punishment` of open-r1 and TRL, after DAPO (2025), equation 13:
///
/// ```text
/// reward = 0 up to L − C tokens, (L − C − n) / C up to L, else −1
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SoftOverlong(SoftOverlongConfig);

impl SoftOverlong {
    /// The score of a completion of so many tokens.
    #[must_use]
    pub fn judge(&self, num_tokens: usize) -> Score {
        let SoftOverlongConfig { max_completion_len: max, soft_punish_cache: cache } = self.0;
        let free = max - cache;
        let value = if num_tokens <= free {
            0.0
        } else if num_tokens <= max {
            (free as f64 - num_tokens as f64) / cache as f64
        } else {
            -1.0
        };
        let verdict = Verdict::of_share(1.0 + value);
        Score::new(value, verdict, format!("{num_tokens} tokens; {free} are free, {max} the limit"))
    }
}

impl RewardFn for SoftOverlong {
    fn name(&self) -> &'static str {
        "soft_overlong"
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Tokens]
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        each(samples, |sample| match sample.known_tokens() {
            Ok(tokens) => self.judge(tokens.len()),
            Err(score) => score,
        })
    }
}
