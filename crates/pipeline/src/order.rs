//! Which examples an optimiser step takes: a fresh seeded permutation of all of them every epoch.

use forethought_seed::Seed;
use forethought_train::Cursor;
use rand::seq::SliceRandom as _;

/// What becomes of the examples at the end of an epoch that do not fill a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// They are a smaller step.
    Keep,
    /// They are left out, others in every epoch.
    Drop,
}

/// The order of examples over a whole run: a pure function of the seed and the step.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    seed: Seed,
    num_examples: usize,
    step_size: usize,
    rest: Rest,
    /// The permutation of the epoch asked for last.
    epoch: Option<(usize, Vec<usize>)>,
}

impl Order {
    /// Steps of `step_size` examples; the last step of an epoch takes what is left.
    pub(crate) fn new(seed: Seed, num_examples: usize, step_size: usize) -> Self {
        Self { seed, num_examples, step_size, rest: Rest::Keep, epoch: None }
    }

    /// What becomes of a last step that is not full.
    pub(crate) fn with_rest(self, rest: Rest) -> Self {
        Self { rest, ..self }
    }

    /// Steps of one epoch.
    pub(crate) fn steps_per_epoch(&self) -> usize {
        match self.rest {
            Rest::Keep => self.num_examples.div_ceil(self.step_size),
            Rest::Drop => self.num_examples / self.step_size,
        }
    }

    /// Where a step, counted from 0 over all epochs, begins.
    pub(crate) fn cursor(&self, step: u64) -> Cursor {
        let steps = self.steps_per_epoch().max(1) as u64;
        let seed = self.seed.number();
        Cursor { epoch: step / steps, step_of_epoch: step % steps, seed }
    }

    /// The examples of a step, counted from 0 over all epochs.
    pub(crate) fn examples(&mut self, step: usize) -> &[usize] {
        let steps = self.steps_per_epoch();
        let (epoch, within) = (step / steps, step % steps);
        let is_current = self.epoch.as_ref().is_some_and(|(current, _)| *current == epoch);
        if !is_current {
            let mut permutation: Vec<usize> = (0..self.num_examples).collect();
            permutation.shuffle(&mut self.seed.stream("epoch order", &[epoch as u64]));
            self.epoch = Some((epoch, permutation));
        }
        let permutation = self.epoch.as_ref().map_or(&[][..], |(_, permutation)| permutation);
        let start = within * self.step_size;
        &permutation[start..(start + self.step_size).min(permutation.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_takes_every_example_once_and_in_another_order() {
        let mut order = Order::new(Seed::new(3), 10, 4);
        let mut epochs = Vec::new();
        for epoch in 0..2 {
            let steps = (0..3).map(|step| order.examples(epoch * 3 + step).to_vec());
            epochs.push(steps.collect::<Vec<_>>().concat());
        }
        for examples in &epochs {
            let mut sorted = examples.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..10).collect::<Vec<_>>());
        }
        assert_ne!(epochs[0], epochs[1]);
    }

    #[test]
    fn a_rest_that_is_dropped_makes_no_step() {
        let order = Order::new(Seed::new(3), 10, 4);
        assert_eq!(order.steps_per_epoch(), 3);
        let mut order = order.with_rest(Rest::Drop);
        assert_eq!(order.steps_per_epoch(), 2);
        assert_eq!([order.examples(1).len(), order.examples(3).len()], [4, 4]);
    }

    #[test]
    fn the_cursor_counts_epochs_and_steps() {
        let order = Order::new(Seed::new(3), 10, 4);
        assert_eq!(order.cursor(7), Cursor { epoch: 2, step_of_epoch: 1, seed: 3 });
    }

    #[test]
    fn a_step_is_the_same_whatever_was_asked_before() {
        let mut fresh = Order::new(Seed::new(3), 10, 4);
        let mut used = fresh.clone();
        used.examples(0);
        used.examples(4);
        assert_eq!(fresh.examples(5), used.examples(5));
    }
}
