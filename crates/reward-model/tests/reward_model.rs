//! The loss against TRL, closed forms and finite differences; its invariances, extremes and refused configs.

use burn::tensor::{Device, Tensor};
use forethought_objective::{LossOutput, ScoreBatch, ScoreLoss};
use forethought_reward_model::{
    RewardModelConfig, RewardModelConfigError, RewardModelLoss, preference_probability, sigmoid,
};
use proptest::prelude::*;
use serde::Deserialize;

/// What TRL computed; `make.py` beside it says how.
#[derive(Deserialize)]
struct Golden {
    chosen: Vec<f32>,
    rejected: Vec<f32>,
    margins: Vec<f32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    has_margins: bool,
    config: RewardModelConfig,
    loss: f32,
    metrics: serde_json::Map<String, serde_json::Value>,
    gradient: Vec<f32>,
}

#[derive(Clone, Debug)]
struct Sample {
    chosen: Vec<f32>,
    rejected: Vec<f32>,
    margins: Option<Vec<f32>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("trl-1.16.0.json")).expect("the golden file parses")
}

fn sample() -> Sample {
    let Golden { chosen, rejected, margins, .. } = golden();
    Sample { chosen, rejected, margins: Some(margins) }
}

fn without_margins() -> Sample {
    Sample { margins: None, ..sample() }
}

fn tensor(values: &[f32]) -> Tensor<1> {
    Tensor::from_floats(values, &Device::flex())
}

fn init(center_rewards_coefficient: Option<f64>) -> RewardModelLoss {
    RewardModelConfig { center_rewards_coefficient }.init().expect("parameters are in range")
}

fn value(output: LossOutput) -> f32 {
    output.loss.into_scalar()
}

fn metric(output: &LossOutput, name: &str) -> f32 {
    let found = output.metrics.iter().find(|(metric, _)| *metric == name);
    found.unwrap_or_else(|| panic!("no metric {name}")).1.clone().into_scalar()
}

#[track_caller]
fn assert_close(actual: f32, expected: f32, tolerance: f32, what: &str) {
    let allowed = tolerance * expected.abs().max(0.1);
    assert!((actual - expected).abs() <= allowed, "{what}: {actual} is not {expected}");
}

impl Sample {
    fn batch(&self, chosen: Tensor<1>, rejected: Tensor<1>, num_step_pairs: usize) -> ScoreBatch {
        let batch = ScoreBatch::new(chosen, rejected, num_step_pairs);
        match &self.margins {
            Some(margins) => batch.with_margins(tensor(margins)),
            None => batch,
        }
    }

    fn forward(&self, loss: &RewardModelLoss) -> LossOutput {
        let num_pairs = self.chosen.len();
        loss.forward(self.batch(tensor(&self.chosen), tensor(&self.rejected), num_pairs))
    }

    /// Of the chosen and then the rejected scores.
    fn gradient(&self, loss: &RewardModelLoss) -> Vec<f32> {
        let device = Device::flex().autodiff();
        let leaves = [&self.chosen, &self.rejected]
            .map(|values| Tensor::<1>::from_floats(values.as_slice(), &device).require_grad());
        let [chosen, rejected] = leaves.clone();
        let gradients =
            loss.forward(self.batch(chosen, rejected, self.chosen.len())).loss.backward();
        let of = |leaf: Tensor<1>| -> Vec<f32> {
            let gradient = leaf.grad(&gradients).expect("tracked").into_data();
            gradient.try_to_vec().expect("single precision")
        };
        leaves.map(of).concat()
    }
}

