//! SFT: supervised fine-tuning on the answers.

use forethought_model::{LoraConfig, ScoredRow, load};
use forethought_schema::PromptCompletion;
use forethought_seed::Seed;
use forethought_sft::SftConfig;
use forethought_tokenize::{Encoded, Encoder, Overflow};
use forethought_train::{BatchError, BatchSource, StepBatches, TrainConfig};
use serde::{Deserialize, Serialize};

use super::model::base_folder;
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::read_lines;
use crate::config::Problem;
use crate::examples::{completion_of, encode_examples};
use crate::learner::{SftInput, SftLearner};
use crate::order::Order;
use crate::training::{self, Training, Wrapping};

/// Settings of the SFT stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SftStage {
    /// Passes over the training examples, at least 1. Default 3 (transformers).
    #[serde(default = "default_epochs")]
    pub num_train_epochs: usize,
    /// Examples of one micro-batch, at least 1. Default 8 (transformers).
    #[serde(default = "default_batch")]
    pub per_device_train_batch_size: usize,
    /// Micro-batches of one optimiser step, at least 1. Default 1 (transformers).
    #[serde(default = "default_accumulation")]
    pub gradient_accumulation_steps: usize,
    /// The longest example, in tokens of prompt and completion. Default 700, the cutoff of the source pipeline.
    #[serde(default = "default_max_length")]
    pub max_length: usize,
    /// What happens to longer ones: `error`, `drop`, or `truncate`, which keeps their first tokens. Default `error`.
    #[serde(default = "default_overflow")]
    pub on_overflow: Overflow,
    /// The hyper-parameters of the optimiser and its schedule.
    #[serde(default)]
    pub training: TrainConfig,
    /// The loss.
    #[serde(default)]
    pub loss: SftConfig,
    /// Low-rank adapters to train instead of the full weights.
    #[serde(default)]
    pub lora: Option<LoraConfig>,
}

fn default_epochs() -> usize {
    3
}
fn default_batch() -> usize {
    8
}
fn default_accumulation() -> usize {
    1
}
fn default_overflow() -> Overflow {
    Overflow::Error
}
fn default_max_length() -> usize {
    700
}

impl SftStage {
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let counts = [
            ("num_train_epochs", self.num_train_epochs),
            ("per_device_train_batch_size", self.per_device_train_batch_size),
            ("gradient_accumulation_steps", self.gradient_accumulation_steps),
            ("max_length", self.max_length),
        ];
        training::problems(&counts, &self.training, self.lora.as_ref())
    }

    /// Writes the folder `model` and `history.jsonl`.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let folder = base_folder(context)?;
        let encoder = Encoder::open(&folder)?;
        let examples: Vec<PromptCompletion> = read_lines(&context.input("convert", "train.jsonl"))?;
        let (encoded, ledger) =
            encode_examples(&encoder, &examples, self.max_length, self.on_overflow)?;
        crate::artifact::write_json(&context.staging.join("ledger.json"), &ledger)?;
        training::require_any("sft", encoded.len(), ("max_length", self.max_length))?;
        let training = Training {
            stage: "sft",
            config: &self.training,
            lora: self.lora.as_ref(),
            encoder: &encoder,
            start: load(&folder, &context.device.clone().autodiff())?.decoder,
        };
        let source = self.source(context, encoded);
        let loss = self.loss.init();
        let wrapping = Wrapping {
            wrap: |decoder| SftLearner::new(decoder, loss),
            unwrap: |learner: SftLearner| learner.decoder,
        };
        training.run(context, source, wrapping)
    }

    fn source(&self, context: &Context<'_>, examples: Vec<Encoded>) -> SftSource {
        let step_size = self.per_device_train_batch_size * self.gradient_accumulation_steps;
        SftSource {
            order: Order::new(context.seed, examples.len(), step_size),
            examples,
            batch_size: self.per_device_train_batch_size,
            num_epochs: self.num_train_epochs,
            seed: context.seed,
        }
    }
}

/// The micro-batches of supervised fine-tuning.
struct SftSource {
    examples: Vec<Encoded>,
    order: Order,
    batch_size: usize,
    num_epochs: usize,
    seed: Seed,
}

impl BatchSource<SftLearner> for SftSource {
    fn num_steps(&self) -> u64 {
        (self.order.steps_per_epoch() * self.num_epochs) as u64
    }

    fn batches(&mut self, step: u64, _: &SftLearner) -> Result<StepBatches<SftInput>, BatchError> {
        let chosen = self.order.examples(usize::try_from(step)?).to_vec();
        let rows: Vec<ScoredRow> =
            chosen.chunks(self.batch_size).map(|batch| self.row(batch)).collect();
        let num_step_tokens = rows.iter().map(ScoredRow::num_scored).sum();
        let num_tokens = rows.iter().map(ScoredRow::num_tokens).sum();
        let inputs = rows.into_iter().enumerate().map(|(index, row)| {
            let dropout = training::dropout_seed(self.seed, step, index);
            SftInput { row, num_step_tokens, dropout }
        });
        let inputs = inputs.collect();
        let description = format!("training examples {chosen:?}");
        Ok(StepBatches { inputs, num_tokens, description, metrics: Vec::new() })
    }
}

impl SftSource {
    fn row(&self, batch: &[usize]) -> ScoredRow {
        let sequences: Vec<_> =
            batch.iter().map(|index| completion_of(&self.examples[*index])).collect();
        ScoredRow::new(&sequences)
    }
}
