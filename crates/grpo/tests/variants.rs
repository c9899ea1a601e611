//! Each variant of the loss against TRL, value, metrics and gradient; and what happens at the edges.

use burn::tensor::{Device, Tensor};
use forethought_grpo::{
    DynamicSampling, GrpoConfig, GrpoLoss, LossType, MultiObjectiveAggregation, SamplingCorrection,
    Semantics, entropy_threshold,
};
use forethought_objective::{
    GenerationTotals, LossOutput, PolicyBatch, PolicyCompletion, PolicyLoss, StepTotals,
};
use serde::Deserialize;

/// What TRL computed; `make.py` says how.
#[derive(Deserialize)]
struct Golden {
    lengths: Vec<usize>,
    advantages: Vec<f32>,
    max_completion_length: usize,
    log_probs: Vec<f32>,
    old_log_probs: Vec<f32>,
    reference_log_probs: Vec<f32>,
    sampling_log_probs: Vec<Option<f32>>,
    entropy: Vec<f32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    config: GrpoConfig,
    totals: Totals,
    loss: f32,
    metrics: std::collections::BTreeMap<String, f32>,
    gradient: Vec<f32>,
    entropy_gradient: Option<Vec<f32>>,
}

/// Of a step that is a part of what was sampled at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Totals {
    accumulation: usize,
    steps_per_generation: usize,
    generation_tokens: usize,
}

impl Default for Totals {
    fn default() -> Self {
        Self { accumulation: 1, steps_per_generation: 1, generation_tokens: 13 }
    }
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("trl-1.16.0-variants.json")).expect("the golden file parses")
}

#[track_caller]
fn assert_close(actual: f32, expected: f32, tolerance: f32, what: &str) {
    let allowed = tolerance * expected.abs().max(0.1);
    assert!((actual - expected).abs() <= allowed, "{what}: {actual} is not {expected}");
}

fn values(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("single precision")
}

impl Golden {
    fn completions(&self) -> Vec<PolicyCompletion> {
        let each = self.lengths.iter().zip(&self.advantages);
        each.map(|(num_tokens, advantage)| PolicyCompletion {
            num_tokens: *num_tokens,
            advantage: *advantage,
            is_truncated: false,
        })
        .collect()
    }

    fn batch(&self, leaves: &[Tensor<1>; 2], totals: &Totals) -> PolicyBatch {
        let device = leaves[0].device();
        let tensor = |list: &[f32]| Tensor::<1>::from_floats(list, &device);
        let generation = GenerationTotals {
            num_micro_batches: totals.steps_per_generation,
            num_tokens: totals.generation_tokens,
        };
        let step = StepTotals::new(totals.accumulation, 4, 13).of_generation(generation);
        PolicyBatch::new(leaves[0].clone(), self.completions(), step)
            .with_old_log_probs(tensor(&self.old_log_probs))
            .with_reference_log_probs(tensor(&self.reference_log_probs))
            .with_entropy(leaves[1].clone())
    }

    fn sampled(&self, device: &Device) -> Tensor<1> {
        let sampled = self.sampling_log_probs.iter().map(|one| one.unwrap_or(f32::NAN));
        Tensor::from_floats(sampled.collect::<Vec<f32>>().as_slice(), device)
    }

    fn leaves(&self) -> [Tensor<1>; 2] {
        let device = Device::flex().autodiff();
        [&self.log_probs, &self.entropy]
            .map(|list| Tensor::<1>::from_floats(list.as_slice(), &device).require_grad())
    }

    fn init(&self, config: &GrpoConfig) -> GrpoLoss {
        let max_completion_length = self.max_completion_length;
        GrpoConfig { max_completion_length, ..config.clone() }.init().expect("in range")
    }
}

