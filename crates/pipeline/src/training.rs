//! What the training stages share: checks, the run of Burn's learner, and the model folder at its end.

mod aside;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use burn::module::Module as _;
use burn::train::TrainStep as _;
use forethought_dataset::Ledger;
use forethought_model::{
    Decoder, SaveOptions, ScoreModel, save, save_adapter, save_score_adapter, save_score_model,
};
use forethought_seed::Seed;
use forethought_tokenize::Encoder;
use forethought_train::{
    BatchSource, Fitted, Outcome, Run, Signal, StepBatches, StopFlag, TrainConfig, fit,
};

use crate::PipelineError;
use crate::artifact::write_lines;
use crate::config::Problem;
use crate::console::Console;
use crate::device::require_work_for_all;
use crate::learner::{Input, Learner};
use crate::memory::{Budget, Held, Seen, Sizes};
use crate::observed::Observed;
use crate::purpose::{Findings, Purpose, Rebuilding};
use crate::rebuilt::{Batch, batch};
use crate::secret::redact;
use crate::stages::{Context, Done, MODEL_FOLDER};
use crate::tuning::Tuning;
pub(crate) use aside::{forget, prepare};

/// The log of the steps in the artifact of a training stage.
pub(crate) const HISTORY: &str = "history.jsonl";

/// Problems of what all training stages have: counts that start at 1, the optimiser, what is trained.
pub(crate) fn problems(
    counts: &[(&str, usize)],
    training: &TrainConfig,
    tuning: Tuning<'_>,
) -> Vec<Problem> {
    let zero = counts.iter().filter(|(_, count)| *count == 0);
    let counts = zero.map(|(key, _)| ((*key).to_owned(), "must be at least 1, got 0".to_owned()));
    let training = training.init().err().map(|error| problem("training", &error.to_string()));
    counts.chain(training).chain(tuning.problem()).collect()
}

/// A problem below a section, or of the stage itself where it is empty; range errors start with the name of their key.
pub(crate) fn problem(section: &str, message: &str) -> Problem {
    let key = message.split(' ').next().unwrap_or_default();
    let is_key = key.chars().all(|one| one.is_ascii_lowercase() || one == '_' || one == '.');
    let parts = [section, if is_key { key } else { "" }];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (parts.join("."), message.to_owned())
}

/// Refuses a training that no example is left for, with the account, which is not shown elsewhere then; `limit` is the key
/// and the value that left them out.
pub(crate) fn require_any(
    stage: &str,
    ledger: &Ledger,
    (key, value): (&str, usize),
) -> Result<(), PipelineError> {
    if ledger.kept() > 0 {
        return Ok(());
    }
    let message = match ledger.read() {
        0 => "there is no example".to_owned(),
        _ => format!("no example is left: all have more than {key} = {value} tokens; raise it"),
    };
    let message = format!("{message}\n{}", ledger.to_table().trim_end());
    Err(PipelineError::stage(stage, message))
}

/// A training that is about to run.
#[derive(Clone, Debug)]
pub(crate) struct Training<'a> {
    pub(crate) config: &'a TrainConfig,
    pub(crate) encoder: &'a Encoder,
    /// What its memory follows from.
    pub(crate) sizes: Sizes<'a>,
}

