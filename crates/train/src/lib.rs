//! Training steps on Burn's learner: schedule, clipping, accumulation, checkpoints.
#![doc = ""]
#![doc = include_str!("../README.md")]

mod adamw;
mod capture;
mod checkpoint;
mod config;
#[cfg(feature = "tui")]
mod dashboard;
mod diagnosis;
mod dump;
mod error;
mod fit;
mod gradients;
mod guard;
mod lock;
mod metrics;
mod moments;
mod progress;
mod quiet;
mod record;
mod replicas;
mod resume;
mod schedule;
mod scheduler;
mod seal;
mod source;
mod step;
mod stop;
mod strategy;
mod tensorboard;
mod weights;

pub use adamw::AdamW;
pub use checkpoint::{
    Best, CheckpointError, Cursor, Origins, Replacement, Saved, saved, settle_folder, write_file,
};
pub use config::{TrainConfig, TrainConfigError, Trainer};
pub use diagnosis::{Diagnosis, Limits, diagnose};
pub use error::TrainError;
pub use fit::{Fitted, Outcome, Resume, Run, fit, require_same_run};
pub use guard::{LossSpike, NonFinite};
pub use lock::{LockError, RunLock};
pub use metrics::read_log;
pub use progress::Progress;
pub use record::StepRecord;
pub use schedule::{Curve, Schedule};
pub use scheduler::{SchedulerKwargs, SchedulerType};
pub use seal::{FileFacts, SealError, hexadecimal, open_sealed, seal};
pub use source::{Abandoned, BatchError, BatchRow, BatchSource, Reported, StepBatches, StepOutput};
pub use stop::{Signal, StopFlag};