#[test]
fn losses_metrics_and_gradients_are_those_of_trl() {
    let golden = golden();
    assert_eq!(golden.cases.len(), 6);
    for case in &golden.cases {
        let what = format!("{:?}, margins: {}", case.config, case.has_margins);
        let sample = if case.has_margins { sample() } else { without_margins() };
        let loss = case.config.init().expect("in range");
        let output = sample.forward(&loss);
        let names: Vec<&str> = output.metrics.iter().map(|(name, _)| *name).collect();
        let expected: Vec<&str> = case.metrics.keys().map(String::as_str).collect();
        assert_eq!(names, [expected, vec!["skipped_pairs"]].concat());
        for (name, expected) in &case.metrics {
            #[allow(clippy::cast_possible_truncation, reason = "it was written as an f32")]
            let expected = expected.as_f64().expect("a number") as f32;
            assert_close(metric(&output, name), expected, 1e-5, &format!("{what} {name}"));
        }
        assert_close(value(output), case.loss, 1e-5, &what);
        for (actual, expected) in sample.gradient(&loss).iter().zip(&case.gradient) {
            assert_close(*actual, *expected, 1e-4, &what);
        }
    }
}

/// d loss / d chosen = -S(-(c - r - m)) + 2 k (c + r), and the same of rejected with the first term reversed.
#[test]
fn the_gradient_is_the_closed_form() {
    let sample = Sample { chosen: vec![0.5], rejected: vec![-1.0], margins: Some(vec![2.0]) };
    let gradient = sample.gradient(&init(Some(0.1)));
    let (pull, push) = (sigmoid(-(1.5 - 2.0)), 2.0 * 0.1 * -0.5);
    assert_close(gradient[0], -pull + push, 1e-5, "chosen");
    assert_close(gradient[1], pull + push, 1e-5, "rejected");
}

#[test]
fn gradients_are_finite_differences() {
    const STEP: f32 = 1e-2;
    let (sample, loss) = (sample(), init(Some(0.3)));
    let gradient = sample.gradient(&loss);
    for (index, actual) in gradient.into_iter().enumerate() {
        let value_at = |step: f32| {
            let mut moved = sample.clone();
            let num_pairs = moved.chosen.len();
            if index < num_pairs {
                moved.chosen[index] += step;
            } else {
                moved.rejected[index - num_pairs] += step;
            }
            value(moved.forward(&loss))
        };
        let slope = (value_at(STEP) - value_at(-STEP)) / (2.0 * STEP);
        assert!((actual - slope).abs() < 1e-3, "{index}: {actual} {slope}");
    }
}

#[test]
fn very_wrong_pairs_give_a_finite_linear_loss() {
    let sample = Sample { chosen: vec![-1000.0], rejected: vec![1000.0], margins: None };
    assert_close(value(sample.forward(&init(None))), 2000.0, 1e-6, "linear");
    assert_eq!(sample.gradient(&init(None)), [-1.0, 1.0]);
}

#[test]
fn a_pair_that_is_not_finite_is_left_out_and_counted() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut with_bad = sample();
        with_bad.rejected[0] = bad;
        let mut without = sample();
        without.chosen.remove(0);
        without.rejected.remove(0);
        without.margins.as_mut().expect("there").remove(0);
        for center in [None, Some(0.3)] {
            let (output, expected) =
                (with_bad.forward(&init(center)), without.forward(&init(center)));
            assert_close(metric(&output, "skipped_pairs"), 1.0, 0.0, "skipped");
            for name in ["min_reward", "mean_reward", "max_reward", "accuracy", "margin"] {
                assert_close(metric(&output, name), metric(&expected, name), 1e-5, name);
            }
            assert_close(value(output), value(expected) * 0.8, 1e-5, "four of five");
            let gradient = with_bad.gradient(&init(center));
            assert!(gradient.iter().all(|value| value.is_finite()), "{gradient:?}");
            assert_close(gradient[0].abs() + gradient[5].abs(), 0.0, 0.0, "no gradient");
        }
    }
    let mut margin = sample();
    margin.margins = Some(vec![f32::NAN; 5]);
    let output = margin.forward(&init(None));
    assert_close(metric(&output, "skipped_pairs"), 5.0, 0.0, "all skipped");
    assert_close(metric(&output, "min_reward"), 0.0, 0.0, "of nothing");
    assert_close(value(output), 0.0, 0.0, "nothing is left");
}

