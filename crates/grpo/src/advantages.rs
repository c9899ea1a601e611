//! From rewards to advantages: how much better than its siblings is a completion?

use crate::ScaleRewards;

/// Keeps the division finite where all rewards are equal; TRL 1.16.
const EPSILON: f64 = 1e-4;

/// The advantages of a batch, and what its rewards look like.
#[derive(Clone, Debug, PartialEq)]
pub struct Advantages {
    /// One for each reward, in the same order; 0 where there is no reward.
    pub values: Vec<f32>,
    /// Mean reward, over those that exist; TRL's `reward`.
    pub reward_mean: f64,
    /// Standard deviation (with `n - 1`) of the rewards that exist; TRL's `reward_std`.
    pub reward_std: f64,
    /// Share of groups whose rewards are all equal: nothing can be learnt from them. With [`ScaleRewards::Batch`] the batch
    /// counts as the one group. TRL's `frac_reward_zero_std`.
    pub frac_reward_zero_std: f64,
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
/// let advantages = advantages(&rewards, 2, ScaleRewards::None);
/// assert_eq!(advantages.values, [6.0, -6.0, 0.0, 0.0]);
/// assert_eq!(advantages.frac_reward_zero_std, 0.5);
/// ```
///
/// # Panics
///
/// If `group_size` is 0 or does not divide the number of rewards.
#[must_use]
pub fn advantages(
    rewards: &[Option<f32>],
    group_size: usize,
    scale_rewards: ScaleRewards,
) -> Advantages {
    assert!(
        group_size != 0 && rewards.len().is_multiple_of(group_size),
        "{} rewards are no groups of {group_size}",
        rewards.len()
    );
    let batch = Moments::of(rewards);
    let groups: Vec<Moments> = rewards.chunks_exact(group_size).map(Moments::of).collect();
    let values = rewards.iter().enumerate().map(|(index, reward)| {
        let group = &groups[index / group_size];
        let scale = match scale_rewards {
            ScaleRewards::Group => group.std() + EPSILON,
            ScaleRewards::Batch => batch.std() + EPSILON,
            ScaleRewards::None => 1.0,
        };
        reward.map_or(0.0, |reward| (f64::from(reward) - group.mean) / scale)
    });
    #[allow(clippy::cast_possible_truncation, reason = "they multiply single-precision ratios")]
    let values = values.map(|value| value as f32).collect();
    let compared = match scale_rewards {
        ScaleRewards::Batch => std::slice::from_ref(&batch),
        ScaleRewards::Group | ScaleRewards::None => &groups,
    };
    let num_equal = compared.iter().filter(|rewards| rewards.is_equal()).count();
    Advantages {
        values,
        reward_mean: batch.mean,
        reward_std: batch.std(),
        frac_reward_zero_std: num_equal as f64 / compared.len().max(1) as f64,
    }
}

/// Mean and spread of the rewards that exist.
struct Moments {
    count: usize,
    mean: f64,
    sum_of_squares: f64,
}

impl Moments {
    fn of(rewards: &[Option<f32>]) -> Self {
        let rewards = || rewards.iter().flatten().map(|reward| f64::from(*reward));
        let count = rewards().count();
        let mean = rewards().sum::<f64>() / count.max(1) as f64;
        let sum_of_squares = rewards().map(|reward| (reward - mean).powi(2)).sum();
        Self { count, mean, sum_of_squares }
    }

    /// Standard deviation with `n - 1`; 0 of a single reward.
    fn std(&self) -> f64 {
        (self.sum_of_squares / self.count.saturating_sub(1).max(1) as f64).sqrt()
    }

    /// Whether several rewards exist and are all equal, up to the tolerance of `torch.isclose`.
    fn is_equal(&self) -> bool {
        2 <= self.count && self.std() <= 1e-8
    }
}
