//! The losses against TRL, closed forms and finite differences; their invariances, extremes and refused configs.

use burn::tensor::{Device, Tensor};
use forethought_kto::{KtoConfig, KtoLoss, LossType, mismatched};
use forethought_objective::{LossOutput, UnpairedBatch, UnpairedCompletion, UnpairedLoss};
use proptest::prelude::*;
use serde::Deserialize;

/// What TRL computed; `make.py` beside it says how.
#[derive(Deserialize)]
struct Golden {
    lengths: Vec<usize>,
    log_probs: Vec<f32>,
    reference_log_probs: Vec<f32>,
    entropy: Vec<f32>,
    mean_logits: Vec<f32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    config: KtoConfig,
    is_desirable: Vec<bool>,
    kl_log_ratios: Vec<f32>,
    loss: f32,
    metrics: serde_json::Map<String, serde_json::Value>,
    gradient: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("trl-1.16.0.json")).expect("the golden file parses")
}

/// Completions with their log-probabilities under two policies.
#[derive(Clone, Debug)]
struct Sample {
    completions: Vec<UnpairedCompletion>,
    log_probs: Vec<f32>,
    reference_log_probs: Vec<f32>,
    kl_log_ratios: Vec<f32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Desirable,
    Undesirable,
}

fn tensor(values: &[f32]) -> Tensor<1> {
    Tensor::from_floats(values, &Device::flex())
}

fn init(config: &KtoConfig) -> KtoLoss {
    config.init().expect("parameters are in range")
}

fn of(loss_type: LossType) -> KtoConfig {
    KtoConfig { loss_type, beta: 0.5, desirable_weight: 1.2, undesirable_weight: 0.6 }
}

fn value(output: LossOutput) -> f32 {
    output.loss.into_scalar()
}

fn metric(output: &LossOutput, name: &str) -> Option<f32> {
    let found = output.metrics.iter().find(|(metric, _)| *metric == name)?;
    Some(found.1.clone().into_scalar())
}

#[track_caller]
fn assert_close(actual: f32, expected: f32, tolerance: f32, what: &str) {
    let allowed = tolerance * expected.abs().max(0.1);
    assert!((actual - expected).abs() <= allowed, "{what}: {actual} is not {expected}");
}

fn sample() -> Sample {
    let golden = golden();
    Sample::new(&golden, &golden.cases[0])
}

impl Sample {
    fn new(golden: &Golden, case: &Case) -> Self {
        let completions = golden.lengths.iter().zip(&case.is_desirable);
        Self {
            completions: completions
                .map(|(&num_tokens, &is_desirable)| UnpairedCompletion { num_tokens, is_desirable })
                .collect(),
            log_probs: golden.log_probs.clone(),
            reference_log_probs: golden.reference_log_probs.clone(),
            kl_log_ratios: case.kl_log_ratios.clone(),
        }
    }

    /// One completion of one token with this log-ratio.
    fn single(log_ratio: f32, verdict: Verdict) -> Self {
        let is_desirable = matches!(verdict, Verdict::Desirable);
        Self {
            completions: vec![UnpairedCompletion { num_tokens: 1, is_desirable }],
            log_probs: vec![log_ratio],
            reference_log_probs: vec![0.0],
            kl_log_ratios: vec![0.0],
        }
    }

    fn batch(&self, log_probs: Tensor<1>, num_step_completions: usize) -> UnpairedBatch {
        UnpairedBatch::new(log_probs, self.completions.clone(), num_step_completions)
            .with_reference_log_probs(tensor(&self.reference_log_probs))
            .with_kl_log_ratios(tensor(&self.kl_log_ratios))
    }

    fn forward(&self, config: &KtoConfig) -> LossOutput {
        init(config).forward(self.batch(tensor(&self.log_probs), self.completions.len()))
    }

    fn gradient(&self, config: &KtoConfig) -> Vec<f32> {
        let device = Device::flex().autodiff();
        let leaf = Tensor::<1>::from_floats(self.log_probs.as_slice(), &device).require_grad();
        let batch = self.batch(leaf.clone(), self.completions.len());
        let gradients = init(config).forward(batch).loss.backward();
        leaf.grad(&gradients).expect("tracked").into_data().try_to_vec().expect("single precision")
    }

    /// The completions before and from `at` on; both keep the divergence of the whole step.
    fn split(&self, at: usize) -> [Self; 2] {
        let num_tokens = self.completions[..at].iter().map(|one| one.num_tokens).sum();
        let end = (self.completions.len(), self.log_probs.len());
        [((0, 0), (at, num_tokens)), ((at, num_tokens), end)].map(|(from, to)| Self {
            completions: self.completions[from.0..to.0].to_vec(),
            log_probs: self.log_probs[from.1..to.1].to_vec(),
            reference_log_probs: self.reference_log_probs[from.1..to.1].to_vec(),
            kl_log_ratios: self.kl_log_ratios.clone(),
        })
    }
}

