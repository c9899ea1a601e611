//! How large a micro-batch is.

use super::Task;
use crate::memory::Load;

impl Task {
    /// Tokens that the loss is made of; sequences, where those are scored as wholes.
    pub(crate) fn num_scored(&self) -> usize {
        match self {
            Self::Supervised(task) => task.row.num_scored(),
            Self::Preference(task) => task.row.num_scored(),
            Self::Unpaired(task) => task.row.num_scored(),
            Self::Score(task) => task.packed.rows.len(),
            Self::Policy(task) => task.row.num_scored(),
        }
    }

    /// The size of the micro-batch; whole sequences are scored without logits.
    pub(crate) fn load(&self) -> Load {
        let has_logits = !matches!(self, Self::Score(_));
        Load { tokens: self.num_tokens(), scored: usize::from(has_logits) * self.num_scored() }
    }

    /// Tokens of the longest answer, where answers are sampled; else 0.
    pub(crate) fn longest_answer(&self) -> usize {
        let Self::Policy(task) = self else { return 0 };
        task.completions.iter().map(|one| one.num_tokens).max().unwrap_or_default()
    }

    /// Tokens that the model reads.
    pub(crate) fn num_tokens(&self) -> usize {
        match self {
            Self::Supervised(task) => task.row.num_tokens(),
            Self::Preference(task) => task.row.num_tokens(),
            Self::Unpaired(task) => task.row.num_tokens(),
            Self::Score(task) => task.packed.tokens.len(),
            Self::Policy(task) => task.row.num_tokens(),
        }
    }
}
