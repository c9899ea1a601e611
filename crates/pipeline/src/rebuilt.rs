//! A source of batches that is watched: it stops the run after a step, and keeps what that step was made of.

use std::sync::{Arc, Mutex, PoisonError};

use forethought_train::{BatchError, BatchRow, BatchSource, Cursor, Signal, StepBatches, StopFlag};

use crate::learner::{Input, Learner, Task};

/// What a step was trained on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The rows of the data, in words.
    pub description: String,
    /// Micro-batches.
    pub num_micro_batches: usize,
    /// Tokens that the model read.
    pub num_tokens: usize,
    /// Tokens that the loss is made of.
    pub num_scored: usize,
    /// The advantage of each completion, where the method has advantages.
    pub advantages: Vec<f32>,
}

/// Where a [`Watched`] source leaves the batch.
pub(crate) type Kept = Arc<Mutex<Option<Batch>>>;

/// A source that raises a flag when it makes the batch of a step.
pub(crate) struct Watched<S> {
    pub(crate) source: S,
    /// The step, counted from 0.
    pub(crate) index: u64,
    pub(crate) stop: StopFlag,
    pub(crate) kept: Kept,
}

impl<S: BatchSource<Learner>> BatchSource<Learner> for Watched<S> {
    fn num_steps(&self) -> u64 {
        self.source.num_steps()
    }

    fn batches(&mut self, step: u64, model: &Learner) -> Result<StepBatches<Input>, BatchError> {
        let batches = self.source.batches(step, model)?;
        if step == self.index {
            // The step itself is still done: the flag is looked at before the next one.
            self.stop.raise(Signal::Interrupt);
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(batch(&batches));
        }
        Ok(batches)
    }

    fn cursor(&self, step: u64) -> Option<Cursor> {
        self.source.cursor(step)
    }

    fn rows(&mut self, step: u64) -> Result<Vec<BatchRow>, BatchError> {
        self.source.rows(step)
    }

    fn state(&self) -> Option<String> {
        self.source.state()
    }

    fn restore(&mut self, state: &str) -> Result<(), BatchError> {
        self.source.restore(state)
    }
}

fn batch(batches: &StepBatches<Input>) -> Batch {
    let policies = batches.inputs.iter().filter_map(|input| match &input.task {
        Task::Policy(policy) => Some(policy),
        _ => None,
    });
    let advantages = policies.flat_map(|policy| policy.completions.iter().map(|one| one.advantage));
    Batch {
        description: batches.description.clone(),
        num_micro_batches: batches.inputs.len(),
        num_tokens: batches.num_tokens,
        num_scored: batches.inputs.iter().map(|input| input.task.num_scored()).sum(),
        advantages: advantages.collect(),
    }
}
