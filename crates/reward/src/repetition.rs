//! A penalty for n-grams that come again.

use std::collections::HashSet;
use std::hash::Hash;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{at_least_one, finite};
use crate::function::each;
use crate::{Need, RewardConfigError, RewardFn, Sample, Score, Verdict};

/// What n-grams are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Words between white space, in lower case (open-r1, `en`).
    #[default]
    En,
    /// Words of Chinese, as jieba segments it (open-r1, `zh`).
    Zh,
    /// Tokens of whatever tokenizer wrote them (TRL).
    Tokens,
}

/// Settings of [`Repetition`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RepetitionConfig {
    /// What n-grams are made of: `en`, `zh` or `tokens`. Default `en`, as in open-r1; TRL has `tokens`.
    pub language: Language,
    /// n, at least 1. Default 3.
    pub ngram_size: usize,
    /// What a completion of nothing but repetitions comes near to: finite, not above 0. Default −1.
    pub max_penalty: f64,
}

impl Default for RepetitionConfig {
    fn default() -> Self {
        Self { language: Language::default(), ngram_size: 3, max_penalty: -1.0 }
    }
}

impl RepetitionConfig {
    /// Builds the function.
    ///
    /// # Errors
    ///
    /// If `ngram_size` is 0, the penalty is not finite or above 0, or this build has no segmentation of Chinese.
    pub fn init(&self) -> Result<Repetition, RewardConfigError> {
        at_least_one("ngram_size", self.ngram_size)?;
        finite("max_penalty", self.max_penalty)?;
        if self.max_penalty > 0.0 {
            return Err(RewardConfigError::PositivePenalty(self.max_penalty));
        }
        if self.language == Language::Zh && !cfg!(feature = "chinese") {
            return Err(RewardConfigError::NoSegmentation);
        }
        Ok(Repetition(*self))
    }
}

/// `get_repetition_penalty_reward` of open-r1 and TRL, after Yeo et al. (2025), appendix C.2:
///
/// ```text
/// reward = max_penalty · (1 − different n-grams / n-grams), 0 where there is no n-gram
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Repetition(RepetitionConfig);

impl Repetition {
    /// The score of a completion, which must have its tokens where these are counted.
    #[must_use]
    pub fn judge(&self, sample: &Sample<'_>) -> Score {
        match self.0.language {
            Language::Tokens => match sample.known_tokens() {
                Ok(tokens) => self.of(tokens),
                Err(score) => score,
            },
            Language::En => self.of(&words(&sample.completion.to_lowercase())),
            Language::Zh => self.of(&segments(sample.completion)),
        }
    }

    fn of<T: Eq + Hash>(&self, items: &[T]) -> Score {
        let grams: Vec<&[T]> = items.windows(self.0.ngram_size).collect();
        if grams.is_empty() {
            let reason = format!("{} items have no {}-gram", items.len(), self.0.ngram_size);
            return Score::new(0.0, Verdict::Correct, reason);
        }
        let different = grams.iter().collect::<HashSet<_>>().len();
        let repeated = 1.0 - different as f64 / grams.len() as f64;
        let size = self.0.ngram_size;
        let reason = format!("{different} of {} {size}-grams are different", grams.len());
        Score::new(repeated * self.0.max_penalty, Verdict::of_share(1.0 - repeated), reason)
    }
}

/// Words between white space, which Python also sees in the four separators of ASCII.
fn words(text: &str) -> Vec<&str> {
    let is_space = |mark: char| mark.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&mark);
    text.split(is_space).filter(|word| !word.is_empty()).collect()
}

#[cfg(feature = "chinese")]
fn segments(text: &str) -> Vec<&str> {
    use std::sync::LazyLock;

    use jieba_rs::Jieba;

    static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);
    JIEBA.cut(text, true).into_iter().map(|token| token.word).collect()
}

/// Never asked: the config refuses.
#[cfg(not(feature = "chinese"))]
fn segments(text: &str) -> Vec<&str> {
    words(text)
}

impl RewardFn for Repetition {
    fn name(&self) -> &'static str {
        "repetition_penalty"
    }

    fn needs(&self) -> Vec<Need<'_>> {
        (self.0.language == Language::Tokens).then_some(Need::Tokens).into_iter().collect()
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        each(samples, |sample| self.judge(sample))
    }
}
