//! The entry point: a model, a source of batches and a run folder become a trained model.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use burn::tensor::Device;
use burn::train::logger::InMemoryMetricLogger;
use burn::train::{Learner, LearnerModel, SupervisedTraining, TrainStep, TrainingStrategy};

use crate::capture::{AlwaysSave, Unwanted, collector};
use crate::checkpoint::{Best, CheckpointError, Identity, Keep, Origins, Store};
use crate::config::Trainer;
use crate::error::TrainError;
use crate::lock::RunLock;
use crate::metrics::MetricsLog;
use crate::progress::{Progress, Reporter, Span};
use crate::quiet::{NoItems, Quiet};
use crate::record::StepRecord;
use crate::resume::{learner_of, restore_source};
use crate::source::{BatchSource, StepOutput};
use crate::stop::{Signal, StopFlag};
use crate::strategy::{Job, Report, StepStrategy};
use crate::weights::{Trainable, first_not_finite, number_parameters};

/// Where and how a run takes place.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Folder of `checkpoints/` and `metrics.jsonl`. It exists, and belongs to this run while it lasts.
    pub folder: &'a Path,
    /// Name of the stage, e.g. `sft`: it is in every metric and every checkpoint.
    pub stage: &'a str,
    /// Hash of everything that the result depends on: configuration, data, initial weights. A checkpoint with another
    /// one is refused.
    pub config_hash: &'a str,
    /// The same piece by piece, for the message of a run that differs; [`Origins::default`] says nothing but that it does.
    pub origins: &'a Origins,
    /// What to do about checkpoints that are there.
    pub resume: Resume,
    /// Read before each step.
    pub stop: &'a StopFlag,
    /// Where progress is shown.
    pub progress: Progress,
    /// What is made of a sentence before it is shown; `str::to_owned` shows it as it is.
    pub shown: fn(&str) -> String,
    /// Further autodiff devices of the model's kind, on which micro-batches of a step are computed at the same time; mostly
    /// none. Whatever they are, the sums are those of one device.
    pub replicas: &'a [Device],
    /// Folder of `TensorBoard`'s event files, made where it is not there; none for no such files.
    pub tensorboard: Option<&'a Path>,
}

/// What to do about checkpoints in the run folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// There must be none.
    Fresh,
    /// Go on from the newest; without any, start at the first step.
    Continue,
}

/// How a run ended, if not by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every step is done.
    Finished,
    /// A signal asked for a stop; a checkpoint of `step` finished steps is written, if there were any.
    Interrupted {
        /// Number of finished steps.
        step: u64,
        /// The signal.
        signal: Signal,
    },
}

/// A run that ended without an error.
#[derive(Clone, Debug)]
pub struct Fitted<M> {
    /// The model with the last weights, on the plain device (no autodiff).
    pub model: M,
    /// Every step of the run from the first, those before a resume included.
    pub history: Vec<StepRecord>,
    /// How it ended.
    pub outcome: Outcome,
    /// The best value of the metric that `metric_for_best_model` names, if a step had it.
    pub best: Option<Best>,
    /// Sentences for the user: damaged checkpoints set aside, and the step that the run was resumed from.
    pub notices: Vec<String>,
}

