//! What each token of a micro-batch weighs: host-side lists that the loss uploads once.

use forethought_objective::{PolicyBatch, PolicyCompletion};

use crate::{GrpoLoss, LossType};

/// One entry for each token of a micro-batch.
pub(crate) struct Tokens {
    /// Tokens of each completion.
    pub(crate) lengths: Vec<usize>,
    /// Advantage of the token's completion.
    pub(crate) advantages: Vec<f32>,
    /// 1 for tokens that count for the loss, 0 for the others.
    pub(crate) is_counted: Vec<f32>,
    /// Share of the token's loss in the loss of the step; 0 for tokens that do not count.
    pub(crate) weights: Vec<f32>,
}

impl Tokens {
    pub(crate) fn new(loss: &GrpoLoss, batch: &PolicyBatch) -> Self {
        let completions = batch.completions();
        let spread = |value: &dyn Fn(&PolicyCompletion) -> f32| {
            let values =
                completions.iter().map(|completion| (value(completion), completion.num_tokens));
            values.flat_map(|(value, count)| std::iter::repeat_n(value, count)).collect()
        };
        let num_counted = completions
            .iter()
            .filter(|completion| loss.counts(completion))
            .map(|completion| completion.num_tokens)
            .sum();
        let is_counted = |completion: &PolicyCompletion| f32::from(loss.counts(completion));
        Self {
            lengths: completions.iter().map(|completion| completion.num_tokens).collect(),
            advantages: spread(&|completion| completion.advantage),
            is_counted: spread(&is_counted),
            weights: spread(&|completion| {
                is_counted(completion) / divisor(loss, batch, completion.num_tokens, num_counted)
            }),
        }
    }
}

/// What the token losses of a completion of `length` tokens are divided by, in a micro-batch of which `num_counted` tokens
/// count.
fn divisor(loss: &GrpoLoss, batch: &PolicyBatch, length: usize, num_counted: usize) -> f32 {
    let totals = batch.totals();
    let divisor = match loss.config.loss_type {
        LossType::Grpo => length * totals.num_completions,
        LossType::Bnpo => num_counted * totals.num_micro_batches,
        LossType::DrGrpo => totals.num_completions * loss.config.max_completion_length,
        LossType::Dapo => totals.num_tokens,
    };
    divisor.max(1) as f32
}
