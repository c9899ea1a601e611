//! The loop over optimiser steps, as a learning strategy of Burn's learner.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Device;
use burn::train::{
    Learner, LearnerModel, SupervisedLearningStrategy, SupervisedTrainingEventProcessor,
    TrainLoader, TrainStep, TrainingComponents, ValidLoader,
};
use forethought_kernels::memory::give_back_freed_memory;

use crate::capture::{Capture, Inbox};
use crate::checkpoint::{Best, CheckpointError, Contents, Guarded, Make, RunState, Store};
use crate::config::Trainer;
use crate::error::TrainError;
use crate::fit::Outcome;
use crate::metrics::MetricsLog;
use crate::moments::write_optimizer;
use crate::progress::Reporter;
use crate::record::StepRecord;
use crate::resume::learner_of;
use crate::source::{BatchSource, StepOutput};
use crate::step::Taken;
use crate::stop::StopFlag;
use crate::weights::write_model;

/// Everything a run needs beside the learner.
pub(crate) struct Job<S> {
    pub(crate) source: S,
    pub(crate) config: Trainer,
    pub(crate) stage: String,
    /// The folder of the run.
    pub(crate) folder: PathBuf,
    /// Further devices that compute micro-batches.
    pub(crate) replicas: Vec<Device>,
    /// The folder of event files, where they are wanted.
    pub(crate) tensorboard: Option<PathBuf>,
    /// Steps that a checkpoint has already.
    pub(crate) first_step: u64,
    /// Steps of the whole run.
    pub(crate) num_steps: u64,
    pub(crate) store: Store,
    pub(crate) metrics: MetricsLog,
    pub(crate) reporter: Reporter,
    pub(crate) stop: StopFlag,
    pub(crate) history: Vec<StepRecord>,
    /// The best value of the watched metric so far.
    pub(crate) best: Option<Best>,
    /// Steps that changed no weight.
    pub(crate) guarded: Guarded,
    /// Tokens that the steps so far were trained on.
    pub(crate) num_tokens: u64,
}

/// What is left of a [`Job`] that ended.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) result: Result<Outcome, TrainError>,
    pub(crate) history: Vec<StepRecord>,
    pub(crate) best: Option<Best>,
}

/// Runs one [`Job`] on the learner and leaves a [`Report`].
pub(crate) struct StepStrategy<S> {
    /// The job until it starts: Burn shares a strategy, but it runs once.
    work: Mutex<Option<(Job<S>, Inbox)>>,
    report: Arc<Mutex<Option<Report>>>,
}

impl<S> StepStrategy<S> {
    /// The strategy, and where its report will be.
    pub(crate) fn new(job: Job<S>, inbox: Inbox) -> (Self, Arc<Mutex<Option<Report>>>) {
        let report = Arc::new(Mutex::new(None));
        (Self { work: Mutex::new(Some((job, inbox))), report: report.clone() }, report)
    }
}

impl<M, S> SupervisedLearningStrategy<M> for StepStrategy<S>
where
    M: LearnerModel + TrainStep<Output = StepOutput>,
    S: BatchSource<M>,
{
    fn fit(
        &self,
        components: TrainingComponents<M>,
        mut learner: Learner<M>,
        _train: TrainLoader<M>,
        _valid: ValidLoader<M>,
        _starting_epoch: usize,
    ) -> (M, SupervisedTrainingEventProcessor<M>) {
        let TrainingComponents { checkpointer, event_processor, event_store, interrupter, .. } =
            components;
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some((job, inbox)), Some(checkpointer)) = (work, checkpointer) {
            let capture = Capture { checkpointer, events: event_store, inbox };
            let report = job.run(&mut learner, capture);
            match &report.result {
                Ok(Outcome::Finished) => {}
                Ok(Outcome::Interrupted { signal, .. }) => interrupter.stop(Some(signal.name())),
                Err(error) => interrupter.stop(Some(&error.to_string())),
            }
            *self.report.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
        }
        (learner.model(), event_processor)
    }
}

impl<S> Job<S> {
    fn run<M>(mut self, learner: &mut Learner<M>, mut capture: Capture<M>) -> Report
    where
        M: LearnerModel + TrainStep<Output = StepOutput>,
        S: BatchSource<M>,
    {
        let result = self.steps(learner, &mut capture);
        self.reporter.finish();
        Report { result, history: self.history, best: self.best }
    }

    fn steps<M>(
        &mut self,
        learner: &mut Learner<M>,
        capture: &mut Capture<M>,
    ) -> Result<Outcome, TrainError>
    where
        M: LearnerModel + TrainStep<Output = StepOutput>,
        S: BatchSource<M>,
    {
        let (mut index, mut saved) = (self.first_step, self.first_step);
        if index == 0 && self.config.loss_spike.is_some() {
            // There must be something to go back to.
            self.save(learner, capture, (0, self.source.state()))?;
        }
        while index < self.num_steps {
            // Where a checkpoint has it, it need not be kept for one that a failure asks for.
            let before = if saved < index { self.source.state() } else { None };
            let taken = match self.stop.signal() {
                Some(_) => Taken::Abandoned,
                None => match self.step(learner, index) {
                    Ok(taken) => taken,
                    Err(error) => {
                        if saved < index && error.leaves_the_weights() {
                            self.save_before((learner, capture), index, before);
                        }
                        return Err(error);
                    }
                },
            };
            index = match taken {
                Taken::Done => index + 1,
                Taken::Abandoned => return self.interrupted((learner, capture), index, saved),
                Taken::Spike => self.go_back(learner, index)?,
            };
            saved = saved.min(index);
            let is_due = index.is_multiple_of(self.config.save_steps) || index == self.num_steps;
            if is_due && saved < index {
                self.save(learner, capture, (index, self.source.state()))?;
                saved = index;
            }
        }
        Ok(Outcome::Finished)
    }

