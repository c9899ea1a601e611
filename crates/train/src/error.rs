//! What can end a run.

use std::path::PathBuf;

use crate::checkpoint::CheckpointError;
use crate::lock::LockError;
use crate::source::BatchError;

/// An error that ended a run before its last step. The checkpoints written before it are untouched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The batch source has no steps.
    #[error("nothing to train on: the data gives 0 optimiser steps")]
    NoSteps,
    /// The batch source could not make the batches of a step.
    #[error("step {step}: {source}")]
    Batch {
        /// The step, counted from 1.
        step: u64,
        /// What the source said.
        source: BatchError,
    },
    /// A step has no micro-batch.
    #[error("step {step} ({description}) has no micro-batch")]
    EmptyStep {
        /// The step, counted from 1.
        step: u64,
        /// What is in the step.
        description: String,
    },
    /// The loss of a step is NaN or infinite. No weight was changed by it.
    #[error(
        "step {step} ({description}): the loss is {loss}; the weights were not updated; {rows}"
    )]
    NonFiniteLoss {
        /// The step, counted from 1.
        step: u64,
        /// What is in the step.
        description: String,
        /// The loss.
        loss: f64,
        /// In which file its rows are, in words.
        rows: String,
    },
    /// A gradient of a step is NaN or infinite. No weight was changed by it.
    #[error(
        "step {step} ({description}): the gradient of {parameter} is not finite (loss {loss}); the weights were not updated; {rows}"
    )]
    NonFiniteGradient {
        /// The step, counted from 1.
        step: u64,
        /// What is in the step.
        description: String,
        /// Path of the first such parameter.
        parameter: String,
        /// The loss.
        loss: f64,
        /// In which file its rows are, in words.
        rows: String,
    },
    /// The loss rose far above those before it, once more than the run may go back. No weight was changed by it.
    #[error("{}; {}", self.what_happened(), gone_back(*num_rollbacks))]
    LossSpike {
        /// The step, counted from 1.
        step: u64,
        /// What is in the step.
        description: String,
        /// The loss.
        loss: f64,
        /// Mean of the losses before.
        mean: f64,
        /// Their deviation.
        deviation: f64,
        /// In which file its rows are, in words.
        rows: String,
        /// How often the run has gone back.
        num_rollbacks: u64,
    },
    /// The model that training starts from is broken.
    #[error(
        "the tensor {parameter} of the model that training starts from holds NaN or an infinity"
    )]
    NonFiniteWeights {
        /// Path of the first such parameter.
        parameter: String,
    },
    /// The folder of the run belongs to another process, or cannot be written.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// No parameter can be trained.
    #[error(
        "no parameter of the model can be trained: it must be on an autodiff device, and not frozen"
    )]
    Frozen,
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The file of metrics could not be written or read.
    #[error("{path}: {source}")]
    Metrics {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of the file of metrics is damaged.
    #[error("{path}:{line}: {source}")]
    MetricsLine {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The file of metrics is not what it was when the checkpoint was written.
    #[error(
        "{path} is not the log that the checkpoint of step {step} was written beside: {}; later steps are judged by it, so put it back as it was, or start over without resuming (the checkpoints are set aside then)",
        log_difference(*expected, *found)
    )]
    OtherLog {
        /// The file.
        path: PathBuf,
        /// The step of the checkpoint.
        step: u64,
        /// Lines that it had up to there.
        expected: u64,
        /// Lines that it has.
        found: u64,
    },
    /// The metric whose best value is to be kept is none that the steps log.
    #[error("{0}")]
    NoSuchMetric(String),
    /// Somebody pressed the keys of the dashboard that end a run at once.
    #[error(
        "ended at once from the dashboard after step {step}; steps after the last checkpoint are lost, --resume goes on from there"
    )]
    Killed {
        /// The step, counted from 1.
        step: u64,
    },
    /// Burn's learner stopped for a reason of its own.
    #[error("the learner stopped: {0}")]
    Learner(String),
}

impl TrainError {
    /// Whether a step was given up before it changed a weight, so that all of the run stands where the step before left it.
    pub(crate) fn leaves_the_weights(&self) -> bool {
        matches!(
            self,
            Self::Batch { .. }
                | Self::EmptyStep { .. }
                | Self::NonFiniteLoss { .. }
                | Self::NonFiniteGradient { .. }
                | Self::LossSpike { .. }
        )
    }
}

/// In what a log is not what it was.
fn log_difference(expected: u64, found: u64) -> String {
    if found == expected {
        return format!("of its lines up to there, {expected}, some were changed");
    }
    format!("it has {found} lines up to there, and had {expected}")
}

/// Why a run does not go back to a checkpoint.
fn gone_back(num_rollbacks: u64) -> String {
    let times = match num_rollbacks {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    };
    format!("the run has gone back {times}, as often as loss_spike.max_rollbacks allows")
}

impl TrainError {
    /// What happened, without what follows from it: a run that goes on says it too.
    pub(crate) fn what_happened(&self) -> String {
        match self {
            Self::LossSpike { step, description, loss, mean, deviation, rows, .. } => format!(
                "step {step} ({description}): the loss is {loss}, those before it {mean} with a deviation of {deviation}; the weights were not updated; {rows}"
            ),
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_goes_on_after_a_spike_does_not_say_that_it_has_gone_back_too_often() {
        let spike = |num_rollbacks| TrainError::LossSpike {
            step: 7,
            description: "examples 1, 2".to_owned(),
            loss: 9.5,
            mean: 0.5,
            deviation: 0.25,
            rows: "its rows are in a.json".to_owned(),
            num_rollbacks,
        };
        let happened = "step 7 (examples 1, 2): the loss is 9.5, those before it 0.5 with a deviation of 0.25; the weights were not updated; its rows are in a.json";
        assert_eq!(spike(0).what_happened(), happened);
        for (count, words) in [(1, "once"), (2, "twice"), (3, "3 times")] {
            let end = format!(
                "; the run has gone back {words}, as often as loss_spike.max_rollbacks allows"
            );
            assert_eq!(spike(count).to_string(), format!("{happened}{end}"));
        }
    }
}
