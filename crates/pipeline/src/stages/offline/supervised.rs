//! SFT: the examples are answers to imitate.

use std::sync::Arc;

use forethought_model::ScoredRow;
use forethought_schema::Example;
use forethought_sft::{SftConfig, SftLoss};
use forethought_tokenize::Encoded;

use super::examples::{Examples, Reading};
use super::{OfflineMethod, SftStage};
use crate::PipelineError;
use crate::artifact::LineReader;
use crate::examples::{ExampleLine, encode_examples};
use crate::learner::{Loss, Supervised, Task};
use crate::stages::Before;

impl OfflineMethod for SftConfig {
    fn data(&self) -> &'static [&'static str] {
        &["convert", "examples", "problems"]
    }

    fn start(&self) -> &'static [&'static str] {
        &[]
    }

    fn problem(&self) -> Option<String> {
        self.init().err().map(|error| error.to_string())
    }

    fn examples(&self, reading: &Reading<'_>) -> Result<Box<dyn Examples>, PipelineError> {
        let context = reading.context;
        let path = context.input(reading.data, "train.jsonl");
        let lines = LineReader::<ExampleLine>::open(&path)?;
        let examples = lines.map(|line| line.map(Example::from));
        let of = (context.name, &*reading.file());
        let (encoded, ledger) = encode_examples(of, examples, reading.limit())?;
        reading.require_any(&ledger)?;
        context.book(&ledger)?;
        let loss = self.init().map_err(|error| reading.failed(error))?;
        Ok(Box::new(Answers { examples: encoded, loss }))
    }
}

impl SftStage {
    /// The stage whose examples it imitates.
    pub(crate) fn imitates<'a>(&'a self, before: Before<'a>) -> Option<&'a str> {
        before.pick(self.data.as_deref(), self.loss.data())
    }
}

/// Answers to imitate.
struct Answers {
    examples: Vec<Encoded>,
    loss: SftLoss,
}

impl Examples for Answers {
    fn len(&self) -> usize {
        self.examples.len()
    }

    fn step(&mut self, micro_batches: &[&[usize]]) -> Vec<Task> {
        let rows: Vec<ScoredRow> = micro_batches.iter().map(|batch| self.row(batch)).collect();
        let num_step_tokens = rows.iter().map(ScoredRow::num_scored).sum();
        let task = |row| {
            Task::Supervised(Supervised { row, loss: Loss(Arc::new(self.loss)), num_step_tokens })
        };
        rows.into_iter().map(task).collect()
    }

    fn sequences(&self, index: usize) -> Vec<&[u32]> {
        vec![&self.examples[index].ids]
    }
}

impl Answers {
    fn row(&self, batch: &[usize]) -> ScoredRow {
        let sequences = batch.iter().map(|index| &self.examples[*index]);
        let sequences: Vec<(&[u32], &[bool])> =
            sequences.map(|one| (one.ids.as_slice(), one.completion_mask.as_slice())).collect();
        ScoredRow::masked(&sequences)
    }
}
