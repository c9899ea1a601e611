//! The loss against hand-computed values, its gradient, and its indifference to the cutting of a step.

use burn::tensor::{Device, Tensor};
use forethought_objective::{LossOutput, SupervisedBatch, SupervisedLoss};
use forethought_sft::{LossType, SftConfig, SftConfigError, SftLoss};
use proptest::prelude::*;

/// Of the program beside `smoothed_losses_are_those_of_transformers`.
const LOG_PROBS: [f32; 3] = [-0.831_189, -0.631_021, -1.072_74];
const MEAN_LOG_PROBS: [f32; 3] = [-1.904_038, -1.966_429, -1.945_601];
const SMOOTHED: [f32; 2] = [0.954_354, 1.282_466];

fn tokens(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_floats(values, device)
}

fn loss(loss_type: LossType) -> SftLoss {
    SftConfig { loss_type, ..SftConfig::default() }.init().expect("parameters are in range")
}

fn value(loss: SftLoss, log_probs: &[f32], num_step_tokens: usize) -> f32 {
    let log_probs = tokens(log_probs, &Device::flex());
    loss.forward(SupervisedBatch::new(log_probs, num_step_tokens)).loss.into_scalar()
}

#[track_caller]
fn assert_close(actual: f32, expected: f32, tolerance: f32) {
    assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected} +- {tolerance}");
}

/* Python, float64:
from math import exp
log_probs = [-0.1, -2.0, -3.5]
print(-sum(log_probs) / 5)                          # 1.12
print(-sum(exp(lp) * lp for lp in log_probs) / 5)   # 0.09336903005098722
*/
#[test]
fn both_losses_match_python_float64() {
    let log_probs = [-0.1, -2.0, -3.5];
    assert_close(value(loss(LossType::Nll), &log_probs, 5), 1.12, 1e-6);
    assert_close(value(loss(LossType::Dft), &log_probs, 5), 0.093_369_03, 1e-6);
}

/// d nll / d log p = -1 / T, d dft / d log p = -p / T: the weight is held constant.
#[test]
fn gradients_are_the_closed_forms() {
    let device = Device::flex().autodiff();
    for (loss_type, expected) in
        [(LossType::Nll, [-0.25, -0.25]), (LossType::Dft, [-0.125, -0.025])]
    {
        let log_probs = tokens(&[0.5f32.ln(), 0.1f32.ln()], &device).require_grad();
        let batch = SupervisedBatch::new(log_probs.clone(), 4);
        let gradients = loss(loss_type).forward(batch).loss.backward();
        let gradient = log_probs.grad(&gradients).expect("tracked").into_data();
        let gradient: Vec<f32> = gradient.try_to_vec().expect("single precision");
        for (actual, expected) in gradient.into_iter().zip(expected) {
            assert_close(actual, expected, 1e-6);
        }
    }
}

#[test]
fn metrics_carry_the_names_of_trl_and_are_token_means() {
    let device = Device::flex();
    let batch = SupervisedBatch::new(tokens(&[-1.0; 4], &device), 100)
        .with_entropy(tokens(&[1.0, 2.0, 3.0, 6.0], &device))
        .with_is_argmax(tokens(&[1.0, 0.0, 0.0, 0.0], &device));
    let LossOutput { metrics, .. } = loss(LossType::Nll).forward(batch);
    let metrics: Vec<(&str, f32)> =
        metrics.into_iter().map(|(name, value)| (name, value.into_scalar())).collect();
    let expected = [("entropy", 3.0), ("mean_token_accuracy", 0.25), ("skipped_tokens", 0.0)];
    assert_eq!(metrics, expected);
}

#[test]
fn metrics_that_the_batch_does_not_know_are_left_out() {
    let batch = SupervisedBatch::new(tokens(&[-1.0], &Device::flex()), 1);
    let metrics = loss(LossType::Nll).forward(batch).metrics;
    assert_eq!(metrics.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["skipped_tokens"]);
}

#[test]
fn an_impossible_token_costs_much_but_not_infinity() {
    assert_close(value(loss(LossType::Nll), &[-20_000.0], 1), 20_000.0, 1e-2);
    assert_close(value(loss(LossType::Dft), &[-20_000.0], 1), 0.0, 1e-6);
}

#[test]
fn a_micro_batch_without_tokens_adds_nothing() {
    assert_close(value(loss(LossType::Nll), &[], 3), 0.0, 0.0);
}

