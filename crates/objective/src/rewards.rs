//! What completions are worth, by one reward function or several.

use forethought_logprob::Moments;

/// The rewards of the completions of a batch, by each reward function. The completions of one prompt stand in a row.
///
/// A reward that does not exist, because its function could not judge the completion, is `None`. One that is no finite
/// number is taken for one that does not exist. Neither is a reward of 0: it is left out, and counted.
///
/// ```
/// use forethought_objective::Rewards;
///
/// let correct = [Some(1.0), Some(0.0), None, Some(1.0)];
/// let short = [Some(0.5), None, None, Some(0.0)];
/// let rewards = Rewards::new(&[&correct, &short], Some(&[1.0, 2.0]), 2)?;
/// assert_eq!(rewards.totals(), [Some(2.0), Some(0.0), None, Some(1.0)]);
/// assert_eq!(rewards.num_without(), 1);
/// # Ok::<(), forethought_objective::RewardsError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rewards {
    /// One list for each function.
    columns: Vec<Vec<Option<f64>>>,
    weights: Vec<f64>,
    group_size: usize,
}

/// Rewards that cannot be compared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RewardsError {
    /// A completion is judged by how its siblings did.
    #[error("num_generations must be at least 2, got {0}")]
    GroupSize(usize),
    /// The last group would be incomplete.
    #[error("num_generations must divide the {num_completions} completions, got {group_size}")]
    Indivisible {
        /// Completions.
        num_completions: usize,
        /// Completions of each prompt.
        group_size: usize,
    },
    /// There is nothing to learn from.
    #[error("rewards must have at least one function and one completion")]
    Empty,
    /// One function judged other completions than the first.
    #[error("rewards of function {function} are {found}, those of function 0 are {expected}")]
    Lengths {
        /// The function, from 0.
        function: usize,
        /// Its rewards.
        found: usize,
        /// Those of the first function.
        expected: usize,
    },
    /// A function has no weight, or a weight no function.
    #[error("reward_weights must be as many as the {functions} reward functions, got {weights}")]
    Weights {
        /// Reward functions.
        functions: usize,
        /// Weights.
        weights: usize,
    },
    /// A weight is no number.
    #[error("reward_weights must be finite, got {0}")]
    Weight(f64),
}

/// Mean and spread of the rewards that exist.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RewardSummary {
    /// Mean; NaN if none exists.
    pub mean: f64,
    /// Standard deviation, with `n - 1`; NaN if fewer than two exist.
    pub std: f64,
    /// Completions without a reward.
    pub num_missing: usize,
}

impl RewardSummary {
    fn of(rewards: &[Option<f64>]) -> Self {
        let moments = moments(rewards);
        let known = |value: f64, at_least: usize| {
            if moments.count() < at_least { f64::NAN } else { value }
        };
        Self {
            mean: known(moments.mean(), 1),
            std: known(moments.std(), 2),
            num_missing: rewards.len() - moments.count(),
        }
    }
}

fn moments(rewards: &[Option<f64>]) -> Moments {
    Moments::of(rewards.iter().copied().flatten())
}

impl Rewards {
    /// One list of rewards for each function, a weight for each (1 if none are given), and how many completions each prompt
    /// has.
    ///
    /// # Errors
    ///
    /// If the lists differ in length or do not divide into groups of at least two, or the weights do not fit.
    pub fn new(
        columns: &[&[Option<f32>]],
        weights: Option<&[f64]>,
        group_size: usize,
    ) -> Result<Self, RewardsError> {
        let num_completions = columns.first().map_or(0, |column| column.len());
        if num_completions == 0 {
            return Err(RewardsError::Empty);
        }
        if group_size < 2 {
            return Err(RewardsError::GroupSize(group_size));
        }
        if !num_completions.is_multiple_of(group_size) {
            return Err(RewardsError::Indivisible { num_completions, group_size });
        }
        let odd = columns.iter().position(|column| column.len() != num_completions);
        if let Some(function) = odd {
            let found = columns[function].len();
            return Err(RewardsError::Lengths { function, found, expected: num_completions });
        }
        let finite = |reward: &Option<f32>| reward.filter(|one| one.is_finite()).map(f64::from);
        Ok(Self {
            weights: checked_weights(weights, columns.len())?,
            columns: columns.iter().map(|column| column.iter().map(finite).collect()).collect(),
            group_size,
        })
    }

    /// Completions of each prompt.
    #[must_use]
    pub fn group_size(&self) -> usize {
        self.group_size
    }

    /// The weighted sum of the rewards of each completion, over those it has; `None` if it has none at all.
    #[must_use]
    pub fn totals(&self) -> Vec<Option<f64>> {
        self.weighted(&self.columns)
    }

    /// As [`totals`](Self::totals), after each reward function was normalised within each prompt by itself:
    /// `(reward - mean) / (std + epsilon)`. Functions of different spread then count the same; GDPO, Liu et al. 2026,
    /// <https://arxiv.org/abs/2601.05242>.
    #[must_use]
    pub fn totals_of_normalised(&self, epsilon: f64) -> Vec<Option<f64>> {
        let normalise = |group: &[Option<f64>]| -> Vec<Option<f64>> {
            let moments = moments(group);
            // A reward without a sibling has no spread to be measured by.
            let is_known = 2 <= moments.count();
            let scaled = |reward: f64| (reward - moments.mean()) / (moments.std() + epsilon);
            group.iter().map(|reward| reward.filter(|_| is_known).map(scaled)).collect()
        };
        let columns: Vec<Vec<Option<f64>>> = self
            .columns
            .iter()
            .map(|column| column.chunks_exact(self.group_size).flat_map(normalise).collect())
            .collect();
        let totals = self.weighted(&columns).into_iter().zip(self.totals());
        // What could be judged stays among the judged, if only with 0.
        totals.map(|(total, judged)| judged.map(|_| total.unwrap_or(0.0))).collect()
    }

