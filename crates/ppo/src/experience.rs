//! From scores to the advantage of each token and the return of each value.

use forethought_logprob::{Centre, whiten};

use crate::{PpoConfig, gae};

/// What is known of the completions of a batch when they have been sampled.
#[derive(Clone, Copy, Debug)]
pub struct Sampled<'a> {
    /// Tokens of each completion.
    pub lengths: &'a [usize],
    /// What each completion is worth; `None`, or a number that is not finite, if that could not be judged.
    pub scores: &'a [Option<f32>],
    /// Whether each completion was cut off at the length limit, before the model ended it.
    pub is_truncated: &'a [bool],
    /// `[token]`, under the policy that sampled; the completions one behind the other.
    pub log_probs: &'a [f32],
    /// `[token]`, under the frozen reference.
    pub reference_log_probs: &'a [f32],
    /// `[value]`, predicted by the critic; [`PpoConfig::num_values`] for each completion.
    pub values: &'a [f32],
}

/// What a batch teaches, held fixed over all passes.
#[derive(Clone, Debug, PartialEq)]
pub struct Experience {
    /// `[token]`, whitened; 0 for completions without a score.
    pub advantages: Vec<f32>,
    /// `[value]`, advantage plus value; NaN for completions without a score, which the critic's loss leaves out.
    pub returns: Vec<f32>,
    /// Values of each completion.
    pub num_values: Vec<usize>,
    /// Completions without a score.
    pub num_without_score: usize,
    /// Tokens whose divergence from the reference is no finite number and costs nothing.
    pub num_not_finite: usize,
    /// Mean divergence of a completion; TRL's `objective/kl`. What an adaptive [`KlController`](crate::KlController) takes in.
    pub kl: f64,
    /// Mean of what the divergence costs a completion, negative; `objective/non_score_reward`.
    pub non_score_reward: f64,
    /// Mean score less that cost; `objective/rlhf_reward`. NaN if there is no score.
    pub rlhf_reward: f64,
    /// Mean score, after the penalty for a missing end; `objective/scores`. NaN if there is none.
    pub scores: f64,
}

/// Lists that do not fit each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{list} must have {expected} entries, got {found}")]
pub struct ExperienceError {
    list: &'static str,
    expected: usize,
    found: usize,
}

impl PpoConfig {
    /// The advantages and returns of a batch, with the weight that the divergence has now.
    ///
    /// ```
    /// use forethought_ppo::{PpoConfig, Sampled};
    ///
    /// let config = PpoConfig::default();
    /// let sampled = Sampled {
    ///     lengths: &[1, 1],
    ///     scores: &[Some(1.0), Some(-1.0)],
    ///     is_truncated: &[false, false],
    ///     log_probs: &[-1.0, -2.0],
    ///     reference_log_probs: &[-1.0, -2.0],
    ///     values: &[0.0, 0.0, 0.0, 0.0], // before the token and behind it
    /// };
    /// let experience = config.experience(sampled, config.kl_coef)?;
    /// assert_eq!(experience.returns, [0.95, 1.0, -0.95, -1.0]);
    /// assert!(experience.advantages[0] > 0.0 && experience.advantages[1] < 0.0);
    /// # Ok::<(), forethought_ppo::ExperienceError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If a list has not as many entries as the completions, their tokens or their values.
    pub fn experience(
        &self,
        sampled: Sampled<'_>,
        kl_coef: f64,
    ) -> Result<Experience, ExperienceError> {
        let num_values: Vec<usize> =
            sampled.lengths.iter().map(|length| self.num_values(*length)).collect();
        check_lengths(sampled, num_values.iter().sum())?;
        let scores = self.scores(sampled);
        let divergences = self.divergences(sampled);
        let kept: Vec<usize> = (0..scores.len()).filter(|one| scores[*one].is_some()).collect();

        let mut rewards = Positions::new(&num_values);
        let mut tokens = Positions::new(sampled.lengths);
        for (completion, score) in scores.iter().enumerate() {
            let (tokens, rewards) = (tokens.range(completion), rewards.of(completion));
            for (reward, divergence) in rewards.iter_mut().zip(&divergences[tokens]) {
                *reward = single(-kl_coef * divergence.unwrap_or(0.0));
            }
            if let (Some(last), Some(score)) = (rewards.last_mut(), score) {
                *last += single(*score);
            }
        }
        if self.whiten_rewards {
            rewards.whiten(&kept, Centre::Keep);
        }
        let raw = gae(&rewards.list, sampled.values, &num_values, self.gamma, self.lam);
        let mut returns = Positions { list: vec![f32::NAN; raw.len()], ..rewards };
        for completion in &kept {
            let range = returns.range(*completion);
            for position in range.clone() {
                returns.list[position] = raw[position] + sampled.values[position];
            }
            let advantages = raw[range].iter();
            tokens.of(*completion).iter_mut().zip(advantages).for_each(|(to, from)| *to = *from);
        }
        tokens.whiten(&kept, Centre::Remove);
        let summary = Summary::new(&divergences, &scores, kl_coef);
        Ok(Experience {
            advantages: tokens.list,
            returns: returns.list,
            num_values,
            num_without_score: scores.len() - kept.len(),
            num_not_finite: divergences.iter().filter(|one| one.is_none()).count(),
            kl: summary.kl,
            non_score_reward: summary.non_score_reward,
            rlhf_reward: summary.non_score_reward + summary.scores,
            scores: summary.scores,
        })
    }

