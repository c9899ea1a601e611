//! Why a request cannot be answered.

use crate::sampling::SamplingError;

/// A request that cannot be answered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RolloutError {
    /// A number of the sampling is out of range.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
    /// The model cannot continue a prompt.
    #[error("prompt {index} {source}")]
    Prompt {
        /// Index of the prompt.
        index: usize,
        /// What is wrong with it.
        source: PromptError,
    },
    /// A sequence cannot be scored.
    #[error("sequence {index} {source}")]
    Sequence {
        /// Index of the sequence.
        index: usize,
        /// What is wrong with it.
        source: PromptError,
    },
    /// The stop strings would be ignored.
    #[error("the sampling has stop strings, but the request has no check that finds them")]
    NoStopCheck,
    /// The search for a stop string failed.
    #[error("the search for stop strings failed: {0}")]
    Stop(String),
    /// Nothing is left to draw before `min_new_tokens`.
    #[error(
        "min_new_tokens bans the tokens that end a completion, and eos_ids has every token of the vocabulary"
    )]
    EndsAlways,
    /// Who asked no longer wants an answer.
    #[error("the sampling was cancelled")]
    Cancelled,
    /// The model computes infinities or worse, as it does after training has diverged.
    #[error("the model's logits are not finite: its weights are useless")]
    NotFinite,
}

/// A prompt that a model cannot continue, or a sequence that it cannot score.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// There is nothing to continue.
    #[error("is empty")]
    Empty,
    /// A prompt leaves no room for its completion.
    #[error("has {tokens} tokens, {}more than the model's {limit} positions (max_position_embeddings)", with(*new))]
    TooLong {
        /// Its length.
        tokens: usize,
        /// Tokens to generate.
        new: usize,
        /// `max_position_embeddings` of the model.
        limit: usize,
    },
    /// A token id is not below the vocabulary size.
    #[error("has token id {id}, the model's vocabulary has {vocab_size}")]
    UnknownToken {
        /// The id.
        id: u32,
        /// Vocabulary size of the model.
        vocab_size: usize,
    },
}

fn with(new: usize) -> String {
    if new == 0 { String::new() } else { format!("with {new} new ones ") }
}
