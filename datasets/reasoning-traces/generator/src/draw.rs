//! Draws of whole numbers from a seeded stream, written out so that no library update can change the data.

use std::ops::RangeInclusive;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::whole::{length, number};

/// The stream one problem is drawn from.
#[derive(Debug)]
pub struct Draw(ChaCha8Rng);

impl Draw {
    /// Draws from this stream.
    #[must_use]
    pub fn new(stream: ChaCha8Rng) -> Self {
        Self(stream)
    }

    /// A number below `bound`; the bias of the multiplication is below 2⁻⁵⁰ for the bounds used here.
    ///
    /// # Panics
    ///
    /// If `bound` is 0.
    #[allow(clippy::cast_possible_truncation)]
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(bound > 0, "cannot draw below 0");
        let product = u128::from(self.0.next_u64()) * (bound as u128);
        // The upper half of the product is below the bound, so it fits its type.
        (product >> 64) as usize
    }

    /// A number of the range, both ends included.
    pub fn within(&mut self, range: RangeInclusive<i64>) -> i64 {
        let (low, high) = range.into_inner();
        low + number(self.below(length(high - low + 1)))
    }

    /// One of the items.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Whether an event of this chance, in percent, happens.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// Puts the items into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// How many lines of `cost` tokens fit a trace of about `budget` tokens, give or take a fifth, cut to the range.
    pub(crate) fn fit(&mut self, budget: usize, cost: usize, range: RangeInclusive<i64>) -> i64 {
        let budget = budget.saturating_sub(30) * (80 + self.below(41)) / 100;
        number((budget + cost / 2) / cost).clamp(*range.start(), *range.end())
    }
}
