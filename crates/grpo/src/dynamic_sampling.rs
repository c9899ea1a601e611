//! Prompts that teach nothing are replaced by others, up to a bound.

use forethought_logprob::Moments;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Dynamic sampling: prompts whose completions are all worth the same have advantages of 0 and would only make the batch
/// smaller, so others are sampled in their place; Yu et al. 2025, section 3.2, <https://arxiv.org/abs/2503.14476>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DynamicSampling {
    /// How often prompts are sampled for one batch before it is taken as it is: `>= 1`. Default 10 (`max_num_gen_batches`
    /// of verl's DAPO recipe).
    pub max_rounds: usize,
}

impl Default for DynamicSampling {
    fn default() -> Self {
        Self { max_rounds: 10 }
    }
}

/// What became of the prompts that were sampled for one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefillCounts {
    /// Rounds of sampling.
    pub num_rounds: usize,
    /// Prompts sampled.
    pub num_sampled: usize,
    /// Prompts left out because their completions were all worth the same.
    pub num_equal: usize,
    /// Prompts left out because fewer than two of their completions could be judged.
    pub num_unjudged: usize,
    /// Prompts of use that came too many.
    pub num_surplus: usize,
    /// Prompts without use that fill the batch, because the rounds were over.
    pub num_filled: usize,
}

/// The filling of one batch. Ask for [`num_missing`](Self::num_missing) prompts, sample them, let
/// [`judge`](Self::judge) say which to keep, until none is missing.
///
/// ```
/// use forethought_grpo::{DynamicSampling, Refill};
///
/// let mut refill = Refill::new(DynamicSampling { max_rounds: 2 }, 2);
/// // Two prompts of two completions; those of the first are worth the same.
/// assert_eq!(refill.judge(&[Some(1.0), Some(1.0), Some(1.0), Some(0.0)], 2), [1]);
/// assert_eq!(refill.num_missing(), 1);
/// assert_eq!(refill.judge(&[Some(0.0), Some(2.0)], 2), [0]);
/// assert_eq!(refill.num_missing(), 0);
/// assert_eq!(refill.counts().num_equal, 1);
/// ```
#[derive(Clone, Debug)]
pub struct Refill {
    max_rounds: usize,
    num_missing: usize,
    counts: RefillCounts,
}

/// Whether a prompt teaches anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Useful,
    Equal,
    Unjudged,
}

impl Refill {
    /// A batch that wants so many prompts.
    #[must_use]
    pub fn new(config: DynamicSampling, num_prompts: usize) -> Self {
        Self {
            max_rounds: config.max_rounds,
            num_missing: num_prompts,
            counts: RefillCounts::default(),
        }
    }

    /// Prompts to sample next; 0 when the batch is full.
    #[must_use]
    pub fn num_missing(&self) -> usize {
        self.num_missing
    }

    /// What became of the prompts so far.
    #[must_use]
    pub fn counts(&self) -> RefillCounts {
        self.counts
    }

    /// Judges the prompts of one round by the rewards of their completions, `group_size` in a row for each prompt, and says
    /// which of them join the batch, by their index. In the last round the batch is filled with what there is.
    ///
    /// # Panics
    ///
    /// If the rewards do not divide into groups.
    pub fn judge(&mut self, rewards: &[Option<f64>], group_size: usize) -> Vec<usize> {
        assert!(
            group_size != 0 && rewards.len().is_multiple_of(group_size),
            "{} rewards are no groups of {group_size}",
            rewards.len()
        );
        let uses: Vec<Use> = rewards.chunks_exact(group_size).map(of_group).collect();
        let indices_of = |wanted: Use| -> Vec<usize> {
            (0..uses.len()).filter(|index| uses[*index] == wanted).collect()
        };
        let mut kept = indices_of(Use::Useful);
        self.counts.num_rounds += 1;
        self.counts.num_sampled += uses.len();
        self.counts.num_surplus += kept.len().saturating_sub(self.num_missing);
        kept.truncate(self.num_missing);
        self.num_missing -= kept.len();
        let mut rest = [indices_of(Use::Equal), indices_of(Use::Unjudged)].concat();
        if self.max_rounds <= self.counts.num_rounds {
            rest.truncate(self.num_missing);
            self.counts.num_filled += rest.len();
            self.num_missing = 0; // A round may have had fewer prompts than were missing.
            kept.extend(rest);
            kept.sort_unstable();
        }
        let num_left_out = |wanted: Use| {
            (0..uses.len()).filter(|one| uses[*one] == wanted && !kept.contains(one)).count()
        };
        self.counts.num_equal += num_left_out(Use::Equal);
        self.counts.num_unjudged += num_left_out(Use::Unjudged);
        kept
    }
}