    fn weighted(&self, columns: &[Vec<Option<f64>>]) -> Vec<Option<f64>> {
        let total = |completion: usize| {
            let parts = columns.iter().zip(&self.weights);
            let parts = parts.filter_map(|(column, weight)| Some(column[completion]? * weight));
            parts.fold(None, |sum, part| Some(sum.unwrap_or(0.0) + part))
        };
        (0..self.columns[0].len()).map(total).collect()
    }

    /// Completions that no function could judge.
    #[must_use]
    pub fn num_without(&self) -> usize {
        self.totals().iter().filter(|total| total.is_none()).count()
    }

    /// Mean and spread of the weighted sums: TRL's `reward` and `reward_std`.
    #[must_use]
    pub fn summary(&self) -> RewardSummary {
        RewardSummary::of(&self.totals())
    }

    /// Mean and spread by function: TRL's `rewards/NAME/mean` and `rewards/NAME/std`.
    #[must_use]
    pub fn summaries(&self) -> Vec<RewardSummary> {
        self.columns.iter().map(|column| RewardSummary::of(column)).collect()
    }

    /// Share of prompts whose weighted sums are all equal, up to the tolerance of `torch.isclose`: nothing can be learnt from
    /// them. TRL's `frac_reward_zero_std`.
    #[must_use]
    pub fn frac_zero_std(&self) -> f64 {
        let totals = self.totals();
        let groups = totals.chunks_exact(self.group_size);
        let num_groups = groups.len();
        groups.filter(|group| moments(group).is_equal()).count() as f64 / num_groups as f64
    }
}

fn checked_weights(weights: Option<&[f64]>, functions: usize) -> Result<Vec<f64>, RewardsError> {
    let weights = weights.map_or_else(|| vec![1.0; functions], <[f64]>::to_vec);
    if weights.len() != functions {
        return Err(RewardsError::Weights { functions, weights: weights.len() });
    }
    match weights.iter().find(|weight| !weight.is_finite()) {
        Some(weight) => Err(RewardsError::Weight(*weight)),
        None => Ok(weights),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: [Option<f32>; 4] = [Some(1.0), Some(3.0), Some(2.0), Some(2.0)];

    fn error(columns: &[&[Option<f32>]], weights: Option<&[f64]>, group_size: usize) -> String {
        Rewards::new(columns, weights, group_size).expect_err("refused").to_string()
    }

    #[test]
    fn rewards_that_cannot_be_compared_are_refused_by_name() {
        assert_eq!(error(&[&FOUR], None, 1), "num_generations must be at least 2, got 1");
        assert_eq!(
            error(&[&FOUR], None, 3),
            "num_generations must divide the 4 completions, got 3"
        );
        assert_eq!(
            error(&[&FOUR, &FOUR[..2]], None, 2),
            "rewards of function 1 are 2, those of function 0 are 4"
        );
        assert_eq!(
            error(&[&FOUR], Some(&[1.0, 2.0]), 2),
            "reward_weights must be as many as the 1 reward functions, got 2"
        );
        assert_eq!(error(&[&FOUR], Some(&[f64::NAN]), 2), "reward_weights must be finite, got NaN");
        assert_eq!(
            error(&[], None, 2),
            "rewards must have at least one function and one completion"
        );
    }

    #[test]
    fn a_reward_that_is_no_number_is_left_out_and_counted() {
        let column = [Some(1.0), Some(f32::NAN), Some(f32::INFINITY), Some(3.0)];
        let rewards = Rewards::new(&[&column], None, 2).expect("comparable");
        let summary = rewards.summary();
        assert_eq!((summary.mean, summary.num_missing, rewards.num_without()), (2.0, 2, 2));
    }

    #[test]
    fn a_group_of_equal_rewards_is_counted_and_one_of_a_single_reward_is_not() {
        let rewards = Rewards::new(&[&FOUR], None, 2).expect("comparable");
        assert!((rewards.frac_zero_std() - 0.5).abs() < 1e-12);
        let single = Rewards::new(&[&[Some(1.0), None]], None, 2).expect("comparable");
        assert!(single.frac_zero_std().abs() < 1e-12);
        assert!(single.summary().std.is_nan());
    }

    /// Python: statistics.stdev([1, 3]) == 1.4142135623730951, so the first group becomes -1 / 1.414 and 1 / 1.414.
    #[test]
    fn normalised_functions_count_the_same_whatever_their_spread() {
        let large = FOUR.map(|reward| reward.map(|one| 100.0 * one));
        let rewards = Rewards::new(&[&FOUR, &large], None, 2).expect("comparable");
        let totals = rewards.totals_of_normalised(0.0);
        let half = 2f64.sqrt();
        assert!((totals[0].expect("judged") + half).abs() < 1e-9);
        assert!((totals[1].expect("judged") - half).abs() < 1e-9);
    }
}
