//! A source of batches that somebody looks at.

use forethought_train::{BatchError, BatchRow, BatchSource, Cursor, StepBatches};

use crate::learner::{Input, Learner};

/// A source whose batches are shown, each with its step counted from 0, before they are trained on.
pub(crate) struct Observed<S, F> {
    pub(crate) source: S,
    pub(crate) observe: F,
}

impl<S, F> BatchSource<Learner> for Observed<S, F>
where
    S: BatchSource<Learner>,
    F: FnMut(u64, &mut StepBatches<Input>),
{
    fn num_steps(&self) -> u64 {
        self.source.num_steps()
    }

    fn batches(&mut self, step: u64, learner: &Learner) -> Result<StepBatches<Input>, BatchError> {
        let mut batches = self.source.batches(step, learner)?;
        (self.observe)(step, &mut batches);
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
