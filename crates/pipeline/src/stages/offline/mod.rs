//! Learning from examples: one stage for every method that is given what to learn from, whatever its loss.

mod examples;
mod methods;
mod preferences;
mod reference;
mod scores;
mod supervised;
mod unpaired;

use forethought_dataset::Ledger;
use forethought_dpo::DpoConfig;
use forethought_kto::KtoConfig;
use forethought_model::{Decoder, DecoderConfig, FreezeConfig, LoraConfig};
use forethought_orpo::OrpoConfig;
use forethought_reward_model::RewardModelConfig;
use forethought_seed::Seed;
use forethought_sft::SftConfig;
use forethought_tokenize::{Encoder, Overflow};
use forethought_train::{BatchError, BatchRow, BatchSource, Cursor, StepBatches, TrainConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::links::{Inputs, POLICIES};
use super::model::{architecture, model_folder};
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::read_json;
use crate::config::Problem;
use crate::examples::kept_lines;
use crate::learner::{Input, Learner, Task};
use crate::memory::{Load, Logits, Lowerable, Reference, Sizes};
use crate::order::Order;
use crate::training::{self, Training, problem};
use crate::tuning::{Base, Tuning};
use examples::{Examples, Reading};

/// Settings of a stage that learns from examples; `L` is the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    bound = "L: JsonSchema + serde::de::DeserializeOwned + Serialize",
    rename = "StageOf{L}"
)]
pub struct OfflineStage<L> {
    /// What the stage is called, for several of its kind in one pipeline. Default: its kind.
    #[serde(default)]
    pub name: Option<String>,
    /// The stage whose model it starts from. Default: for `sft` the stage `model`, else the nearest stage before it that
    /// trains a policy.
    #[serde(default)]
    pub from: Option<String>,
    /// The stage whose examples it reads. Default: the nearest one before it that makes examples of the right kind.
    #[serde(default)]
    pub data: Option<String>,
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
    #[serde(default = "crate::config::of_nothing::<L>")]
    pub loss: L,
    /// Low-rank adapters to train instead of the full weights.
    #[serde(default)]
    pub lora: Option<LoraConfig>,
    /// The layers to train instead of all.
    #[serde(default)]
    pub freeze: Option<FreezeConfig>,
    /// How the weights under adapters are held: `f32`, `nf4` or `int8`. Default `f32`.
    #[serde(default)]
    pub base: Base,
}

/// Supervised fine-tuning.
pub type SftStage = OfflineStage<SftConfig>;
/// Direct preference optimisation and its relatives.
pub type DpoStage = OfflineStage<DpoConfig>;
/// Kahneman-Tversky optimisation: pairs taken apart.
pub type KtoStage = OfflineStage<KtoConfig>;
/// Training of a reward model.
pub type RewardStage = OfflineStage<RewardModelConfig>;
/// Odds-ratio preference optimisation, without a reference.
pub type OrpoStage = OfflineStage<OrpoConfig>;

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

/// What sets one of these methods apart from the others.
pub(super) trait OfflineMethod {
    /// The kinds of stages whose examples it can read.
    fn data(&self) -> &'static [&'static str];

    /// The kinds of stages whose model it starts from unless told.
    fn start(&self) -> &'static [&'static str] {
        &POLICIES
    }

    /// What is wrong with the settings of the loss.
    fn problem(&self) -> Option<String>;

    /// The logits that a step holds.
    fn logits(&self) -> Logits {
        Logits::Chunk
    }

    /// What is trained, of the model that training starts from.
    fn learner(
        &self,
        decoder: Decoder,
        tuning: Tuning<'_>,
        _encoder: &Encoder,
        context: &Context<'_>,
    ) -> Result<Learner, PipelineError> {
        Ok(Learner::new(tuning.policy(decoder, context)?, None))
    }

    /// Reads the examples, and finds out about them whatever has to be known before the first step.
    fn examples(&self, reading: &Reading<'_>) -> Result<Box<dyn Examples>, PipelineError>;
}

