//! Right and wrong, scaled by length along a cosine: short right answers are worth most, short wrong ones least.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{at_least_one, finite};
use crate::function::each;
use crate::mathematics::{Grade, Grader, Use};
use crate::{Need, RewardConfigError, RewardFn, Sample, Score, Semantics, accuracy};

/// Settings of [`Cosine`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CosineConfig {
    /// Whose rules. `open-r1` and `open-r1-2025-02` measure characters, turn back up beyond `max_len`, and give 1 where
    /// the solution cannot be read. `trl-1.16` and `verify` measure tokens, hold the bound beyond `max_len`, and leave
    /// such a completion unjudged. Default `open-r1`.
    pub semantics: Semantics,
    /// Value of the shortest wrong answer. Default −1 (open-r1's function and TRL; open-r1's command line has 0).
    pub min_value_wrong: f64,
    /// Value of a wrong answer of `max_len`. Default −0.5.
    pub max_value_wrong: f64,
    /// Value of a right answer of `max_len`. Default 0.5.
    pub min_value_correct: f64,
    /// Value of the shortest right answer. Default 1.
    pub max_value_correct: f64,
    /// The length of half a period, at least 1. Default 1,000.
    pub max_len: usize,
    /// The column that holds the solution. Default `solution`.
    pub solution: String,
}

impl Default for CosineConfig {
    fn default() -> Self {
        Self {
            semantics: Semantics::default(),
            min_value_wrong: -1.0,
            max_value_wrong: -0.5,
            min_value_correct: 0.5,
            max_value_correct: 1.0,
            max_len: 1000,
            solution: accuracy::solution(),
        }
    }
}

impl CosineConfig {
    /// Builds the function.
    ///
    /// # Errors
    ///
    /// If a value is not finite or `max_len` is 0.
    pub fn init(&self) -> Result<Cosine, RewardConfigError> {
        for (field, value) in [
            ("min_value_wrong", self.min_value_wrong),
            ("max_value_wrong", self.max_value_wrong),
            ("min_value_correct", self.min_value_correct),
            ("max_value_correct", self.max_value_correct),
        ] {
            finite(field, value)?;
        }
        at_least_one("max_len", self.max_len)?;
        let grader = Grader::new(self.semantics, Use::Scaling);
        Ok(Cosine { config: self.clone(), grader })
    }
}

/// What open-r1 gives where the solution cannot be read.
const OF_NO_GOLD: f64 = 1.0;

/// `get_cosine_scaled_reward` of open-r1 and TRL, after Yeo et al. (2025), appendix C.1.
#[derive(Clone, Debug)]
pub struct Cosine {
    config: CosineConfig,
    grader: Grader,
}

impl Cosine {
    /// The score of a completion of this length whose solution is known.
    #[must_use]
    pub fn judge(&self, completion: &str, solution: &str, length: usize) -> Score {
        let graded = self.grader.grade(solution, completion);
        let config = &self.config;
        let (low, high) = match graded.grade {
            Grade::Right => (config.min_value_correct, config.max_value_correct),
            Grade::Wrong | Grade::NoAnswer | Grade::NoBraces => {
                (config.max_value_wrong, config.min_value_wrong)
            }
            Grade::NoGold if !self.counts_tokens() => {
                return graded.score(Some(OF_NO_GOLD), ", which counts as answered");
            }
            Grade::NoGold | Grade::Undecided => return graded.score(None, ""),
        };
        let progress = length as f64 / config.max_len as f64;
        let progress = if self.counts_tokens() { progress.min(1.0) } else { progress };
        let value = low + 0.5 * (high - low) * (1.0 + (progress * PI).cos());
        let unit = if self.counts_tokens() { "tokens" } else { "characters" };
        graded.score(Some(value), &format!("; {length} {unit} of {}", config.max_len))
    }

    fn counts_tokens(&self) -> bool {
        matches!(self.config.semantics, Semantics::Trl | Semantics::Verify)
    }

    fn score_one(&self, sample: &Sample<'_>) -> Result<Score, Score> {
        let solution = sample.column(&self.config.solution)?;
        let length = if self.counts_tokens() {
            sample.known_tokens()?.len()
        } else {
            sample.completion.chars().count()
        };
        Ok(self.judge(sample.completion, &solution, length))
    }
}

impl RewardFn for Cosine {
    fn name(&self) -> &'static str {
        "cosine"
    }

    fn needs(&self) -> Vec<Need<'_>> {
        let tokens = self.counts_tokens().then_some(Need::Tokens);
        [Need::Column(&self.config.solution)].into_iter().chain(tokens).collect()
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        each(samples, |sample| self.score_one(sample).unwrap_or_else(|score| score))
    }
}
