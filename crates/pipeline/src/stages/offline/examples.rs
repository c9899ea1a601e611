//! What a method learns from, once it is tokens.

use forethought_model::ScoredRow;
use forethought_tokenize::{Encoder, Overflow};
use forethought_train::BatchError;

use crate::examples::Limit;
use crate::learner::Task;
use crate::stages::Context;

/// How examples are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) encoder: &'a Encoder,
    /// The stage whose examples are read.
    pub(crate) data: &'a str,
    pub(crate) max_length: usize,
    pub(crate) on_overflow: Overflow,
}

impl<'a> Reading<'a> {
    /// How long examples may be.
    pub(crate) fn limit(&self) -> Limit<'a> {
        let (encoder, max_length, overflow) = (self.encoder, self.max_length, self.on_overflow);
        Limit { encoder, max_length, overflow }
    }
}

/// Examples as a method sees them.
pub(crate) trait Examples: Send {
    /// How many there are.
    fn len(&self) -> usize;

    /// The micro-batches of one optimiser step: for each, the packed row and what is to be made of its scores.
    fn step(&mut self, micro_batches: &[&[usize]]) -> Vec<(ScoredRow, Task)>;

    /// What the steps so far left behind and later ones depend on.
    fn state(&self) -> Option<String> {
        None
    }

    /// Takes back what [`Examples::state`] gave.
    fn restore(&mut self, _state: &str) -> Result<(), BatchError> {
        Err("these examples keep no state".into())
    }
}