/// Trains `model`, on an autodiff device, on the batches of `source`.
///
/// Weights, optimiser and schedule after any number of interruptions and resumes are bit for bit those of an
/// uninterrupted run, provided that `source` keeps its promise and the device computes the same bits twice.
///
/// # Errors
///
/// If another process runs in the folder, it cannot be written or has too little room for the checkpoints, a checkpoint
/// cannot be written or resumed from, the source fails, or a loss or gradient is not finite. What was reached by then is
/// in the last checkpoint.
pub fn fit<M, S>(
    model: M,
    mut source: S,
    config: &Trainer,
    run: &Run<'_>,
) -> Result<Fitted<M>, TrainError>
where
    M: LearnerModel + TrainStep<Output = StepOutput>,
    S: BatchSource<M> + 'static,
{
    let num_steps = config.num_steps(source.num_steps());
    if num_steps == 0 {
        return Err(TrainError::NoSteps);
    }
    let model = number_parameters(model);
    let trainable = Trainable::of(&model);
    if trainable.names.is_empty() {
        return Err(TrainError::Frozen);
    }
    if let Some(parameter) = first_not_finite(&model) {
        return Err(TrainError::NonFiniteWeights { parameter });
    }
    let lock = RunLock::acquire(run.folder)?;
    let store = open_store(config, run)?;
    let (contents, mut notices) = match run.resume {
        Resume::Fresh => (store.require_empty().map(|()| None)?, vec![]),
        Resume::Continue => store.load_newest().map(|found| (found.contents, found.notices))?,
    };
    // The weights and two moments of each.
    store.require_room(3 * trainable.num_bytes + STATE_BYTES)?;
    let state = contents.as_ref().map(|contents| contents.state.clone()).unwrap_or_default();
    let first_step = state.step;
    if let Some(contents) = &contents {
        notices.push(format!("resumed after step {first_step} of {num_steps}"));
        restore_source::<M, S>(&mut source, contents, &store)?;
    }
    let (mut metrics, history) = MetricsLog::open(run.folder, run.stage, &state)?;
    if let Some(folder) = run.tensorboard {
        metrics = metrics.with_events(folder, first_step)?;
    }
    let span = Span { first_step, num_steps, logging_steps: config.logging_steps };
    let mut reporter = Reporter::new(run, span);
    for notice in &notices {
        reporter.notice(notice);
    }
    reporter.recall(&history);
    let path = store.path(first_step);
    let learner = learner_of(model, config, config.schedule(num_steps), contents, &path)?;
    let job = Job {
        source,
        config: config.clone(),
        stage: run.stage.to_owned(),
        folder: run.folder.to_owned(),
        replicas: run.replicas.to_vec(),
        tensorboard: run.tensorboard.map(Path::to_owned),
        first_step,
        num_steps,
        store,
        metrics,
        reporter,
        stop: run.stop.clone(),
        history,
        best: state.best,
        guarded: state.guarded,
        num_tokens: state.num_tokens,
    };
    let fitted = launch(learner, job, run.folder, notices);
    drop(lock);
    fitted
}

/// What a checkpoint holds beside weights and moments, as far as it is known before the first step.
const STATE_BYTES: u64 = 1 << 16;

/// Fails if the checkpoints in a run folder are of another run, before anything that this run needs is made; the arguments
/// are those of [`Run`]. Of the pieces that `origins` does not know yet nothing is compared.
///
/// # Errors
///
/// If they are, with all that differs.
pub fn require_same_run(
    folder: &Path,
    stage: &str,
    config_hash: &str,
    origins: &Origins,
) -> Result<(), CheckpointError> {
    let (stage, config_hash) = (stage.to_owned(), config_hash.to_owned());
    Store::require_same(folder, &Identity { stage, config_hash, origins: origins.clone() })
}

fn open_store(config: &Trainer, run: &Run<'_>) -> Result<Store, CheckpointError> {
    let identity = Identity {
        stage: run.stage.to_owned(),
        config_hash: run.config_hash.to_owned(),
        origins: run.origins.clone(),
    };
    let anchor = config.loss_spike.is_some().then_some(config.save_steps);
    Store::open(run.folder, identity, Keep { limit: config.save_total_limit, anchor })
}

fn launch<M, S>(
    learner: Learner<M>,
    job: Job<S>,
    folder: &Path,
    notices: Vec<String>,
) -> Result<Fitted<M>, TrainError>
where
    M: LearnerModel + TrainStep<Output = StepOutput>,
    S: BatchSource<M> + 'static,
{
    let (collector, inbox) = collector();
    let label = job.stage.clone();
    let (strategy, report) = StepStrategy::new(job, inbox);
    // Without the logger calls Burn would write `experiment.log`, install a panic hook and make a folder per metric.
    let result = SupervisedTraining::new(folder, NoItems::loader(), NoItems::loader())
        .with_training_strategy(TrainingStrategy::Custom(Arc::new(strategy)))
        .with_custom_checkpointers(Unwanted, collector, Unwanted)
        .with_checkpointing_strategy(AlwaysSave)
        .with_application_logger(None)
        .with_metric_logger(InMemoryMetricLogger::new())
        .renderer(Box::new(Quiet))
        .label(&label)
        .launch(learner);
    let report = report.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(Report { result: outcome, history, best }) = report else {
        let reason = result.error.map_or_else(|| "it never ran".to_owned(), |e| e.to_string());
        return Err(TrainError::Learner(reason));
    };
    let outcome = outcome?;
    match result.error {
        Some(error) => Err(TrainError::Learner(error.to_string())),
        None => Ok(Fitted { model: result.model, history, outcome, best, notices }),
    }
}
