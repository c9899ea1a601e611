//! GRPO: the model answers each question several times and learns from how near the answers come.

mod source;

use std::path::Path;

use forethought_grpo::{GrpoConfig, GrpoLoss};
use forethought_model::{Decoder, LoraConfig, load};
use forethought_reward::{RewardConfig, RewardSet};
use forethought_rollout::Sampling;
use forethought_schema::{LabelledQuestion, PromptCompletion};
use forethought_tokenize::Encoder;
use forethought_train::TrainConfig;
use serde::{Deserialize, Serialize};

use super::links::{Inputs, POLICIES};
use super::model::model_folder;
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{read_lines, write_json};
use crate::config::Problem;
use crate::examples::encode_prompts;
use crate::learner::Learner;
use crate::order::Order;
use crate::training::{self, Training, problem};
use source::{GrpoSource, Question};

/// Settings of the GRPO stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrpoStage {
    /// What the stage is called, for several of its kind in one pipeline. Default: its kind.
    #[serde(default)]
    pub name: Option<String>,
    /// The stage whose model it starts from. Default: the nearest stage before it that trains a policy, else `model`.
    #[serde(default)]
    pub from: Option<String>,
    /// Passes over the training questions, at least 1. Default 3 (transformers).
    #[serde(default = "default_epochs")]
    pub num_train_epochs: usize,
    /// Questions of one optimiser step, at least 1. Default 8.
    #[serde(default = "default_prompts")]
    pub prompts_per_step: usize,
    /// Questions of one micro-batch, at least 1; bounds memory and changes no result. Default 8.
    #[serde(default = "default_prompts")]
    pub prompts_per_micro_batch: usize,
    /// Answers to each question, at least 2: their rewards are compared with each other. Default 8 (TRL).
    #[serde(default = "default_generations")]
    pub num_generations: usize,
    /// The longest question, in tokens with its instruction; longer ones are left out and counted. Default 1,024, as in
    /// the source pipeline.
    #[serde(default = "default_max_prompt_length")]
    pub max_prompt_length: usize,
    /// How answers are drawn; the temperature is also that of the trained policy, so it must not be 0. Default:
    /// temperature 1, at most 20 tokens.
    #[serde(default)]
    pub sampling: Sampling,
    /// What an answer is worth; the field `label` is the true class.
    pub rewards: Vec<RewardConfig>,
    /// Sampled answers are written to `completions/` every so many steps, at least 1. Default 10.
    #[serde(default = "default_log_completions")]
    pub log_completions_steps: u64,
    /// The hyper-parameters of the optimiser and its schedule.
    #[serde(default)]
    pub training: TrainConfig,
    /// The loss.
    #[serde(default)]
    pub loss: GrpoConfig,
    /// Low-rank adapters to train instead of the full weights.
    #[serde(default)]
    pub lora: Option<LoraConfig>,
}

fn default_epochs() -> usize {
    3
}
fn default_prompts() -> usize {
    8
}
fn default_generations() -> usize {
    8
}
fn default_max_prompt_length() -> usize {
    1024
}
fn default_log_completions() -> u64 {
    10
}

impl GrpoStage {
    pub(super) fn inputs<'a>(&'a self, inputs: Inputs<'a>) -> Result<Inputs<'a>, Problem> {
        let inputs = inputs.need(&["model", "balance", "convert"])?;
        match self.from.as_deref() {
            None => Ok(inputs.nearest(&POLICIES)),
            from => inputs.pick("from", from, &POLICIES),
        }
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let counts = [
            ("num_train_epochs", self.num_train_epochs),
            ("prompts_per_step", self.prompts_per_step),
            ("prompts_per_micro_batch", self.prompts_per_micro_batch),
            ("max_prompt_length", self.max_prompt_length),
            ("log_completions_steps", usize::from(self.log_completions_steps > 0)),
        ];
        let mut problems = training::problems(&counts, &self.training, self.lora.as_ref());
        if self.num_generations < 2 {
            let message = format!("must be at least 2, got {}", self.num_generations);
            problems.push(("num_generations".to_owned(), message));
        }
        if self.sampling.temperature == 0.0 {
            let message = "must be greater than 0: equal answers teach nothing".to_owned();
            problems.push(("sampling.temperature".to_owned(), message));
        }
        let sampling =
            self.sampling.validate().err().map(|error| problem("sampling", &error.to_string()));
        let loss = self.loss.init().err().map(|error| problem("loss", &error.to_string()));
        let rewards = RewardSet::new(&self.rewards).err();
        let rewards = rewards.map(|error| ("rewards".to_owned(), error.to_string()));
        problems.into_iter().chain(sampling).chain(loss).chain(rewards).collect()
    }

    /// Writes the folder `model`, `history.jsonl` and `ledger.json`.
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let failed = |message: String| PipelineError::stage(context.name, message);
        let start = context.before.pick(self.from.as_deref(), &POLICIES);
        let folder = model_folder(context, start)?;
        let encoder = Encoder::open(&folder)?;
        let questions = self.questions(context, &encoder)?;
        let loss = self.loss.init().map_err(|error| failed(error.to_string()))?;
        let start = load(&folder, &context.device.clone().autodiff())?.decoder;
        let source = GrpoSource {
            order: Order::new(context.seed, questions.len(), self.prompts_per_step),
            questions,
            rewards: RewardSet::new(&self.rewards).map_err(|error| failed(error.to_string()))?,
            reference: reference(&loss, context, &folder)?,
            loss,
            stage: self.clone(),
            encoder: Encoder::open(&folder)?,
            seed: context.seed,
            completions: context.folder.root().join("completions"),
        };
        let training = Training { config: &self.training, encoder: &encoder };
        let decoder = training::adapted(start, self.lora.as_ref(), context)?;
        training.run(context, Learner::new(decoder), source)
    }

    /// The training questions with their true classes.
    fn questions(
        &self,
        context: &Context<'_>,
        encoder: &Encoder,
    ) -> Result<Vec<Question>, PipelineError> {
        let examples: Vec<PromptCompletion> = read_lines(&context.input("convert", "train.jsonl"))?;
        let labelled: Vec<LabelledQuestion> = read_lines(&context.input("balance", "train.jsonl"))?;
        let prompts = encode_prompts(encoder, &examples)?;
        let read = prompts.len();
        let pairs = prompts.into_iter().zip(labelled);
        let questions: Vec<Question> =
            pairs.map(|(prompt, one)| Question { prompt, class: one.class }).collect();
        let (kept, dropped): (Vec<_>, Vec<_>) =
            questions.into_iter().partition(|one| one.prompt.len() <= self.max_prompt_length);
        let lengths: Vec<usize> = dropped.iter().map(|one| one.prompt.len()).collect();
        let ledger = serde_json::json!({"read": read, "kept": kept.len(), "dropped_longer_than_max_prompt_length": lengths});
        write_json(&context.staging.join("ledger.json"), &ledger)?;
        training::require_any(
            context.name,
            kept.len(),
            ("max_prompt_length", self.max_prompt_length),
        )?;
        Ok(kept)
    }
}

/// The frozen start of the training, where the loss measures the distance from it.
fn reference(
    loss: &GrpoLoss,
    context: &Context<'_>,
    folder: &Path,
) -> Result<Option<Decoder>, PipelineError> {
    loss.needs_reference().then(|| Ok(load(folder, context.device)?.decoder)).transpose()
}
