//! PPO: answers are compared with what a critic expected, token by token.

use std::sync::Arc;

use forethought_objective::{PolicyCompletion, PolicyLoss, StepTotals, ValueLoss};
use forethought_ppo::{KlController, PpoConfig, PpoLoss, Sampled};
use forethought_train::{BatchError, Reported};

use super::generation::Sample;
use super::method::{Credit, Judged, Method, OnlineMethod, Passes, Plan, SampledBy};

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
        Ok(Box::new(Ppo { config: self.clone(), loss, controller, ratios: Vec::new() }))
    }
}

struct Ppo {
    config: PpoConfig,
    loss: PpoLoss,
    controller: KlController,
    /// `val/ratio` of each micro-batch since the last sampling.
    ratios: Vec<f64>,
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
        self.ratios.clear();
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
        let ratios = reported.iter().flatten().filter(|(name, _)| *name == RATIO);
        self.ratios.extend(ratios.map(|(_, ratio)| ratio));
        match passes {
            Passes::Going => Vec::new(),
            Passes::Over => vec![("val/ratio_var".to_owned(), variance(&self.ratios))],
        }
    }

    /// The bits of the coefficient, then those of the ratios.
    fn state(&self) -> Option<String> {
        let numbers = std::iter::once(self.controller.coefficient()).chain(self.ratios.clone());
        Some(numbers.map(|one| format!("{:016x}", one.to_bits())).collect::<Vec<_>>().join(" "))
    }

    fn restore(&mut self, state: &str) -> Result<(), BatchError> {
        let numbers = state.split(' ').map(|one| u64::from_str_radix(one, 16).map(f64::from_bits));
        let mut numbers = numbers.collect::<Result<Vec<f64>, _>>()?.into_iter();
        let coefficient = numbers.next().ok_or("the state has no coefficient")?;
        self.controller = KlController::new(self.config.kl_control, coefficient);
        self.ratios = numbers.collect();
        Ok(())
    }
}

/// What the loss calls the mean ratio of a micro-batch.
const RATIO: &str = "val/ratio";

/// TRL 0.15 takes the variance, with a divisor of n − 1, over all micro-batches of all passes. NaN of fewer than two, as there.
fn variance(list: &[f64]) -> f64 {
    let count = list.len() as f64;
    let mean = list.iter().sum::<f64>() / count;
    let squares: f64 = list.iter().map(|one| (one - mean).powi(2)).sum();
    if list.len() < 2 { f64::NAN } else { squares / (count - 1.0) }
}

/// Mean over the answers of minus the log-probability of each. TRL 0.15 takes every padding token for one of
/// log-probability 1; there are none here.
fn entropy(samples: &[Sample]) -> f64 {
    let log_probs = samples.iter().flat_map(|one| &one.old_log_probs);
    let sum: f64 = log_probs.filter(|one| one.is_finite()).map(|one| f64::from(*one)).sum();
    -sum / samples.len().max(1) as f64
}

/// Tokens among the answers that end one.
fn num_eos_tokens(samples: &[Sample], eos_ids: &[u32]) -> f64 {
    samples.iter().flat_map(|one| &one.ids).filter(|id| eos_ids.contains(id)).count() as f64
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

    fn answer(ids: &[u32], log_probs: &[f32]) -> Sample {
        let num_values = ids.len() + 1;
        Sample {
            ids: ids.to_vec(),
            is_finished: true,
            old_log_probs: log_probs.to_vec(),
            reference_log_probs: log_probs.to_vec(),
            values: vec![0.0; num_values],
            ..Sample::default()
        }
    }

    #[test]
    fn entropy_and_ends_of_answers_are_those_of_trl() {
        // torch: (-logprobs).sum(1).mean() = (1.5 + 0.5 + 2.0) / 2; (responses == 9).sum() = 2.
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
    fn the_variance_of_the_ratio_is_over_the_micro_batches_of_all_passes_also_after_a_resume() {
        let step = |ratios: [f64; 2]| -> Vec<Reported> {
            ratios.map(|ratio| vec![("loss/policy_avg", 7.0), (RATIO, ratio)]).into()
        };
        let mut method = ppo();
        assert_eq!(method.finished(&step([1.0, 1.25]), Passes::Going), []);
        let state = method.state().expect("a state");
        let mut resumed = ppo();
        resumed.restore(&state).expect("its own");
        // torch.tensor([1, 1.25, 0.5, 1.5]).var() = 0.1822916667
        for method in [&mut method, &mut resumed] {
            let found = method.finished(&step([0.5, 1.5]), Passes::Over);
            let [(name, variance)] = &found[..] else { panic!("{found:?}") };
            assert_eq!(name, "val/ratio_var");
            assert!((variance - 0.182_291_666_7).abs() < 1e-9, "{variance}");
        }
        assert!(variance(&[1.0]).is_nan());
    }
}
