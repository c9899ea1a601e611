//! Shares for the tags and the steps that a completion has.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::format::known;
use crate::function::each;
use crate::{RewardConfigError, RewardFn, Sample, Score, Verdict};

/// What is counted: each must be there exactly once.
const TAGS: [&str; 4] = ["<think>\n", "\n</think>\n", "\n<answer>\n", "\n</answer>"];

/// `tag_count_reward` of open-r1: a quarter for each of the four tags that is there, with its line breaks, exactly once.
#[derive(Clone, Copy, Debug)]
pub struct TagCount;

impl TagCount {
    /// The score of a completion.
    #[must_use]
    pub fn judge(self, completion: &str) -> Score {
        let once: Vec<&str> =
            TAGS.into_iter().filter(|tag| completion.matches(tag).count() == 1).collect();
        let share = once.len() as f64 / TAGS.len() as f64;
        let reason = format!("{} of {} tags are there once: {once:?}", once.len(), TAGS.len());
        Score::new(share, Verdict::of_share(share), reason)
    }
}

impl RewardFn for TagCount {
    fn name(&self) -> &'static str {
        "tag_count"
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        each(samples, |sample| self.judge(sample.completion))
    }
}

/// The expression of open-r1; without MULTILINE its `^` is the start of the text alone.
static STEPS: LazyLock<Regex> =
    LazyLock::new(|| known(r"Step \d+:|^\d+\.|\n-|\n\*|First,|Second,|Next,|Finally,"));

/// Settings of [`ReasoningSteps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReasoningStepsConfig {
    /// Steps that earn the whole reward, at least 1. Default 3, as in open-r1.
    pub steps: usize,
}

impl Default for ReasoningStepsConfig {
    fn default() -> Self {
        Self { steps: 3 }
    }
}

impl ReasoningStepsConfig {
    /// Builds the function.
    ///
    /// # Errors
    ///
    /// If no step is asked for.
    pub fn init(&self) -> Result<ReasoningSteps, RewardConfigError> {
        crate::config::at_least_one("steps", self.steps)?;
        Ok(ReasoningSteps { steps: self.steps })
    }
}

/// `reasoning_steps_reward` of open-r1: the share of three steps that the completion announces.
#[derive(Clone, Copy, Debug)]
pub struct ReasoningSteps {
    steps: usize,
}

impl ReasoningSteps {
    /// The score of a completion.
    #[must_use]
    pub fn judge(&self, completion: &str) -> Score {
        let count = STEPS.find_iter(completion).count();
        let share = (count as f64 / self.steps as f64).min(1.0);
        let reason = format!("{count} steps are announced, {} are wanted", self.steps);
        Score::new(share, Verdict::of_share(share), reason)
    }
}

impl RewardFn for ReasoningSteps {
    fn name(&self) -> &'static str {
        "reasoning_steps"
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        each(samples, |sample| self.judge(sample.completion))
    }
}