#[test]
fn losses_metrics_and_gradients_are_those_of_trl() {
    let golden = golden();
    assert_eq!(golden.cases.len(), 8);
    for case in &golden.cases {
        let what = format!("{:?} of {:?}", case.config, case.is_desirable);
        let sample = Sample::new(&golden, case);
        let batch = sample
            .batch(tensor(&sample.log_probs), sample.completions.len())
            .with_entropy(tensor(&golden.entropy))
            .with_mean_logits(tensor(&golden.mean_logits));
        let output = init(&case.config).forward(batch);
        assert_close(output.loss.into_scalar(), case.loss, 1e-5, &what);
        let mut names: Vec<&str> = output.metrics.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.pop(), Some("skipped_completions"));
        assert_eq!(names, case.metrics.keys().map(String::as_str).collect::<Vec<_>>(), "{what}");
        for (name, value) in
            output.metrics.iter().filter(|(name, _)| case.metrics.contains_key(*name))
        {
            #[allow(clippy::cast_possible_truncation, reason = "it was written as an f32")]
            let expected = case.metrics[*name].as_f64().expect("a number") as f32;
            assert_close(value.clone().into_scalar(), expected, 1e-5, &format!("{what} {name}"));
        }
        for (actual, expected) in sample.gradient(&case.config).iter().zip(&case.gradient) {
            assert_close(*actual, *expected, 1e-4, &what);
        }
    }
}

/// `w S(-beta (r - z))` of a desirable completion and `w S(beta (r - z))` of another.
#[test]
fn a_single_completion_costs_the_closed_form() {
    let config = of(LossType::Kto);
    let logistic = |x: f32| 1.0 / (1.0 + (-x).exp());
    let cases = [(Verdict::Desirable, -1.0, 1.2), (Verdict::Undesirable, 1.0, 0.6)];
    for (verdict, sign, weight) in cases {
        let mut sample = Sample::single(-1.5, verdict);
        sample.kl_log_ratios = vec![0.4, 1.6];
        let expected = weight * logistic(sign * 0.5 * (-1.5 - 1.0));
        assert_close(value(sample.forward(&config)), expected, 1e-6, "z = 1");
        sample.kl_log_ratios = vec![-0.4, -1.6];
        let expected = weight * logistic(sign * 0.5 * -1.5);
        assert_close(value(sample.forward(&config)), expected, 1e-6, "z is never negative");
    }
}

#[test]
fn gradients_are_finite_differences() {
    const STEP: f32 = 1e-2;
    for loss_type in [LossType::Kto, LossType::ApoZeroUnpaired] {
        let gradient = sample().gradient(&of(loss_type));
        for (token, actual) in gradient.into_iter().enumerate() {
            let value_at = |step: f32| {
                let mut moved = sample();
                moved.log_probs[token] += step;
                value(moved.forward(&of(loss_type)))
            };
            let slope = (value_at(STEP) - value_at(-STEP)) / (2.0 * STEP);
            assert!((actual - slope).abs() < 1e-4, "{loss_type:?} {token}: {actual} {slope}");
        }
    }
}

#[test]
fn a_completion_that_holds_an_infinity_or_nan_is_left_out_and_counted() {
    for bad in [f32::NEG_INFINITY, f32::NAN] {
        let mut with_bad = sample();
        with_bad.log_probs[12] = bad; // the first token of the last completion
        let output = with_bad.forward(&of(LossType::Kto));
        assert_eq!(metric(&output, "skipped_completions"), Some(1.0));
        assert!(
            output.metrics.iter().all(|(_, value)| value.clone().into_scalar::<f32>().is_finite())
        );
        let [others, _] = sample().split(4);
        let expected = value(others.forward(&of(LossType::Kto))) * 4.0 / 5.0;
        assert_close(value(output), expected, 1e-5, "a fifth is missing");
        let gradient = with_bad.gradient(&of(LossType::Kto));
        assert!(gradient.iter().all(|value| value.is_finite()), "{gradient:?}");
        assert_eq!(gradient[12..], [0.0; 3]);
    }
}

#[test]
fn a_divergence_is_the_mean_of_what_is_finite_of_it() {
    let mut with_bad = sample();
    with_bad.kl_log_ratios = vec![2.0, f32::NEG_INFINITY, f32::NAN, 1.0];
    assert_eq!(metric(&with_bad.forward(&of(LossType::Kto)), "kl"), Some(1.5));
    with_bad.kl_log_ratios = vec![f32::NAN];
    assert_eq!(metric(&with_bad.forward(&of(LossType::Kto)), "kl"), Some(0.0));
}

#[test]
fn extreme_log_ratios_give_bounded_losses_and_gradients() {
    use Verdict::{Desirable, Undesirable};
    let cases = [
        (-1e4, Desirable, 1.2),
        (1e4, Desirable, 0.0),
        (-1e4, Undesirable, 0.0),
        (1e4, Undesirable, 0.6),
    ];
    for (log_ratio, verdict, expected) in cases {
        let sample = Sample::single(log_ratio, verdict);
        assert_close(value(sample.forward(&of(LossType::Kto))), expected, 1e-6, "saturated");
        assert!(sample.gradient(&of(LossType::Kto))[0].abs() < 1e-6);
    }
}

