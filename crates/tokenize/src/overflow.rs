//! What happens to an example that is longer than the model may read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Encoded;

/// What to do with an example over the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// Stop: the limit was meant to hold for every example.
    Error,
    /// Leave the example out, and say so.
    Drop,
    /// Keep the first tokens (TRL's `keep_start`), and say how many were cut. An example of which no completion token
    /// is left teaches nothing and is dropped.
    Truncate,
}

/// An example made to fit, with what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fitted {
    /// Nothing had to be done.
    Whole(Encoded),
    /// The end is gone.
    Truncated {
        /// What is left.
        encoded: Encoded,
        /// How many tokens were cut.
        cut: usize,
    },
    /// The example is left out.
    Dropped {
        /// How many tokens it had.
        tokens: usize,
    },
}

impl Fitted {
    /// What is left and how many tokens were cut.
    ///
    /// # Errors
    ///
    /// If the example is left out: the tokens it had.
    pub fn kept(self) -> Result<(Encoded, usize), usize> {
        match self {
            Self::Whole(encoded) => Ok((encoded, 0)),
            Self::Truncated { encoded, cut } => Ok((encoded, cut)),
            Self::Dropped { tokens } => Err(tokens),
        }
    }
}

/// An example over a limit that holds for every example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an example has {tokens} tokens, allowed are {max_length}")]
pub struct TooLong {
    /// Tokens of the example.
    pub tokens: usize,
    /// Tokens allowed.
    pub max_length: usize,
}

/// Makes an example fit into `max_length` tokens.
///
/// # Errors
///
/// If it is longer and `overflow` is [`Overflow::Error`].
pub fn fit(encoded: Encoded, max_length: usize, overflow: Overflow) -> Result<Fitted, TooLong> {
    let tokens = encoded.ids.len();
    if tokens <= max_length {
        return Ok(Fitted::Whole(encoded));
    }
    match overflow {
        Overflow::Error => Err(TooLong { tokens, max_length }),
        Overflow::Drop => Ok(Fitted::Dropped { tokens }),
        Overflow::Truncate => Ok(truncate(encoded, max_length)),
    }
}

fn truncate(mut encoded: Encoded, max_length: usize) -> Fitted {
    let tokens = encoded.ids.len();
    if max_length <= encoded.completion_start() {
        return Fitted::Dropped { tokens };
    }
    encoded.ids.truncate(max_length);
    encoded.completion_mask.truncate(max_length);
    Fitted::Truncated { encoded, cut: tokens - max_length }
}
