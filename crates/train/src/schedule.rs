//! Learning rate schedules, equal to those of Hugging Face transformers.

use std::f64::consts::PI;

use burn::lr_scheduler::{LrScheduler, LrSchedulerRecord};
use burn::optim::LearningRate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Half cosines to 0, one behind the other.
    CosineWithRestarts { num_cycles: f64 },
    /// A power of what is left, to a learning rate.
    Polynomial { power: f64, lr_end: f64 },
    /// The inverse of a square root.
    InverseSqrt { timescale: Option<u64> },
    /// The learning rate itself, then a fall.
    WarmupStableDecay {
        num_decay_steps: u64,
        num_stable_steps: Option<u64>,
        warmup: Curve,
        decay: Curve,
        min_lr_ratio: f64,
        num_cycles: f64,
    },
}

/// How `warmup_stable_decay` rises or falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Curve {
    /// On a line.
    #[serde(rename = "linear")]
    Linear,
    /// On a cosine.
    #[serde(rename = "cosine")]
    Cosine,
    /// As 1 less a square root.
    #[serde(rename = "1-sqrt")]
    OneMinusSqrt,
}

impl Curve {
    /// From 0 to 1.
    fn rise(self, progress: f64) -> f64 {
        match self {
            Self::Linear => progress,
            Self::Cosine => 0.5 * (1.0 - (PI * progress).cos()),
            Self::OneMinusSqrt => 1.0 - (1.0 - progress).sqrt(),
        }
    }

    /// From 1 to 0.
    fn fall(self, progress: f64, num_cycles: f64) -> f64 {
        match self {
            Self::Linear => 1.0 - progress,
            Self::Cosine => 0.5 * (1.0 + (PI * num_cycles * 2.0 * progress).cos()),
            Self::OneMinusSqrt => 1.0 - progress.sqrt(),
        }
    }
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
            Shape::WarmupStableDecay { .. } => self.warmup_stable_decay(step),
            _ if step < self.warmup_steps => step as f64 / self.warmup_steps as f64,
            Shape::ConstantWithWarmup => 1.0,
            Shape::Linear => 1.0 - self.progress(step).min(1.0),
            Shape::Cosine { min_lr_rate } => {
                let cosine = 0.5 * (1.0 + (PI * self.progress(step)).cos());
                (cosine * (1.0 - min_lr_rate) + min_lr_rate).max(0.0)
            }
            Shape::CosineWithRestarts { .. } if 1.0 <= self.progress(step) => 0.0,
            Shape::CosineWithRestarts { num_cycles } => {
                0.5 * (1.0 + (PI * ((num_cycles * self.progress(step)) % 1.0)).cos())
            }
            Shape::Polynomial { power, lr_end } => {
                let left = 1.0 - self.progress(step).min(1.0);
                let range = self.learning_rate - lr_end;
                (range * left.powf(power) + lr_end) / self.learning_rate
            }
            Shape::InverseSqrt { timescale } => self.inverse_sqrt(step, timescale),
        }
    }

    fn inverse_sqrt(&self, step: u64, timescale: Option<u64>) -> f64 {
        let of_warmup = if self.warmup_steps == 0 { 10_000 } else { self.warmup_steps };
        let timescale = timescale.unwrap_or(of_warmup) as f64;
        let shift = timescale - self.warmup_steps as f64;
        1.0 / ((step as f64 + shift) / timescale).sqrt()
    }

    fn warmup_stable_decay(&self, step: u64) -> f64 {
        let Shape::WarmupStableDecay {
            num_decay_steps,
            num_stable_steps,
            warmup,
            decay,
            min_lr_ratio,
            num_cycles,
        } = self.shape
        else {
            return 1.0;
        };
        let left = self.num_steps.saturating_sub(self.warmup_steps + num_decay_steps);
        let first_decay = self.warmup_steps + num_stable_steps.unwrap_or(left);
        let factor = if step < self.warmup_steps {
            warmup.rise(step as f64 / self.warmup_steps as f64)
        } else if step < first_decay {
            return 1.0;
        } else if step < first_decay + num_decay_steps {
            decay.fall((step - first_decay) as f64 / num_decay_steps as f64, num_cycles)
        } else {
            return min_lr_ratio;
        };
        (factor * (1.0 - min_lr_ratio) + min_lr_ratio).max(0.0)
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
