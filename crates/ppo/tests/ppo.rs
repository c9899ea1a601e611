//! Experience and losses against TRL, closed forms, finite differences, and their invariances.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};
use forethought_objective::{
    LossOutput, PolicyBatch, PolicyCompletion, PolicyLoss, ValueBatch, ValueLoss,
};
use forethought_ppo::{Experience, PpoConfig, PpoLoss, Sampled, ScorePosition};
use proptest::prelude::*;
use serde::Deserialize;

/// What TRL computed; `make.py` says how.
#[derive(Deserialize)]
struct Golden {
    lengths: Vec<usize>,
    is_truncated: Vec<bool>,
    scores: Vec<Option<f32>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    config: PpoConfig,
    log_probs: Vec<f32>,
    reference_log_probs: Vec<f32>,
    values: Vec<f32>,
    advantages: Vec<f32>,
    returns: Vec<f32>,
    kl: f64,
    rlhf_reward: f64,
    new_log_probs: Vec<f32>,
    new_values: Vec<f32>,
    loss: f32,
    metrics: BTreeMap<String, f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("trl-1.10.json")).expect("the golden file parses")
}

#[track_caller]
fn assert_close(actual: f32, expected: f32, tolerance: f32, what: &str) {
    let allowed = tolerance * expected.abs().max(0.1);
    assert!((actual - expected).abs() <= allowed, "{what}: {actual} is not {expected}");
}

fn tensor(list: &[f32]) -> Tensor<1> {
    Tensor::from_floats(list, &Device::flex())
}

fn sampled<'a>(golden: &'a Golden, case: &'a Case) -> Sampled<'a> {
    Sampled {
        lengths: &golden.lengths,
        scores: &golden.scores,
        is_truncated: &golden.is_truncated,
        log_probs: &case.log_probs,
        reference_log_probs: &case.reference_log_probs,
        values: &case.values,
    }
}

fn experience(golden: &Golden, case: &Case) -> Experience {
    case.config.experience(sampled(golden, case), case.config.kl_coef).expect("lists fit")
}

fn completions(lengths: &[usize]) -> Vec<PolicyCompletion> {
    let completion = |length: &usize| PolicyCompletion {
        num_tokens: *length,
        advantage: 0.0,
        is_truncated: false,
    };
    lengths.iter().map(completion).collect()
}

fn policy(loss: &PpoLoss, golden: &Golden, case: &Case, log_probs: Tensor<1>) -> LossOutput {
    let completions = completions(&golden.lengths);
    let totals = loss.step_totals(&[&completions]);
    let old = Tensor::from_floats(case.log_probs.as_slice(), &log_probs.device());
    let batch = PolicyBatch::new(log_probs, completions, totals)
        .with_old_log_probs(old)
        .with_token_advantages(case.advantages.clone());
    loss.forward(batch)
}

fn critic(loss: &PpoLoss, case: &Case, values: Tensor<1>) -> LossOutput {
    let list = |list: &[f32]| Tensor::<1>::from_floats(list, &values.device());
    let (old, returns) = (list(&case.values), list(&case.returns));
    loss.forward_values(ValueBatch::new(values, old, returns, case.values.len()))
}

#[test]
fn advantages_and_returns_are_those_of_trl() {
    let golden = golden();
    for case in &golden.cases {
        let what = format!("{:?}", case.config);
        let actual = experience(&golden, case);
        for (actual, expected) in actual.advantages.iter().zip(&case.advantages) {
            assert_close(*actual, *expected, 1e-5, &what);
        }
        for (actual, expected) in actual.returns.iter().zip(&case.returns) {
            assert_close(*actual, *expected, 1e-5, &what);
        }
        assert_eq!(
            actual.advantages.len() + actual.returns.len(),
            case.advantages.len() + case.returns.len()
        );
        assert!((actual.kl - case.kl).abs() < 1e-5 * case.kl.abs(), "{what}");
        assert!((actual.rlhf_reward - case.rlhf_reward).abs() < 1e-5, "{what}");
        assert_eq!((actual.num_without_score, actual.num_not_finite), (0, 0));
    }
}

