//! The loop over optimiser steps, as a learning strategy of Burn's learner.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::train::{
    Learner, LearnerModel, SupervisedLearningStrategy, SupervisedTrainingEventProcessor,
    TrainLoader, TrainStep, TrainingComponents, ValidLoader,
};

use crate::capture::{Capture, Inbox};
use crate::checkpoint::Store;
use crate::config::Trainer;
use crate::diagnosis::{Limits, news};
use crate::error::TrainError;
use crate::fit::Outcome;
use crate::gradients::{GlobalNorm, clip, global_norm};
use crate::metrics::MetricsLog;
use crate::progress::Reporter;
use crate::record::StepRecord;
use crate::source::{BatchSource, StepBatches, StepOutput, reduce};
use crate::stop::StopFlag;
use crate::weights::contents;

/// Everything a run needs beside the learner.
pub(crate) struct Job<S> {
    pub(crate) source: S,
    pub(crate) config: Trainer,
    pub(crate) stage: String,
    /// Steps that a checkpoint has already.
    pub(crate) first_step: u64,
    /// Steps of the whole run.
    pub(crate) num_steps: u64,
    pub(crate) store: Store,
    pub(crate) metrics: MetricsLog,
    pub(crate) reporter: Reporter,
    pub(crate) stop: StopFlag,
    pub(crate) history: Vec<StepRecord>,
}

/// What is left of a [`Job`] that ended.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) result: Result<Outcome, TrainError>,
    pub(crate) history: Vec<StepRecord>,
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
        Report { result, history: self.history }
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
        let mut saved = self.first_step;
        for index in self.first_step..self.num_steps {
            if let Some(signal) = self.stop.signal() {
                if saved < index {
                    self.save(learner, capture, index)?;
                }
                return Ok(Outcome::Interrupted { step: index, signal });
            }
            self.step(learner, index)?;
            let step = index + 1;
            if step.is_multiple_of(self.config.save_steps) || step == self.num_steps {
                self.save(learner, capture, step)?;
                saved = step;
            }
        }
        Ok(Outcome::Finished)
    }

    /// One optimiser step: `index` is its number from 0.
    fn step<M>(&mut self, learner: &mut Learner<M>, index: u64) -> Result<(), TrainError>
    where
        M: LearnerModel + TrainStep<Output = StepOutput>,
        S: BatchSource<M>,
    {
        let started = Instant::now();
        let step = index + 1;
        let StepBatches { inputs, num_tokens, description, mut metrics } = self
            .source
            .batches(index, &learner.model().valid())
            .map_err(|source| TrainError::Batch { step, source })?;
        if inputs.is_empty() {
            return Err(TrainError::EmptyStep { step, description });
        }

        learner.lr_step();
        let (grads, outputs) = accumulate(learner, inputs);
        let (loss, of_loss) = reduce(outputs);
        let norm = global_norm(&learner.model(), &grads);
        check(step, description, loss, &norm)?;
        learner.optimizer_step(self.clip(learner, grads, norm.total));

        metrics.insert(0, ("num_tokens".to_owned(), self.num_tokens() + num_tokens as f64));
        metrics.extend(of_loss);
        self.record(StepRecord {
            step,
            stage: self.stage.clone(),
            loss,
            grad_norm: norm.total,
            learning_rate: learner.lr_current().base(),
            tokens_per_second: num_tokens as f64 / started.elapsed().as_secs_f64(),
            metrics,
            diagnosis: Vec::new(),
        })
    }

    /// Tokens that the steps so far trained on.
    fn num_tokens(&self) -> f64 {
        self.history.last().and_then(|record| record.metric("num_tokens")).unwrap_or(0.0)
    }

    fn clip<M: LearnerModel>(
        &self,
        learner: &Learner<M>,
        grads: GradientsParams,
        norm: f64,
    ) -> GradientsParams {
        match self.config.max_grad_norm {
            0.0 => grads,
            max_norm => clip(&learner.model(), grads, norm, max_norm),
        }
    }

    fn record(&mut self, record: StepRecord) -> Result<(), TrainError> {
        self.history.push(record);
        let limits = Limits { max_grad_norm: self.config.max_grad_norm };
        let found = news(&self.history, limits);
        let Some(record) = self.history.last_mut() else { return Ok(()) };
        record.diagnosis = found;
        self.metrics.append(record)?;
        self.reporter.step(record);
        for text in &record.diagnosis {
            self.reporter.notice(text);
        }
        Ok(())
    }

    fn save<M>(
        &mut self,
        learner: &Learner<M>,
        capture: &mut Capture<M>,
        step: u64,
    ) -> Result<(), TrainError>
    where
        M: LearnerModel,
        S: BatchSource<M>,
    {
        let captured = capture.take(learner, step).ok_or_else(|| {
            TrainError::Learner("it did not hand over the optimiser's state".to_owned())
        })?;
        self.metrics.sync()?;
        let source = self.source.state();
        for notice in self.store.save(&contents(learner, captured, step, source)?)? {
            self.reporter.notice(&notice);
        }
        Ok(())
    }
}

/// Sum of the gradients of the micro-batches, in their order, and what each reported.
fn accumulate<M>(
    learner: &Learner<M>,
    inputs: Vec<<M as TrainStep>::Input>,
) -> (GradientsParams, Vec<StepOutput>)
where
    M: LearnerModel + TrainStep<Output = StepOutput>,
{
    let mut sum = GradientsAccumulator::new();
    let outputs = inputs.into_iter().map(|input| {
        let output = learner.train_step(input);
        sum.accumulate(&learner.model(), output.grads);
        output.item
    });
    let outputs = outputs.collect();
    (sum.grads(), outputs)
}

/// Refuses an update that would put something else than numbers into the weights.
fn check(step: u64, description: String, loss: f64, norm: &GlobalNorm) -> Result<(), TrainError> {
    if !loss.is_finite() {
        return Err(TrainError::NonFiniteLoss { step, description, loss });
    }
    if let Some(parameter) = norm.first_non_finite.clone() {
        return Err(TrainError::NonFiniteGradient { step, description, parameter, loss });
    }
    Ok(())
}
