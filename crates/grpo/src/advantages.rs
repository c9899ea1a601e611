//! From rewards to advantages: how much better than its siblings is a completion?

use forethought_logprob::Moments;
use forethought_objective::{Rewards, RewardsError};

use crate::{GrpoConfig, MultiObjectiveAggregation, ScaleRewards};

/// Keeps the division finite where all rewards are equal; TRL 1.16.
const EPSILON: f64 = 1e-4;

/// The advantages of a batch, and what its rewards look like.
#[derive(Clone, Debug, PartialEq)]
pub struct Advantages {
    /// One for each reward, in the same order; 0 where there is no reward.
    pub values: Vec<f32>,
    /// Mean reward, over those that exist; TRL's `reward`. NaN if none does.
    pub reward_mean: f64,
    /// Standard deviation (with `n - 1`) of the rewards that exist; TRL's `reward_std`. NaN if fewer than two do.
    pub reward_std: f64,
    /// Share of groups whose rewards are all equal: nothing can be learnt from them. Where the spread of the batch is the
    /// measure, the batch counts as the one group. TRL's `frac_reward_zero_std`.
    pub frac_reward_zero_std: f64,
    /// Completions without a reward; one that is no finite number counts as none.
    pub num_without_reward: usize,
}

/// `(reward - mean of its group) / (std + 1e-4)`, with the standard deviation (with `n - 1`) of the group or of the
/// batch, or without division.
///
/// Each `group_size` rewards in a row belong to one prompt. A reward that does not exist is left out of every statistic
/// and has the advantage 0, as does one that is alone in its group.
///
/// ```
/// use forethought_grpo::{ScaleRewards, advantages};
///
/// let rewards = [Some(12.0), Some(0.0), Some(3.0), Some(3.0)];
/// let advantages = advantages(&rewards, 2, ScaleRewards::None)?;
/// assert_eq!(advantages.values, [6.0, -6.0, 0.0, 0.0]);
/// assert_eq!(advantages.frac_reward_zero_std, 0.5);
/// # Ok::<(), forethought_objective::RewardsError>(())
/// ```
///
/// # Errors
///
/// If `group_size` is below 2 or does not divide the number of rewards.
pub fn advantages(
    rewards: &[Option<f32>],
    group_size: usize,
    scale_rewards: ScaleRewards,
) -> Result<Advantages, RewardsError> {
    Ok(compare(&Rewards::new(&[rewards], None, group_size)?, scale_rewards))
}

impl GrpoConfig {
    /// The advantages of completions that several functions judged, one list of rewards for each.
    ///
    /// ```
    /// use forethought_grpo::{GrpoConfig, MultiObjectiveAggregation};
    ///
    /// let config = GrpoConfig {
    ///     reward_weights: Some(vec![1.0, 0.5]),
    ///     multi_objective_aggregation: MultiObjectiveAggregation::NormalizeThenSum,
    ///     ..GrpoConfig::default()
    /// };
    /// let (correct, short) = ([Some(1.0), Some(0.0)], [Some(10.0), Some(90.0)]);
    /// let advantages = config.advantages(&[&correct, &short], 2)?;
    /// assert!(advantages.values[0] > 0.0); // the smaller numbers weigh more
    /// # Ok::<(), forethought_objective::RewardsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the lists differ in length or do not divide into groups of at least two, or the weights do not fit them.
    pub fn advantages(
        &self,
        rewards: &[&[Option<f32>]],
        group_size: usize,
    ) -> Result<Advantages, RewardsError> {
        let rewards = Rewards::new(rewards, self.reward_weights.as_deref(), group_size)?;
        Ok(match self.multi_objective_aggregation {
            MultiObjectiveAggregation::SumThenNormalize => compare(&rewards, self.scale_rewards),
            MultiObjectiveAggregation::NormalizeThenSum => compare_each(&rewards),
        })
    }
}

fn moments(rewards: &[Option<f64>]) -> Moments {
    Moments::of(rewards.iter().copied().flatten())
}

/// Advantages from the sums of the rewards.
fn compare(rewards: &Rewards, scale_rewards: ScaleRewards) -> Advantages {
    let totals = rewards.totals();
    let batch = moments(&totals);
    let groups: Vec<Moments> = totals.chunks_exact(rewards.group_size()).map(moments).collect();
    let values = totals.iter().enumerate().map(|(index, total)| {
        let group = &groups[index / rewards.group_size()];
        let scale = match scale_rewards {
            ScaleRewards::Group => group.std() + EPSILON,
            ScaleRewards::Batch => batch.std() + EPSILON,
            ScaleRewards::None => 1.0,
        };
        total.map_or(0.0, |total| (total - group.mean()) / scale)
    });
    let frac_reward_zero_std = match scale_rewards {
        ScaleRewards::Batch => f64::from(u8::from(batch.is_equal())),
        ScaleRewards::Group | ScaleRewards::None => rewards.frac_zero_std(),
    };
    of_values(rewards, values, frac_reward_zero_std)
}

/// Advantages from the sums of the rewards that were compared one by one.
fn compare_each(rewards: &Rewards) -> Advantages {
    let totals = rewards.totals_of_normalised(EPSILON);
    let batch = moments(&totals);
    let scaled = |total: f64| (total - batch.mean()) / (batch.std() + EPSILON);
    let values = totals.iter().map(|total| total.map_or(0.0, scaled));
    of_values(rewards, values, f64::from(u8::from(batch.is_equal())))
}

fn of_values(
    rewards: &Rewards,
    values: impl Iterator<Item = f64>,
    frac_reward_zero_std: f64,
) -> Advantages {
    let summary = rewards.summary();
    #[expect(clippy::cast_possible_truncation, reason = "they multiply single-precision ratios")]
    let values = values.map(|value| value as f32).collect();
    Advantages {
        values,
        reward_mean: summary.mean,
        reward_std: summary.std,
        frac_reward_zero_std,
        num_without_reward: rewards.num_without(),
    }
}