    /// Writes a checkpoint of `step` finished steps unless there is one.
    fn interrupted<M>(
        &mut self,
        (learner, capture): (&Learner<M>, &mut Capture<M>),
        step: u64,
        saved: u64,
    ) -> Result<Outcome, TrainError>
    where
        M: LearnerModel,
        S: BatchSource<M>,
    {
        if saved < step {
            self.save(learner, capture, (step, self.source.state()))?;
        }
        match self.stop.signal() {
            Some(signal) => Ok(Outcome::Interrupted { step, signal }),
            None => Err(TrainError::Learner("a source left off without being asked".to_owned())),
        }
    }

    /// Writes a checkpoint of `step` finished steps when the next was given up: whoever mends what was wrong with it goes on from
    /// there. The source may have gone further; `before` is what it kept.
    fn save_before<M>(
        &mut self,
        (learner, capture): (&Learner<M>, &mut Capture<M>),
        step: u64,
        before: Option<String>,
    ) where
        M: LearnerModel,
        S: BatchSource<M>,
    {
        let failed = step + 1;
        let text = match self.save(learner, capture, (step, before)) {
            Ok(()) => format!("step {failed} was given up; those before it are saved"),
            Err(why) => format!("step {failed} was given up; those before it are not saved: {why}"),
        };
        self.reporter.notice(&text);
    }

    /// Returns to the newest checkpoint that `save_steps` asked for, whose number of steps is returned, and leaves out the
    /// steps from there to the one that spiked, this one included.
    fn go_back<M>(&mut self, learner: &mut Learner<M>, index: u64) -> Result<u64, TrainError>
    where
        M: LearnerModel,
        S: BatchSource<M>,
    {
        let found = self.store.load_anchor()?;
        for notice in &found.notices {
            self.reporter.notice(notice);
        }
        let Some(contents) = found.contents else {
            return Err(TrainError::Learner("the checkpoints are gone".to_owned()));
        };
        let step = contents.state.step;
        self.guarded.num_rollbacks += 1;
        self.guarded.skip_until = index + 1;
        let state = contents.state.clone();
        (self.best, self.num_tokens) = (state.best.clone(), state.num_tokens);
        self.restore_source(&contents)?;
        let schedule = self.config.schedule(self.num_steps);
        let path = self.store.path(step);
        *learner = learner_of(learner.model(), &self.config, schedule, Some(contents), &path)?;
        let (mut metrics, history) = MetricsLog::open(&self.folder, &self.stage, &state)?;
        if let Some(folder) = &self.tensorboard {
            metrics = metrics.with_events(folder, step)?;
        }
        (self.metrics, self.history) = (metrics, history);
        let left_out = index + 1 - step;
        let (count, limit) = (self.guarded.num_rollbacks, self.config.max_rollbacks());
        self.reporter.notice(&format!(
            "went back to step {step}, leaving out {left_out} steps; {count} of {limit} times that loss_spike.max_rollbacks allows"
        ));
        Ok(step)
    }

    fn restore_source<M>(&mut self, contents: &Contents) -> Result<(), CheckpointError>
    where
        M: TrainStep,
        S: BatchSource<M>,
    {
        crate::resume::restore_source::<M, S>(&mut self.source, contents, &self.store)
    }

    fn save<M>(
        &mut self,
        learner: &Learner<M>,
        capture: &mut Capture<M>,
        (step, source): (u64, Option<String>),
    ) -> Result<(), TrainError>
    where
        M: LearnerModel,
        S: BatchSource<M>,
    {
        // What the step has freed is in pieces that the moments do not fit into.
        give_back_freed_memory();
        let optimizer = capture.take(learner, step).ok_or_else(|| {
            TrainError::Learner("it did not hand over the optimiser's state".to_owned())
        })?;
        self.metrics.sync()?;
        let state = RunState {
            step,
            micro_batch: 0,
            // The schedule takes one step with each of the optimiser, skipped ones included.
            scheduler_step: step,
            num_tokens: self.num_tokens,
            log: self.metrics.mark(),
            cursor: self.source.cursor(step),
            best: self.best.clone(),
            guarded: self.guarded,
            source,
        };
        let model = learner.model();
        let model: Make<'_> = Box::new(move |file| write_model(&model, file));
        let optimizer: Make<'_> = Box::new(move |file| write_optimizer(optimizer, file));
        for notice in self.store.save(&state, model, optimizer)? {
            self.reporter.notice(&notice);
        }
        Ok(())
    }
}
