//! The entry point: a model, a source of batches and a run folder become a trained model.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use burn::train::logger::InMemoryMetricLogger;
use burn::train::{Learner, LearnerModel, SupervisedTraining, TrainStep, TrainingStrategy};

use crate::capture::{AlwaysSave, Inbox, collectors};
use crate::checkpoint::{CheckpointError, Contents, Identity, Store};
use crate::config::Trainer;
use crate::error::TrainError;
use crate::metrics::MetricsLog;
use crate::progress::{Progress, Reporter, Span};
use crate::quiet::{NoItems, Quiet};
use crate::record::StepRecord;
use crate::schedule::{Schedule, ScheduleState};
use crate::source::{BatchSource, StepOutput};
use crate::stop::{Signal, StopFlag};
use crate::strategy::{Job, Report, StepStrategy};
use crate::weights::{is_trainable, load_model, load_state, number_parameters};

/// Where and how a run takes place.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Folder of `checkpoints/` and `metrics.jsonl`. It exists.
    pub folder: &'a Path,
    /// Name of the stage, e.g. `sft`: it is in every metric and every checkpoint.
    pub stage: &'a str,
    /// Hash of everything that the result depends on: configuration, data, initial weights. A checkpoint with another
    /// one is refused.
    pub config_hash: &'a str,
    /// What to do about checkpoints that are there.
    pub resume: Resume,
    /// Read before each step.
    pub stop: &'a StopFlag,
    /// Where progress is shown.
    pub progress: Progress,
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
/// If a checkpoint cannot be written or resumed from, the source fails, or a loss or gradient is not finite. The weights
/// are then those of the last checkpoint.
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
    if !is_trainable(&model) {
        return Err(TrainError::Frozen);
    }
    let store = open_store(config, run)?;
    let (contents, mut notices) = match run.resume {
        Resume::Fresh => (store.require_empty().map(|()| None)?, vec![]),
        Resume::Continue => store.load_newest().map(|found| (found.contents, found.notices))?,
    };
    let first_step = contents.as_ref().map_or(0, |contents| contents.step);
    if contents.is_some() {
        notices.push(format!("resumed after step {first_step} of {num_steps}"));
    }
    restore::<M, S>(&mut source, contents.as_ref(), &store)?;
    let (mut metrics, history) = MetricsLog::open(run.folder, run.stage, first_step)?;
    if let Some(folder) = run.tensorboard {
        metrics = metrics.with_events(folder, first_step)?;
    }
    let span = Span { first_step, num_steps, logging_steps: config.logging_steps };
    let reporter = Reporter::new(run.progress, run.stage, span);
    for notice in &notices {
        reporter.notice(notice);
    }

    let learner = learner(model, config, config.schedule(num_steps), contents, &store)?;
    let job = Job {
        source,
        config: config.clone(),
        stage: run.stage.to_owned(),
        first_step,
        num_steps,
        store,
        metrics,
        reporter,
        stop: run.stop.clone(),
        history,
    };
    launch(learner, job, run.folder, notices)
}

/// Gives the source back what it kept when the checkpoint was written.
fn restore<M, S>(
    source: &mut S,
    contents: Option<&Contents>,
    store: &Store,
) -> Result<(), CheckpointError>
where
    M: TrainStep,
    S: BatchSource<M>,
{
    let Some((step, state)) = contents.and_then(|one| Some((one.step, one.source.as_deref()?)))
    else {
        return Ok(());
    };
    source.restore(state).map_err(|error| CheckpointError::Unfit {
        path: store.path(step),
        reason: error.to_string(),
    })
}

fn open_store(config: &Trainer, run: &Run<'_>) -> Result<Store, CheckpointError> {
    let identity =
        Identity { stage: run.stage.to_owned(), config_hash: run.config_hash.to_owned() };
    Store::open(run.folder, identity, config.save_total_limit)
}

/// The learner at the start of the run, or where `contents` left it.
fn learner<M: LearnerModel>(
    model: M,
    config: &Trainer,
    schedule: Schedule,
    contents: Option<Contents>,
    store: &Store,
) -> Result<Learner<M>, CheckpointError> {
    let new = |model: M| {
        let optimizer = config.adamw.clone().for_module(&model);
        Learner::new(model, optimizer, ScheduleState { schedule, step: 0 })
    };
    let model = number_parameters(model);
    let Some(Contents { step, weights, model: bytes, optimizer, scheduler, .. }) = contents else {
        return Ok(new(model));
    };
    let unfit = |error: burn::store::RecordError| CheckpointError::Unfit {
        path: store.path(step),
        reason: error.to_string(),
    };
    let mut learner = new(load_model(model, weights, bytes).map_err(unfit)?);
    load_state(&mut learner, optimizer, scheduler).map_err(unfit)?;
    Ok(learner)
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
    let (collectors, inbox): (_, Inbox) = collectors();
    let label = job.stage.clone();
    let (strategy, report) = StepStrategy::new(job, inbox);
    // Without the logger calls Burn would write `experiment.log`, install a panic hook and make a folder per metric.
    let result = SupervisedTraining::new(folder, NoItems::loader(), NoItems::loader())
        .with_training_strategy(TrainingStrategy::Custom(Arc::new(strategy)))
        .with_custom_checkpointers(collectors.model, collectors.optimizer, collectors.scheduler)
        .with_checkpointing_strategy(AlwaysSave)
        .with_application_logger(None)
        .with_metric_logger(InMemoryMetricLogger::new())
        .renderer(Box::new(Quiet))
        .label(&label)
        .launch(learner);
    let report = report.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(Report { result: outcome, history }) = report else {
        let reason = result.error.map_or_else(|| "it never ran".to_owned(), |e| e.to_string());
        return Err(TrainError::Learner(reason));
    };
    let outcome = outcome?;
    match result.error {
        Some(error) => Err(TrainError::Learner(error.to_string())),
        None => Ok(Fitted { model: result.model, history, outcome, notices }),
    }
}