fn of_group(rewards: &[Option<f64>]) -> Use {
    let moments = Moments::of(rewards.iter().copied().flatten());
    match moments.count() {
        0 | 1 => Use::Unjudged,
        _ if moments.is_equal() => Use::Equal,
        _ => Use::Useful,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USEFUL: [Option<f64>; 2] = [Some(1.0), Some(0.0)];
    const EQUAL: [Option<f64>; 2] = [Some(1.0), Some(1.0)];
    const UNJUDGED: [Option<f64>; 2] = [None, Some(1.0)];

    #[test]
    fn the_last_round_fills_the_batch_with_what_there_is_and_counts_it() {
        let mut refill = Refill::new(DynamicSampling { max_rounds: 2 }, 3);
        assert_eq!(refill.judge(&[UNJUDGED, USEFUL, EQUAL].concat(), 2), [1]);
        assert_eq!(refill.num_missing(), 2);
        assert_eq!(refill.judge(&[UNJUDGED, EQUAL].concat(), 2), [0, 1]);
        assert_eq!(refill.num_missing(), 0);
        let expected = RefillCounts {
            num_rounds: 2,
            num_sampled: 5,
            num_equal: 1,
            num_unjudged: 1,
            num_surplus: 0,
            num_filled: 2,
        };
        assert_eq!(refill.counts(), expected);
    }

    #[test]
    fn useful_prompts_beyond_the_batch_are_counted_as_too_many() {
        let mut refill = Refill::new(DynamicSampling::default(), 1);
        assert_eq!(refill.judge(&[EQUAL, USEFUL, USEFUL].concat(), 2), [1]);
        assert_eq!((refill.num_missing(), refill.counts().num_surplus), (0, 1));
    }

    #[test]
    #[should_panic(expected = "3 rewards are no groups of 2")]
    fn rewards_that_do_not_divide_into_groups_are_refused() {
        let _ = Refill::new(DynamicSampling::default(), 1).judge(&[None; 3], 2);
    }

    proptest! {
        /// Each sampled prompt is kept, left out for one of two reasons, or too many; and the rounds end.
        #[test]
        fn every_prompt_is_accounted_for(
            rounds in prop::collection::vec(prop::collection::vec(0..3usize, 4), 5),
        ) {
            let mut refill = Refill::new(DynamicSampling { max_rounds: 5 }, 4);
            let mut num_kept = 0;
            for round in rounds {
                let groups = round.into_iter().take(refill.num_missing());
                let rewards: Vec<Option<f64>> =
                    groups.flat_map(|kind| [USEFUL, EQUAL, UNJUDGED][kind]).collect();
                if !rewards.is_empty() {
                    num_kept += refill.judge(&rewards, 2).len();
                }
            }
            let counts = refill.counts();
            let left_out = counts.num_equal + counts.num_unjudged + counts.num_surplus;
            prop_assert_eq!(num_kept, 4);
            prop_assert_eq!(refill.num_missing(), 0);
            prop_assert_eq!(counts.num_sampled, num_kept + left_out);
        }
    }
}
