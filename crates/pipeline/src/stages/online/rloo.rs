//! RLOO: answers are compared with the others to the same question.

use std::sync::Arc;

use forethought_logprob::KlEstimator;
use forethought_objective::{PolicyCompletion, PolicyLoss, StepTotals};
use forethought_rloo::{self as rloo, RlooConfig, RlooLoss, Semantics};
use forethought_train::{BatchError, Reported};

use super::generation::Sample;
use super::method::{Credit, Judged, Method, OnlineMethod, Passes, Plan, SampledBy};
use super::trl015::{Ratios, bits, entropy, from_bits, num_eos_tokens};

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
        Ok(Box::new(Rloo { config, loss, ratios: Ratios::default() }))
    }
}

struct Rloo {
    config: RlooConfig,
    loss: RlooLoss,
    ratios: Ratios,
}

impl Rloo {
    /// Whether it reports what TRL 0.15 does.
    fn is_older(&self) -> bool {
        self.config.semantics == Semantics::Trl015
    }
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
        if self.is_older() {
            self.ratios.begin();
            metrics.push(("objective/entropy", entropy(judged.samples)));
            metrics.push(("val/num_eos_tokens", num_eos_tokens(judged.samples, judged.eos_ids)));
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

    fn finished(&mut self, reported: &[Reported], passes: Passes) -> Vec<(String, f64)> {
        if self.is_older() { self.ratios.finished(reported, passes) } else { Vec::new() }
    }

    fn state(&self) -> Option<String> {
        self.is_older().then(|| bits(self.ratios.list().iter().copied()))
    }

    fn restore(&mut self, state: &str) -> Result<(), BatchError> {
        self.ratios = Ratios::from(from_bits(state)?);
        Ok(())
    }
}

/// How far the policy that sampled has left the reference on one answer.
fn divergence(sample: &Sample) -> f32 {
    let tokens = sample.old_log_probs.iter().zip(&sample.reference_log_probs);
    tokens.map(|(old, reference)| KlEstimator::K1.of(*old, *reference)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLDER: [&str; 2] = ["objective/entropy", "val/num_eos_tokens"];

    fn rloo(semantics: Semantics) -> Box<dyn Method> {
        let config = RlooConfig { semantics, beta: 0.0, ..RlooConfig::default() };
        config.running(vec![1.0], SampledBy::Ourselves).expect("in range")
    }

    fn credit(method: &mut dyn Method) -> Credit {
        let answer = |ids: &[u32], log_probs: &[f32]| Sample {
            ids: ids.to_vec(),
            is_finished: true,
            old_log_probs: log_probs.to_vec(),
            ..Sample::default()
        };
        let samples = [answer(&[4, 9], &[-1.5, -0.5]), answer(&[9, 9], &[-2.0, -1.0])];
        let totals = [Some(1.0), Some(0.0)];
        let columns = [totals.to_vec()];
        let judged = Judged {
            samples: &samples,
            columns: &columns,
            totals: &totals,
            group_size: 2,
            eos_ids: &[9],
        };
        method.judge(judged).expect("lists that fit")
    }

    #[test]
    fn trl_0_15_has_the_numbers_that_it_shares_with_ppo_and_trl_1_16_has_not() {
        let step: Vec<Reported> = [1.0, 1.25].map(|ratio| vec![("val/ratio", ratio)]).into();
        let mut older = rloo(Semantics::Trl015);
        let found = credit(&mut *older).metrics;
        let of = |name: &str| found.iter().find(|one| one.0 == name).map(|one| one.1);
        // torch: (-logprobs).sum(1).mean() = (2 + 3) / 2; (responses == 9).sum() = 3.
        assert_eq!(OLDER.map(of), [Some(2.5), Some(3.0)]);
        assert_eq!(older.finished(&step, Passes::Going), []);
        let mut resumed = rloo(Semantics::Trl015);
        resumed.restore(&older.state().expect("a state")).expect("its own");
        // torch.tensor([1, 1.25, 1, 1.25]).var() = 0.0208333333
        for method in [&mut older, &mut resumed] {
            let found = method.finished(&step, Passes::Over);
            let [(name, variance)] = &found[..] else { panic!("{found:?}") };
            assert_eq!(name, "val/ratio_var");
            assert!((variance - 0.020_833_333_3).abs() < 1e-9, "{variance}");
        }
        let mut newer = rloo(Semantics::Trl116);
        let found = credit(&mut *newer).metrics;
        assert!(found.iter().all(|(name, _)| !OLDER.contains(&name.as_str())));
        assert_eq!(newer.finished(&step, Passes::Over), []);
        assert_eq!(newer.state(), None);
    }
}