#[test]
fn every_variant_has_the_loss_the_metrics_and_the_gradient_of_trl() {
    let golden = golden();
    for case in &golden.cases {
        let what = format!("{:?}", case.config);
        let leaves = golden.leaves();
        let mut batch = golden.batch(&leaves, &case.totals);
        if case.config.sampling_correction.unwrap_or_default() != SamplingCorrection::None {
            batch = batch.with_sampling_log_probs(golden.sampled(&leaves[0].device()));
        }
        let output = golden.init(&case.config).forward(batch);
        assert_close(output.loss.clone().into_scalar(), case.loss, 1e-5, &what);
        let gradients = output.loss.backward();
        let gradient = values(leaves[0].grad(&gradients).expect("tracked"));
        for (actual, expected) in gradient.iter().zip(&case.gradient) {
            assert_close(*actual, *expected, 1e-4, &what);
        }
        if let Some(expected) = &case.entropy_gradient {
            let actual = values(leaves[1].grad(&gradients).expect("tracked"));
            for (actual, expected) in actual.iter().zip(expected) {
                assert_close(*actual, *expected, 1e-4, &what);
            }
        }
        let metrics: std::collections::BTreeMap<_, _> = output.metrics.into_iter().collect();
        for (name, expected) in &case.metrics {
            let actual = metrics[name.as_str()].clone().into_scalar();
            assert_close(actual, *expected, 2e-5, &format!("{name} of {what}"));
        }
    }
}

/// One token of one completion, with ratios and an advantage of choice.
fn one_token(loss: &GrpoLoss, log_prob: f32, old: f32, advantage: f32) -> (f32, f32, LossOutput) {
    let device = Device::flex().autodiff();
    let leaf = Tensor::<1>::from_floats([log_prob], &device).require_grad();
    let completion = PolicyCompletion { num_tokens: 1, advantage, is_truncated: false };
    let totals = loss.step_totals(&[&[completion]]);
    let batch = PolicyBatch::new(leaf.clone(), vec![completion], totals)
        .with_old_log_probs(Tensor::from_floats([old], &device))
        .with_entropy(Tensor::from_floats([1.0], &device));
    let output = loss.forward(batch);
    let value = output.loss.clone().into_scalar();
    let gradients = output.loss.backward();
    let gradient = leaf.grad(&gradients).map_or(0.0, Tensor::into_scalar::<f32>);
    (value, gradient, output)
}

const ALL: [LossType; 8] = [
    LossType::Grpo,
    LossType::Bnpo,
    LossType::DrGrpo,
    LossType::Dapo,
    LossType::Cispo,
    LossType::Sapo,
    LossType::Luspo,
    LossType::Vespo,
];

#[test]
fn an_impossible_token_costs_nothing_and_is_counted() {
    let impossible = [(f32::NEG_INFINITY, -1.0), (-1.0, f32::NEG_INFINITY), (f32::NAN, -1.0)];
    for loss_type in ALL {
        let loss = GrpoConfig { loss_type: Some(loss_type), ..GrpoConfig::default() };
        let loss = loss.init().expect("in range");
        for (log_prob, old) in impossible {
            let (value, gradient, output) = one_token(&loss, log_prob, old, -1.0);
            assert_eq!((value, gradient), (0.0, 0.0), "{loss_type:?} of {log_prob} and {old}");
            let counted = output.metrics.into_iter().find(|(name, _)| *name == "tokens/not_finite");
            let counted: f32 = counted.expect("reported").1.into_scalar();
            assert_close(counted, 1.0, 1e-6, "counted");
        }
    }
}

#[test]
fn a_ratio_beyond_single_precision_leaves_the_loss_finite() {
    for loss_type in ALL {
        let loss = GrpoConfig { loss_type: Some(loss_type), ..GrpoConfig::default() };
        let loss = loss.init().expect("in range");
        for (old, advantage) in [(-1e4, -1.0), (-1e4, 1.0), (1e4, -1.0), (1e4, 1.0)] {
            let (value, gradient, _) = one_token(&loss, -0.5, old, advantage);
            assert!(value.is_finite() && gradient.is_finite(), "{loss_type:?} {old} {advantage}");
        }
    }
}