/// Each takes the stage's own loss as the method that it is.
impl<L> OfflineStage<L> {
    /// What is trained.
    fn tuning(&self) -> Tuning<'_> {
        Tuning { lora: self.lora.as_ref(), freeze: self.freeze.as_ref(), base: self.base }
    }

    pub(super) fn inputs<'a>(
        &'a self,
        method: &dyn OfflineMethod,
        inputs: Inputs<'a>,
    ) -> Result<Inputs<'a>, Problem> {
        let from = self.from.as_deref();
        let inputs = inputs.need(&["model"])?.pick("data", self.data.as_deref(), method.data())?;
        match from {
            None => Ok(inputs.nearest(method.start())),
            Some(_) => inputs.pick("from", from, &POLICIES),
        }
    }

    pub(super) fn problems(&self, method: &dyn OfflineMethod) -> Vec<Problem> {
        let counts = [
            ("num_train_epochs", self.num_train_epochs),
            ("per_device_train_batch_size", self.per_device_train_batch_size),
            ("gradient_accumulation_steps", self.gradient_accumulation_steps),
            ("max_length", self.max_length),
        ];
        let mut problems = training::problems(&counts, &self.training, self.tuning());
        problems.extend(method.problem().map(|message| problem("loss", &message)));
        problems
    }

    /// Writes the folder `model`, `history.jsonl` and `ledger.json`.
    pub(super) fn run(
        &self,
        method: &dyn OfflineMethod,
        context: &Context<'_>,
    ) -> Result<Done, PipelineError> {
        training::prepare(context)?;
        let start = context.before.pick(self.from.as_deref(), method.start());
        let folder = model_folder(context, start)?;
        let encoder = Encoder::open(&folder)?;
        let mut sizes = self.sizes(method, architecture(context, &folder)?);
        sizes.require_room(context)?;
        let decoder = self.tuning().load(&folder, context)?;
        let reading = Reading {
            context,
            encoder: &encoder,
            start: &decoder,
            data: context.before.pick(self.data.as_deref(), method.data()).unwrap_or_default(),
            max_length: self.max_length,
            on_overflow: self.on_overflow,
            batch_size: self.per_device_train_batch_size,
        };
        let examples = method.examples(&reading)?;
        let ledger: Ledger = read_json(&context.staging.join("ledger.json"))?;
        let file = reading.file();
        let step_size = self.per_device_train_batch_size * self.gradient_accumulation_steps;
        let mut source = OfflineSource {
            order: Order::new(context.seed, examples.len(), step_size),
            examples,
            batch_size: self.per_device_train_batch_size,
            num_epochs: self.num_train_epochs,
            seed: context.seed,
            encoder: Encoder::open(&folder)?,
            file,
            lines: kept_lines(&ledger),
        };
        sizes.load = source.load(self.training.max_steps);
        let training = Training { config: &self.training, encoder: &encoder, sizes };
        let learner = method.learner(decoder, self.tuning(), &encoder, context)?;
        training.run(context, learner, source)
    }
}

impl<L> OfflineStage<L> {
    /// What the memory of the stage follows from, without its examples.
    fn sizes(&self, method: &dyn OfflineMethod, architecture: DecoderConfig) -> Sizes<'_> {
        Sizes {
            architecture,
            tuning: self.tuning(),
            load: Load::default(),
            micro_batches: self.gradient_accumulation_steps,
            // The reference has said what it says before the first step.
            reference: Reference::None,
            has_critic: false,
            logits: method.logits(),
            sampling: None,
            lowerable: Lowerable {
                at_once: Some(("per_device_train_batch_size", self.per_device_train_batch_size)),
                length: ("max_length", self.max_length),
                lora: self.lora.as_ref(),
            },
        }
    }
}

/// The micro-batches of a run over examples.
struct OfflineSource {
    examples: Box<dyn Examples>,
    order: Order,
    batch_size: usize,
    num_epochs: usize,
    seed: Seed,
    /// Turns ids back into text.
    encoder: Encoder,
    /// The file of the records, in the artifacts of the run.
    file: String,
    /// The line of each record that was kept, from 1.
    lines: Vec<usize>,
}

