//! Which samples each micro-batch trains on, when samples are used more than once or for several steps.

use crate::GrpoConfig;

/// The schedule of sampling and training. Completions are sampled for `steps_per_generation` micro-batches at once, and
/// each of these is trained on `num_iterations` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenerationPlan {
    gradient_accumulation_steps: u64,
    steps_per_generation: u64,
    num_iterations: u64,
}

/// What one micro-batch trains on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedMicroBatch {
    /// The batch of completions that were sampled at once, from 0.
    pub generation: u64,
    /// Its part, in `0..steps_per_generation`.
    pub slice: usize,
    /// How often the part was trained on before.
    pub iteration: usize,
    /// Whether the completions must be sampled now, with the policy as it is.
    pub starts_generation: bool,
}

/// A plan without a micro-batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} must be at least 1, got 0")]
pub struct PlanError {
    field: &'static str,
}

impl GenerationPlan {
    /// The plan of a config, for optimiser steps of so many micro-batches.
    ///
    /// ```
    /// use forethought_grpo::{GenerationPlan, GrpoConfig};
    ///
    /// let config = GrpoConfig { num_iterations: 2, ..GrpoConfig::default() };
    /// let plan = GenerationPlan::new(&config, 4)?;
    /// // Steps 0 and 1 train on the first generation; in step 1 the policy is no longer the one that sampled.
    /// assert_eq!(plan.of_step(1)[0].generation, 0);
    /// assert_eq!(plan.of_step(2)[0].generation, 1);
    /// assert!(plan.needs_old_log_probs());
    /// # Ok::<(), forethought_grpo::PlanError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If one of the three counts is 0.
    pub fn new(config: &GrpoConfig, gradient_accumulation_steps: usize) -> Result<Self, PlanError> {
        let steps_per_generation =
            config.steps_per_generation.unwrap_or(gradient_accumulation_steps);
        let counts = [
            ("gradient_accumulation_steps", gradient_accumulation_steps),
            ("steps_per_generation", steps_per_generation),
            ("num_iterations", config.num_iterations),
        ];
        if let Some((field, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(PlanError { field });
        }
        Ok(Self {
            gradient_accumulation_steps: gradient_accumulation_steps as u64,
            steps_per_generation: steps_per_generation as u64,
            num_iterations: config.num_iterations as u64,
        })
    }

    /// Micro-batches between two generations.
    fn generate_every(&self) -> u64 {
        self.steps_per_generation * self.num_iterations
    }

    /// Micro-batches that are sampled at once.
    #[must_use]
    pub fn steps_per_generation(&self) -> usize {
        index(self.steps_per_generation)
    }

    /// Whether samples are used after the policy has moved, so that its log-probabilities at sampling time must be kept.
    /// Otherwise the detached current ones stand in.
    #[must_use]
    pub fn needs_old_log_probs(&self) -> bool {
        !self.gradient_accumulation_steps.is_multiple_of(self.generate_every())
    }

    /// What micro-batch `micro_step` trains on, counted from 0 over the whole run.
    #[must_use]
    pub fn micro_batch(&self, micro_step: u64) -> PlannedMicroBatch {
        let within = micro_step % self.generate_every();
        PlannedMicroBatch {
            generation: micro_step / self.generate_every(),
            slice: index(within % self.steps_per_generation),
            iteration: index(within / self.steps_per_generation),
            starts_generation: within == 0,
        }
    }

    /// What the micro-batches of optimiser step `step` train on.
    #[must_use]
    pub fn of_step(&self, step: u64) -> Vec<PlannedMicroBatch> {
        let first = step * self.gradient_accumulation_steps;
        (first..first + self.gradient_accumulation_steps).map(|one| self.micro_batch(one)).collect()
    }

    /// The optimiser step in which a generation is sampled.
    #[must_use]
    pub fn step_of_generation(&self, generation: u64) -> u64 {
        generation * self.generate_every() / self.gradient_accumulation_steps
    }

    /// Generations that so many optimiser steps need.
    #[must_use]
    pub fn num_generations(&self, num_steps: u64) -> u64 {
        (num_steps * self.gradient_accumulation_steps).div_ceil(self.generate_every())
    }

    /// Optimiser steps that so many generations last for; an incomplete last step is none.
    #[must_use]
    pub fn num_steps(&self, num_generations: u64) -> u64 {
        num_generations * self.generate_every() / self.gradient_accumulation_steps
    }
}

/// Counts that were `usize` before.
fn index(count: u64) -> usize {
    usize::try_from(count).expect("it was a usize")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(accumulation: usize, steps: Option<usize>, num_iterations: usize) -> GenerationPlan {
        let config =
            GrpoConfig { steps_per_generation: steps, num_iterations, ..GrpoConfig::default() };
        GenerationPlan::new(&config, accumulation).expect("counts are positive")
    }

    fn slices(plan: GenerationPlan, num_steps: u64) -> Vec<(u64, usize)> {
        let micro_batches = (0..num_steps).flat_map(|step| plan.of_step(step));
        micro_batches.map(|one| (one.generation, one.slice)).collect()
    }

    /// `_prepare_inputs` of TRL 1.16: a generation every `steps_per_generation * num_iterations` micro-batches, of which
    /// micro-batch `i` takes part `i % steps_per_generation`.
    #[test]
    fn the_parts_follow_each_other_as_in_trl() {
        assert_eq!(slices(plan(2, None, 1), 2), [(0, 0), (0, 1), (1, 0), (1, 1)]);
        assert_eq!(slices(plan(2, None, 2), 3), [(0, 0), (0, 1), (0, 0), (0, 1), (1, 0), (1, 1)]);
        assert_eq!(slices(plan(1, Some(3), 1), 4), [(0, 0), (0, 1), (0, 2), (1, 0)]);
        assert_eq!(slices(plan(4, Some(2), 1), 1), [(0, 0), (0, 1), (1, 0), (1, 1)]);
    }

    /// `gradient_accumulation_steps % generate_every != 0`.
    #[test]
    fn old_log_probs_are_needed_once_samples_outlive_a_step() {
        assert!(!plan(4, None, 1).needs_old_log_probs());
        assert!(!plan(4, Some(2), 1).needs_old_log_probs());
        assert!(plan(4, None, 2).needs_old_log_probs());
        assert!(plan(1, Some(3), 1).needs_old_log_probs());
        assert!(plan(4, Some(3), 1).needs_old_log_probs());
    }

    #[test]
    fn a_plan_without_micro_batches_is_refused_by_name() {
        let error = GenerationPlan::new(&GrpoConfig::default(), 0).expect_err("no micro-batch");
        assert_eq!(error.to_string(), "gradient_accumulation_steps must be at least 1, got 0");
        let config = GrpoConfig { num_iterations: 0, ..GrpoConfig::default() };
        let error = GenerationPlan::new(&config, 1).expect_err("no iteration");
        assert_eq!(error.to_string(), "num_iterations must be at least 1, got 0");
    }

    proptest! {
        #[test]
        fn every_part_is_trained_on_as_often_as_it_should(
            accumulation in 1..5usize, steps in 1..5usize, num_iterations in 1..4usize,
        ) {
            let plan = plan(accumulation, Some(steps), num_iterations);
            let num_steps = plan.num_steps(12);
            prop_assert_eq!(plan.num_generations(num_steps).div_ceil(1), plan.num_generations(num_steps));
            let all = slices(plan, num_steps);
            let num_whole = (all.len() / (steps * num_iterations)) as u64;
            for generation in 0..num_whole {
                for slice in 0..steps {
                    let times = all.iter().filter(|one| **one == (generation, slice)).count();
                    prop_assert_eq!(times, num_iterations);
                }
                let first = plan.of_step(plan.step_of_generation(generation));
                let starts = |one: &PlannedMicroBatch| one.starts_generation && one.generation == generation;
                prop_assert!(first.iter().any(starts));
            }
        }
    }
}