#[test]
fn a_micro_batch_without_completions_adds_nothing() {
    let output = init(&of(LossType::Kto)).forward(UnpairedBatch::new(tensor(&[]), vec![], 4));
    assert!(output.metrics.is_empty());
    assert_close(value(output), 0.0, 0.0, "nothing");
}

#[test]
fn an_empty_completion_has_the_log_ratio_0() {
    let mut sample = Sample::single(0.0, Verdict::Desirable);
    sample.completions[0].num_tokens = 0;
    (sample.log_probs, sample.reference_log_probs) = (vec![], vec![]);
    assert_close(value(sample.forward(&of(LossType::Kto))), 0.6, 1e-6, "half of the weight");
}

#[test]
#[should_panic(expected = "the loss needs reference_log_probs, but the batch has none")]
fn a_missing_reference_is_named() {
    let sample = sample();
    let batch = UnpairedBatch::new(tensor(&sample.log_probs), sample.completions, 5);
    let _ = init(&of(LossType::Kto)).forward(batch);
}

#[test]
#[should_panic(expected = "the loss Kto needs kl_log_ratios, but the batch has none")]
fn a_missing_divergence_is_named() {
    let sample = sample();
    let batch = UnpairedBatch::new(tensor(&sample.log_probs), sample.completions, 5)
        .with_reference_log_probs(tensor(&sample.reference_log_probs));
    let _ = init(&of(LossType::Kto)).forward(batch);
}

#[test]
fn each_prompt_is_followed_by_the_answer_to_the_one_before_it() {
    assert_eq!(mismatched(4), [3, 0, 1, 2]);
    assert_eq!(mismatched(1), [0], "one alone has no other: its answer is its own");
    assert!(mismatched(0).is_empty());
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let error = |config: KtoConfig| config.init().map(|_| ()).expect_err("refused").to_string();
    let default = KtoConfig::default;
    assert_eq!(
        error(KtoConfig { beta: -1.0, ..default() }),
        "beta must be finite and greater than 0, got -1"
    );
    assert_eq!(
        error(KtoConfig { desirable_weight: f64::NAN, ..default() }),
        "desirable_weight must be finite and at least 0, got NaN"
    );
    assert_eq!(
        error(KtoConfig { undesirable_weight: -0.5, ..default() }),
        "undesirable_weight must be finite and at least 0, got -0.5"
    );
}

#[test]
fn unknown_keys_are_errors_and_missing_ones_take_the_defaults_of_trl() {
    let parse = serde_json::from_str::<KtoConfig>;
    let config = parse("{}").expect("defaults");
    assert_eq!((config.loss_type, config.beta), (LossType::Kto, 0.1));
    assert_eq!((config.desirable_weight, config.undesirable_weight), (1.0, 1.0));
    let message = parse(r#"{"desirable": 2}"#).expect_err("a typo").to_string();
    assert!(message.contains("unknown field `desirable`"), "{message}");
    let message = parse(r#"{"loss_type": "bco"}"#).expect_err("no such type").to_string();
    assert!(message.contains("expected `kto` or `apo_zero_unpaired`"), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// With the divergence of the whole step, a step may be cut anywhere.
    #[test]
    fn micro_batches_add_up(at in 1..5usize, is_kto in any::<bool>()) {
        let config = of(if is_kto { LossType::Kto } else { LossType::ApoZeroUnpaired });
        let parts = sample().split(at);
        let part = |part: &Sample| value(init(&config).forward(part.batch(tensor(&part.log_probs), 5)));
        let sum: f32 = parts.iter().map(part).sum();
        prop_assert!((sum - value(sample().forward(&config))).abs() < 1e-6);
    }

    /// What is desirable costs less the more probable it is, what is not costs more.
    #[test]
    fn the_verdict_says_which_way_is_down(log_ratio in -8f32..8., more in 0.1f32..4.) {
        for verdict in [Verdict::Desirable, Verdict::Undesirable] {
            let loss = |log_ratio| {
                value(Sample::single(log_ratio, verdict).forward(&of(LossType::Kto)))
            };
            let falls = loss(log_ratio + more) < loss(log_ratio);
            prop_assert_eq!(falls, verdict == Verdict::Desirable);
        }
    }

    /// Both verdicts on one completion cost the same together, whatever it is, when they weigh the same.
    #[test]
    fn opposite_verdicts_add_up_to_their_weight(log_ratio in -8f32..8.) {
        let config = KtoConfig::default();
        let loss = |verdict| value(Sample::single(log_ratio, verdict).forward(&config));
        let sum = loss(Verdict::Desirable) + loss(Verdict::Undesirable);
        prop_assert!((sum - 1.0).abs() < 1e-6);
    }
}