impl Training<'_> {
    /// Trains, and writes the folder `model` and the log of the steps; with LoRA, the folder `adapter` too.
    pub(crate) fn run<S: BatchSource<Learner> + 'static>(
        self,
        context: &Context<'_>,
        learner: Learner,
        source: S,
    ) -> Result<Done, PipelineError> {
        require_work_for_all(context, &self.sizes)?;
        let (demand, lowerable) = (self.sizes.demand()?, self.sizes.lowerable);
        let budget = Budget::begin(context, demand, (lowerable, Held::Weights))?;
        match context.purpose {
            Purpose::Artifact => {}
            Purpose::Check(findings) => {
                for message in crate::examples::template_problems(self.encoder) {
                    findings.problem(context.name, message);
                }
                self.first_batch(context.name, findings, &learner, source)?;
                self.write(context, learner.valid())?;
                return Ok(Done::Finished);
            }
            Purpose::Replay(rebuilding) => {
                return self.rebuild(context, learner, source, rebuilding);
            }
        }
        let seen = Arc::new(Mutex::new(None));
        let observe = look(seen.clone(), budget.clone());
        let source = Observed { source, observe };
        let folder = context.folder.training(context.name);
        let events = context.folder.tensorboard(context.name);
        let run = Run {
            folder: &folder,
            stage: context.name,
            config_hash: context.id,
            origins: context.origins,
            resume: context.resume,
            stop: context.stop,
            replicas: context.replicas,
            progress: context.console.progress(),
            shown: redact,
            tensorboard: Some(&events),
        };
        let trainer =
            self.config.init().map_err(|error| PipelineError::stage(context.name, error))?;
        let Fitted { model, history, outcome, .. } = fit(learner, source, &trainer, &run)?;
        if let Outcome::Interrupted { step, signal } = outcome {
            return Ok(Done::Interrupted { step, signal });
        }
        write_lines(&context.staging.join(HISTORY), &history)?;
        keep_bad_steps(&folder, &context.staging)?;
        self.write(context, model)?;
        let seen = *seen.lock().unwrap_or_else(PoisonError::into_inner);
        budget.end(context, seen.unwrap_or_default());
        Ok(Done::Finished)
    }

    /// Makes the first batch and its losses: what would stop the first step is found here.
    fn first_batch<S: BatchSource<Learner>>(
        &self,
        stage: &str,
        findings: &Findings,
        learner: &Learner,
        mut source: S,
    ) -> Result<(), PipelineError> {
        let batches = source
            .batches(0, &learner.valid())
            .map_err(|error| PipelineError::stage(stage, format!("the first batch: {error}")))?;
        if batches.inputs.is_empty() {
            findings.problem(stage, "the first step has no micro-batch");
        }
        let mut of_loss = None;
        for (index, input) in batches.inputs.into_iter().enumerate() {
            if input.task.num_scored() == 0 {
                let message = "no token is scored, its masks are empty; look at the completions";
                findings.problem(stage, format!("micro-batch {}: {message}", index + 1));
                continue;
            }
            let output = learner.step(input).item;
            let loss = output.loss.into_scalar::<f32>();
            if !loss.is_finite() {
                findings.problem(stage, format!("the loss of micro-batch {} is {loss}", index + 1));
            }
            of_loss.get_or_insert(output.metrics);
        }
        let of_batch = batches.metrics.iter().map(|(name, _)| name.as_str());
        let of_loss = of_loss.iter().flatten().map(|(name, _)| *name);
        let logged: Vec<&str> = ["num_tokens"].into_iter().chain(of_batch).chain(of_loss).collect();
        self.look_for_metric(stage, findings, &logged)
    }

    /// Finds a `metric_for_best_model` that no step logs.
    fn look_for_metric(
        &self,
        stage: &str,
        findings: &Findings,
        logged: &[&str],
    ) -> Result<(), PipelineError> {
        let trainer = self.config.init().map_err(|error| PipelineError::stage(stage, error))?;
        if let Err(message) = trainer.require_metric(logged.iter().copied()) {
            findings.problem(stage, message);
        }
        Ok(())
    }

    /// Writes the folder of what was trained.
    fn write(&self, context: &Context<'_>, model: Learner) -> Result<(), PipelineError> {
        match model.into_parts() {
            (Some(policy), _) => write_model(context, policy, self.encoder),
            (None, Some(scorer)) => write_scorer(context, scorer, self.encoder),
            (None, None) => Ok(()),
        }
    }

    /// Trains up to one step, and keeps what it was made of and what it logged.
    fn rebuild<S: BatchSource<Learner> + 'static>(
        &self,
        context: &Context<'_>,
        learner: Learner,
        source: S,
        rebuilding: &Rebuilding,
    ) -> Result<Done, PipelineError> {
        let (stop, kept) = (StopFlag::new(), Arc::new(Mutex::new(None)));
        let index = rebuilding.step.saturating_sub(1);
        let asked = context.stop.clone();
        let observe = one_step(index, (stop.clone(), asked), kept.clone());
        let source = Observed { source, observe };
        let folder = context.folder.training(context.name);
        let run = Run {
            folder: &folder,
            stage: context.name,
            config_hash: context.id,
            origins: context.origins,
            resume: context.resume,
            stop: &stop,
            replicas: &[],
            progress: forethought_train::Progress::Silent,
            shown: redact,
            tensorboard: None,
        };
        let trainer =
            self.config.init().map_err(|error| PipelineError::stage(context.name, error))?;
        let Fitted { history, .. } = fit(learner, source, &trainer, &run)?;
        let record = history.into_iter().find(|record| record.step == rebuilding.step);
        let batch = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut found = rebuilding.found.lock().unwrap_or_else(PoisonError::into_inner);
        *found = record.zip(batch);
        Ok(Done::Finished)
    }
}

/// Keeps the size of the largest micro-batch, and says what the first ones tell of the memory.
fn look(
    seen: Arc<Mutex<Option<Seen>>>,
    budget: Budget,
) -> impl FnMut(u64, &mut StepBatches<Input>) {
    move |_, batches| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let of_task =
            |input: &Input| Seen { load: input.task.load(), longest: input.task.longest_answer() };
        let here = batches.inputs.iter().map(of_task).fold(Seen::default(), Seen::max);
        if seen.is_none() {
            batches.notices.extend(budget.after_first(here));
        }
        *seen = Some(seen.unwrap_or_default().max(here));
    }
}

