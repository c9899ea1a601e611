//! One token from one row of logits, on the host, in double precision.

use std::cmp::Ordering;

use forethought_kernels::{largest, softmax_weights};

use crate::sampling::Sampling;

/// A token that may be drawn, and its probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The token id.
    pub id: u32,
    /// Its probability among the candidates.
    pub probability: f64,
}

/// What the sequence so far says about its next token.
#[derive(Clone, Copy, Debug, Default)]
pub struct Past<'a> {
    /// Tokens that the repetition penalty is for, in any order.
    pub seen: &'a [u32],
    /// Tokens that may not come next, in any order; not all tokens.
    pub banned: &'a [u32],
}

/// What was drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Choice {
    pub(crate) id: u32,
    /// Log-probability of the token at the temperature under the whole distribution: before penalty, top-k and top-p.
    pub(crate) log_prob: f32,
}

/// Draws a token: the one at which the candidates' cumulative probability, in the order of their ids, passes
/// `uniform`, a number in `[0, 1)`.
pub(crate) fn choose(logits: &[f32], past: Past<'_>, sampling: &Sampling, uniform: f64) -> Choice {
    if past.seen.is_empty() && past.banned.is_empty() && sampling.keeps_all() {
        return from_all(logits, sampling.temperature, uniform);
    }
    let candidates = distribution(logits, past, sampling);
    let id = draw(candidates.iter().map(|one| (one.id, one.probability)), uniform);
    Choice { id, log_prob: log_prob(logits, id, sampling.score_temperature()) }
}

/// As [`choose`] where every token is a candidate: the distribution is that of the logits, and no list of it is made.
fn from_all(logits: &[f32], temperature: f64, uniform: f64) -> Choice {
    let weights = softmax_weights(logits, temperature);
    let total: f64 = weights.iter().sum();
    let id = draw((0..).zip(weights.iter().copied()), uniform * total);
    Choice { id, log_prob: narrow((weights[id as usize] / total).ln()) }
}

#[expect(clippy::cast_possible_truncation, reason = "log-probabilities are kept as 32-bit floats")]
fn narrow(log_prob: f64) -> f32 {
    log_prob as f32
}

/// The tokens that may come next and their probabilities, in the order of their ids.
///
/// Temperature 0 leaves the most likely token, the one with the smallest id if there are several.
///
/// # Panics
///
/// If a token of the past is not below the number of logits.
#[must_use]
pub fn distribution(logits: &[f32], past: Past<'_>, sampling: &Sampling) -> Vec<Candidate> {
    let mut scores = penalised(logits, past.seen, sampling.repetition_penalty);
    for &id in past.banned {
        scores[id as usize] = f32::NEG_INFINITY;
    }
    if sampling.temperature == 0.0 {
        return most_likely(&scores);
    }
    let threshold = kth_largest(&scores, sampling.top_k);
    let is_kept = |score: f32| threshold <= score && f32::NEG_INFINITY < score;
    let weighed = (0..).zip(scores.iter().zip(softmax_weights(&scores, sampling.temperature)));
    let kept = weighed
        .filter(|(_, (score, _))| is_kept(**score))
        .map(|(id, (_, probability))| Candidate { id, probability })
        .collect::<Vec<_>>();
    let kept = if sampling.top_p < 1.0 { nucleus(kept, sampling.top_p) } else { kept };
    normalised(if sampling.min_p > 0.0 { likely_enough(kept, sampling.min_p) } else { kept })
}

fn most_likely(scores: &[f32]) -> Vec<Candidate> {
    let largest = largest(scores);
    let id = scores.iter().zip(0..).find(|(score, _)| largest <= **score).map(|(_, id)| id);
    id.map(|id| Candidate { id, probability: 1.0 }).into_iter().collect()
}

