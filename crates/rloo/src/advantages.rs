//! From rewards to advantages: how much better than the mean of its siblings is a completion?

use forethought_logprob::Moments;
use forethought_objective::{Rewards, RewardsError};

use crate::{RlooConfig, Semantics};

/// What is known of the completions of a batch when they have been sampled. Those of one prompt stand in a row.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// One list of rewards for each function.
    pub rewards: &'a [&'a [Option<f32>]],
    /// Completions of each prompt: `rloo_k`, `num_generations`.
    pub group_size: usize,
    /// The sum of `log pi_old - log pi_ref` over the tokens of each completion; nothing if `beta` is 0.
    pub divergences: &'a [f32],
    /// Whether each completion was cut off at the length limit; may be empty if the config treats them as any other.
    pub is_truncated: &'a [bool],
}

/// The advantages of a batch, and what its rewards look like.
#[derive(Clone, Debug, PartialEq)]
pub struct Advantages {
    /// One for each completion, in the same order; 0 where there is no reward, or none to compare it with.
    pub values: Vec<f32>,
    /// Mean reward, over those that exist, before penalties; TRL's `reward`. NaN if none does.
    pub reward_mean: f64,
    /// Standard deviation (with `n - 1`) of the rewards that exist; TRL's `reward_std`. NaN if fewer than two do.
    pub reward_std: f64,
    /// Share of prompts whose completions are, after penalties, all worth the same; TRL's `frac_reward_zero_std`.
    pub frac_reward_zero_std: f64,
    /// Completions without a reward; one that is no finite number counts as none.
    pub num_without_reward: usize,
    /// Mean of the rewards after the penalty for a missing end and before that for the divergence; TRL 0.15's
    /// `objective/scores`.
    pub score_mean: f64,
    /// Mean penalty for the divergence, negative where the policy left the reference; `objective/non_score_reward`.
    pub non_score_reward: f64,
    /// Mean of what is compared; `objective/rlhf_reward`.
    pub rlhf_reward: f64,
}

/// Why there are no advantages.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AdvantagesError {
    /// The rewards cannot be compared.
    #[error(transparent)]
    Rewards(#[from] RewardsError),
    /// A list does not fit the completions.
    #[error("{list} must be as many as the {num_completions} completions, got {found}")]
    Lengths {
        /// Name of the list.
        list: &'static str,
        /// Completions.
        num_completions: usize,
        /// Entries of the list.
        found: usize,
    },
}

