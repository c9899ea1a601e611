//! Several reward functions, weighed.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use crate::config::finite;
use crate::{RewardConfig, RewardConfigError, Sample, Score, Summary, Verdict};

/// A pure function from a completion to a score.
pub trait RewardFn: Send + Sync {
    /// What its scores are called in metrics, unless a config says otherwise.
    fn name(&self) -> &str;

    /// Judges one completion.
    fn score(&self, sample: Sample<'_>) -> Score;
}

/// A score and the name of the function that gave it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamedScore {
    /// The function.
    pub name: String,
    /// Its score, without its weight.
    pub score: Score,
}

/// What a set says of one completion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetScore {
    /// One score per function, in the order of the config.
    pub scores: Vec<NamedScore>,
    /// The weighted sum of the values that are there, as TRL's `nansum`; `None` when none is.
    pub total: Option<f64>,
}

struct Member {
    name: String,
    weight: f64,
    function: Box<dyn RewardFn>,
}

/// Reward functions with their weights.
pub struct RewardSet {
    members: Vec<Member>,
}

impl RewardSet {
    /// Builds the functions of a config.
    ///
    /// # Errors
    ///
    /// If there is none, two have the same name, or one is out of range.
    pub fn new(configs: &[RewardConfig]) -> Result<Self, RewardConfigError> {
        let member = |config: &RewardConfig| {
            let function = Box::new(config.tiered.config()?.init()?);
            let name = config.name.clone().unwrap_or_else(|| function.name().to_owned());
            Ok(Member { name, weight: config.weight, function })
        };
        Self::checked(configs.iter().map(member).collect::<Result<_, _>>()?)
    }

    /// A set of functions of your own, each with its weight.
    ///
    /// # Errors
    ///
    /// If there is none, two have the same name, or a weight is not finite.
    pub fn of(functions: Vec<(Box<dyn RewardFn>, f64)>) -> Result<Self, RewardConfigError> {
        let member = |(function, weight): (Box<dyn RewardFn>, f64)| Member {
            name: function.name().to_owned(),
            weight,
            function,
        };
        Self::checked(functions.into_iter().map(member).collect())
    }

    fn checked(members: Vec<Member>) -> Result<Self, RewardConfigError> {
        if members.is_empty() {
            return Err(RewardConfigError::NoRewards);
        }
        let mut names = BTreeSet::new();
        for member in &members {
            finite(format!("weight of {}", member.name), member.weight)?;
            if !names.insert(&member.name) {
                return Err(RewardConfigError::DuplicateName(member.name.clone()));
            }
        }
        Ok(Self { members })
    }

    /// The names of the functions, in the order of their scores.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// Judges one completion with every function. A function that panics, or returns a value that is no number, has
    /// failed on this completion: its score is `None` and says so.
    #[must_use]
    pub fn score(&self, sample: Sample<'_>) -> SetScore {
        let mut total = None;
        let mut scores = Vec::with_capacity(self.members.len());
        for Member { name, weight, function } in &self.members {
            let score = guarded(function.as_ref(), sample);
            if let Some(value) = score.value {
                total = Some(total.unwrap_or(0.0) + weight * value);
            }
            scores.push(NamedScore { name: name.clone(), score });
        }
        SetScore { scores, total }
    }

    /// Counts the scores of each function over many completions.
    #[must_use]
    pub fn summaries(&self, scores: &[SetScore]) -> Vec<(String, Summary)> {
        let summary = |(index, name): (usize, &str)| {
            let of_function = scores.iter().map(|score| &score.scores[index].score);
            (name.to_owned(), Summary::of(of_function))
        };
        self.names().enumerate().map(summary).collect()
    }
}

impl fmt::Debug for RewardSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weighted = self.members.iter().map(|member| (&member.name, member.weight));
        formatter.debug_map().entries(weighted).finish()
    }
}

fn guarded(function: &dyn RewardFn, sample: Sample<'_>) -> Score {
    let Ok(score) = catch_unwind(AssertUnwindSafe(|| function.score(sample))) else {
        return Score::none(Verdict::Failed, "the reward function panicked");
    };
    match score.value {
        Some(value) if !value.is_finite() => {
            Score::none(Verdict::Failed, format!("the reward function returned {value}"))
        }
        _ => score,
    }
}
