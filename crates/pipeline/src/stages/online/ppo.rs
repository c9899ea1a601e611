//! PPO: answers are compared with what a critic expected, token by token.

use std::sync::Arc;

use forethought_objective::{PolicyCompletion, PolicyLoss, StepTotals, ValueLoss};
use forethought_ppo::{KlController, PpoConfig, PpoLoss, Sampled};
use forethought_train::BatchError;

use super::generation::Sample;
use super::method::{Credit, Judged, Method, OnlineMethod, Plan, SampledBy};

impl OnlineMethod for PpoConfig {
    fn default_generations(&self) -> usize {
        1
    }

    fn min_generations(&self) -> usize {
        1
    }

    fn problem(&self) -> Option<String> {
        self.init().err().map(|error| error.to_string())
    }

    fn plan(&self, _: usize) -> Result<Plan, String> {
        Ok(Plan { slices: self.num_mini_batches.max(1), passes: self.num_ppo_epochs.max(1) })
    }

    fn running(&self, _: Vec<f64>, _: SampledBy) -> Result<Box<dyn Method>, String> {
        let loss = self.init().map_err(|error| error.to_string())?;
        Ok(Box::new(Ppo { config: self.clone(), loss, controller: self.kl_controller() }))
    }
}

struct Ppo {
    config: PpoConfig,
    loss: PpoLoss,
    controller: KlController,
}

impl Method for Ppo {
    fn needs_reference(&self) -> bool {
        true
    }

    fn judges_divergence(&self) -> bool {
        true
    }

    fn num_values(&self, num_tokens: usize) -> usize {
        self.config.num_values(num_tokens)
    }

    fn judge(&mut self, judged: Judged<'_>) -> Result<Credit, BatchError> {
        let samples = judged.samples;
        let list = |of: fn(&Sample) -> &[f32]| -> Vec<f32> {
            samples.iter().flat_map(|one| of(one).iter().copied()).collect()
        };
        let lengths: Vec<usize> = samples.iter().map(|one| one.ids.len()).collect();
        let is_truncated: Vec<bool> = samples.iter().map(|one| !one.is_finished).collect();
        let coefficient = self.controller.coefficient();
        let sampled = Sampled {
            lengths: &lengths,
            scores: judged.totals,
            is_truncated: &is_truncated,
            log_probs: &list(|one| &one.old_log_probs),
            reference_log_probs: &list(|one| &one.reference_log_probs),
            values: &list(|one| &one.values),
        };
        let experience = self.config.experience(sampled, coefficient)?;
        self.controller.update(experience.kl, samples.len());
        let metrics = [
            ("objective/kl", experience.kl),
            ("objective/kl_coef", coefficient),
            ("objective/non_score_reward", experience.non_score_reward),
            ("objective/rlhf_reward", experience.rlhf_reward),
            ("objective/scores", experience.scores),
            ("reward", mean(judged.totals)),
            ("rewards/missing", experience.num_without_score as f64),
        ];
        Ok(Credit {
            advantages: Vec::new(),
            token_advantages: Some(experience.advantages),
            returns: Some(experience.returns),
            metrics: metrics.map(|(name, value)| (name.to_owned(), value)).into(),
        })
    }

    fn totals(&self, micro_batches: &[&[PolicyCompletion]]) -> StepTotals {
        self.loss.step_totals(micro_batches)
    }

    fn policy_loss(&self) -> Arc<dyn PolicyLoss + Send + Sync> {
        Arc::new(self.loss.clone())
    }

    fn value_loss(&self) -> Option<Arc<dyn ValueLoss + Send + Sync>> {
        Some(Arc::new(self.loss.clone()))
    }

    fn state(&self) -> Option<String> {
        Some(format!("{:016x}", self.controller.coefficient().to_bits()))
    }

    fn restore(&mut self, state: &str) -> Result<(), BatchError> {
        let coefficient = f64::from_bits(u64::from_str_radix(state, 16)?);
        self.controller = KlController::new(self.config.kl_control, coefficient);
        Ok(())
    }
}

/// The mean of the rewards that exist.
fn mean(rewards: &[Option<f32>]) -> f64 {
    let known: Vec<f64> = rewards.iter().flatten().map(|one| f64::from(*one)).collect();
    known.iter().sum::<f64>() / known.len() as f64
}