/* Python (torch 2.15.0, transformers 5.23.0), float64:
import torch
from transformers.trainer_pt_utils import LabelSmoother
torch.manual_seed(6)
logits, labels = torch.randn(1, 4, 5, dtype=torch.float64), torch.tensor([[1, -100, 3, 0]])
kept = logits[0, labels[0] >= 0].log_softmax(-1)
print(kept.gather(1, labels[labels >= 0][:, None])[:, 0], kept.mean(1))
for epsilon in (0.1, 0.4): print(LabelSmoother(epsilon)({"logits": logits}, labels))
*/
#[test]
fn smoothed_losses_are_those_of_transformers() {
    let batch = || {
        SupervisedBatch::new(tokens(&LOG_PROBS, &Device::flex()), 3)
            .with_mean_log_probs(tokens(&MEAN_LOG_PROBS, &Device::flex()))
    };
    for (label_smoothing_factor, expected) in [(0.1, SMOOTHED[0]), (0.4, SMOOTHED[1])] {
        let config = SftConfig { label_smoothing_factor, ..SftConfig::default() };
        let loss = config.init().expect("in range");
        assert!(loss.needs_mean_log_probs());
        assert_close(loss.forward(batch()).loss.into_scalar(), expected, 1e-6);
    }
}

#[test]
#[should_panic(expected = "label smoothing needs mean_log_probs, but the batch has none")]
fn means_that_label_smoothing_misses_are_named() {
    let config = SftConfig { label_smoothing_factor: 0.1, ..SftConfig::default() };
    let loss = config.init().expect("in range");
    let _ = loss.forward(SupervisedBatch::new(tokens(&[-1.0], &Device::flex()), 1));
}

#[test]
fn a_token_that_is_not_finite_is_left_out_and_counted() {
    for bad in [f32::NEG_INFINITY, f32::NAN] {
        let device = Device::flex().autodiff();
        let log_probs = tokens(&[-1.0, bad, -2.0], &device).require_grad();
        let output = loss(LossType::Nll).forward(SupervisedBatch::new(log_probs.clone(), 3));
        let (name, skipped) = output.metrics.last().expect("counted");
        assert_eq!((*name, skipped.clone().into_scalar::<f32>()), ("skipped_tokens", 1.0));
        let gradients = output.loss.backward();
        assert_close(output.loss.into_scalar(), 1.0, 1e-6);
        let gradient = log_probs.grad(&gradients).expect("tracked").into_data();
        let third = -1.0 / 3.0;
        assert_eq!(gradient.try_to_vec::<f32>().expect("single precision"), [third, 0.0, third]);
    }
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let init = |loss_type, label_smoothing_factor| {
        SftConfig { loss_type, label_smoothing_factor }.init().map(|_| ())
    };
    assert_eq!(init(LossType::Nll, 1.0), Err(SftConfigError::LabelSmoothing(1.0)));
    let message = init(LossType::Nll, -0.1).expect_err("refused").to_string();
    assert_eq!(message, "label_smoothing_factor must be in [0, 1), got -0.1");
    let message = init(LossType::Dft, 0.1).expect_err("refused").to_string();
    assert_eq!(message, "label_smoothing_factor must be 0 for dft, got 0.1");
}

#[test]
fn unknown_keys_and_values_are_errors() {
    let parse = serde_json::from_str::<SftConfig>;
    let defaults = SftConfig { loss_type: LossType::Nll, label_smoothing_factor: 0.0 };
    assert_eq!(parse("{}").expect("defaults"), defaults);
    assert_eq!(parse(r#"{"loss_type": "dft"}"#).expect("known").loss_type, LossType::Dft);
    let message = parse(r#"{"loss_typo": "dft"}"#).expect_err("a typo").to_string();
    assert!(message.contains("unknown field `loss_typo`, expected `loss_type` or"), "{message}");
    let message = parse(r#"{"loss_type": "mse"}"#).expect_err("no such loss").to_string();
    assert!(message.contains("expected `nll` or `dft`"), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However a step is cut into micro-batches, their losses add up to the loss of the step.
    #[test]
    fn micro_batches_add_up(
        log_probs in prop::collection::vec(-10f32..0., 1..20),
        cut in any::<prop::sample::Index>(),
        is_dft in any::<bool>(),
    ) {
        let loss = loss(if is_dft { LossType::Dft } else { LossType::Nll });
        let count = log_probs.len();
        let (first, second) = log_probs.split_at(cut.index(count + 1));
        let sum = value(loss, first, count) + value(loss, second, count);
        prop_assert!((sum - value(loss, &log_probs, count)).abs() < 1e-5);
    }
}
