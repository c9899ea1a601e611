//! What each token of a micro-batch weighs: host-side lists that the loss uploads once.

use forethought_objective::{PolicyBatch, PolicyCompletion};

use crate::{GrpoLoss, LossType};

/// One entry for each token of a micro-batch.
pub(crate) struct Tokens {
    /// Tokens of each completion.
    pub(crate) lengths: Vec<usize>,
    /// What the token is worth.
    pub(crate) advantages: Vec<f32>,
    /// 1 for tokens that count for the loss, 0 for the others.
    pub(crate) is_counted: Vec<f32>,
    /// Share of the token's loss in the loss of the step; 0 for tokens that do not count.
    pub(crate) weights: Vec<f32>,
    /// Tokens that count.
    pub(crate) num_counted: usize,
}

impl Tokens {
    pub(crate) fn new(loss: &GrpoLoss, batch: &PolicyBatch) -> Self {
        let completions = batch.completions();
        let spread = |value: &dyn Fn(&PolicyCompletion) -> f32| {
            let each = completions.iter().map(|one| (value(one), one.num_tokens));
            each.flat_map(|(value, count)| std::iter::repeat_n(value, count)).collect()
        };
        let counted = completions.iter().filter(|one| loss.counts(one));
        let num_counted = counted.map(|one| one.num_tokens).sum();
        let is_counted = |one: &PolicyCompletion| f32::from(loss.counts(one));
        Self {
            lengths: batch.lengths(),
            advantages: batch.token_advantages(),
            is_counted: spread(&is_counted),
            weights: spread(&|one| {
                is_counted(one) / divisor(loss, batch, one.num_tokens, num_counted)
            }),
            num_counted,
        }
    }
}

/// What the token losses of a completion of `length` tokens are divided by, in a micro-batch of which `num_counted` tokens
/// count.
fn divisor(loss: &GrpoLoss, batch: &PolicyBatch, length: usize, num_counted: usize) -> f32 {
    let totals = batch.totals();
    let num_completions = totals.num_completions as f64;
    let divisor = match loss.loss_type {
        LossType::Grpo | LossType::Sapo => length as f64 * num_completions,
        LossType::Bnpo => (num_counted * totals.num_micro_batches) as f64,
        LossType::DrGrpo => num_completions * loss.config.max_completion_length as f64,
        LossType::Dapo | LossType::Cispo | LossType::Vespo => totals.num_tokens_of_average_step(),
        LossType::Luspo => num_completions,
    };
    // A step that takes the smaller part of a generation may have an average of less than one token.
    let divisor = if divisor == 0.0 { 1.0 } else { divisor };
    #[expect(clippy::cast_possible_truncation, reason = "it divides single-precision losses")]
    let divisor = divisor as f32;
    divisor
}
