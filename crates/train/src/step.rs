//! One optimiser step: batches, gradients, the judgement of its numbers, the update, the record.

use std::time::Instant;

use burn::optim::GradientsParams;
use burn::train::{Learner, LearnerModel, TrainStep};

use crate::diagnosis::{Limits, news};
use crate::dump::Dump;
use crate::error::TrainError;
use crate::gradients::{clip, global_norm};
use crate::guard::{Bad, judge};
use crate::record::StepRecord;
use crate::replicas::accumulate;
use crate::source::{
    Abandoned, BatchSource, Reported, StepBatches, StepOutput, losses, reduce, reported,
};
use crate::strategy::Job;

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is done, or left out as the guards say.
    Done,
    /// The run is to stop, and the step has not begun.
    Abandoned,
    /// Its loss is a spike.
    Spike,
}

/// A metric of steps that changed no weight.
pub(crate) const SKIPPED: &str = "skipped";

/// A step whose gradients are computed.
struct Computed {
    grads: GradientsParams,
    loss: f64,
    micro_batch_losses: Vec<f64>,
    /// Of the batches, then of the loss.
    metrics: Vec<(String, f64)>,
    reported: Vec<Reported>,
    description: String,
    num_tokens: usize,
    /// Tokens of all steps so far, this one included.
    num_all_tokens: u64,
    started: Instant,
}

impl<S> Job<S> {
    /// One optimiser step: `index` is its number from 0.
    pub(crate) fn step<M>(
        &mut self,
        learner: &mut Learner<M>,
        index: u64,
    ) -> Result<Taken, TrainError>
    where
        M: LearnerModel + TrainStep<Output = StepOutput>,
        S: BatchSource<M>,
    {
        let started = Instant::now();
        let step = index + 1;
        let batches = match self.source.batches(index, &learner.model().valid()) {
            Ok(batches) => batches,
            Err(why) if why.is::<Abandoned>() => return Ok(Taken::Abandoned),
            Err(source) => return Err(TrainError::Batch { step, source }),
        };
        let StepBatches { inputs, num_tokens, description, metrics, notices } = batches;
        for notice in &notices {
            self.reporter.notice(notice);
        }
        if inputs.is_empty() {
            return Err(TrainError::EmptyStep { step, description });
        }
        learner.lr_step();
        if index < self.guarded.skip_until {
            let counted = [("num_tokens".to_owned(), self.num_tokens as f64)];
            let metrics = counted.into_iter().chain(metrics).collect();
            return self.leave_out(learner, step, (f64::NAN, f64::NAN), metrics);
        }
        let kept = self.config.may_take_back().then(|| self.source.state()).flatten();
        let (grads, outputs) = accumulate(&learner.model(), inputs, &self.replicas);
        let (micro_batch_losses, reported) = (losses(&outputs), reported(&outputs));
        let (loss, of_loss) = reduce(outputs);
        let num_all_tokens = self.num_tokens + num_tokens as u64;
        let counted = [("num_tokens".to_owned(), num_all_tokens as f64)];
        let metrics = counted.into_iter().chain(metrics).chain(of_loss).collect();
        let computed = Computed {
            grads,
            loss,
            micro_batch_losses,
            metrics,
            reported,
            description,
            num_tokens,
            num_all_tokens,
            started,
        };
        self.update(learner, step, computed, kept)
    }

    /// Judges the numbers of a step, and changes the weights if they are good.
    fn update<M>(
        &mut self,
        learner: &mut Learner<M>,
        step: u64,
        computed: Computed,
        kept: Option<String>,
    ) -> Result<Taken, TrainError>
    where
        M: LearnerModel + TrainStep<Output = StepOutput>,
        S: BatchSource<M>,
    {
        let norm = global_norm(&learner.model(), &computed.grads);
        let spike = self.config.loss_spike.as_ref();
        if let Err(bad) = judge(computed.loss, &norm, spike, &self.history) {
            return self.refuse(learner, (step, norm.total), (bad, computed), kept);
        }
        self.num_tokens = computed.num_all_tokens;
        let Computed { grads, loss, mut metrics, reported, num_tokens, started, .. } = computed;
        metrics.extend(self.source.finished(step - 1, &reported));
        learner.optimizer_step(self.clip(learner, grads, norm.total));
        self.record(StepRecord {
            step,
            stage: self.stage.clone(),
            loss,
            grad_norm: norm.total,
            learning_rate: learner.lr_current().base(),
            tokens_per_second: num_tokens as f64 / started.elapsed().as_secs_f64(),
            metrics,
            diagnosis: Vec::new(),
        })?;
        Ok(Taken::Done)
    }

