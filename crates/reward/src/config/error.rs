//! Reward functions that cannot be built.

use crate::tiered::preset_names;

/// A reward function that cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RewardConfigError {
    /// No function has this name.
    #[error("there is no reward named `{name}`; there are {}{}", listed(), suggested(.name))]
    UnknownReward {
        /// What was asked for.
        name: String,
    },
    /// A function that cannot be had by its name alone.
    #[error("the reward `{name}` needs settings: {reason}")]
    NeedsSettings {
        /// The function.
        name: String,
        /// What is missing.
        reason: String,
    },
    /// No table has this name.
    #[error("there is no reward table named `{0}`; there are {known}", known = preset_names())]
    UnknownPreset(String),
    /// A table without a tier rewards nothing.
    #[error("tiers must not be empty")]
    NoTiers,
    /// A number is not finite.
    #[error("{field} must be finite, got {value}")]
    NotFinite {
        /// The field.
        field: String,
        /// Its value.
        value: f64,
    },
    /// A count or length is 0.
    #[error("{field} must be at least 1, got 0")]
    Zero {
        /// The field.
        field: String,
    },
    /// A text is empty.
    #[error("{field} must not be empty")]
    Empty {
        /// The field.
        field: String,
    },
    /// A difference is never negative.
    #[error("tiers[0].within must be 0 or more, got {0}")]
    Negative(f64),
    /// A tier that the one before it covers.
    #[error("tiers[{index}].within must be greater than {before}, got {found}")]
    WithinOrder {
        /// The tier, counted from 0.
        index: usize,
        /// `within` of the tier before it.
        before: f64,
        /// Its own `within`.
        found: f64,
    },
    /// A worse answer would earn as much or more.
    #[error("{field} must be less than {before}, the score before it, got {found}")]
    ScoreOrder {
        /// The field.
        field: String,
        /// The score of the tier before it.
        before: f64,
        /// Its own score.
        found: f64,
    },
    /// No answer would earn more than a wrong one.
    #[error("unparseable must not be greater than otherwise, {otherwise}, got {found}")]
    Unparseable {
        /// Score of a wrong answer.
        otherwise: f64,
        /// Score of no answer.
        found: f64,
    },
    /// A penalty that rewards.
    #[error("max_penalty must not be greater than 0, got {0}")]
    PositivePenalty(f64),
    /// This build has no dictionary of Chinese.
    #[error("language `zh` needs the cargo feature `chinese`, which this build lacks")]
    NoSegmentation,
    /// The punishment would begin before the first token.
    #[error("soft_punish_cache must not be greater than max_completion_len, {max}, got {found}")]
    OverlongCache {
        /// The longest completion.
        max: usize,
        /// What was found.
        found: usize,
    },
    /// An expression that does not compile within its bounds.
    #[error("regex `{regex}` cannot be used: {reason}")]
    Regex {
        /// Its beginning.
        regex: String,
        /// Why.
        reason: String,
    },
    /// A reward outside this program cannot be opened.
    #[error("{0}")]
    External(String),
    /// A set without a function rewards nothing.
    #[error("rewards must not be empty")]
    NoRewards,
    /// Two functions of a set have the same name.
    #[error("two rewards are named `{0}`; give one of them another `name`")]
    DuplicateName(String),
}

fn listed() -> String {
    super::FUNCTIONS.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// How alike two names must be for the one to be suggested for the other.
const LIKENESS: f64 = 0.6;

fn suggested(name: &str) -> String {
    let like = super::FUNCTIONS.iter().map(|known| (crate::ratio(name, known), known));
    match like.max_by(|left, right| left.0.total_cmp(&right.0)) {
        Some((likeness, known)) if likeness >= LIKENESS => format!("; did you mean `{known}`?"),
        _ => String::new(),
    }
}
