//! PPO: answers are compared with what a critic expected, token by token.

use std::sync::Arc;

use forethought_objective::{PolicyCompletion, PolicyLoss, StepTotals, ValueLoss};
use forethought_ppo::{KlController, PpoConfig, PpoLoss, Sampled};
use forethought_train::{BatchError, Reported};

use super::generation::Sample;
use super::method::{Credit, Judged, Method, OnlineMethod, Passes, Plan, SampledBy};
use super::trl015::{Ratios, bits, entropy, from_bits, num_eos_tokens};

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
        let controller = self.kl_controller();
        Ok(Box::new(Ppo { config: self.clone(), loss, controller, ratios: Ratios::default() }))
    }
}

struct Ppo {
    config: PpoConfig,
    loss: PpoLoss,
    controller: KlController,
    ratios: Ratios,
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
        self.ratios.begin();
        let metrics = [
            ("objective/kl", experience.kl),
            ("objective/kl_coef", coefficient),
            ("objective/entropy", entropy(samples)),
            ("objective/non_score_reward", experience.non_score_reward),
            ("objective/rlhf_reward", experience.rlhf_reward),
            ("objective/scores", experience.scores),
            ("reward", mean(judged.totals)),
            ("rewards/missing", experience.num_without_score as f64),
            ("val/num_eos_tokens", num_eos_tokens(samples, judged.eos_ids)),
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

    fn finished(&mut self, reported: &[Reported], passes: Passes) -> Vec<(String, f64)> {
        self.ratios.finished(reported, passes)
    }

    /// The coefficient, then the ratios.
    fn state(&self) -> Option<String> {
        let ratios = self.ratios.list().iter().copied();
        Some(bits(std::iter::once(self.controller.coefficient()).chain(ratios)))
    }

    fn restore(&mut self, state: &str) -> Result<(), BatchError> {
        let mut numbers = from_bits(state)?.into_iter();
        let coefficient = numbers.next().ok_or("the state has no coefficient")?;
        self.controller = KlController::new(self.config.kl_control, coefficient);
        self.ratios = Ratios::from(numbers.collect::<Vec<_>>());
        Ok(())
    }
}

/// The mean of the rewards that exist.
fn mean(rewards: &[Option<f32>]) -> f64 {
    let known: Vec<f64> = rewards.iter().flatten().map(|one| f64::from(*one)).collect();
    known.iter().sum::<f64>() / known.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ppo() -> Box<dyn Method> {
        PpoConfig::default().running(vec![1.0], SampledBy::Ourselves).expect("in range")
    }

    #[test]
    fn the_answers_of_a_sampling_are_reported_as_trl_does() {
        let answer = |ids: &[u32], log_probs: &[f32]| Sample {
            ids: ids.to_vec(),
            is_finished: true,
            old_log_probs: log_probs.to_vec(),
            reference_log_probs: log_probs.to_vec(),
            values: vec![0.0; ids.len() + 1],
            ..Sample::default()
        };
        let samples = [answer(&[4, 9], &[-1.5, -0.5]), answer(&[9], &[-2.0])];
        let totals = [Some(1.0), Some(0.0)];
        let columns = [totals.to_vec()];
        let judged = Judged {
            samples: &samples,
            columns: &columns,
            totals: &totals,
            group_size: 1,
            eos_ids: &[9],
        };
        let credit = ppo().judge(judged).expect("lists that fit");
        let of = |name: &str| credit.metrics.iter().find(|one| one.0 == name).map(|one| one.1);
        assert_eq!(of("objective/entropy"), Some(2.0));
        assert_eq!(of("val/num_eos_tokens"), Some(2.0));
    }

    #[test]
    fn coefficient_and_ratios_come_back_after_a_resume() {
        let step: Vec<Reported> = [1.0, 1.25].map(|ratio| vec![("val/ratio", ratio)]).into();
        let mut method = ppo();
        assert_eq!(method.finished(&step, Passes::Going), []);
        let mut resumed = ppo();
        resumed.restore(&method.state().expect("a state")).expect("its own");
        assert_eq!(resumed.state(), method.state());
        assert_eq!(resumed.finished(&step, Passes::Over), method.finished(&step, Passes::Over));
    }
}