impl RlooConfig {
    /// `R_i - mean of R_j over its siblings`, with `R` the reward less `beta` times the divergence. A reward that does not
    /// exist is left out of every statistic and has the advantage 0, and so has one without a sibling. So has a completion
    /// whose divergence is no finite number.
    ///
    /// ```
    /// use forethought_rloo::{Judged, RlooConfig};
    ///
    /// let judged = Judged {
    ///     rewards: &[&[Some(3.0), Some(1.0), Some(2.0)]],
    ///     group_size: 3,
    ///     divergences: &[0.0, 0.0, 20.0],
    ///     is_truncated: &[],
    /// };
    /// let advantages = RlooConfig::default().advantages(judged)?; // beta is 0.05, so the third is worth 1
    /// assert_eq!(advantages.values, [2.0, -1.0, -1.0]);
    /// # Ok::<(), forethought_rloo::AdvantagesError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the lists differ in length or do not divide into groups of at least two, or the weights do not fit them.
    pub fn advantages(&self, judged: Judged<'_>) -> Result<Advantages, AdvantagesError> {
        let config = self.resolved();
        let rewards =
            Rewards::new(judged.rewards, config.reward_weights.as_deref(), judged.group_size)?;
        let scores = config.scores(&rewards, judged)?;
        let penalties = config.penalties(judged, scores.len())?;
        let worth = scores.iter().zip(&penalties);
        let worth: Vec<Option<f64>> =
            worth.map(|(score, penalty)| Some((*score)? + (*penalty)?)).collect();
        let values = worth.chunks_exact(judged.group_size).flat_map(leave_one_out);
        let values: Vec<Option<f64>> = values.collect();
        let values = if config.normalize_advantages { config.normalised(&values) } else { values };
        let summary = rewards.summary();
        let groups = worth.chunks_exact(judged.group_size);
        let num_groups = groups.len() as f64;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "they multiply single-precision ratios"
        )]
        let single = |value: Option<f64>| value.unwrap_or(0.0) as f32;
        Ok(Advantages {
            values: values.into_iter().map(single).collect(),
            reward_mean: summary.mean,
            reward_std: summary.std,
            frac_reward_zero_std: groups.filter(|one| moments(one).is_equal()).count() as f64
                / num_groups,
            num_without_reward: rewards.num_without(),
            score_mean: moments(&scores).mean(),
            non_score_reward: moments(&penalties).mean(),
            rlhf_reward: moments(&worth).mean(),
        })
    }

    /// Rewards after the penalty for a missing end, normalisation and bounds.
    fn scores(
        &self,
        rewards: &Rewards,
        judged: Judged<'_>,
    ) -> Result<Vec<Option<f64>>, AdvantagesError> {
        let mut scores = rewards.totals();
        if let Some(penalty) = self.missing_eos_penalty {
            expect_length("is_truncated", scores.len(), judged.is_truncated.len())?;
            for (score, is_truncated) in scores.iter_mut().zip(judged.is_truncated) {
                let penalty = if *is_truncated { penalty } else { 0.0 };
                *score = score.map(|score| score - penalty);
            }
        }
        if self.normalize_reward {
            scores = self.normalised(&scores);
        }
        // In 0.15 the bounds are part of the normalisation.
        let is_bounded = self.normalize_reward || self.semantics == Semantics::Trl116;
        if let Some([low, high]) = self.reward_clip_range.filter(|_| is_bounded) {
            scores = scores.iter().map(|score| score.map(|one| one.clamp(low, high))).collect();
        }
        Ok(scores)
    }

    /// What is added to each score for leaving the reference; `None` where that is no finite number.
    fn penalties(
        &self,
        judged: Judged<'_>,
        num_completions: usize,
    ) -> Result<Vec<Option<f64>>, AdvantagesError> {
        if self.beta == 0.0 {
            return Ok(vec![Some(0.0); num_completions]);
        }
        expect_length("divergences", num_completions, judged.divergences.len())?;
        let penalty =
            |divergence: &f32| divergence.is_finite().then(|| -self.beta * f64::from(*divergence));
        let mut penalties: Vec<Option<f64>> = judged.divergences.iter().map(penalty).collect();
        if self.mask_truncated_completions {
            expect_length("is_truncated", num_completions, judged.is_truncated.len())?;
            let pairs = penalties.iter_mut().zip(judged.is_truncated);
            // No token of such a completion counts, so none diverges.
            pairs.filter(|(_, is)| **is).for_each(|(penalty, _)| *penalty = Some(0.0));
        }
        Ok(penalties)
    }

    /// `(x - mean) / (std + epsilon)`, over the whole batch.
    fn normalised(&self, values: &[Option<f64>]) -> Vec<Option<f64>> {
        let epsilon = match self.semantics {
            Semantics::Trl116 => 1e-4,
            Semantics::Trl015 => 1e-8,
        };
        let moments = moments(values);
        let scaled = |value: f64| (value - moments.mean()) / (moments.std() + epsilon);
        values.iter().map(|value| value.map(scaled)).collect()
    }
}

fn expect_length(
    list: &'static str,
    num_completions: usize,
    found: usize,
) -> Result<(), AdvantagesError> {
    if found == num_completions {
        return Ok(());
    }
    Err(AdvantagesError::Lengths { list, num_completions, found })
}

fn moments(values: &[Option<f64>]) -> Moments {
    Moments::of(values.iter().copied().flatten())
}

/// Each value of a group less the mean of the others; `None` if there are none.
fn leave_one_out(group: &[Option<f64>]) -> Vec<Option<f64>> {
    let sum: f64 = group.iter().flatten().sum();
    let num_others = group.iter().flatten().count().saturating_sub(1);
    let baseline = |value: f64| (sum - value) / num_others as f64;
    let known = |value: &Option<f64>| value.filter(|_| 0 < num_others);
    group.iter().map(|value| known(value).map(|value| value - baseline(value))).collect()
}