/// Keeps the batch of one step, counted from 0, and ends the run after it, or after any once it is asked to.
fn one_step(
    index: u64,
    (stop, asked): (StopFlag, StopFlag),
    kept: Arc<Mutex<Option<Batch>>>,
) -> impl FnMut(u64, &mut StepBatches<Input>) {
    move |step, batches| {
        if step == index {
            // The step itself is still done: the flag is looked at before the next one.
            stop.raise(Signal::Interrupt);
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(batch(batches));
        } else if let Some(signal) = asked.signal() {
            stop.raise(signal);
        }
    }
}

/// What was written about steps that were left out belongs to the result.
fn keep_bad_steps(training: &Path, staging: &Path) -> Result<(), PipelineError> {
    let (from, to) = (training.join("bad-steps"), staging.join("bad-steps"));
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(&to).map_err(PipelineError::io(&to))?;
    for entry in fs::read_dir(&from).map_err(PipelineError::io(&from))? {
        let path = entry.map_err(PipelineError::io(&from))?.path();
        let Some(name) = path.file_name() else { continue };
        fs::copy(&path, to.join(name)).map_err(PipelineError::io(&path))?;
    }
    Ok(())
}

/// The dropout of each micro-batch has a seed of its own.
pub(crate) fn dropout_seed(seed: Seed, step: u64, micro_batch: usize) -> Seed {
    let place = [step.to_le_bytes(), (micro_batch as u64).to_le_bytes()].concat();
    Seed::new(seed.key("dropout", &place))
}

/// The model folder of a stage: weights with adapters folded in, config, tokenizer and chat template.
fn write_model(
    context: &Context<'_>,
    decoder: Decoder,
    encoder: &Encoder,
) -> Result<(), PipelineError> {
    let folder = context.staging.join(MODEL_FOLDER);
    if decoder.lora().is_some() {
        save_adapter(&decoder, &context.staging.join("adapter"))?;
    }
    encoder.save(&folder)?;
    Ok(save(&decoder.merge(), &folder)?)
}

/// The folder of a model that scores, as [`write_model`] writes one that writes.
fn write_scorer(
    context: &Context<'_>,
    scorer: ScoreModel,
    encoder: &Encoder,
) -> Result<(), PipelineError> {
    let folder = context.staging.join(MODEL_FOLDER);
    if scorer.lora().is_some() {
        save_score_adapter(&scorer, &context.staging.join("adapter"))?;
    }
    encoder.save(&folder)?;
    Ok(save_score_model(&scorer.merge(), &folder, &SaveOptions::default())?)
}

impl Console {
    fn progress(self) -> forethought_train::Progress {
        match self {
            Self::Stderr => forethought_train::Progress::Auto,
            Self::Dashboard => forethought_train::Progress::Dashboard,
            Self::Silent => forethought_train::Progress::Silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use forethought_model::LoraConfig;

    use super::*;
    use crate::tuning::Base;

    #[test]
    fn a_range_error_is_found_below_its_section_by_the_key_it_starts_with() {
        let path = |section: &str, message: &str| problem(section, message).0;
        assert_eq!(path("training", "learning_rate must be finite"), "training.learning_rate");
        assert_eq!(path("", "validation.ratio must be below 1"), "validation.ratio");
        assert_eq!(path("lora", "Rank is wrong"), "lora");
        assert_eq!(path("", "Nothing is right"), "");
        let (_, message) = problem("lora", "rank must be at least 1, got 0");
        assert_eq!(message, "rank must be at least 1, got 0");
    }

    #[test]
    fn counts_optimiser_and_adapter_are_checked_and_every_problem_is_kept() {
        let training = TrainConfig { weight_decay: -1.0, ..TrainConfig::default() };
        let lora = LoraConfig { rank: 0, ..LoraConfig::default() };
        let tuning = |lora, base| Tuning { lora, freeze: None, base };
        let adapted = tuning(Some(&lora), Base::F32);
        let found = problems(&[("epochs", 0), ("batch", 1)], &training, adapted);
        let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["epochs", "training.weight_decay", "lora.rank"]);
        let problems = |tuning| problems(&[("batch", 1)], &TrainConfig::default(), tuning);
        assert!(problems(tuning(None, Base::F32)).is_empty());
        assert_eq!(problems(tuning(None, Base::Nf4))[0].0, "base");
    }

    #[test]
    fn every_micro_batch_of_every_step_has_a_dropout_of_its_own() {
        let seed = Seed::new(1);
        let places = [(0, 0), (0, 1), (1, 0), (256, 0), (0, 256)];
        let mut numbers: Vec<u64> = places
            .iter()
            .map(|(step, micro_batch)| dropout_seed(seed, *step, *micro_batch).number())
            .collect();
        assert_eq!(dropout_seed(seed, 1, 0), dropout_seed(seed, 1, 0));
        assert_ne!(dropout_seed(seed, 1, 0), dropout_seed(Seed::new(2), 1, 0));
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), places.len());
    }
}
