//! Learning rate schedules, equal to those of Hugging Face transformers.

use std::f64::consts::PI;

use burn::lr_scheduler::{LrScheduler, LrSchedulerRecord};
use burn::optim::LearningRate;

/// Shape of a schedule after its warm-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// The learning rate itself, without a warm-up.
    Constant,
    /// The learning rate itself.
    ConstantWithWarmup,
    /// A line to 0.
    Linear,
    /// Half a cosine, from 1 to the given fraction of the learning rate.
    Cosine { min_lr_rate: f64 },
}

/// The learning rate of every step of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    pub(crate) shape: Shape,
    pub(crate) learning_rate: f64,
    pub(crate) warmup_steps: u64,
    pub(crate) num_steps: u64,
}

impl Schedule {
    /// The learning rate of optimiser step `step`, counted from 0.
    ///
    /// With a warm-up the first step has rate 0, as in transformers.
    #[must_use]
    pub fn at(&self, step: u64) -> f64 {
        self.learning_rate * self.factor(step)
    }

    fn factor(&self, step: u64) -> f64 {
        match self.shape {
            Shape::Constant => 1.0,
            _ if step < self.warmup_steps => step as f64 / self.warmup_steps as f64,
            Shape::ConstantWithWarmup => 1.0,
            Shape::Linear => 1.0 - self.progress(step).min(1.0),
            Shape::Cosine { min_lr_rate } => {
                let cosine = 0.5 * (1.0 + (PI * self.progress(step)).cos());
                (cosine * (1.0 - min_lr_rate) + min_lr_rate).max(0.0)
            }
        }
    }

    /// Fraction of the steps after the warm-up that lie before `step`.
    fn progress(&self, step: u64) -> f64 {
        let decaying = self.num_steps.saturating_sub(self.warmup_steps).max(1);
        step.saturating_sub(self.warmup_steps) as f64 / decaying as f64
    }
}

/// A schedule and the step it has reached: what Burn's learner steps and its checkpoints store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScheduleState {
    pub(crate) schedule: Schedule,
    pub(crate) step: u64,
}

const STEP: &str = "step";

impl LrScheduler for ScheduleState {
    fn step(&mut self) -> LearningRate {
        let rate = self.schedule.at(self.step);
        self.step += 1;
        rate
    }

    fn to_record(&self) -> LrSchedulerRecord {
        LrSchedulerRecord::new().with_scalar(STEP, self.step)
    }

    fn load_record(&mut self, record: LrSchedulerRecord) {
        // A record without the step is none of ours; the checkpoint's manifest has the same number and is compared.
        self.step = record.scalar(STEP).unwrap_or(0);
    }
}
