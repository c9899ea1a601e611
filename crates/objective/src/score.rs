//! Objectives over scores of pairs of completions.

use burn::tensor::{Device, Tensor};

use crate::LossOutput;

/// The scores of the pairs of one micro-batch.
#[derive(Clone, Debug)]
pub struct ScoreBatch {
    chosen: Tensor<1>,
    rejected: Tensor<1>,
    num_step_pairs: usize,
    margins: Option<Tensor<1>>,
}

impl ScoreBatch {
    /// Scores `[pair]` of the preferred completions and of the others, and the number of pairs of all micro-batches of the
    /// optimiser step.
    ///
    /// # Panics
    ///
    /// If there are not as many chosen as rejected scores, or if the step has fewer pairs than this micro-batch.
    #[must_use]
    pub fn new(chosen: Tensor<1>, rejected: Tensor<1>, num_step_pairs: usize) -> Self {
        let [num_pairs] = chosen.dims();
        assert_eq!(rejected.dims(), [num_pairs], "number of rejected scores");
        assert!(
            num_pairs <= num_step_pairs,
            "a micro-batch of {num_pairs} pairs in a step of {num_step_pairs}"
        );
        Self { chosen, rejected, num_step_pairs, margins: None }
    }

    /// Adds by how much, `[pair]`, each preferred completion should at least win; they are detached.
    ///
    /// # Panics
    ///
    /// If there are not as many as pairs.
    #[must_use]
    pub fn with_margins(self, margins: Tensor<1>) -> Self {
        assert_eq!(margins.dims(), [self.num_pairs()], "number of margins");
        Self { margins: Some(margins.detach()), ..self }
    }

    /// Scores of the preferred completions, `[pair]`.
    #[must_use]
    pub fn chosen(&self) -> Tensor<1> {
        self.chosen.clone()
    }

    /// Scores of the other completions, `[pair]`.
    #[must_use]
    pub fn rejected(&self) -> Tensor<1> {
        self.rejected.clone()
    }

    /// Margins, `[pair]`, if there are any.
    #[must_use]
    pub fn margins(&self) -> Option<Tensor<1>> {
        self.margins.clone()
    }

    /// Number of pairs of this micro-batch.
    #[must_use]
    pub fn num_pairs(&self) -> usize {
        self.chosen.dims()[0]
    }

    /// Number of pairs of all micro-batches of the step.
    #[must_use]
    pub fn num_step_pairs(&self) -> usize {
        self.num_step_pairs
    }

    /// Where the lists live.
    #[must_use]
    pub fn device(&self) -> Device {
        self.chosen.device()
    }
}

/// An objective over scores.
pub trait ScoreLoss {
    /// The share of one micro-batch in the loss of its step.
    fn forward(&self, batch: ScoreBatch) -> LossOutput;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(count: usize) -> Tensor<1> {
        Tensor::zeros([count], &Device::flex())
    }

    #[test]
    #[should_panic(expected = "number of rejected scores")]
    fn a_side_that_would_broadcast_is_refused() {
        let _ = ScoreBatch::new(scores(2), scores(1), 2);
    }

    #[test]
    #[should_panic(expected = "number of margins")]
    fn margins_that_would_broadcast_are_refused() {
        let _ = ScoreBatch::new(scores(2), scores(2), 2).with_margins(scores(1));
    }

    #[test]
    #[should_panic(expected = "a micro-batch of 2 pairs in a step of 1")]
    fn a_step_smaller_than_its_micro_batch_is_refused() {
        let _ = ScoreBatch::new(scores(2), scores(2), 1);
    }
}
