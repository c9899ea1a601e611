//! Completions that are called desirable or not, one by one.

use std::sync::Arc;

use forethought_model::ScoredRow;
use forethought_objective::{UnpairedCompletion, UnpairedLoss};
use forethought_tokenize::Encoded;

use super::examples::{Examples, LabelledCompletions, Reading, read_labelled};
use super::reference;
use crate::PipelineError;
use crate::examples::completion_of;
use crate::learner::{Loss, Task, Unpaired};

/// Takes pairs apart, and reads what the reference makes of both completions of each.
pub(super) fn examples(
    reading: &Reading<'_>,
    loss: Arc<dyn UnpairedLoss + Send + Sync>,
) -> Result<Box<dyn Examples>, PipelineError> {
    let LabelledCompletions { list: completions, records } = read_labelled(reading)?;
    let sequences: Vec<_> = completions.iter().map(|(one, _)| completion_of(one)).collect();
    let reference = reference::log_probs(reading, "reference", &sequences)?;
    let mismatched = if loss.needs_kl() { mismatched(reading, &completions) } else { Vec::new() };
    let sequences: Vec<_> =
        mismatched.iter().map(|(ids, first)| (ids.as_slice(), *first)).collect();
    let sums = reference::log_probs(reading, "reference-mismatched", &sequences)?;
    let sums = sums.iter().map(|list| list.iter().sum::<f32>());
    let mismatched = mismatched.iter().cloned().zip(sums);
    let mismatched =
        mismatched.map(|((ids, first), reference)| Mismatched { ids, first, reference });
    let mismatched = mismatched.collect();
    Ok(Box::new(Labelled { completions, records, loss, reference, mismatched }))
}

/// To each prompt the answer to another, for the estimate of the divergence. Who gets whose is drawn once, so that the
/// reference can be computed once.
fn mismatched(reading: &Reading<'_>, completions: &[(Encoded, bool)]) -> Vec<(Vec<u32>, usize)> {
    let seed = reading.context.seed;
    let mut order: Vec<usize> = (0..completions.len()).collect();
    order.sort_by_key(|index| seed.key("mismatched", &index.to_le_bytes()));
    let prompt = |index: usize| {
        let (ids, first) = completion_of(&completions[index].0);
        &ids[..first]
    };
    let mut other = vec![0; completions.len()];
    for (place, &index) in order.iter().enumerate() {
        let around = order[place + 1..].iter().chain(&order[..place]);
        let is_other = |candidate: &&usize| prompt(**candidate) != prompt(index);
        other[index] = *around.clone().find(is_other).or(around.clone().next()).unwrap_or(&index);
    }
    let join = |(index, other): (usize, usize)| {
        let (ids, first) = completion_of(&completions[other].0);
        ([prompt(index), &ids[first..]].concat(), prompt(index).len())
    };
    other.into_iter().enumerate().map(join).collect()
}

/// Completions and their reference.
struct Labelled {
    /// Each with whether it is desirable.
    completions: Vec<(Encoded, bool)>,
    /// The record that each is of.
    records: Vec<usize>,
    loss: Arc<dyn UnpairedLoss + Send + Sync>,
    /// Of each completion, `[token]`.
    reference: Vec<Vec<f32>>,
    /// Empty where the loss has no use for them.
    mismatched: Vec<Mismatched>,
}

/// A prompt and the answer to another.
struct Mismatched {
    ids: Vec<u32>,
    first: usize,
    /// Log-probability of the whole answer under the reference.
    reference: f32,
}

impl Examples for Labelled {
    fn len(&self) -> usize {
        self.completions.len()
    }

    fn step(&mut self, micro_batches: &[&[usize]]) -> Vec<Task> {
        let num_step_completions = micro_batches.iter().map(|batch| batch.len()).sum();
        let task = |batch: &&[usize]| {
            let mismatched = self.mismatched_of(batch);
            let own = batch.iter().map(|index| completion_of(&self.completions[*index].0));
            let others = mismatched.iter().map(|one| (one.ids.as_slice(), one.first));
            let sequences: Vec<_> = own.chain(others).collect();
            let reference = batch.iter().flat_map(|index| self.reference[*index].clone());
            let others = mismatched.iter().map(|one| (one.ids.len() - one.first, one.reference));
            Task::Unpaired(Unpaired {
                row: ScoredRow::new(&sequences),
                loss: Loss(self.loss.clone()),
                completions: batch.iter().map(|index| self.facts(*index)).collect(),
                num_step_completions,
                reference_log_probs: reference.collect(),
                mismatched: others.collect(),
            })
        };
        micro_batches.iter().map(task).collect()
    }

    fn record(&self, index: usize) -> usize {
        self.records[index]
    }

    fn sequences(&self, index: usize) -> Vec<&[u32]> {
        vec![&self.completions[index].0.ids]
    }
}

impl Labelled {
    fn facts(&self, index: usize) -> UnpairedCompletion {
        let (encoded, is_desirable) = &self.completions[index];
        let num_tokens = encoded.ids.len() - encoded.completion_start();
        UnpairedCompletion { num_tokens, is_desirable: *is_desirable }
    }

    fn mismatched_of(&self, batch: &[usize]) -> Vec<&Mismatched> {
        batch.iter().filter_map(|index| self.mismatched.get(*index)).collect()
    }
}
