//! 1 for a completion that an expression of the user matches.

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::function::each;
use crate::{RewardConfigError, RewardFn, Sample, Score, Verdict};

/// The most memory that an expression may be compiled to, in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// Settings of [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatternConfig {
    /// A regular expression in the syntax of the crate `regex`, which takes time linear in the completion and therefore
    /// has no look-around and no back-references. It may match anywhere: `\A` and `\z` tie it to the ends. Its compiled
    /// form must fit into 1 MiB.
    pub regex: String,
}

impl PatternConfig {
    /// Builds the function.
    ///
    /// # Errors
    ///
    /// If the expression is not valid or too large.
    pub fn init(&self) -> Result<Pattern, RewardConfigError> {
        let mut builder = RegexBuilder::new(&self.regex);
        let regex = builder.size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build();
        regex.map(Pattern).map_err(|error| RewardConfigError::Regex {
            regex: crate::excerpt::excerpt(&self.regex),
            reason: error.to_string(),
        })
    }
}

/// 1 where the expression matches, else 0.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// The score of a completion.
    #[must_use]
    pub fn judge(&self, completion: &str) -> Score {
        match self.0.find(completion) {
            Some(found) => Score::new(1.0, Verdict::Correct, "the expression matches")
                .with_answer(found.as_str()),
            None => Score::new(0.0, Verdict::Wrong, "the expression does not match"),
        }
    }
}

impl RewardFn for Pattern {
    fn name(&self) -> &'static str {
        "pattern"
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        each(samples, |sample| self.judge(sample.completion))
    }
}
