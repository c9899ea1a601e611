//! What was sampled at once and is trained on over one or several steps; a checkpoint in between holds it.

use forethought_objective::PolicyCompletion;
use serde::{Deserialize, Serialize};

/// One answer, what it was sampled with, and what it teaches. Lists that a method has no use for are empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sample {
    /// The index of its question.
    pub(crate) question: usize,
    pub(crate) ids: Vec<u32>,
    /// Whether the model ended it.
    pub(crate) is_finished: bool,
    /// `[token]`, what the tokens were sampled with.
    #[serde(with = "bits")]
    pub(crate) sampling_log_probs: Vec<f32>,
    /// `[token]`, under the same weights, as training computes them.
    #[serde(with = "bits")]
    pub(crate) old_log_probs: Vec<f32>,
    /// `[token]`, under the frozen start.
    #[serde(with = "bits")]
    pub(crate) reference_log_probs: Vec<f32>,
    /// `[value]`, what the critic predicted.
    #[serde(with = "bits")]
    pub(crate) values: Vec<f32>,
    /// One for the answer, or one for each token.
    #[serde(with = "bits")]
    pub(crate) advantages: Vec<f32>,
    /// `[value]`, what the values should have been.
    #[serde(with = "bits")]
    pub(crate) returns: Vec<f32>,
}

impl Sample {
    /// The answer as a loss sees it. Where tokens have advantages of their own, it has none.
    pub(crate) fn completion(&self) -> PolicyCompletion {
        let advantage = match self.advantages.as_slice() {
            [advantage] => *advantage,
            _ => 0.0,
        };
        PolicyCompletion { num_tokens: self.ids.len(), advantage, is_truncated: !self.is_finished }
    }
}

/// The answers of one sampling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Generation {
    /// Its number, from 0.
    pub(crate) index: u64,
    /// Question after question, `group_size` each.
    pub(crate) samples: Vec<Sample>,
    pub(crate) group_size: usize,
    /// Whether each token has an advantage of its own.
    pub(crate) has_token_advantages: bool,
}

impl Generation {
    /// Questions that were asked; one that came twice counts twice.
    pub(crate) fn num_groups(&self) -> usize {
        self.samples.len() / self.group_size
    }

    /// The answers to some of the questions.
    pub(crate) fn of_groups(&self, groups: &[usize]) -> Vec<&Sample> {
        let range = |group: &usize| group * self.group_size..(group + 1) * self.group_size;
        groups.iter().flat_map(|group| &self.samples[range(group)]).collect()
    }
}

/// Numbers as their bits, so that they come back as they were, NaN included.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(list: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|number| number.to_bits()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<f32>, D::Error> {
        let bits: Vec<u32> = Vec::deserialize(deserializer)?;
        Ok(bits.into_iter().map(f32::from_bits).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_comes_back_bit_for_bit() {
        let sample = Sample {
            question: 3,
            ids: vec![7, 9],
            sampling_log_probs: vec![-0.1, f32::NEG_INFINITY],
            returns: vec![f32::MIN_POSITIVE / 3.0, 1.0 / 3.0],
            advantages: vec![0.1],
            ..Sample::default()
        };
        let generation = Generation {
            index: 4,
            samples: vec![sample],
            group_size: 1,
            has_token_advantages: false,
        };
        let text = serde_json::to_string(&generation).expect("plain data");
        let back: Generation = serde_json::from_str(&text).expect("it was written so");
        assert_eq!(back, generation);
        assert_eq!(back.samples[0].completion().advantage.to_bits(), 0.1_f32.to_bits());
    }
}