/// Micro-batches that are packed to find the largest one.
const MEASURED: usize = 16;

impl OfflineSource {
    /// The largest micro-batch of the run: of those with the most tokens, before shared ones are counted once, the largest
    /// as they are packed.
    fn load(&mut self, max_steps: Option<u64>) -> Load {
        let num_steps = self.order.steps_per_epoch() * self.num_epochs;
        let limit = max_steps.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(num_steps);
        let lengths: Vec<usize> = (0..self.examples.len())
            .map(|index| self.examples.sequences(index).iter().map(|ids| ids.len()).sum())
            .collect();
        let mut micro_batches: Vec<(usize, Vec<usize>)> = Vec::new();
        for step in 0..num_steps.min(limit) {
            for chosen in self.order.examples(step).chunks(self.batch_size) {
                micro_batches.push((chosen.iter().map(|one| lengths[*one]).sum(), chosen.to_vec()));
            }
            if micro_batches.len() > 1024 {
                keep_longest(&mut micro_batches);
            }
        }
        keep_longest(&mut micro_batches);
        let mut largest = Load::default();
        for (_, chosen) in &micro_batches {
            // A check has fewer examples than a micro-batch may have.
            let scaled = |task: &Task| task.load().scaled(self.batch_size, chosen.len());
            let tasks = self.examples.step(&[chosen]);
            largest = tasks.iter().map(scaled).fold(largest, Load::max);
        }
        largest
    }
}

/// Keeps the micro-batches with the most tokens.
fn keep_longest(micro_batches: &mut Vec<(usize, Vec<usize>)>) {
    micro_batches.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    micro_batches.truncate(MEASURED);
}

impl BatchSource<Learner> for OfflineSource {
    fn num_steps(&self) -> u64 {
        (self.order.steps_per_epoch() * self.num_epochs) as u64
    }

    fn batches(&mut self, step: u64, _: &Learner) -> Result<StepBatches<Input>, BatchError> {
        let chosen = self.order.examples(usize::try_from(step)?).to_vec();
        let micro_batches: Vec<&[usize]> = chosen.chunks(self.batch_size).collect();
        let tasks = self.examples.step(&micro_batches);
        let num_tokens = tasks.iter().map(Task::num_tokens).sum();
        let epoch = (step + 1) as f64 / self.order.steps_per_epoch() as f64;
        let num_scored: usize = tasks.iter().map(Task::num_scored).sum();
        let metrics =
            vec![("epoch".to_owned(), epoch), ("num_scored_tokens".to_owned(), num_scored as f64)];
        let inputs = tasks.into_iter().enumerate().map(|(index, task)| {
            let dropout = training::dropout_seed(self.seed, step, index);
            Input { task, dropout }
        });
        let inputs = inputs.collect();
        let description = format!("training examples {chosen:?}");
        let notices = Vec::new();
        Ok(StepBatches { inputs, num_tokens, description, metrics, notices })
    }

    fn cursor(&self, step: u64) -> Option<Cursor> {
        Some(self.order.cursor(step))
    }

    fn rows(&mut self, step: u64) -> Result<Vec<BatchRow>, BatchError> {
        let chosen = self.order.examples(usize::try_from(step)?).to_vec();
        let mut rows = Vec::new();
        for index in chosen {
            let line = self.lines.get(self.examples.record(index)).copied().unwrap_or_default();
            for ids in self.examples.sequences(index) {
                let text = self.encoder.decode_with_specials(ids)?;
                rows.push(BatchRow { id: format!("{}:{line}", self.file), text });
            }
        }
        Ok(rows)
    }

    fn state(&self) -> Option<String> {
        self.examples.state()
    }

    fn restore(&mut self, state: &str) -> Result<(), BatchError> {
        self.examples.restore(state)
    }
}