#[test]
fn losses_and_metrics_are_those_of_trl() {
    let golden = golden();
    for case in &golden.cases {
        let loss = case.config.init().expect("in range");
        let policy = policy(&loss, &golden, case, tensor(&case.new_log_probs));
        let critic = critic(&loss, case, tensor(&case.new_values));
        let sum: f32 = (policy.loss + critic.loss).into_scalar();
        assert_close(sum, case.loss, 2e-5, "loss");
        let metrics: BTreeMap<_, _> = policy.metrics.into_iter().chain(critic.metrics).collect();
        for (name, expected) in &case.metrics {
            assert_close(metrics[name.as_str()].clone().into_scalar(), *expected, 2e-5, name);
        }
    }
}

/// The gradient of a loss with respect to a list.
fn gradient(list: &[f32], loss: impl Fn(Tensor<1>) -> LossOutput) -> Vec<f32> {
    let device = Device::flex().autodiff();
    let leaf = Tensor::<1>::from_floats(list, &device).require_grad();
    let gradients = loss(leaf.clone()).loss.backward();
    let gradient = leaf.grad(&gradients).expect("tracked").into_data();
    gradient.try_to_vec().expect("single precision")
}

/// A loss as a function of one list of numbers.
type Loss<'a> = &'a dyn Fn(Tensor<1>) -> LossOutput;

