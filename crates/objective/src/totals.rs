//! Sizes of an optimiser step, by which losses are divided.

/// Sizes of one optimiser step, over all its micro-batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepTotals {
    /// Micro-batches.
    pub num_micro_batches: usize,
    /// Completions.
    pub num_completions: usize,
    /// Tokens that count for the loss.
    pub num_tokens: usize,
    /// Sizes of the batch of completions, sampled at once, that the step takes its share of.
    pub generation: GenerationTotals,
}

/// Sizes of the completions that were sampled at once: those of one optimiser step, of several, or of a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenerationTotals {
    /// Micro-batches; TRL's `steps_per_generation`.
    pub num_micro_batches: usize,
    /// Tokens that count for the loss; TRL's `num_items_in_batch`.
    pub num_tokens: usize,
}

impl StepTotals {
    /// A step whose completions were sampled for it alone.
    #[must_use]
    pub fn new(num_micro_batches: usize, num_completions: usize, num_tokens: usize) -> Self {
        let generation = GenerationTotals { num_micro_batches, num_tokens };
        Self { num_micro_batches, num_completions, num_tokens, generation }
    }

    /// The same step, as a part of what was sampled at once.
    #[must_use]
    pub fn of_generation(self, generation: GenerationTotals) -> Self {
        Self { generation, ..self }
    }

    /// Tokens that count for the loss in an average step of the generation: its tokens, times the micro-batches of the
    /// step over those of the generation. At least 1, since losses are divided by it.
    ///
    /// The steps of one generation then weigh each of its tokens the same, however the tokens fall on the steps.
    #[must_use]
    pub fn num_tokens_of_average_step(&self) -> f64 {
        let GenerationTotals { num_micro_batches, num_tokens } = self.generation;
        let share = self.num_micro_batches as f64 / num_micro_batches.max(1) as f64;
        num_tokens.max(1) as f64 * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_sampled_for_itself_has_its_own_tokens() {
        let totals = StepTotals::new(3, 12, 70);
        assert!((totals.num_tokens_of_average_step() - 70.0).abs() < 1e-12);
    }

    /// TRL 1.16: `num_items_in_batch * current_gradient_accumulation_steps / steps_per_generation`, here 100 * 2 / 5.
    #[test]
    fn a_part_of_a_generation_has_its_share_of_the_tokens_of_all() {
        let generation = GenerationTotals { num_micro_batches: 5, num_tokens: 100 };
        let totals = StepTotals::new(2, 8, 70).of_generation(generation);
        assert!((totals.num_tokens_of_average_step() - 40.0).abs() < 1e-12);
    }

    #[test]
    fn a_step_without_tokens_divides_by_one() {
        assert!((StepTotals::new(1, 2, 0).num_tokens_of_average_step() - 1.0).abs() < 1e-12);
    }
}