/// A token that occurs twice in `seen` is penalised once: its new score is made of its logit.
#[expect(clippy::cast_possible_truncation, reason = "logits are 32-bit floats")]
fn penalised(logits: &[f32], seen: &[u32], penalty: f64) -> Vec<f32> {
    let mut scores = logits.to_vec();
    for &id in seen {
        let logit = f64::from(logits[id as usize]);
        let score = if logit < 0.0 { logit * penalty } else { logit / penalty };
        // An extreme penalty shall not make infinities, whose differences are no numbers.
        scores[id as usize] = score.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
    }
    scores
}

/// The score that a token needs to be among the `k` largest; tokens that share the last place all have it, as in
/// transformers.
fn kth_largest(scores: &[f32], k: usize) -> f32 {
    if k == 0 || scores.len() <= k {
        return f32::NEG_INFINITY;
    }
    let mut scores = scores.to_vec();
    *scores.select_nth_unstable_by(k - 1, |left, right| right.total_cmp(left)).1
}

/// Keeps a candidate as long as the more likely ones hold less than the share `top_p` (Holtzman et al. 2019,
/// <https://arxiv.org/abs/1904.09751>). Of equally likely ones the smaller id goes first.
fn nucleus(mut candidates: Vec<Candidate>, top_p: f64) -> Vec<Candidate> {
    let target = top_p * total(&candidates);
    // The nucleus is nearly always small, so only the front of the order is sorted.
    let mut front = 64;
    loop {
        let end = front.min(candidates.len());
        if end < candidates.len() {
            candidates.select_nth_unstable_by(end, by_probability);
        }
        candidates[..end].sort_unstable_by(by_probability);
        if let Some(kept) = reaches(&candidates[..end], target) {
            candidates.truncate(kept);
            break;
        }
        if end == candidates.len() {
            break;
        }
        front *= 8;
    }
    candidates.sort_unstable_by_key(|candidate| candidate.id);
    candidates
}

/// Keeps the candidates with at least the share `min_p` of the largest probability.
fn likely_enough(mut candidates: Vec<Candidate>, min_p: f64) -> Vec<Candidate> {
    let largest = candidates.iter().map(|candidate| candidate.probability).fold(0.0, f64::max);
    candidates.retain(|candidate| min_p * largest <= candidate.probability);
    candidates
}

/// How many candidates it takes to hold `target`.
fn reaches(candidates: &[Candidate], target: f64) -> Option<usize> {
    let mut held = 0.0;
    let reached = candidates.iter().position(|candidate| {
        held += candidate.probability;
        target <= held
    });
    reached.map(|last| last + 1)
}

fn by_probability(left: &Candidate, right: &Candidate) -> Ordering {
    right.probability.total_cmp(&left.probability).then(left.id.cmp(&right.id))
}

fn total(candidates: &[Candidate]) -> f64 {
    candidates.iter().map(|candidate| candidate.probability).sum()
}

fn normalised(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    let total = total(&candidates);
    for candidate in &mut candidates {
        candidate.probability /= total;
    }
    candidates
}

/// The id at which the weights so far pass `place`.
///
/// # Panics
///
/// If there is no candidate, that is no logit.
fn draw(candidates: impl Iterator<Item = (u32, f64)>, place: f64) -> u32 {
    let mut held = 0.0;
    let mut last = None;
    for (id, weight) in candidates {
        held += weight;
        if place < held {
            return id;
        }
        if 0.0 < weight {
            last = Some(id);
        }
    }
    // Rounding may leave the sum a little below the place: then it is the last one that has any.
    last.unwrap_or_else(|| panic!("there are no logits"))
}

