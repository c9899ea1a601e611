//! The loss and the advantages against TRL, closed forms, finite differences, and their invariances.

use burn::tensor::{Device, Tensor};
use forethought_objective::{PolicyBatch, PolicyCompletion, PolicyLoss};
use forethought_rloo::{Judged, RlooConfig, RlooLoss, Semantics};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What TRL computed; `make.py` says how.
#[derive(Deserialize)]
struct Golden {
    lengths: Vec<usize>,
    advantages: Vec<f32>,
    log_probs: Vec<f32>,
    old_log_probs: Vec<f32>,
    entropy: Vec<f32>,
    rewards: Vec<[Option<f32>; 2]>,
    divergences: Vec<f32>,
    is_truncated: Vec<bool>,
    losses: Vec<LossCase>,
    advantage_cases: Vec<AdvantageCase>,
}

#[derive(Deserialize)]
struct LossCase {
    config: RlooConfig,
    loss: f32,
    metrics: BTreeMap<String, f32>,
    gradient: Vec<f32>,
}

#[derive(Deserialize)]
struct AdvantageCase {
    config: RlooConfig,
    values: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("trl.json")).expect("the golden file parses")
}

#[track_caller]
fn assert_close(actual: f32, expected: f32, tolerance: f32, what: &str) {
    let allowed = tolerance * expected.abs().max(0.1);
    assert!((actual - expected).abs() <= allowed, "{what}: {actual} is not {expected}");
}

fn init(config: &RlooConfig) -> RlooLoss {
    config.init().expect("parameters are in range")
}

/// Completions with their log-probabilities under two policies.
#[derive(Clone, Debug)]
struct Sample {
    completions: Vec<PolicyCompletion>,
    log_probs: Vec<f32>,
    old_log_probs: Vec<f32>,
}

impl Sample {
    fn of(golden: &Golden) -> Self {
        let each = golden.lengths.iter().zip(&golden.advantages);
        let completion = |(num_tokens, advantage): (&usize, &f32)| PolicyCompletion {
            num_tokens: *num_tokens,
            advantage: *advantage,
            is_truncated: false,
        };
        Self {
            completions: each.map(completion).collect(),
            log_probs: golden.log_probs.clone(),
            old_log_probs: golden.old_log_probs.clone(),
        }
    }

    /// The first and the second part, cut between two completions.
    fn split(&self, at: usize) -> [Self; 2] {
        let num_tokens = self.completions[..at].iter().map(|one| one.num_tokens).sum();
        let parts = [
            (0..at, 0..num_tokens),
            (at..self.completions.len(), num_tokens..self.log_probs.len()),
        ];
        parts.map(|(completions, tokens)| Self {
            completions: self.completions[completions].to_vec(),
            log_probs: self.log_probs[tokens.clone()].to_vec(),
            old_log_probs: self.old_log_probs[tokens].to_vec(),
        })
    }

    fn batch(&self, log_probs: Tensor<1>, loss: &RlooLoss, step: &[&Self]) -> PolicyBatch {
        let device = log_probs.device();
        let step: Vec<&[PolicyCompletion]> =
            step.iter().map(|sample| sample.completions.as_slice()).collect();
        PolicyBatch::new(log_probs, self.completions.clone(), loss.step_totals(&step))
            .with_old_log_probs(Tensor::from_floats(self.old_log_probs.as_slice(), &device))
    }

    fn loss(&self, loss: &RlooLoss, step: &[&Self]) -> f32 {
        let log_probs = Tensor::from_floats(self.log_probs.as_slice(), &Device::flex());
        loss.forward(self.batch(log_probs, loss, step)).loss.into_scalar()
    }

    fn gradient(&self, loss: &RlooLoss) -> Vec<f32> {
        let device = Device::flex().autodiff();
        let leaf = Tensor::<1>::from_floats(self.log_probs.as_slice(), &device).require_grad();
        let gradients = loss.forward(self.batch(leaf.clone(), loss, &[self])).loss.backward();
        let gradient = leaf.grad(&gradients).expect("tracked").into_data();
        gradient.try_to_vec().expect("single precision")
    }
}

