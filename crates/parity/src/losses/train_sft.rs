//! Whole runs of `SFTTrainer`: losses, norms and learning rates of every step, and the weights after the last.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use forethought_model::{Decoder, ScoredRow};
use forethought_objective::LossOutput;
use forethought_sft::{SftConfig, SftLoss};
use forethought_train::{
    BatchError, BatchSource, Fitted, Origins, Progress, Resume, Run, StepBatches, StepOutput,
    StopFlag, TrainConfig, fit,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::sft::{self, Inputs};
use crate::Replay;
use crate::check::{Checks, LEARNING_RATE, TRAINED_NORM, TRAINED_WEIGHT, TRAINING_LOSS, Tolerance};
use crate::goldens::{Goldens, Missed};
use crate::gradients::{in_shape, norm, values_of};

#[derive(Debug, Deserialize)]
struct Golden {
    model: String,
    runs: BTreeMap<String, Training>,
}

#[derive(Debug, Deserialize)]
struct Training {
    config: Map<String, Value>,
    micro_batches: Vec<MicroBatch>,
    log_history: Vec<Logged>,
    final_norms: BTreeMap<String, f64>,
}

#[derive(Debug, Deserialize)]
struct MicroBatch {
    inputs: Inputs,
}

/// What the trainer logged of a step; its last entry, about the whole run, has no `loss`.
#[derive(Debug, Deserialize)]
struct Logged {
    loss: Option<f64>,
    grad_norm: Option<f64>,
    learning_rate: Option<f64>,
}

pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let golden: Golden = goldens.json(replay.file)?;
    let folder = replay.file.rsplit_once('/').map_or("", |(folder, _)| folder);
    for (name, training) in &golden.runs {
        let weights = format!("{folder}/train.{name}.final.safetensors");
        replay.case(name, |checks| {
            let fitted = train(goldens.trainable(&golden.model)?, training)?;
            compare_steps(checks, &fitted, &training.log_history);
            compare_weights(checks, goldens, &fitted.model.decoder, training, &weights)
        });
    }
    Ok(())
}

/// Settings of the trainer that say which batches there are; the batches are in the file.
const OF_THE_DATA: [&str; 4] =
    ["gradient_accumulation_steps", "max_length", "train_sampling_strategy", "optim"];

fn train(decoder: Decoder, training: &Training) -> Result<Fitted<Learner>, Missed> {
    let mut settings = training.config.clone();
    let accumulation = settings.get("gradient_accumulation_steps").and_then(Value::as_u64);
    settings.retain(|name, _| !OF_THE_DATA.contains(&name.as_str()));
    let config = TrainConfig::deserialize(Value::Object(settings))
        .map_err(|error| Missed::NotRun(error.to_string()))?;
    let rows = training.micro_batches.iter().map(|batch| batch.inputs.row()).collect();
    let source = Rows { rows, accumulation: usize::try_from(accumulation.unwrap_or(1))? };
    let folder = tempfile::tempdir()?;
    let run = Run {
        folder: folder.path(),
        stage: "train_sft",
        config_hash: "parity",
        origins: &Origins::default(),
        resume: Resume::Fresh,
        stop: &StopFlag::default(),
        replicas: &[],
        progress: Progress::Silent,
        shown: str::to_owned,
        tensorboard: None,
    };
    let learner = Learner { decoder, loss: SftConfig::default().init()? };
    Ok(fit(learner, source, &config.init()?, &run)?)
}

fn compare_steps(checks: &mut Checks, fitted: &Fitted<Learner>, logged: &[Logged]) {
    let steps: Vec<&Logged> = logged.iter().filter(|entry| entry.loss.is_some()).collect();
    checks.equal("number of steps", &fitted.history.len(), &steps.len());
    for (found, expected) in fitted.history.iter().zip(steps) {
        let mut compare = |what: &str, found: f64, expected: Option<f64>, tolerance: Tolerance| {
            if let Some(expected) = expected {
                checks.number(what, found, expected, tolerance);
            }
        };
        compare("loss", found.loss, expected.loss, TRAINING_LOSS);
        compare("grad_norm", found.grad_norm, expected.grad_norm, TRAINING_LOSS);
        compare("learning_rate", found.learning_rate, expected.learning_rate, LEARNING_RATE);
    }
}

fn compare_weights(
    checks: &mut Checks,
    goldens: &Goldens,
    decoder: &Decoder,
    training: &Training,
    file: &str,
) -> Result<(), Missed> {
    let found = values_of(decoder);
    for (name, &expected) in &training.final_norms {
        let Some((_, values)) = found.get(name) else { continue };
        checks.number(&format!("norm of {name}"), norm(values), expected, norm_tolerance(name));
    }
    if goldens.path(file).is_file() {
        for (name, (shape, expected)) in &goldens.tensors(file)? {
            let Some(found) = in_shape(&found, name, shape) else { continue };
            checks.numbers(name, &found, expected, TRAINED_WEIGHT);
        }
    }
    Ok(())
}

/// A bias of the keys moves all scores of a query alike, so that its gradient is 0 but for rounding, and `AdamW` makes
/// steps of the rounding.
fn norm_tolerance(name: &str) -> Tolerance {
    if name.ends_with("k_proj.bias") { TRAINED_WEIGHT } else { TRAINED_NORM }
}

/// The micro-batches of the file, in its order.
struct Rows {
    rows: Vec<ScoredRow>,
    accumulation: usize,
}

impl BatchSource<Learner> for Rows {
    fn num_steps(&self) -> u64 {
        (self.rows.len() / self.accumulation) as u64
    }

    fn batches(&mut self, step: u64, _model: &Learner) -> Result<StepBatches<Input>, BatchError> {
        let start = usize::try_from(step)? * self.accumulation;
        let rows = &self.rows[start..start + self.accumulation];
        let num_step_tokens = rows.iter().map(ScoredRow::num_scored).sum();
        let input = |row: &ScoredRow| Input { row: row.clone(), num_step_tokens };
        Ok(StepBatches {
            inputs: rows.iter().map(input).collect(),
            num_tokens: rows.iter().map(ScoredRow::num_tokens).sum(),
            description: format!("micro-batches from {start}"),
            metrics: Vec::new(),
            notices: Vec::new(),
        })
    }
}

#[derive(Clone, Debug)]
struct Input {
    row: ScoredRow,
    num_step_tokens: usize,
}

/// A decoder with the supervised loss.
#[derive(Module, Debug)]
struct Learner {
    decoder: Decoder,
    #[module(skip)]
    loss: SftLoss,
}

impl Learner {
    fn forward(&self, input: &Input) -> LossOutput {
        sft::forward(self.loss, &input.row, &self.decoder, input.num_step_tokens)
    }
}

impl TrainStep for Learner {
    type Input = Input;
    type Output = StepOutput;

    fn step(&self, input: Input) -> TrainOutput<StepOutput> {
        let LossOutput { loss, metrics } = self.forward(&input);
        StepOutput::backward(self, loss, input.row.num_scored() as f64, metrics)
    }
}

impl InferenceStep for Learner {
    type Input = Input;
    type Output = StepOutput;

    fn step(&self, input: Input) -> StepOutput {
        let LossOutput { loss, metrics } = self.forward(&input);
        StepOutput { loss, weight: input.row.num_scored() as f64, metrics }
    }
}
