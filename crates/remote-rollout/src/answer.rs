//! Completions as a server tells them, and what of them is learnt from.

use serde::{Deserialize, Serialize};

/// A completion as a server told it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Token ids, the ending token included.
    pub ids: Vec<u32>,
    /// The log-probability that each token was drawn with, in nats; none where the server told it of no token.
    pub log_probs: Vec<Option<f32>>,
    /// Why there are no more.
    pub ending: Ending,
}

/// Why a completion has no more tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A token or a text ended it.
    Stop,
    /// It is as long as it may be.
    Length,
}

impl Answer {
    /// Checks that a model of this vocabulary could have drawn it, each token with a probability.
    pub(crate) fn check(&self, max_new_tokens: usize, vocab_size: usize) -> Result<(), String> {
        let Self { ids, log_probs, .. } = self;
        if ids.is_empty() {
            return Err("it has no token".to_owned());
        }
        if ids.len() != log_probs.len() {
            let (tokens, numbers) = (ids.len(), log_probs.len());
            return Err(format!("it has {tokens} token ids and {numbers} log-probabilities"));
        }
        if max_new_tokens < ids.len() {
            let found = ids.len();
            return Err(format!("it has {found} tokens, {max_new_tokens} were asked for"));
        }
        if let Some(id) = ids.iter().find(|id| vocab_size <= **id as usize) {
            return Err(format!(
                "it has token id {id}, the vocabulary of the trained model {vocab_size}; does the server serve this model?"
            ));
        }
        // A probability of 1 may come out a rounding above it.
        let is_wrong = |value: &f32| !value.is_finite() || 1e-3 < *value;
        match log_probs.iter().position(|value| value.as_ref().is_some_and(is_wrong)) {
            Some(place) => {
                let value = log_probs[place].unwrap_or_default();
                Err(format!("token {place} has the log-probability {value}, which none can have"))
            }
            None => Ok(()),
        }
    }
}

/// Ends a completion where training would: after the first of `eos_ids`, or where `has_ended` finds a text that ends it.
/// The completion, and whether it was ended by one of them; `has_ended` is given its tokens so far.
///
/// # Errors
///
/// If the server ended it for another reason than its length.
pub fn settle(
    answer: Answer,
    eos_ids: &[u32],
    max_new_tokens: usize,
    has_ended: &dyn Fn(&[u32]) -> Result<bool, String>,
) -> Result<(Answer, bool), String> {
    let Answer { mut ids, mut log_probs, ending } = answer;
    for length in 1..=ids.len() {
        if eos_ids.contains(&ids[length - 1]) || has_ended(&ids[..length])? {
            ids.truncate(length);
            log_probs.truncate(length);
            return Ok((Answer { ids, log_probs, ending: Ending::Stop }, true));
        }
    }
    let (found, last) = (ids.len(), ids.last().copied().unwrap_or_default());
    match ending {
        Ending::Stop => Err(format!(
            "the server ended it behind token id {last}, which ends none here ({eos_ids:?} do, and the stop strings); let \
             generation_config.json of the trained model and of the server name the same tokens"
        )),
        Ending::Length if found < max_new_tokens => Err(format!(
            "the server cut it after {found} of {max_new_tokens} tokens: its context is too short; start it with a longer \
             one, or lower sampling.max_new_tokens"
        )),
        Ending::Length => Ok((Answer { ids, log_probs, ending }, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(ids: &[u16], ending: Ending) -> Answer {
        let log_probs = ids.iter().map(|id| Some(-0.5 - f32::from(*id))).collect();
        Answer { ids: ids.iter().map(|id| u32::from(*id)).collect(), log_probs, ending }
    }

    #[test]
    fn a_completion_ends_with_the_first_token_or_text_that_ends_it() {
        let never = |_: &[u32]| Ok(false);
        let (ended, is_finished) =
            settle(answer(&[5, 2, 7], Ending::Length), &[2, 9], 3, &never).expect("whole");
        assert_eq!(
            (ended.ids, ended.log_probs, is_finished),
            (vec![5, 2], vec![Some(-5.5), Some(-2.5)], true)
        );
        let has_ended = |ids: &[u32]| Ok(ids.ends_with(&[7]));
        let (ended, is_finished) =
            settle(answer(&[5, 7, 7], Ending::Stop), &[2], 9, &has_ended).expect("whole");
        assert_eq!((ended.ids, is_finished), (vec![5, 7], true));
        let (ended, is_finished) =
            settle(answer(&[5, 7], Ending::Length), &[2], 2, &never).expect("whole");
        assert_eq!((ended.ids, is_finished), (vec![5, 7], false));
    }

    #[test]
    fn an_end_that_training_does_not_know_is_an_error() {
        let never = |_: &[u32]| Ok(false);
        let error = settle(answer(&[5, 4], Ending::Stop), &[2], 9, &never).expect_err("unknown");
        assert!(error.starts_with("the server ended it behind token id 4"), "{error}");
        let error = settle(answer(&[5, 4], Ending::Length), &[2], 9, &never).expect_err("cut");
        assert!(error.starts_with("the server cut it after 2 of 9 tokens"), "{error}");
    }

    #[test]
    fn what_no_model_could_have_drawn_is_named() {
        let error = |answer: Answer| answer.check(3, 10).expect_err("impossible");
        assert_eq!(error(answer(&[], Ending::Stop)), "it has no token");
        assert!(error(answer(&[1, 2, 3, 4], Ending::Stop)).contains("has 4 tokens, 3 were asked"));
        assert!(error(answer(&[1, 10], Ending::Stop)).contains("token id 10, the vocabulary"));
        let short = Answer { log_probs: vec![Some(-1.0)], ..answer(&[1, 2], Ending::Stop) };
        assert_eq!(error(short), "it has 2 token ids and 1 log-probabilities");
        for value in [0.5, f32::NAN, f32::NEG_INFINITY] {
            let wrong =
                Answer { log_probs: vec![None, Some(value)], ..answer(&[1, 2], Ending::Stop) };
            assert!(error(wrong).starts_with("token 1 has the log-probability"), "{value}");
        }
        assert_eq!(answer(&[1, 9], Ending::Stop).check(3, 10), Ok(()));
    }
}
