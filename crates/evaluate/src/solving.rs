//! Problems that are solved or not, several times each: accuracy, pass@k, majority, and whether a training helped.
//!
//! Samples of one problem resemble each other, so the problem is the unit of every interval: a mean over samples is the
//! mean of the means of the problems, and its interval comes from their spread.

mod majority;
mod pass;
mod sign_flip;

use serde::{Deserialize, Serialize};

pub use majority::majority;
pub use pass::pass_at_k;
pub use sign_flip::sign_flip;

use crate::interval::mean;
use crate::{MeanInterval, MeanReward};

/// What one policy made of one problem.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tries {
    /// Of each sample, whether its answer is right.
    pub is_right: Vec<bool>,
    /// Of each sample, the number of its answer; equal answers have one number. `None` where it has no answer.
    pub votes: Vec<Option<usize>>,
    /// Of each sample, whether the model ended it.
    pub is_finished: Vec<bool>,
    /// Of each sample, its tokens.
    pub num_tokens: Vec<usize>,
    /// Of each reward, the value of each sample; `None` where it could not be judged.
    pub rewards: Vec<Vec<Option<f64>>>,
}

impl Tries {
    fn num_right(&self) -> usize {
        self.is_right.iter().filter(|right| **right).count()
    }
}

/// Pass@k for one `k`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassAt {
    /// Samples that are looked at.
    pub k: usize,
    /// The chance that one of them is right.
    pub chance: MeanInterval,
}

/// How one policy does on the test problems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Solving {
    /// The policy, in words.
    pub name: String,
    /// Problems.
    pub num_problems: usize,
    /// Samples of each problem.
    pub num_samples: usize,
    /// The share of samples that are right.
    pub accuracy: MeanInterval,
    /// Pass@k, by ascending `k`.
    pub pass_at: Vec<PassAt>,
    /// The share of problems whose most frequent answer is right.
    pub majority: MeanInterval,
    /// The share of samples that the model ended.
    pub finished: MeanInterval,
    /// Tokens of a sample.
    pub tokens: MeanInterval,
    /// The mean of each reward, over the samples it could judge.
    pub rewards: Vec<MeanReward>,
    /// The policy against the one before it.
    pub change: Option<Change>,
}

/// What changed from one policy to another, on the same problems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The policy it is compared with.
    pub from: String,
    /// The difference of the accuracies, problem by problem.
    pub accuracy: MeanInterval,
    /// The p-value of that difference, by [`sign_flip`] over the problems.
    pub p_value: f64,
}

impl Solving {
    /// Sums up what a policy made of the problems; none of no problems, or of problems without samples.
    ///
    /// `names` are the rewards, and `pass_at` the `k` of pass@k, of which those above the number of samples are left out.
    ///
    /// # Panics
    ///
    /// If the problems differ in the number of their samples or rewards.
    #[must_use]
    pub fn of(
        name: impl Into<String>,
        problems: &[Tries],
        names: &[String],
        pass_at: &[usize],
    ) -> Option<Self> {
        let num_samples = problems.first()?.is_right.len();
        for tries in problems {
            assert_eq!(tries.is_right.len(), num_samples, "samples of each problem");
            assert_eq!(tries.rewards.len(), names.len(), "rewards of each problem");
        }
        let chance = |k: usize| {
            let chance =
                shares_over(problems, |tries| pass_at_k(num_samples, tries.num_right(), k));
            Some(PassAt { k, chance: chance? })
        };
        let ks = pass_at.iter().filter(|k| (1..=num_samples).contains(*k));
        let reward = |(index, name): (usize, &String)| {
            let means = problems.iter().filter_map(|tries| mean(&known(&tries.rewards[index])));
            let means: Vec<f64> = means.collect();
            Some(MeanReward { name: name.clone(), mean: MeanInterval::of(&means)? })
        };
        Some(Self {
            name: name.into(),
            num_problems: problems.len(),
            num_samples,
            accuracy: shares_over(problems, |tries| share(&tries.is_right))?,
            pass_at: ks.filter_map(|k| chance(*k)).collect(),
            majority: shares_over(problems, |tries| majority(&tries.votes, &tries.is_right))?,
            finished: shares_over(problems, |tries| share(&tries.is_finished))?,
            tokens: MeanInterval::of(&each(problems, |tries| {
                tries.num_tokens.iter().sum::<usize>() as f64 / num_samples as f64
            }))?,
            rewards: names.iter().enumerate().filter_map(reward).collect(),
            change: None,
        })
    }
}

impl Change {
    /// The change from one policy to another; none where there is no problem.
    ///
    /// # Panics
    ///
    /// If the two were not given the same number of problems.
    #[must_use]
    pub fn of(from: impl Into<String>, before: &[Tries], after: &[Tries]) -> Option<Self> {
        assert_eq!(before.len(), after.len(), "both answer the same problems");
        let pairs = || before.iter().zip(after);
        let count = |tries: &Tries| i64::try_from(tries.num_right()).unwrap_or(i64::MAX);
        let shares: Vec<f64> =
            pairs().map(|(old, new)| share(&new.is_right) - share(&old.is_right)).collect();
        let counts: Vec<i64> = pairs().map(|(old, new)| count(new) - count(old)).collect();
        let accuracy = MeanInterval::of(&shares)?;
        Some(Self { from: from.into(), accuracy, p_value: sign_flip(&counts) })
    }
}

/// The mean of a share over problems.
fn shares_over(problems: &[Tries], share: impl Fn(&Tries) -> f64) -> Option<MeanInterval> {
    MeanInterval::of_shares(&each(problems, share))
}

/// A number of every problem, of those that have it.
fn each(problems: &[Tries], value: impl Fn(&Tries) -> f64) -> Vec<f64> {
    problems.iter().map(value).filter(|value| value.is_finite()).collect()
}

fn share(claims: &[bool]) -> f64 {
    claims.iter().filter(|claim| **claim).count() as f64 / claims.len() as f64
}

fn known(values: &[Option<f64>]) -> Vec<f64> {
    values.iter().copied().flatten().collect()
}