#[test]
fn a_pair_of_equal_scores_costs_log_2() {
    let sample = Sample { chosen: vec![7.0], rejected: vec![7.0], margins: None };
    let output = sample.forward(&init(None));
    assert_close(metric(&output, "accuracy"), 0.0, 0.0, "a tie is no win");
    assert_close(value(output), 2f32.ln(), 1e-6, "log 2");
}

#[test]
fn a_micro_batch_without_pairs_adds_nothing() {
    let output = init(Some(0.1)).forward(ScoreBatch::new(tensor(&[]), tensor(&[]), 3));
    assert!(output.metrics.is_empty());
    assert_close(value(output), 0.0, 0.0, "nothing");
}

#[test]
fn probabilities_of_scores_are_exact_at_both_ends() {
    for (score, expected) in [(0.0, 0.5), (f32::INFINITY, 1.0), (f32::NEG_INFINITY, 0.0)] {
        assert_close(sigmoid(score), expected, 0.0, "an end or the middle");
    }
    assert!((sigmoid(-30.0) / (-30.0_f32).exp() - 1.0).abs() < 1e-6, "no digits are lost");
    assert!((preference_probability(0.25, -5.92) - 0.997_913_1).abs() < 1e-5);
    assert!(sigmoid(f32::NAN).is_nan());
}

#[test]
fn configs_are_checked_and_default_to_those_of_trl() {
    let parse = serde_json::from_str::<RewardModelConfig>;
    assert_eq!(parse("{}").expect("defaults").center_rewards_coefficient, None);
    let message = parse(r#"{"center": 0.1}"#).expect_err("a typo").to_string();
    assert!(message.contains("unknown field `center`"), "{message}");
    let error = RewardModelConfig { center_rewards_coefficient: Some(-0.1) }.init().map(|_| ());
    assert_eq!(error, Err(RewardModelConfigError::Center(-0.1)));
    let message = error.expect_err("refused").to_string();
    assert_eq!(message, "center_rewards_coefficient must be finite and at least 0, got -0.1");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// However a step is cut into micro-batches, their losses add up to the loss of the step.
    #[test]
    fn micro_batches_add_up(at in 0..6usize, center in 0f64..1.0) {
        let (whole, loss) = (sample(), init(Some(center)));
        let part = |range: std::ops::Range<usize>| {
            let cut = |list: &[f32]| list[range.clone()].to_vec();
            let part = Sample {
                chosen: cut(&whole.chosen),
                rejected: cut(&whole.rejected),
                margins: whole.margins.as_deref().map(cut),
            };
            value(loss.forward(part.batch(tensor(&part.chosen), tensor(&part.rejected), 5)))
        };
        let sum = part(0..at) + part(at..5);
        let expected = value(whole.forward(&loss));
        prop_assert!((sum - expected).abs() < 1e-5 * expected.max(1.0));
    }

    /// Scores are determined up to a constant: without the centring term nothing tells them apart.
    #[test]
    fn a_constant_added_to_all_scores_changes_nothing(shift in -20f32..20.) {
        let mut shifted = without_margins();
        for score in shifted.chosen.iter_mut().chain(&mut shifted.rejected) {
            *score += shift;
        }
        let expected = value(without_margins().forward(&init(None)));
        prop_assert!((value(shifted.forward(&init(None))) - expected).abs() < 1e-4);
    }

    /// `-log S(x) + log S(-x) = -x`, so a swapped pair costs exactly its lead more.
    #[test]
    fn swapping_a_pair_costs_its_lead(chosen in -20f32..20., rejected in -20f32..20.) {
        let loss = |chosen, rejected| {
            let sample = Sample { chosen: vec![chosen], rejected: vec![rejected], margins: None };
            value(sample.forward(&init(None)))
        };
        let difference = loss(rejected, chosen) - loss(chosen, rejected);
        prop_assert!((difference - (chosen - rejected)).abs() < 1e-4);
    }
}
