//! What later steps depend on beside weights and moments: `state.json`.

use serde::{Deserialize, Serialize};

/// Everything of a run that is neither a weight nor a moment of the optimiser.
///
/// There is no state of random numbers: each is drawn by the seed and its place, and the place follows from `step`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunState {
    /// Number of finished optimiser steps.
    pub(crate) step: u64,
    /// Micro-batches of the next step that are done. Always 0: a step that has begun is finished before a checkpoint is
    /// written, and one that a kill broke off begins anew.
    pub(crate) micro_batch: u64,
    /// Steps of the learning rate schedule.
    pub(crate) scheduler_step: u64,
    /// Tokens that the steps so far were trained on.
    pub(crate) num_tokens: u64,
    /// What the log holds of the steps so far.
    pub(crate) log: LogMark,
    /// Where in the data the next step begins, and the seed of its random numbers.
    pub(crate) cursor: Option<Cursor>,
    /// The best value of the watched metric so far.
    pub(crate) best: Option<Best>,
    /// Steps that changed no weight.
    pub(crate) guarded: Guarded,
    /// What the source of batches keeps from step to step, as its own text: sampled answers that are not used up, the
    /// weight of a controlled divergence, running means of rewards.
    pub(crate) source: Option<String>,
}

/// What a log holds of the steps that a checkpoint says are finished: later steps are judged by it, so a resumed run must find
/// it as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogMark {
    /// Lines of the stage.
    pub(crate) lines: u64,
    /// SHA-256 of these lines without their speeds, which alone differ between a run and the same run once more.
    pub(crate) sha256: String,
}

/// A place in the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Passes over the data that are complete.
    pub epoch: u64,
    /// Steps of the pass under way that are done.
    pub step_of_epoch: u64,
    /// Seed of all random numbers of the run; counters name each draw.
    pub seed: u64,
}

/// The best value of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// Name of the metric.
    pub metric: String,
    /// Its value, a number.
    pub value: f64,
    /// The step that had it, counted from 1.
    pub step: u64,
}

/// Steps that changed no weight, because their numbers were bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guarded {
    /// Steps skipped for a loss or gradient that is no number.
    pub(crate) num_skipped: u64,
    /// Returns to a checkpoint after a spike of the loss.
    pub(crate) num_rollbacks: u64,
    /// Steps before this one are not trained on: they led to a spike.
    pub(crate) skip_until: u64,
}