    /// Scores after the penalty for a missing end. A completion without a position has nowhere to be paid.
    fn scores(&self, sampled: Sampled<'_>) -> Vec<Option<f64>> {
        let each = sampled.scores.iter().zip(sampled.is_truncated).zip(sampled.lengths);
        each.map(|((score, is_truncated), length)| {
            let score = score.filter(|score| score.is_finite() && 0 < self.num_values(*length))?;
            let penalty = if *is_truncated { self.missing_eos_penalty } else { None };
            Some(f64::from(score) - penalty.unwrap_or(0.0))
        })
        .collect()
    }

    /// Of each token; `None` where it is no finite number.
    fn divergences(&self, sampled: Sampled<'_>) -> Vec<Option<f64>> {
        let pairs = sampled.log_probs.iter().zip(sampled.reference_log_probs);
        let estimates = pairs.map(|(policy, reference)| self.kl_estimator.of(*policy, *reference));
        estimates.map(|one| one.is_finite().then_some(f64::from(one))).collect()
    }
}

fn check_lengths(sampled: Sampled<'_>, num_values: usize) -> Result<(), ExperienceError> {
    let num_completions = sampled.lengths.len();
    let num_tokens = sampled.lengths.iter().sum();
    let lists = [
        ("scores", num_completions, sampled.scores.len()),
        ("is_truncated", num_completions, sampled.is_truncated.len()),
        ("log_probs", num_tokens, sampled.log_probs.len()),
        ("reference_log_probs", num_tokens, sampled.reference_log_probs.len()),
        ("values", num_values, sampled.values.len()),
    ];
    match lists.into_iter().find(|(_, expected, found)| expected != found) {
        Some((list, expected, found)) => Err(ExperienceError { list, expected, found }),
        None => Ok(()),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rewards are small numbers")]
fn single(number: f64) -> f32 {
    number as f32
}

/// A number for each position of each completion.
struct Positions {
    list: Vec<f32>,
    /// Where each completion begins, and where the last ends.
    starts: Vec<usize>,
}

impl Positions {
    fn new(lengths: &[usize]) -> Self {
        let mut starts = vec![0];
        starts.extend(lengths.iter().scan(0, |end, length| {
            *end += length;
            Some(*end)
        }));
        Self { list: vec![0.0; lengths.iter().sum()], starts }
    }

    fn range(&self, completion: usize) -> std::ops::Range<usize> {
        self.starts[completion]..self.starts[completion + 1]
    }

    fn of(&mut self, completion: usize) -> &mut [f32] {
        let range = self.range(completion);
        &mut self.list[range]
    }

    /// Whitens the numbers of some completions, as one list.
    fn whiten(&mut self, completions: &[usize], centre: Centre) {
        let numbers = completions.iter().flat_map(|one| self.list[self.range(*one)].to_vec());
        let mut whitened = whiten(&numbers.collect::<Vec<f32>>(), centre).into_iter();
        for completion in completions {
            self.of(*completion)
                .iter_mut()
                .zip(whitened.by_ref())
                .for_each(|(to, from)| *to = from);
        }
    }
}

/// Means over completions.
struct Summary {
    kl: f64,
    non_score_reward: f64,
    scores: f64,
}

impl Summary {
    fn new(divergences: &[Option<f64>], scores: &[Option<f64>], kl_coef: f64) -> Self {
        let kl = divergences.iter().flatten().sum::<f64>() / scores.len().max(1) as f64;
        let known: Vec<f64> = scores.iter().copied().flatten().collect();
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        Self { kl, non_score_reward: -kl_coef * kl, scores: mean }
    }
}
