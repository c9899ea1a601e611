//! Several reward functions, weighed.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use crate::{
    Need, Open, RewardConfig, RewardConfigError, RewardFn, Sample, Scope, Score, Summary, Verdict,
};

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

/// Something that a function needs and the rows do not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MissingNeed {
    /// A column.
    #[error("the reward {reward} needs the column `{column}`; there are {}", listed(.columns))]
    Column {
        /// The function.
        reward: String,
        /// What it needs.
        column: String,
        /// What there is.
        columns: Vec<String>,
    },
    /// The tokens of the completions.
    #[error("the reward {reward} needs the tokens of the completions, which are not known")]
    Tokens {
        /// The function.
        reward: String,
    },
}

/// A function that could not judge more completions than a run puts up with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "the reward {reward} could not judge {unjudged} of {count} completions, more than the share of {max_share} that \
     max_unjudged_share allows; the first because {reason}"
)]
pub struct TooManyUnjudged {
    /// The function.
    pub reward: String,
    /// Number of completions that it could not judge.
    pub unjudged: usize,
    /// Number of completions.
    pub count: usize,
    /// The largest share that is allowed.
    pub max_share: f64,
    /// Why it could not judge the first of them.
    pub reason: String,
}

fn listed(columns: &[String]) -> String {
    if columns.is_empty() {
        return "none".to_owned();
    }
    columns.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ")
}

/// Reward functions with their weights.
pub struct RewardSet {
    members: Vec<Member>,
}

impl RewardSet {
    /// Builds the functions of a config that are pure.
    ///
    /// # Errors
    ///
    /// If there is none, two have the same name, one is out of range, or one needs something outside this program.
    pub fn new(configs: &[RewardConfig]) -> Result<Self, RewardConfigError> {
        Self::with_external(configs, &mut |config| {
            let reason = "it needs something outside this program, which is not offered here";
            Err(format!("{} cannot be used: {reason}", config.kind()))
        })
    }

    /// Builds the functions of a config; `open` builds those that need something outside this program.
    ///
    /// # Errors
    ///
    /// If there is none, two have the same name, one is out of range, or `open` fails.
    pub fn with_external(
        configs: &[RewardConfig],
        open: &mut Open<'_>,
    ) -> Result<Self, RewardConfigError> {
        let member = |config: &RewardConfig| {
            let function = config.function.init(open)?;
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
            crate::config::finite(format!("weight of {}", member.name), member.weight)?;
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

    /// What must be judged together so that every function sees what it must see.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let scopes = self.members.iter().map(|member| member.function.scope());
        scopes.max().unwrap_or(Scope::Sample)
    }

    /// Checks that rows with these columns can be judged.
    ///
    /// # Errors
    ///
    /// If a function needs a column that is not there, or tokens where they are not known.
    pub fn check(&self, columns: &BTreeSet<String>, tokens: Tokens) -> Result<(), MissingNeed> {
        for Member { name, function, .. } in &self.members {
            for need in function.needs() {
                match need {
                    Need::Column(column) if !columns.contains(column) => {
                        return Err(MissingNeed::Column {
                            reward: name.clone(),
                            column: column.to_owned(),
                            columns: columns.iter().cloned().collect(),
                        });
                    }
                    Need::Tokens if tokens == Tokens::Unknown => {
                        return Err(MissingNeed::Tokens { reward: name.clone() });
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Judges completions with every function. A function that panics, returns a value that is no number or a list of
    /// the wrong length, has failed on the completions it was given at once: their scores are `None` and say so.
    #[must_use]
    pub fn score(&self, samples: &[Sample<'_>]) -> Vec<SetScore> {
        let mut scores =
            vec![
                SetScore { scores: Vec::with_capacity(self.members.len()), total: None };
                samples.len()
            ];
        for Member { name, weight, function } in &self.members {
            for (set_score, score) in scores.iter_mut().zip(judge(function.as_ref(), samples)) {
                if let Some(value) = score.value {
                    set_score.total = Some(set_score.total.unwrap_or(0.0) + weight * value);
                }
                set_score.scores.push(NamedScore { name: name.clone(), score });
            }
        }
        scores
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

    /// Checks that each function could judge enough of the completions.
    ///
    /// # Errors
    ///
    /// If a function could not judge more than this share of them.
    pub fn check_unjudged(
        &self,
        scores: &[SetScore],
        max_share: f64,
    ) -> Result<(), TooManyUnjudged> {
        for (index, (reward, summary)) in self.summaries(scores).into_iter().enumerate() {
            if summary.unjudged_share() > max_share {
                let of_function = scores.iter().map(|score| &score.scores[index].score);
                let first = of_function.into_iter().find(|score| score.value.is_none());
                let reason = first.map_or_else(String::new, |score| score.reason.clone());
                let Summary { unjudged, count, .. } = summary;
                return Err(TooManyUnjudged { reward, unjudged, count, max_share, reason });
            }
        }
        Ok(())
    }
}

/// Whether the tokens of completions are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// They are.
    Known,
    /// They are not.
    Unknown,
}

impl fmt::Debug for RewardSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weighted = self.members.iter().map(|member| (&member.name, member.weight));
        formatter.debug_map().entries(weighted).finish()
    }
}

/// The scores of one function, which is given what it must see together.
fn judge(function: &dyn RewardFn, samples: &[Sample<'_>]) -> Vec<Score> {
    let mut scores: Vec<Option<Score>> = vec![None; samples.len()];
    for places in units(function.scope(), samples) {
        let together: Vec<Sample<'_>> = places.iter().map(|place| samples[*place]).collect();
        for (place, score) in places.into_iter().zip(guarded(function, &together)) {
            scores[place] = Some(score);
        }
    }
    let unseen = || Score::none(Verdict::Failed, "the reward function was not asked");
    scores.into_iter().map(|score| score.unwrap_or_else(unseen)).collect()
}

/// The places of the completions that are judged together.
fn units(scope: Scope, samples: &[Sample<'_>]) -> Vec<Vec<usize>> {
    match scope {
        Scope::Sample => (0..samples.len()).map(|place| vec![place]).collect(),
        Scope::Call => vec![(0..samples.len()).collect()],
        Scope::Group => {
            let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for (place, sample) in samples.iter().enumerate() {
                groups.entry(sample.group).or_default().push(place);
            }
            groups.into_values().collect()
        }
    }
}

/// One score for each completion, whatever the function does.
fn guarded(function: &dyn RewardFn, samples: &[Sample<'_>]) -> Vec<Score> {
    let failed = |reason: String| vec![Score::none(Verdict::Failed, reason); samples.len()];
    match catch_unwind(AssertUnwindSafe(|| function.score(samples))) {
        Err(payload) => failed(format!("the reward function panicked{}", message(&*payload))),
        Ok(scores) if scores.len() != samples.len() => {
            let (found, expected) = (scores.len(), samples.len());
            failed(format!(
                "the reward function returned {found} scores for {expected} completions"
            ))
        }
        Ok(scores) => scores.into_iter().map(finite).collect(),
    }
}

fn finite(score: Score) -> Score {
    match score.value {
        Some(value) if !value.is_finite() => {
            Score::none(Verdict::Failed, format!("the reward function returned {value}"))
        }
        _ => score,
    }
}

/// What a panic said, if it said something.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.map_or_else(String::new, |text| format!(": {}", crate::excerpt::excerpt(text)))
}
