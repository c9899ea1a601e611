//! RLOO: answers are compared with the others to the same question.

use std::sync::Arc;

use forethought_logprob::KlEstimator;
use forethought_objective::{PolicyCompletion, PolicyLoss, StepTotals};
use forethought_rloo::{self as rloo, RlooConfig, RlooLoss};
use forethought_train::BatchError;

use super::generation::Sample;
use super::method::{Credit, Judged, Method, OnlineMethod, Plan, SampledBy};

impl OnlineMethod for RlooConfig {
    fn default_generations(&self) -> usize {
        2
    }

    fn min_generations(&self) -> usize {
        2
    }

    fn problem(&self) -> Option<String> {
        self.init().err().map(|error| error.to_string())
    }

    fn plan(&self, _: usize) -> Result<Plan, String> {
        let passes = self.resolved().num_iterations.unwrap_or(1);
        Ok(Plan { slices: self.num_mini_batches.max(1), passes: passes.max(1) })
    }

    fn weights(&self) -> Option<&[f64]> {
        self.reward_weights.as_deref()
    }

    fn running(&self, weights: Vec<f64>, _: SampledBy) -> Result<Box<dyn Method>, String> {
        let loss = self.init().map_err(|error| error.to_string())?;
        let config = Self { reward_weights: Some(weights), ..self.clone() };
        Ok(Box::new(Rloo { config, loss }))
    }
}

struct Rloo {
    config: RlooConfig,
    loss: RlooLoss,
}

impl Method for Rloo {
    fn needs_reference(&self) -> bool {
        self.loss.needs_reference()
    }

    fn judges_divergence(&self) -> bool {
        self.loss.needs_reference()
    }

    fn judge(&mut self, judged: Judged<'_>) -> Result<Credit, BatchError> {
        let divergences: Vec<f32> = judged.samples.iter().map(divergence).collect();
        let is_truncated: Vec<bool> = judged.samples.iter().map(|one| !one.is_finished).collect();
        let advantages = self.config.advantages(rloo::Judged {
            rewards: &judged.rewards(),
            group_size: judged.group_size,
            divergences: if self.needs_reference() { &divergences } else { &[] },
            is_truncated: &is_truncated,
        })?;
        let num_tokens: usize = judged.samples.iter().map(|one| one.ids.len()).sum();
        let sum: f64 = divergences.iter().map(|one| f64::from(*one)).sum();
        let mut metrics = vec![
            ("reward", advantages.reward_mean),
            ("reward_std", advantages.reward_std),
            ("frac_reward_zero_std", advantages.frac_reward_zero_std),
            ("rewards/missing", advantages.num_without_reward as f64),
            ("objective/scores", advantages.score_mean),
            ("objective/non_score_reward", advantages.non_score_reward),
            ("objective/rlhf_reward", advantages.rlhf_reward),
        ];
        if self.needs_reference() {
            metrics.push(("kl", sum / num_tokens.max(1) as f64));
            metrics.push(("objective/kl", sum / judged.samples.len() as f64));
        }
        let metrics = metrics.into_iter().map(|(name, value)| (name.to_owned(), value));
        Ok(Credit {
            advantages: advantages.values,
            metrics: metrics.collect(),
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

/// How far the policy that sampled has left the reference on one answer.
fn divergence(sample: &Sample) -> f32 {
    let tokens = sample.old_log_probs.iter().zip(&sample.reference_log_probs);
    tokens.map(|(old, reference)| KlEstimator::K1.of(*old, *reference)).sum()
}
