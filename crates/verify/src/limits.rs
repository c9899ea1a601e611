//! Bounds on the work one verdict may take, counted in steps.

use std::cell::Cell;

use serde::{Deserialize, Serialize};

/// How much work one verdict may take. Steps are counted, no clock is read, so a verdict is the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Steps of reading and comparing, each some ten nanoseconds. Default 400,000 (about 20 ms).
    pub steps: u64,
    /// How deeply brackets, fractions and exponents may nest. Default 100, far from any thread's stack.
    pub depth: usize,
    /// Tokens of one expression. Default 4,096.
    pub tokens: usize,
    /// Bits of an exact numerator or denominator. Default 100,000 (about 30,000 digits).
    pub bits: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 400_000, depth: 100, tokens: 4_096, bits: 100_000 }
    }
}

/// What is left of the steps.
#[derive(Debug)]
pub(crate) struct Budget {
    left: Cell<u64>,
    pub(crate) limits: Limits,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { left: Cell::new(limits.steps), limits }
    }

    /// Takes steps from the budget; `None` once it is used up.
    pub(crate) fn spend(&self, steps: u64) -> Option<()> {
        if let Some(left) = self.left.get().checked_sub(steps) {
            self.left.set(left);
            Some(())
        } else {
            self.left.set(0);
            None
        }
    }

    /// Whether nothing is left.
    pub(crate) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}
