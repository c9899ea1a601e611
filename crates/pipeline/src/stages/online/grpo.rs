//! GRPO: answers are compared with the mean of those to the same question.

use std::sync::Arc;

use forethought_grpo::{DynamicSampling, GrpoConfig, GrpoLoss, SamplingCorrection};
use forethought_objective::{PolicyCompletion, PolicyLoss, StepTotals};
use forethought_train::BatchError;

use super::method::{Credit, Judged, Method, OnlineMethod, Plan, SampledBy};

impl OnlineMethod for GrpoConfig {
    fn default_generations(&self) -> usize {
        8
    }

    fn min_generations(&self) -> usize {
        2
    }

    fn problem(&self) -> Option<String> {
        self.init().err().map(|error| error.to_string())
    }

    fn plan(&self, micro_batches_per_step: usize) -> Result<Plan, String> {
        let sampled = self.steps_per_generation.unwrap_or(micro_batches_per_step);
        if sampled == 0 || !sampled.is_multiple_of(micro_batches_per_step) {
            return Err(format!(
                "steps_per_generation must be a multiple of the {micro_batches_per_step} micro-batches of a step, got {sampled}"
            ));
        }
        Ok(Plan { slices: sampled / micro_batches_per_step, passes: self.num_iterations.max(1) })
    }

    fn weights(&self) -> Option<&[f64]> {
        self.reward_weights.as_deref()
    }

    fn refill(&self) -> Option<DynamicSampling> {
        self.dynamic_sampling
    }

    fn corrects_sampler(&self) -> bool {
        true
    }

    fn running(&self, weights: Vec<f64>, sampled_by: SampledBy) -> Result<Box<dyn Method>, String> {
        let correction = match sampled_by {
            SampledBy::Ourselves => SamplingCorrection::None,
            SampledBy::Server => SamplingCorrection::SequenceMask,
        };
        let config = Self {
            reward_weights: Some(weights),
            sampling_correction: self.sampling_correction.or(Some(correction)),
            ..self.clone()
        };
        let loss = config.init().map_err(|error| error.to_string())?;
        Ok(Box::new(Grpo { config, loss }))
    }
}

struct Grpo {
    config: GrpoConfig,
    loss: GrpoLoss,
}

impl Method for Grpo {
    fn needs_reference(&self) -> bool {
        self.loss.needs_reference()
    }

    fn judges_divergence(&self) -> bool {
        false
    }

    fn rewards_entropy(&self) -> bool {
        self.loss.rewards_entropy()
    }

    fn corrects_sampler(&self) -> bool {
        true
    }

    fn judge(&mut self, judged: Judged<'_>) -> Result<Credit, BatchError> {
        let advantages = self.config.advantages(&judged.rewards(), judged.group_size)?;
        let metrics = [
            ("reward", advantages.reward_mean),
            ("reward_std", advantages.reward_std),
            ("frac_reward_zero_std", advantages.frac_reward_zero_std),
            ("rewards/missing", advantages.num_without_reward as f64),
        ];
        Ok(Credit {
            advantages: advantages.values,
            metrics: metrics.map(|(name, value)| (name.to_owned(), value)).into(),
            ..Credit::default()
        })
    }

    fn totals(&self, micro_batches: &[&[PolicyCompletion]]) -> StepTotals {
        self.loss.step_totals(micro_batches)
    }

    fn policy_loss(&self) -> Arc<dyn PolicyLoss + Send + Sync> {
        Arc::new(self.loss.clone())
    }
}