#[test]
fn losses_metrics_and_gradients_are_those_of_trl() {
    let golden = golden();
    let sample = Sample::of(&golden);
    for case in &golden.losses {
        let what = format!("{:?}", case.config);
        let loss = init(&case.config);
        let log_probs = Tensor::from_floats(sample.log_probs.as_slice(), &Device::flex());
        let batch = sample.batch(log_probs, &loss, &[&sample]);
        let entropy = Tensor::from_floats(golden.entropy.as_slice(), &Device::flex());
        let output = loss.forward(batch.with_entropy(entropy));
        assert_close(output.loss.into_scalar(), case.loss, 1e-5, &what);
        let metrics: BTreeMap<_, _> = output.metrics.into_iter().collect();
        assert_eq!(metrics.len(), case.metrics.len() + 1, "and completions/not_finite");
        for (name, expected) in &case.metrics {
            let actual = metrics[name.as_str()].clone().into_scalar();
            assert_close(actual, *expected, 1e-5, &format!("{name} of {what}"));
        }
        for (actual, expected) in sample.gradient(&loss).into_iter().zip(&case.gradient) {
            assert_close(actual, *expected, 1e-4, &what);
        }
    }
}

#[test]
fn advantages_are_those_of_both_versions() {
    let golden = golden();
    let columns = [0, 1].map(|one| golden.rewards.iter().map(|row| row[one]).collect::<Vec<_>>());
    for case in &golden.advantage_cases {
        let judged = Judged {
            rewards: &[&columns[0], &columns[1]],
            group_size: 3,
            divergences: &golden.divergences,
            is_truncated: &golden.is_truncated,
        };
        let actual = case.config.advantages(judged).expect("comparable");
        assert_eq!(actual.num_without_reward, 1);
        for (actual, expected) in actual.values.iter().zip(&case.values) {
            assert_close(*actual, *expected, 1e-5, &format!("{:?}", case.config));
        }
    }
}

#[test]
fn gradients_are_finite_differences() {
    const STEP: f32 = 5e-3;
    let sample = Sample::of(&golden());
    let loss = init(&RlooConfig { epsilon: 0.9, epsilon_high: Some(9.0), ..RlooConfig::default() });
    for (token, gradient) in sample.gradient(&loss).into_iter().enumerate() {
        let value_at = |step: f32| {
            let mut moved = sample.clone();
            moved.log_probs[token] += step;
            moved.loss(&loss, &[&moved])
        };
        let slope = (value_at(STEP) - value_at(-STEP)) / (2.0 * STEP);
        assert!((gradient - slope).abs() < 2e-4, "token {token}: {gradient} {slope}");
    }
}

/// On policy, d loss / d log p = -A / N for every token.
#[test]
fn on_policy_the_gradient_is_that_of_reinforce() {
    let mut sample = Sample::of(&golden());
    sample.old_log_probs = sample.log_probs.clone();
    let mut gradient = sample.gradient(&init(&RlooConfig::default())).into_iter();
    for completion in &sample.completions {
        for actual in gradient.by_ref().take(completion.num_tokens) {
            assert_close(actual, -completion.advantage / 4.0, 1e-6, "on policy");
        }
    }
}

#[test]
fn a_completion_with_an_impossible_token_costs_nothing_and_is_counted() {
    for impossible in [f32::NEG_INFINITY, f32::NAN] {
        for semantics in [Semantics::Trl116, Semantics::Trl015] {
            let mut sample = Sample::of(&golden());
            sample.log_probs[1] = impossible; // in the first completion, of three tokens
            let loss = init(&RlooConfig { semantics, ..RlooConfig::default() });
            let [_, others] = sample.split(1);
            assert_close(sample.loss(&loss, &[&sample]), others.loss(&loss, &[&sample]), 1e-6, "0");
            assert!(sample.gradient(&loss)[..3].iter().all(|gradient| gradient.abs() < 1e-9));
            let log_probs = Tensor::from_floats(sample.log_probs.as_slice(), &Device::flex());
            let output = loss.forward(sample.batch(log_probs, &loss, &[&sample]));
            let (name, count) = output.metrics.into_iter().last().expect("metrics");
            assert_eq!((name, count.into_scalar::<f32>()), ("completions/not_finite", 1.0));
        }
    }
}

#[test]
fn a_ratio_beyond_single_precision_leaves_the_loss_finite() {
    let mut sample = Sample::of(&golden());
    sample.old_log_probs[3] = -1e4; // of the second completion, a bad one
    let loss = init(&RlooConfig::default());
    assert!(sample.loss(&loss, &[&sample]).is_finite());
    assert!(sample.gradient(&loss).iter().all(|gradient| gradient.is_finite()));
}

#[test]
fn completions_without_tokens_and_masked_ones_learn_nothing() {
    let mut sample = Sample::of(&golden());
    sample.completions[0].is_truncated = true;
    let loss = init(&RlooConfig { mask_truncated_completions: true, ..RlooConfig::default() });
    assert!(sample.gradient(&loss)[..3].iter().all(|gradient| gradient.abs() < 1e-9));
    sample.completions.push(PolicyCompletion {
        num_tokens: 0,
        advantage: 3.0,
        is_truncated: false,
    });
    assert!(sample.loss(&loss, &[&sample]).is_finite());
}

