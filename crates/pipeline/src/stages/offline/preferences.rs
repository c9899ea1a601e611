//! Pairs of completions, of which one is preferred: for losses over their log-probabilities.

use std::sync::{Arc, PoisonError};

use forethought_model::ScoredRow;
use forethought_objective::{PairLengths, PreferenceLoss, PreferenceTotals, RewardBaseline};
use forethought_train::BatchError;

use super::examples::{EncodedPair, Examples, Reading, read_pairs};
use super::reference;
use crate::PipelineError;
use crate::examples::completion_of;
use crate::learner::{Baseline, Loss, Preference, Task};

/// Reads the pairs, and what the reference makes of them where the loss asks for it.
pub(super) fn examples(
    reading: &Reading<'_>,
    loss: Arc<dyn PreferenceLoss + Send + Sync>,
) -> Result<Box<dyn Examples>, PipelineError> {
    let pairs = read_pairs(reading)?;
    let reference = if loss.needs_reference() {
        let sequences: Vec<_> = pairs.iter().flat_map(EncodedPair::sides).collect();
        let lists = reference::log_probs(reading, "reference", &sequences)?;
        let pairs = lists.chunks_exact(2).map(|pair| [pair[0].clone(), pair[1].clone()]);
        Some(pairs.collect())
    } else {
        None
    };
    Ok(Box::new(Compared { pairs, loss, reference, baseline: Baseline::default() }))
}

/// Pairs and their reference.
struct Compared {
    pairs: Vec<EncodedPair>,
    loss: Arc<dyn PreferenceLoss + Send + Sync>,
    /// Of the chosen and the rejected completion of each pair, `[token]`.
    reference: Option<Vec<[Vec<f32>; 2]>>,
    baseline: Baseline,
}

impl Examples for Compared {
    fn len(&self) -> usize {
        self.pairs.len()
    }

    fn step(&mut self, micro_batches: &[&[usize]]) -> Vec<Task> {
        let lengths: Vec<Vec<PairLengths>> =
            micro_batches.iter().map(|batch| self.lengths(batch)).collect();
        let slices: Vec<&[PairLengths]> = lengths.iter().map(Vec::as_slice).collect();
        let totals = PreferenceTotals::of(&slices);
        let prompt_tokens = |index: &usize| self.pairs[*index].chosen.completion_start() - 1;
        let num_prompt_tokens = micro_batches.iter().copied().flatten().map(prompt_tokens).sum();
        let num_prompt_tokens = self.loss.needs_prompt().then_some(num_prompt_tokens);
        let task = |(batch, pairs): (&&[usize], Vec<PairLengths>)| {
            Task::Preference(Preference {
                row: self.row(batch),
                loss: Loss(self.loss.clone()),
                pairs,
                totals,
                reference_log_probs: self.reference(batch),
                num_prompt_tokens,
                baseline: self.baseline.clone(),
            })
        };
        micro_batches.iter().zip(lengths).map(task).collect()
    }

    fn sequences(&self, index: usize) -> Vec<&[u32]> {
        self.pairs[index].sides().map(|(ids, _)| ids).into()
    }

    /// The running mean, from the start on: a step may be taken back to where there was none.
    fn state(&self) -> Option<String> {
        let baseline = *self.baseline.lock().unwrap_or_else(PoisonError::into_inner);
        let RewardBaseline { mean, num_micro_batches } = baseline;
        Some(format!("{:016x} {num_micro_batches}", mean.to_bits()))
    }

    fn restore(&mut self, state: &str) -> Result<(), BatchError> {
        let (bits, count) = state.split_once(' ').ok_or("two numbers are missing")?;
        let mean = f64::from_bits(u64::from_str_radix(bits, 16)?);
        let baseline = RewardBaseline { mean, num_micro_batches: count.parse()? };
        *self.baseline.lock().unwrap_or_else(PoisonError::into_inner) = baseline;
        Ok(())
    }
}

impl Compared {
    fn lengths(&self, batch: &[usize]) -> Vec<PairLengths> {
        batch.iter().map(|index| self.pairs[*index].lengths()).collect()
    }

    /// All chosen completions, then all rejected ones, then the prompts before the chosen ones where the loss wants them:
    /// packed, they are tokens that stand there already.
    fn row(&self, batch: &[usize]) -> ScoredRow {
        let pairs = || batch.iter().map(|index| &self.pairs[*index]);
        let mut sequences: Vec<_> = pairs().map(|pair| completion_of(&pair.chosen)).collect();
        sequences.extend(pairs().map(|pair| completion_of(&pair.rejected)));
        if self.loss.needs_prompt() {
            let prompts = pairs().map(|pair| (pair.prompt(), 1));
            sequences.extend(prompts);
        }
        ScoredRow::new(&sequences)
    }

    fn reference(&self, batch: &[usize]) -> Option<Vec<f32>> {
        let reference = self.reference.as_ref()?;
        let side =
            |side: usize| batch.iter().flat_map(move |index| reference[*index][side].clone());
        Some(side(0).chain(side(1)).collect())
    }
}
