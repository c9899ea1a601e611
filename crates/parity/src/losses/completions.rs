//! Prompts with their completions, as the trainers that sample hold them.

use std::collections::BTreeMap;

use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use forethought_model::{Decoder, ScoredRow, pack};
use forethought_objective::{PolicyCompletion, Rewards};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::check::{Checks, LOSS, Tolerance};
use crate::goldens::Missed;

/// Advantages.
pub(crate) const ADVANTAGE: Tolerance = Tolerance::Absolute(1e-5);

/// Prompts and completions, padded.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Completions {
    prompt_ids: Vec<Vec<u32>>,
    prompt_mask: Vec<Vec<u8>>,
    completion_ids: Vec<Vec<u32>>,
    completion_mask: Vec<Vec<u8>>,
}

impl Completions {
    /// Tokens of each completion that count.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        let pairs = self.completion_ids.iter().zip(&self.completion_mask);
        pairs.map(|(ids, mask)| unpadded(ids, mask).len()).collect()
    }

    /// The entries of a padded list beside tokens that count, one behind the other.
    pub(crate) fn flat(&self, rows: &[Vec<f32>]) -> Vec<f32> {
        let kept = |(row, mask): (&Vec<f32>, &Vec<u8>)| unpadded(row, mask);
        rows.iter().zip(&self.completion_mask).flat_map(kept).collect()
    }

    /// The completions as a loss wants them.
    pub(crate) fn policy(
        &self,
        advantages: &[f32],
        is_truncated: &[bool],
    ) -> Vec<PolicyCompletion> {
        let lengths = self.lengths();
        let each = lengths.iter().zip(advantages).zip(is_truncated);
        each.map(|((num_tokens, advantage), is_truncated)| PolicyCompletion {
            num_tokens: *num_tokens,
            advantage: *advantage,
            is_truncated: *is_truncated,
        })
        .collect()
    }

    /// The prompt of each completion.
    pub(crate) fn prompts(&self) -> Vec<Vec<u32>> {
        let pairs = self.prompt_ids.iter().zip(&self.prompt_mask);
        pairs.map(|(ids, mask)| unpadded(ids, mask)).collect()
    }

    /// Each prompt with its completion, and where the completion begins.
    pub(crate) fn sequences(&self) -> Vec<(Vec<u32>, usize)> {
        let completions = self.completion_ids.iter().zip(&self.completion_mask);
        let joined = |(prompt, (completion, mask)): (Vec<u32>, (&Vec<u32>, &Vec<u8>))| {
            let first = prompt.len();
            ([prompt, unpadded(completion, mask)].concat(), first)
        };
        self.prompts().into_iter().zip(completions).map(joined).collect()
    }
}

fn unpadded<T: Copy>(row: &[T], mask: &[u8]) -> Vec<T> {
    row.iter().zip(mask).filter(|(_, flag)| **flag == 1).map(|(item, _)| *item).collect()
}

/// The row that a decoder scores.
pub(crate) fn scored_row(sequences: &[(Vec<u32>, usize)]) -> ScoredRow {
    let parts: Vec<(&[u32], usize)> =
        sequences.iter().map(|(ids, first)| (ids.as_slice(), *first)).collect();
    ScoredRow::new(&parts)
}

/// Entropies of the distributions of the scored tokens, `[token]`, with their gradient; the whole of the logits is held.
pub(crate) fn entropies(
    decoder: &Decoder,
    sequences: &[(Vec<u32>, usize)],
    temperature: f64,
) -> Tensor<1> {
    let ids: Vec<&[u32]> = sequences.iter().map(|(ids, _)| ids.as_slice()).collect();
    let packed = pack(&ids);
    let before = |(row, (ids, first)): (&Vec<usize>, &(Vec<u32>, usize))| {
        row[first - 1..ids.len() - 1].to_vec()
    };
    let rows: Vec<usize> = packed.rows.iter().zip(sequences).flat_map(before).collect();
    let hidden = decoder.forward(&packed.tokens, None); // [packed token, hidden]
    let hidden = hidden.clone().select(0, int_tensor(&rows, &hidden.device())); // [token, hidden]
    let all = activation::log_softmax(decoder.logits(hidden) / temperature, 1); // [token, vocab]
    (all.clone().exp() * all).sum_dim(1).squeeze_dim::<1>(1).neg()
}

/// Places in a packed row.
pub(crate) fn int_tensor(places: &[usize], device: &Device) -> Tensor<1, Int> {
    let places: Vec<i64> =
        places.iter().map(|place| i64::try_from(*place).expect("a row is short")).collect();
    let count = places.len();
    Tensor::from_data(TensorData::new(places, [count]), device)
}

/// A list of tokens.
pub(crate) fn list(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_floats(values, device)
}

/// Log-probabilities of a model with the numbers of the file, from which they differ by rounding, and with their gradients.
///
/// They are compared by themselves. Ratios that are multiplied over whole completions would make more of that rounding
/// than a loss may be off by.
pub(crate) fn with_numbers(log_probs: Tensor<1>, numbers: &[f32]) -> Tensor<1> {
    let difference = list(numbers, &log_probs.device()) - log_probs.clone().detach(); // [token]
    log_probs + difference
}

/// Numbers of a tensor.
pub(crate) fn values(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// A setting of the trainer that is none of the loss, removed from the others.
pub(crate) fn take_number(settings: &mut Map<String, Value>, name: &str, default: f64) -> f64 {
    settings.remove(name).and_then(|value| value.as_f64()).unwrap_or(default)
}

/// The settings as the config of a loss. What the config does not know is not offered.
pub(crate) fn config<'de, C: Deserialize<'de>>(settings: Map<String, Value>) -> Result<C, Missed> {
    C::deserialize(Value::Object(settings)).map_err(|error| {
        let message = error.to_string();
        let is_unknown = message.starts_with("unknown field");
        if is_unknown { Missed::NotRun(message) } else { Missed::Failed(message) }
    })
}

/// Rewards, one list for each function.
pub(crate) fn columns(rows: &[Vec<Option<f32>>]) -> Vec<Vec<Option<f32>>> {
    let num_functions = rows.first().map_or(0, Vec::len);
    (0..num_functions).map(|function| rows.iter().map(|row| row[function]).collect()).collect()
}

/// How many completions in a row belong to one prompt.
pub(crate) fn group_size<T: PartialEq>(prompts: &[T]) -> usize {
    let first = prompts.first();
    prompts.iter().take_while(|prompt| Some(*prompt) == first).count()
}

/// What a trainer logged of the rewards, in its order.
pub(crate) type Logged = Map<String, Value>;

/// Compares the statistics of rewards with what was logged, by TRL's names.
pub(crate) fn check_rewards(
    checks: &mut Checks,
    rewards: &Rewards,
    [reward, reward_std, frac_reward_zero_std]: [f64; 3],
    logged: &Logged,
) {
    let mut found = BTreeMap::from([
        ("reward".to_owned(), reward),
        ("reward_std".to_owned(), reward_std),
        ("frac_reward_zero_std".to_owned(), frac_reward_zero_std),
    ]);
    let names = logged.keys().filter_map(|key| key.strip_suffix("/mean"));
    let names = names.filter(|name| name.starts_with("rewards/"));
    for (name, summary) in names.zip(rewards.summaries()) {
        found.insert(format!("{name}/mean"), summary.mean);
        found.insert(format!("{name}/std"), summary.std);
    }
    for (name, value) in &found {
        if let Some(expected) = logged.get(name) {
            checks.number(name, *value, expected.as_f64().unwrap_or(f64::NAN), LOSS);
        }
    }
}