#[test]
fn gradients_are_finite_differences() {
    const STEP: f32 = 1e-2;
    let golden = golden();
    let case = &golden.cases[0];
    let wide =
        PpoConfig { cliprange: 1.0, cliprange_value: 100.0, vf_coef: 1.0, ..case.config.clone() };
    let loss = wide.init().expect("in range");
    // Ratios beyond 2 are clipped for good tokens; a difference across the corner is no derivative.
    let is_smooth = |token: usize| (case.new_log_probs[token] - case.log_probs[token]).abs() < 0.6;
    let of_policy = |list: Tensor<1>| policy(&loss, &golden, case, list);
    let of_critic = |list: Tensor<1>| critic(&loss, case, list);
    let checks: [(&[f32], Loss<'_>); 2] =
        [(&case.new_log_probs, &of_policy), (&case.new_values, &of_critic)];
    for (list, of) in checks {
        for (index, actual) in gradient(list, of)
            .into_iter()
            .enumerate()
            .filter(|(one, _)| list.len() != case.new_log_probs.len() || is_smooth(*one))
        {
            let value_at = |step: f32| {
                let mut moved = list.to_vec();
                moved[index] += step;
                of(tensor(&moved)).loss.into_scalar::<f32>()
            };
            let slope = (value_at(STEP) - value_at(-STEP)) / (2.0 * STEP);
            assert!((actual - slope).abs() < 1e-3, "{index}: {actual} {slope}");
        }
    }
}

#[test]
fn a_completion_without_a_score_teaches_nothing_and_is_counted() {
    let mut golden = golden();
    let case = golden.cases.remove(0);
    golden.scores[1] = Some(f32::NAN); // tokens 14 to 20, values 15 to 22
    let actual = experience(&golden, &case);
    assert_eq!(actual.num_without_score, 1);
    assert!(actual.advantages[14..20].iter().all(|advantage| *advantage == 0.0));
    assert!(actual.returns[15..22].iter().all(|value| value.is_nan()));
    let others = |list: &[f32], left_out: std::ops::Range<usize>| {
        [&list[..left_out.start], &list[left_out.end..]].concat()
    };
    let [log_probs, reference, values] = [
        others(&case.log_probs, 14..20),
        others(&case.reference_log_probs, 14..20),
        others(&case.values, 15..22),
    ];
    let alone = Sampled {
        lengths: &[golden.lengths[0], golden.lengths[2], golden.lengths[3]],
        scores: &[golden.scores[0], golden.scores[2], golden.scores[3]],
        is_truncated: &[golden.is_truncated[0], golden.is_truncated[2], golden.is_truncated[3]],
        log_probs: &log_probs,
        reference_log_probs: &reference,
        values: &values,
    };
    let alone = case.config.experience(alone, case.config.kl_coef).expect("lists fit");
    assert_eq!(others(&actual.advantages, 14..20), alone.advantages);
    assert_eq!(others(&actual.returns, 15..22), alone.returns);

    let loss = case.config.init().expect("in range");
    let case = Case { returns: actual.returns, ..case };
    let output = critic(&loss, &case, tensor(&case.new_values));
    assert!(output.loss.into_scalar::<f32>().is_finite());
    let (name, count) = output.metrics.into_iter().last().expect("metrics");
    assert_eq!((name, count.into_scalar::<f32>()), ("values/not_finite", 7.0));
    let slopes = gradient(&case.new_values, |list| critic(&loss, &case, list));
    assert!(slopes[15..22].iter().all(|slope| *slope == 0.0));
}

#[test]
fn an_impossible_token_costs_nothing_and_is_counted() {
    let golden = golden();
    let case = &golden.cases[0];
    let loss = case.config.init().expect("in range");
    let mut log_probs = case.new_log_probs.clone();
    log_probs[2] = f32::NEG_INFINITY;
    let slopes = gradient(&log_probs, |list| policy(&loss, &golden, case, list));
    assert!(slopes.iter().all(|slope| slope.is_finite()) && slopes[2] == 0.0);
    let output = policy(&loss, &golden, case, tensor(&log_probs));
    assert!(output.loss.into_scalar::<f32>().is_finite());
    let (name, count) = output.metrics.into_iter().last().expect("metrics");
    assert_eq!((name, count.into_scalar::<f32>()), ("tokens/not_finite", 1.0));
    let mut sampled = sampled(&golden, case);
    let mut reference = case.reference_log_probs.clone();
    reference[0] = f32::NEG_INFINITY;
    sampled.reference_log_probs = &reference;
    let actual = case.config.experience(sampled, 0.05).expect("lists fit");
    assert_eq!(actual.num_not_finite, 1);
    assert!(actual.advantages.iter().all(|advantage| advantage.is_finite()));
}

#[test]
fn a_ratio_beyond_single_precision_leaves_the_loss_finite() {
    let golden = golden();
    let case = &golden.cases[0];
    let loss = case.config.init().expect("in range");
    for far in [1e4, -1e4] {
        let moved: Vec<f32> = case.new_log_probs.iter().map(|one| one + far).collect();
        let slopes = gradient(&moved, |list| policy(&loss, &golden, case, list));
        assert!(slopes.into_iter().all(f32::is_finite), "{far}");
    }
}

#[test]
fn the_score_at_the_last_token_needs_no_further_value() {
    let config = PpoConfig {
        score_position: ScorePosition::LastToken,
        kl_coef: 0.0,
        lam: 1.0,
        ..PpoConfig::default()
    };
    assert_eq!((config.num_values(3), PpoConfig::default().num_values(3)), (3, 4));
    assert_eq!(PpoConfig::default().num_values(53), 53);
    let sampled = Sampled {
        lengths: &[2, 0],
        scores: &[Some(1.0), Some(2.0)],
        is_truncated: &[false, false],
        log_probs: &[-1.0, -1.0],
        reference_log_probs: &[-1.0, -1.0],
        values: &[0.25, 0.5],
    };
    let actual = config.experience(sampled, 0.0).expect("lists fit");
    assert_eq!(actual.returns, [1.0, 1.0]);
    assert_eq!(actual.num_without_score, 1, "an empty completion has nowhere to be paid");
}

#[test]
fn lists_that_do_not_fit_are_refused_by_name() {
    let golden = golden();
    let case = &golden.cases[0];
    let short = Sampled { values: &case.values[1..], ..sampled(&golden, case) };
    let error = case.config.experience(short, 0.05).expect_err("one value is missing");
    assert_eq!(error.to_string(), "values must have 46 entries, got 45");
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let error = |config: PpoConfig| config.init().map(|_| ()).expect_err("refused").to_string();
    let default = PpoConfig::default;
    assert_eq!(error(PpoConfig { gamma: 1.1, ..default() }), "gamma must be in [0, 1], got 1.1");
    assert_eq!(
        error(PpoConfig { num_ppo_epochs: 0, ..default() }),
        "num_ppo_epochs must be at least 1, got 0"
    );
    let parse = serde_json::from_str::<PpoConfig>;
    let config = parse(r#"{"kl_control": {"adaptive": {"target": -1.0}}}"#).expect("known");
    assert_eq!(
        error(config),
        "kl_control.adaptive.target must be finite and greater than 0, got -1"
    );
    assert!(parse(r#"{"kl_estimator": "k9"}"#).is_err());
    assert!(parse(r#"{"kl_control": {"fixed": {"target": 1.0}}}"#).is_err());
    let message = parse(r#"{"vf_coeff": 0.1}"#).expect_err("a typo").to_string();
    assert!(message.contains("unknown field `vf_coeff`"), "{message}");
}

#[test]
fn the_plan_passes_over_the_batch_as_often_as_it_should() {
    let config = PpoConfig { num_ppo_epochs: 2, num_mini_batches: 2, ..PpoConfig::default() };
    let order = |epoch| if epoch == 0 { vec![3, 1, 0, 2] } else { vec![0, 1, 2, 3] };
    let plan = config.mini_batches(4, order).expect("divides");
    let items: Vec<Vec<usize>> = plan.into_iter().map(|one| one.items).collect();
    assert_eq!(items, [[3, 1], [0, 2], [0, 1], [2, 3]]);
    assert!(config.mini_batches(5, |_| (0..5).collect()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// The score of one more moves every advantage before whitening; whitened advantages have mean 0 and variance 1.
    #[test]
    fn advantages_are_whitened(scores in prop::collection::vec(-5f32..5., 4)) {
        let golden = golden();
        let case = &golden.cases[0];
        let scores: Vec<Option<f32>> = scores.into_iter().map(Some).collect();
        let sampled = Sampled { scores: &scores, ..sampled(&golden, case) };
        let actual = case.config.experience(sampled, 0.05).expect("lists fit").advantages;
        let count = actual.len() as f32;
        let mean = actual.iter().sum::<f32>() / count;
        let variance = actual.iter().map(|one| (one - mean).powi(2)).sum::<f32>() / (count - 1.0);
        prop_assert!(mean.abs() < 1e-4 && (variance - 1.0).abs() < 1e-3);
    }

    /// However a step is cut into micro-batches, their losses add up.
    #[test]
    fn micro_batches_add_up(at in 1..4usize) {
        let golden = golden();
        let case = &golden.cases[0];
        let loss = case.config.init().expect("in range");
        let whole: f32 = policy(&loss, &golden, case, tensor(&case.new_log_probs)).loss.into_scalar();
        let all = completions(&golden.lengths);
        let num_tokens: usize = golden.lengths[..at].iter().sum();
        let totals = loss.step_totals(&[&all[..at], &all[at..]]);
        let parts = [(0..at, 0..num_tokens), (at..4, num_tokens..case.log_probs.len())];
        let sum: f32 = parts.into_iter().map(|(of, tokens)| {
            let batch = PolicyBatch::new(tensor(&case.new_log_probs[tokens.clone()]), all[of].to_vec(), totals)
                .with_old_log_probs(tensor(&case.log_probs[tokens.clone()]))
                .with_token_advantages(case.advantages[tokens].to_vec());
            loss.forward(batch).loss.into_scalar::<f32>()
        }).sum();
        prop_assert!((sum - whole).abs() < 1e-5);
    }
}