    /// Writes the rows of a bad step to a file; then the run stops, or the step is left out, as the settings say.
    fn refuse<M>(
        &mut self,
        learner: &Learner<M>,
        (step, norm): (u64, f64),
        (bad, computed): (Bad, Computed),
        kept: Option<String>,
    ) -> Result<Taken, TrainError>
    where
        M: LearnerModel + TrainStep<Output = StepOutput>,
        S: BatchSource<M>,
    {
        let loss = computed.loss;
        let error = self.error(bad, (step, norm), &computed);
        let is_spike = matches!(error, TrainError::LossSpike { .. });
        let is_over = if is_spike {
            self.config.max_rollbacks() <= self.guarded.num_rollbacks
        } else {
            self.config.non_finite.limit() <= self.guarded.num_skipped
        };
        if is_over {
            return Err(error);
        }
        self.reporter.notice(&error.what_happened());
        if is_spike {
            return Ok(Taken::Spike);
        }
        if let Some(kept) = kept {
            // The forward pass may have put its numbers into running means.
            let restored = self.source.restore(&kept);
            restored.map_err(|source| TrainError::Batch { step, source })?;
        }
        self.guarded.num_skipped += 1;
        self.num_tokens = computed.num_all_tokens;
        self.leave_out(learner, step, (loss, norm), computed.metrics)
    }

    /// What is wrong with a step; its rows are in a file then.
    fn error<M>(&mut self, bad: Bad, (step, norm): (u64, f64), computed: &Computed) -> TrainError
    where
        M: LearnerModel + TrainStep<Output = StepOutput>,
        S: BatchSource<M>,
    {
        let (loss, description) = (computed.loss, computed.description.clone());
        let rows = self.dump(&bad, (step, norm), computed);
        match bad {
            Bad::Loss => TrainError::NonFiniteLoss { step, description, loss, rows },
            Bad::Gradient(parameter) => {
                TrainError::NonFiniteGradient { step, description, parameter, loss, rows }
            }
            Bad::Spike { mean, deviation } => {
                let num_rollbacks = self.guarded.num_rollbacks;
                TrainError::LossSpike {
                    step,
                    description,
                    loss,
                    mean,
                    deviation,
                    rows,
                    num_rollbacks,
                }
            }
        }
    }

    /// Writes what is in a bad step to a file, and says where.
    fn dump<M>(&mut self, bad: &Bad, (step, norm): (u64, f64), computed: &Computed) -> String
    where
        M: LearnerModel + TrainStep<Output = StepOutput>,
        S: BatchSource<M>,
    {
        let (rows, missing) = match self.source.rows(step - 1) {
            Ok(rows) => (rows, None),
            Err(error) => (vec![], Some(error.to_string())),
        };
        let dump = Dump {
            stage: &self.stage,
            step,
            problem: &bad.to_string(),
            loss: computed.loss.to_string(),
            grad_norm: norm.to_string(),
            micro_batch_losses: computed.micro_batch_losses.iter().map(f64::to_string).collect(),
            description: &computed.description,
            rows,
            missing,
        };
        dump.write(&self.folder)
    }

    fn leave_out<M: LearnerModel>(
        &mut self,
        learner: &Learner<M>,
        step: u64,
        (loss, grad_norm): (f64, f64),
        mut metrics: Vec<(String, f64)>,
    ) -> Result<Taken, TrainError> {
        metrics.push((SKIPPED.to_owned(), 1.0));
        self.record(StepRecord {
            step,
            stage: self.stage.clone(),
            loss,
            grad_norm,
            learning_rate: learner.lr_current().base(),
            tokens_per_second: 0.0,
            metrics,
            diagnosis: Vec::new(),
        })?;
        Ok(Taken::Done)
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
        let record = record.without_negative_zeros();
        // What is left out has no numbers of its loss.
        let is_whole = |record: &StepRecord| record.metric(SKIPPED).is_none();
        if is_whole(&record) && !self.history.iter().any(is_whole) {
            let names = record.metrics.iter().map(|(name, _)| name.as_str());
            self.config.watched.require(names).map_err(TrainError::NoSuchMetric)?;
        }
        self.best = self.config.watched.better(self.best.take(), &record);
        self.history.push(record);
        let limits = Limits { max_grad_norm: self.config.max_grad_norm };
        let found = news(&self.history, limits);
        let Some(record) = self.history.last_mut() else { return Ok(()) };
        record.diagnosis = found;
        self.metrics.append(record)?;
        let shown = self.reporter.step(record);
        for text in &record.diagnosis {
            self.reporter.notice(text);
        }
        shown
    }
}