fn log_prob(logits: &[f32], id: u32, temperature: f64) -> f32 {
    let scaled = |logit: f32| (f64::from(logit) - f64::from(largest(logits))) / temperature;
    let total: f64 = softmax_weights(logits, temperature).iter().sum();
    narrow(scaled(logits[id as usize]) - total.ln())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(candidates: &[Candidate]) -> Vec<u32> {
        candidates.iter().map(|candidate| candidate.id).collect()
    }

    /// Logits of the probabilities 0.1, 0.4, 0.2, 0.3.
    fn logits() -> [f32; 4] {
        [0.1f32.ln(), 0.4f32.ln(), 0.2f32.ln(), 0.3f32.ln()]
    }

    #[test]
    fn the_whole_distribution_is_the_softmax() {
        let candidates = distribution(&logits(), Past::default(), &Sampling::default());
        for (candidate, expected) in candidates.iter().zip([0.1, 0.4, 0.2, 0.3]) {
            assert!((candidate.probability - expected).abs() < 1e-7, "{candidate:?}");
        }
        // At temperature 1/2 probabilities are squared: 1, 16, 4 and 9 of 30.
        let cold = Sampling { temperature: 0.5, ..Sampling::default() };
        let candidates = distribution(&logits(), Past::default(), &cold);
        for (candidate, expected) in candidates.iter().zip([1.0, 16.0, 4.0, 9.0]) {
            assert!((candidate.probability - expected / 30.0).abs() < 1e-7, "{candidate:?}");
        }
    }

    #[test]
    fn top_p_keeps_the_fewest_that_hold_it() {
        let kept = |top_p| {
            ids(&distribution(
                &logits(),
                Past::default(),
                &Sampling { top_p, ..Sampling::default() },
            ))
        };
        assert_eq!(kept(0.39), [1]);
        assert_eq!(kept(0.41), [1, 3]);
        assert_eq!(kept(0.69), [1, 3]);
        assert_eq!(kept(0.71), [1, 2, 3]);
        assert_eq!(kept(1e-9), [1]);
    }

    #[test]
    fn top_k_keeps_ties_of_the_last_place() {
        let kept = |top_k| {
            ids(&distribution(
                &[1.0, 3.0, 2.0, 2.0],
                Past::default(),
                &Sampling { top_k, ..Sampling::default() },
            ))
        };
        assert_eq!(kept(1), [1]);
        assert_eq!(kept(2), [1, 2, 3]);
        assert_eq!(kept(9), [0, 1, 2, 3]);
    }

    #[test]
    fn min_p_keeps_what_is_likely_beside_the_most_likely() {
        // 0.1, 0.4, 0.2, 0.3 are 0.25, 1, 0.5 and 0.75 of the largest.
        let kept = |min_p, top_k| {
            let sampling = Sampling { top_k, min_p, ..Sampling::default() };
            ids(&distribution(&logits(), Past::default(), &sampling))
        };
        assert_eq!(kept(0.2, 0), [0, 1, 2, 3]);
        assert_eq!(kept(0.3, 0), [1, 2, 3]);
        assert_eq!(kept(0.7, 0), [1, 3]);
        assert_eq!(kept(0.3, 2), [1, 3]);
        assert_eq!(kept(1.0, 0), [1]);
        // The share is of the probability at the temperature: squared, 0.3 is 9 / 16 of the largest.
        let cold = Sampling { min_p: 0.7, temperature: 0.5, ..Sampling::default() };
        assert_eq!(ids(&distribution(&logits(), Past::default(), &cold)), [1]);
    }

    #[test]
    fn a_banned_token_has_no_probability_and_leaves_the_others_theirs() {
        let past = Past { seen: &[], banned: &[1] };
        let candidates = distribution(&logits(), past, &Sampling::default());
        assert_eq!(ids(&candidates), [0, 2, 3]);
        assert!((candidates[2].probability - 0.5).abs() < 1e-7);
        let greedy = Sampling { temperature: 0.0, ..Sampling::default() };
        assert_eq!(ids(&distribution(&logits(), past, &greedy)), [3]);
        // What is recorded is the probability under the model, which knows of no ban.
        let choice = choose(&logits(), past, &greedy, 0.0);
        assert!((choice.log_prob - 0.3f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn extreme_penalties_and_temperatures_leave_numbers() {
        let past = Past { seen: &[0, 1, 2], banned: &[] };
        for repetition_penalty in [1e-300, 1e300] {
            for temperature in [1e-300, 1e300] {
                let sampling = Sampling { temperature, repetition_penalty, ..Sampling::default() };
                let candidates = distribution(&[5.0, -5.0, 0.0, 1.0], past, &sampling);
                assert!((total(&candidates) - 1.0).abs() < 1e-9, "{candidates:?}");
            }
        }
    }

    #[test]
    fn the_penalty_shrinks_positive_and_lowers_negative_logits_once() {
        assert_eq!(penalised(&[2.0, -2.0, 1.0], &[0, 1, 0], 2.0), [1.0, -4.0, 1.0]);
    }

    #[test]
    fn temperature_zero_takes_the_first_of_the_largest_and_scores_it_at_one() {
        let greedy = Sampling { temperature: 0.0, ..Sampling::default() };
        assert_eq!(choose(&[1.0, 2.0, 2.0], Past::default(), &greedy, 0.99).id, 1);
        let choice = choose(&logits(), Past::default(), &greedy, 0.0);
        assert!((choice.log_prob - 0.4f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn a_draw_is_where_the_cumulative_probability_passes_the_number() {
        let candidates = distribution(&logits(), Past::default(), &Sampling::default());
        let drawn = [0.0, 0.09, 0.11, 0.49, 0.51, 0.69, 0.71, 0.999_999_999]
            .map(|place| draw(candidates.iter().map(|one| (one.id, one.probability)), place));
        assert_eq!(drawn, [0, 0, 1, 1, 2, 2, 3, 3]);
    }

    #[test]
    fn the_log_probability_is_of_the_whole_distribution_at_the_temperature() {
        let sampling =
            Sampling { temperature: 0.5, top_k: 1, repetition_penalty: 9.0, ..Sampling::default() };
        let choice = choose(&logits(), Past { seen: &[2], banned: &[] }, &sampling, 0.5);
        assert_eq!(choice.id, 1);
        assert!((choice.log_prob - (16f32 / 30.0).ln()).abs() < 1e-6, "{choice:?}");
    }

    proptest! {
        /// Two ways to one number: from the candidates where they are all tokens, else from the logits.
        #[test]
        fn the_log_probability_of_unfiltered_draws_is_that_of_the_logits(
            logits in prop::collection::vec(-30f32..30.0, 1..300),
            uniform in 0.0f64..1.0,
            temperature in 0.1f64..3.0,
        ) {
            let sampling = Sampling { temperature, ..Sampling::default() };
            let choice = choose(&logits, Past::default(), &sampling, uniform);
            let expected = log_prob(&logits, choice.id, temperature);
            prop_assert!((choice.log_prob - expected).abs() < 1e-5, "{choice:?} and {expected}");
            // The list of candidates, which makes no use of all of them being there, leads to the same token.
            let candidates = distribution(&logits, Past::default(), &sampling);
            let listed = candidates.iter().map(|one| (one.id, one.probability));
            prop_assert_eq!(draw(listed, uniform), choice.id);
        }

        /// Sorting all candidates is what the search over growing fronts must agree with.
        #[test]
        fn the_nucleus_does_not_depend_on_how_much_is_sorted(
            weights in prop::collection::vec(0u16..50, 1..700),
            top_p in 0.01f64..0.99,
        ) {
            let weight = |weight| f64::from(weight) + 0.5;
            let candidates: Vec<_> = weights.iter().zip(0..)
                .map(|(&value, id)| Candidate { id, probability: weight(value) }).collect();
            let mut sorted = candidates.clone();
            sorted.sort_by(by_probability);
            let kept = reaches(&sorted, top_p * total(&candidates)).expect("all hold everything");
            sorted.truncate(kept);
            sorted.sort_by_key(|candidate| candidate.id);
            prop_assert_eq!(nucleus(candidates, top_p), sorted);
        }
    }
}