#[test]
fn a_completion_without_tokens_changes_no_loss() {
    let golden = golden();
    for loss_type in [LossType::Bnpo, LossType::Dapo, LossType::Cispo, LossType::Vespo] {
        let loss = golden.init(&GrpoConfig { loss_type: Some(loss_type), ..GrpoConfig::default() });
        let [log_probs, _] = golden.leaves();
        let mut completions = golden.completions();
        let forward = |completions: &[PolicyCompletion]| {
            let totals = loss.step_totals(&[completions]);
            let batch = PolicyBatch::new(log_probs.clone(), completions.to_vec(), totals);
            let batch = batch.with_old_log_probs(Tensor::from_floats(
                golden.old_log_probs.as_slice(),
                &log_probs.device(),
            ));
            loss.forward(batch).loss.into_scalar::<f32>()
        };
        let expected = forward(&completions);
        completions
            .insert(2, PolicyCompletion { num_tokens: 0, advantage: 9.0, is_truncated: false });
        assert_close(forward(&completions), expected, 1e-6, &format!("{loss_type:?}"));
    }
}

#[test]
fn advantages_by_token_equal_to_those_of_the_completions_change_nothing() {
    let golden = golden();
    for loss_type in ALL {
        let loss = golden.init(&GrpoConfig { loss_type: Some(loss_type), ..GrpoConfig::default() });
        let batch = golden.batch(&golden.leaves(), &Totals::default());
        let spread = batch.token_advantages();
        let expected: f32 = loss.forward(batch.clone()).loss.into_scalar();
        let own = batch.with_token_advantages(spread);
        assert_close(loss.forward(own).loss.into_scalar(), expected, 0.0, "the same advantages");
    }
}

#[test]
fn a_threshold_for_the_step_is_that_of_its_one_micro_batch() {
    let golden = golden();
    let config = GrpoConfig { top_entropy_quantile: 0.4, ..GrpoConfig::default() };
    let loss = golden.init(&config);
    let batch = golden.batch(&golden.leaves(), &Totals::default());
    let threshold = entropy_threshold(&golden.entropy, 0.4).expect("there are tokens");
    let expected: f32 = loss.forward(batch.clone()).loss.into_scalar();
    let given = loss.forward(batch.with_entropy_threshold(threshold)).loss.into_scalar();
    assert_close(given, expected, 0.0, "the same threshold");
}

