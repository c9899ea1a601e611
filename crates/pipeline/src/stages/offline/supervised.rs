//! SFT: the examples are answers to imitate.

use std::sync::Arc;

use forethought_model::ScoredRow;
use forethought_schema::PromptCompletion;
use forethought_sft::{SftConfig, SftLoss};
use forethought_tokenize::Encoded;

use super::OfflineMethod;
use super::examples::{Examples, Reading};
use crate::PipelineError;
use crate::artifact::{read_lines, write_json};
use crate::examples::{completion_of, encode_examples};
use crate::learner::{Loss, Supervised, Task};

impl OfflineMethod for SftConfig {
    fn data(&self) -> &'static [&'static str] {
        &["convert"]
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
        let examples: Vec<PromptCompletion> = read_lines(&path)?;
        let (encoded, ledger) = encode_examples(context.name, &examples, reading.limit())?;
        write_json(&context.staging.join("ledger.json"), &ledger)?;
        let loss = self.init().map_err(|error| reading.failed(error))?;
        Ok(Box::new(Answers { examples: encoded, loss }))
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
        let sequences: Vec<_> =
            batch.iter().map(|index| completion_of(&self.examples[*index])).collect();
        ScoredRow::new(&sequences)
    }
}
