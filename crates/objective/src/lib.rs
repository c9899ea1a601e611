//! What a training loop needs from an objective, and nothing about any one algorithm.
//!
//! An objective sees log-probabilities, never models. Tokens of all completions of a micro-batch stand one behind the
//! other, `[token]`; nothing is padded.
//!
//! # One step, several micro-batches
//!
//! The losses of the micro-batches of one optimiser step **add up** to the loss of the step: each is divided by a total
//! over the whole step ([`StepTotals`], [`PreferenceTotals`]), not by a count of its own. However a step is cut into micro-batches, its gradient
//! is the same. A mean of micro-batch means would weigh the tokens of short micro-batches more.

mod epochs;
mod policy;
mod preference;
mod rewards;
mod score;
mod supervised;
mod totals;
mod unpaired;
mod value;

use burn::tensor::Tensor;

pub use epochs::{EpochsError, MiniBatch, mini_batches};
pub use policy::{PolicyBatch, PolicyCompletion, PolicyLoss};
pub use preference::{
    PairLengths, PreferenceBatch, PreferenceLoss, PreferenceTotals, RewardBaseline,
};
pub use rewards::{RewardSummary, Rewards, RewardsError};
pub use score::{ScoreBatch, ScoreLoss};
pub use supervised::{SupervisedBatch, SupervisedLoss};
pub use totals::{GenerationTotals, StepTotals};
pub use unpaired::{UnpairedBatch, UnpairedCompletion, UnpairedLoss};
pub use value::{ValueBatch, ValueLoss};

/// A scalar to minimise and the numbers worth logging beside it.
#[derive(Debug)]
pub struct LossOutput {
    /// `[1]`, the share of this micro-batch in the loss of its step.
    pub loss: Tensor<1>,
    /// Detached `[1]` tensors, left on the device: only the logger decides when to synchronise.
    pub metrics: Vec<(&'static str, Tensor<1>)>,
}

/// Panics unless a list has one entry for each token.
fn assert_tokens(name: &str, list: &Tensor<1>, num_tokens: usize) {
    assert_eq!(list.dims(), [num_tokens], "number of tokens of {name}");
}