/// Version 0.15: `-exp(lp - sg(lp)) * A + beta * k3`, the mean over tokens, then over completions; `grpo_trainer.py`, lines
/// 692 to 722.
#[test]
fn the_older_semantics_has_one_update_and_no_clip() {
    let golden = golden();
    let config: GrpoConfig = serde_json::from_str(r#"{"semantics": "trl-0.15"}"#).expect("known");
    assert_eq!((config.beta, config.loss_type), (Some(0.04), Some(LossType::Grpo)));
    assert_eq!(config.use_bias_correction_kl, Some(false));
    let leaves = golden.leaves();
    let output = golden.init(&config).forward(golden.batch(&leaves, &Totals::default()));
    let mut expected = 0.0;
    let mut tokens = golden.log_probs.iter().zip(&golden.reference_log_probs);
    for (length, advantage) in golden.lengths.iter().zip(&golden.advantages) {
        let each = tokens.by_ref().take(*length).map(|(log_prob, reference)| {
            let log_ratio = reference - log_prob;
            -advantage + 0.04 * (log_ratio.exp() - log_ratio - 1.0)
        });
        expected += each.sum::<f32>() / *length as f32 / 4.0;
    }
    assert_close(output.loss.into_scalar(), expected, 1e-5, "0.15");
}

#[test]
fn what_the_older_semantics_did_not_know_is_refused_by_name() {
    let old = || GrpoConfig { semantics: Semantics::Trl015, ..GrpoConfig::default() };
    let error = |config: GrpoConfig| config.init().map(|_| ()).expect_err("unknown").to_string();
    let config = GrpoConfig { loss_type: Some(LossType::Dapo), ..old() };
    assert_eq!(error(config), "loss_type must be grpo with semantics trl-0.15");
    let config = GrpoConfig { num_iterations: 2, ..old() };
    assert_eq!(error(config), "num_iterations must be 1 with semantics trl-0.15");
}

#[test]
fn every_number_of_a_config_has_a_range() {
    let error = |config: GrpoConfig| config.init().map(|_| ()).expect_err("refused").to_string();
    let default = GrpoConfig::default;
    let cases = [
        (
            GrpoConfig { delta: Some(0.0), ..default() },
            "delta must be finite and greater than 0, got 0",
        ),
        (GrpoConfig { num_iterations: 0, ..default() }, "num_iterations must be at least 1, got 0"),
        (
            GrpoConfig { top_entropy_quantile: 1.5, ..default() },
            "top_entropy_quantile must be in [0, 1], got 1.5",
        ),
        (
            GrpoConfig { entropy_coef: f64::NAN, ..default() },
            "entropy_coef must be finite, got NaN",
        ),
        (
            GrpoConfig { reward_weights: Some(vec![1.0, f64::INFINITY]), ..default() },
            "reward_weights must be finite, got inf",
        ),
        (
            GrpoConfig { sampling_correction_min: Some(3.0), ..default() },
            "sampling_correction_min must be less than sampling_correction_max, got 3",
        ),
        (
            GrpoConfig { dynamic_sampling: Some(DynamicSampling { max_rounds: 0 }), ..default() },
            "dynamic_sampling.max_rounds must be at least 1, got 0",
        ),
        (
            GrpoConfig { sapo_temperature_neg: 0.0, ..default() },
            "sapo_temperature_neg must be finite and greater than 0, got 0",
        ),
    ];
    for (config, expected) in cases {
        assert_eq!(error(config), expected);
    }
}

#[test]
fn a_written_config_shows_the_defaults_of_its_semantics() {
    let json = |config: &GrpoConfig| serde_json::to_value(config).expect("plain values");
    let current = json(&GrpoConfig::default());
    assert_eq!(
        (current["loss_type"].as_str(), current["beta"].as_f64()),
        (Some("dapo"), Some(0.0))
    );
    let old = json(&GrpoConfig { semantics: Semantics::Trl015, ..GrpoConfig::default() });
    assert_eq!((old["loss_type"].as_str(), old["beta"].as_f64()), (Some("grpo"), Some(0.04)));
    let read: GrpoConfig = serde_json::from_value(old).expect("what was written can be read");
    assert_eq!(read.beta, Some(0.04));
}

#[test]
fn what_the_config_asks_for_and_the_batch_lacks_is_named() {
    let golden = golden();
    let lacking = |config: GrpoConfig| {
        let loss = golden.init(&config);
        let device = Device::flex();
        let log_probs = Tensor::<1>::from_floats(golden.log_probs.as_slice(), &device);
        let batch = PolicyBatch::new(log_probs, golden.completions(), StepTotals::new(1, 4, 13));
        let run = std::panic::AssertUnwindSafe(|| loss.forward(batch));
        let error = std::panic::catch_unwind(run).map(|_| ()).expect_err("something is missing");
        error.downcast_ref::<String>().expect("a message").clone()
    };
    let default = GrpoConfig::default;
    let message = lacking(GrpoConfig { entropy_coef: 0.1, ..default() });
    assert_eq!(message, "entropy_coef is 0.1, but the batch has no entropies");
    let message = lacking(GrpoConfig { top_entropy_quantile: 0.2, ..default() });
    assert_eq!(message, "top_entropy_quantile is 0.2, but the batch has no entropies");
    let sampling_correction = Some(SamplingCorrection::TokenMask);
    let message = lacking(GrpoConfig { sampling_correction, ..default() });
    assert!(message.ends_with("but the batch has no sampling log-probabilities"), "{message}");
}

#[test]
fn a_reward_that_does_not_exist_is_neither_zero_nor_a_baseline() {
    let config = GrpoConfig {
        multi_objective_aggregation: MultiObjectiveAggregation::NormalizeThenSum,
        ..GrpoConfig::default()
    };
    for config in [config, GrpoConfig::default()] {
        let with = [Some(2.0), None, Some(1.0), Some(f32::NAN), Some(3.0), Some(0.0)];
        let advantages = config.advantages(&[&with], 3).expect("comparable");
        assert_eq!(advantages.num_without_reward, 2);
        assert_eq!((advantages.values[1], advantages.values[3]), (0.0, 0.0));
        assert!(advantages.values[0] > 0.0 && advantages.values[2] < 0.0);
        assert!((advantages.reward_mean - 1.5).abs() < 1e-9);
    }
}