#[test]
fn lists_that_do_not_fit_are_refused_by_name() {
    let rewards: [&[Option<f32>]; 1] = [&[Some(1.0); 4]];
    let judged = Judged { rewards: &rewards, group_size: 2, divergences: &[], is_truncated: &[] };
    let error =
        |config: RlooConfig, judged| config.advantages(judged).expect_err("refused").to_string();
    let default = RlooConfig::default;
    assert_eq!(error(default(), judged), "divergences must be as many as the 4 completions, got 0");
    let config = RlooConfig { beta: 0.0, missing_eos_penalty: Some(1.0), ..default() };
    assert_eq!(error(config, judged), "is_truncated must be as many as the 4 completions, got 0");
    let alone = Judged { group_size: 1, ..judged };
    assert_eq!(error(default(), alone), "num_generations must be at least 2, got 1");
    let odd = Judged { group_size: 3, ..judged };
    assert_eq!(error(default(), odd), "num_generations must divide the 4 completions, got 3");
}

#[test]
fn a_divergence_that_is_no_number_leaves_its_completion_out() {
    let rewards: [&[Option<f32>]; 1] = [&[Some(1.0), Some(5.0), Some(3.0)]];
    let divergences = [0.0, f32::INFINITY, 0.0];
    let judged =
        Judged { rewards: &rewards, group_size: 3, divergences: &divergences, is_truncated: &[] };
    let advantages = RlooConfig::default().advantages(judged).expect("comparable");
    assert_eq!(advantages.values, [-2.0, 0.0, 2.0]);
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let error = |config: RlooConfig| config.init().map(|_| ()).expect_err("refused").to_string();
    let default = RlooConfig::default;
    assert_eq!(
        error(RlooConfig { beta: -1.0, ..default() }),
        "beta must be finite and at least 0, got -1"
    );
    assert_eq!(
        error(RlooConfig { num_iterations: Some(0), ..default() }),
        "num_iterations must be at least 1, got 0"
    );
    assert_eq!(
        error(RlooConfig { reward_clip_range: Some([1.0, -1.0]), ..default() }),
        "reward_clip_range must be a lower and a higher number, got [1, -1]"
    );
}

#[test]
fn the_names_of_the_older_version_are_understood_and_its_defaults_written() {
    let parse = serde_json::from_str::<RlooConfig>;
    let config = parse(
        r#"{"semantics": "trl-0.15", "kl_coef": 0.1, "cliprange": 0.3, "num_ppo_epochs": 2}"#,
    );
    let config = config.expect("known");
    assert_eq!((config.beta, config.epsilon, config.num_iterations), (0.1, 0.3, Some(2)));
    assert_eq!(config.reward_clip_range, Some([-10.0, 10.0]));
    let message = parse(r#"{"betta": 0.1}"#).expect_err("a typo").to_string();
    assert!(message.contains("unknown field `betta`"), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn micro_batches_add_up(at in 1..4usize, semantics in 0..2usize) {
        let semantics = [Semantics::Trl116, Semantics::Trl015][semantics];
        let loss = init(&RlooConfig { semantics, ..RlooConfig::default() });
        let whole = Sample::of(&golden());
        let [first, second] = whole.split(at);
        let step = [&first, &second];
        let sum = first.loss(&loss, &step) + second.loss(&loss, &step);
        prop_assert!((sum - whole.loss(&loss, &[&whole])).abs() < 1e-6);
    }

    /// Advantages within a group sum to 0, are n / (n - 1) times the distance from its mean, and a constant added to all
    /// rewards changes nothing.
    #[test]
    fn leaving_one_out_is_the_distance_from_the_mean_scaled(
        rewards in prop::collection::vec(-10f32..10., 4),
        shift in -10f32..10.,
    ) {
        let of = |shift: f32| {
            let rewards: Vec<_> = rewards.iter().map(|reward| Some(reward + shift)).collect();
            let judged = Judged { rewards: &[&rewards], group_size: 4, divergences: &[0.0; 4], is_truncated: &[] };
            RlooConfig::default().advantages(judged).expect("comparable").values
        };
        let (plain, shifted) = (of(0.0), of(shift));
        let mean = rewards.iter().sum::<f32>() / 4.0;
        prop_assert!(plain.iter().sum::<f32>().abs() < 1e-4);
        for ((plain, shifted), reward) in plain.iter().zip(shifted).zip(&rewards) {
            prop_assert!((plain - shifted).abs() < 1e-4);
            prop_assert!((plain - (reward - mean) * 4.0 / 3.0).abs() < 1e-4);
        }
    }
}
