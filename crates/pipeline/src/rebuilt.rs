//! What a step that is computed again was trained on.

use forethought_train::StepBatches;

use crate::learner::{Input, Task};

/// What a step was trained on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The rows of the data, in words.
    pub description: String,
    /// Micro-batches.
    pub num_micro_batches: usize,
    /// Tokens that the model read.
    pub num_tokens: usize,
    /// Tokens that the loss is made of.
    pub num_scored: usize,
    /// The advantage of each completion, where the method has advantages.
    pub advantages: Vec<f32>,
}

/// The batch of a step.
pub(crate) fn batch(batches: &StepBatches<Input>) -> Batch {
    let policies = batches.inputs.iter().filter_map(|input| match &input.task {
        Task::Policy(policy) => Some(policy),
        _ => None,
    });
    let advantages = policies.flat_map(|policy| policy.completions.iter().map(|one| one.advantage));
    Batch {
        description: batches.description.clone(),
        num_micro_batches: batches.inputs.len(),
        num_tokens: batches.num_tokens,
        num_scored: batches.inputs.iter().map(|input| input.task.num_scored()).sum(),
        advantages: advantages.collect(),
    }
}
