//! Training steps on Burn's learner: schedule, clipping, accumulation, checkpoints.
#![doc = ""]
#![doc = include_str!("../README.md")]

mod adamw;
mod capture;
mod checkpoint;
mod config;
mod diagnosis;
mod error;
mod fit;
mod gradients;
mod metrics;
mod progress;
mod quiet;
mod record;
mod schedule;
mod scheduler;
mod source;
mod stop;
mod strategy;
mod tensorboard;
mod weights;

pub use adamw::AdamW;
pub use checkpoint::CheckpointError;
pub use config::{TrainConfig, TrainConfigError, Trainer};
pub use diagnosis::{Diagnosis, Limits, diagnose};
pub use error::TrainError;
pub use fit::{Fitted, Outcome, Resume, Run, fit};
pub use progress::Progress;
pub use record::StepRecord;
pub use schedule::{Curve, Schedule};
pub use scheduler::{SchedulerKwargs, SchedulerType};
pub use source::{BatchError, BatchSource, StepBatches, StepOutput};
pub use stop::{Signal, StopFlag};
