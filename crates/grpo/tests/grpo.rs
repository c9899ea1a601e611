//! The loss and the advantages against TRL, closed forms, finite differences, and their invariances.

use burn::tensor::{Device, Tensor};
use forethought_grpo::{
    GrpoConfig, GrpoLoss, ImportanceSamplingLevel, LossType, ScaleRewards, advantages,
};
use forethought_objective::{LossOutput, PolicyBatch, PolicyCompletion, PolicyLoss};
use proptest::prelude::*;
use serde::Deserialize;

/// What TRL computed; the file says how.
#[derive(Deserialize)]
struct Golden {
    lengths: Vec<usize>,
    is_truncated: Vec<bool>,
    max_completion_length: usize,
    advantages: Vec<f32>,
    log_probs: Vec<f32>,
    old_log_probs: Vec<f32>,
    reference_log_probs: Vec<f32>,
    entropy: Vec<f32>,
    cases: Vec<LossCase>,
    advantage_cases: Vec<AdvantageCase>,
}

#[derive(Deserialize)]
struct LossCase {
    name: String,
    config: GrpoConfig,
    has_old: bool,
    loss: f32,
    metrics: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct AdvantageCase {
    rewards: Vec<Option<f32>>,
    group_size: usize,
    scale_rewards: ScaleRewards,
    values: Vec<f32>,
    reward: f64,
    reward_std: f64,
    frac_reward_zero_std: f64,
}

/// The one metric that TRL does not have.
const OWN_METRIC: &str = "tokens/not_finite";

fn golden() -> Golden {
    serde_json::from_str(include_str!("trl-1.16.0.json")).expect("the golden file parses")
}

#[track_caller]
fn assert_close(actual: f32, expected: f32, tolerance: f32, what: &str) {
    let allowed = tolerance * expected.abs().max(0.1);
    assert!((actual - expected).abs() <= allowed, "{what}: {actual} is not {expected}");
}

fn tensor(values: &[f32]) -> Tensor<1> {
    Tensor::from_floats(values, &Device::flex())
}

/// Completions with their log-probabilities under three policies.
#[derive(Clone, Debug)]
struct Sample {
    completions: Vec<PolicyCompletion>,
    log_probs: Vec<f32>,
    old_log_probs: Vec<f32>,
    reference_log_probs: Vec<f32>,
}

impl Sample {
    fn of(golden: &Golden) -> Self {
        let lists = golden.lengths.iter().zip(&golden.advantages).zip(&golden.is_truncated);
        let completions = lists.map(|((num_tokens, advantage), is_truncated)| PolicyCompletion {
            num_tokens: *num_tokens,
            advantage: *advantage,
            is_truncated: *is_truncated,
        });
        Self {
            completions: completions.collect(),
            log_probs: golden.log_probs.clone(),
            old_log_probs: golden.old_log_probs.clone(),
            reference_log_probs: golden.reference_log_probs.clone(),
        }
    }

    /// The first and the second part, cut between two completions.
    fn split(&self, at: usize) -> [Self; 2] {
        let num_tokens = self.completions[..at].iter().map(|c| c.num_tokens).sum();
        let parts = [
            (0..at, 0..num_tokens),
            (at..self.completions.len(), num_tokens..self.log_probs.len()),
        ];
        parts.map(|(completions, tokens)| Self {
            completions: self.completions[completions].to_vec(),
            log_probs: self.log_probs[tokens.clone()].to_vec(),
            old_log_probs: self.old_log_probs[tokens.clone()].to_vec(),
            reference_log_probs: self.reference_log_probs[tokens].to_vec(),
        })
    }

    /// The batch of one micro-batch in a step of several.
    fn batch(&self, log_probs: Tensor<1>, loss: &GrpoLoss, step: &[&Self]) -> PolicyBatch {
        let step: Vec<&[PolicyCompletion]> =
            step.iter().map(|sample| sample.completions.as_slice()).collect();
        PolicyBatch::new(log_probs, self.completions.clone(), loss.step_totals(&step))
            .with_old_log_probs(tensor(&self.old_log_probs))
            .with_reference_log_probs(tensor(&self.reference_log_probs))
    }

    fn loss(&self, loss: &GrpoLoss, step: &[&Self]) -> f32 {
        let batch = self.batch(tensor(&self.log_probs), loss, step);
        loss.forward(batch).loss.into_scalar()
    }

    fn gradient(&self, loss: &GrpoLoss) -> Vec<f32> {
        let device = Device::flex().autodiff();
        let leaf = Tensor::<1>::from_floats(self.log_probs.as_slice(), &device).require_grad();
        let gradients = loss.forward(self.batch(leaf.clone(), loss, &[self])).loss.backward();
        let gradient = leaf.grad(&gradients).expect("tracked").into_data();
        gradient.try_to_vec().expect("single precision")
    }
}

fn init(config: &GrpoConfig) -> GrpoLoss {
    config.init().expect("parameters are in range")
}

#[test]
fn losses_and_metrics_are_those_of_trl() {
    let golden = golden();
    let sample = Sample::of(&golden);
    for case in &golden.cases {
        let max_completion_length = golden.max_completion_length;
        let loss = init(&GrpoConfig { max_completion_length, ..case.config.clone() });
        let old = if case.has_old { &golden.old_log_probs } else { &golden.log_probs };
        let sample = Sample { old_log_probs: old.clone(), ..sample.clone() };
        let batch = sample.batch(tensor(&sample.log_probs), &loss, &[&sample]);
        let output = loss.forward(batch.with_entropy(tensor(&golden.entropy)));
        assert_close(output.loss.into_scalar(), case.loss, 1e-5, &case.name);
        assert_eq!(output.metrics.len(), case.metrics.len() + 1, "{}", case.name);
        for (name, value) in output.metrics.into_iter().filter(|(name, _)| *name != OWN_METRIC) {
            #[allow(clippy::cast_possible_truncation, reason = "it was written as an f32")]
            let expected = case.metrics[name].as_f64().expect("a number") as f32;
            assert_close(value.into_scalar(), expected, 2e-5, &format!("{} {name}", case.name));
        }
    }
}

#[test]
fn advantages_are_those_of_trl() {
    for case in golden().advantage_cases {
        let actual =
            advantages(&case.rewards, case.group_size, case.scale_rewards).expect("comparable");
        let what = format!("{:?} in groups of {}", case.rewards, case.group_size);
        for (actual, expected) in actual.values.iter().zip(&case.values) {
            assert_close(*actual, *expected, 1e-4, &what);
        }
        assert_eq!(actual.values.len(), case.values.len());
        assert!((actual.reward_mean - case.reward).abs() < 1e-6, "{what}");
        assert!((actual.reward_std - case.reward_std).abs() < 1e-6, "{what}");
        assert!((actual.frac_reward_zero_std - case.frac_reward_zero_std).abs() < 1e-9, "{what}");
    }
}

/// On policy, d loss / d log p = -A * w: the plain policy gradient.
#[test]
fn the_gradient_on_policy_is_the_advantage_over_the_divisor() {
    let mut sample = Sample::of(&golden());
    sample.old_log_probs = sample.log_probs.clone();
    let gradient = sample.gradient(&init(&GrpoConfig::default()));
    let mut tokens = gradient.iter();
    for completion in &sample.completions {
        for actual in tokens.by_ref().take(completion.num_tokens) {
            assert_close(*actual, -completion.advantage / 108.0, 1e-5, "on policy");
        }
    }
}

#[test]
fn a_clipped_token_gets_no_gradient_unless_it_moved_the_wrong_way() {
    let completion = |advantage| PolicyCompletion { num_tokens: 1, advantage, is_truncated: false };
    let sample = Sample {
        completions: vec![completion(1.0), completion(-1.0), completion(1.0), completion(-1.0)],
        log_probs: vec![-1.0; 4],
        old_log_probs: vec![-2.0, 0.0, 0.0, -2.0], // ratios e, 1/e, 1/e, e
        reference_log_probs: vec![-1.0; 4],
    };
    let gradient = sample.gradient(&init(&GrpoConfig::default()));
    let expected = [0.0, 0.0, -(-1f32).exp() / 4.0, 1f32.exp() / 4.0];
    for (actual, expected) in gradient.into_iter().zip(expected) {
        assert_close(actual, expected, 1e-6, "clipped");
    }
}

#[test]
fn gradients_are_finite_differences() {
    const STEP: f32 = 1e-2;
    let full = Sample::of(&golden());
    let [sample, _] = full.split(4); // 55 tokens, of which 22 are of a truncated completion
    let configs = [
        GrpoConfig { beta: Some(0.5), epsilon: 0.9, ..GrpoConfig::default() },
        GrpoConfig { beta: Some(0.5), mask_truncated_completions: true, ..GrpoConfig::default() },
        GrpoConfig {
            beta: Some(0.5),
            loss_type: Some(LossType::Grpo),
            importance_sampling_level: ImportanceSamplingLevel::Sequence,
            use_bias_correction_kl: Some(false),
            ..GrpoConfig::default()
        },
    ];
    for config in configs {
        let loss = init(&config);
        let gradient = sample.gradient(&loss);
        let value_at = |token: usize, step: f32| {
            let mut moved = sample.clone();
            moved.log_probs[token] += step;
            moved.loss(&loss, &[&sample])
        };
        // The clip range has corners; a difference across one is no derivative.
        let is_smooth = |token: usize| {
            let ratio = (sample.log_probs[token] - sample.old_log_probs[token]).exp();
            [1.0 - config.epsilon, 1.0 + config.epsilon]
                .iter()
                .all(|corner| (f64::from(ratio) - corner).abs() > 0.05)
        };
        for token in (0..gradient.len()).filter(|token| is_smooth(*token)) {
            let slope = (value_at(token, STEP) - value_at(token, -STEP)) / (2.0 * STEP);
            let what = format!("token {token} of {config:?}");
            assert!((gradient[token] - slope).abs() < 3e-4, "{what}: {} {slope}", gradient[token]);
        }
    }
}

#[test]
fn masked_completions_may_hold_anything() {
    let mut sample = Sample::of(&golden());
    let config =
        GrpoConfig { beta: Some(0.04), mask_truncated_completions: true, ..GrpoConfig::default() };
    let loss = init(&config);
    let expected = sample.loss(&loss, &[&sample]);
    sample.log_probs[20] = f32::NEG_INFINITY; // in the third completion, which is truncated
    sample.old_log_probs[21] = -1e4;
    assert_close(sample.loss(&loss, &[&sample]), expected, 0.0, "masked");
    assert!(sample.gradient(&loss)[16..38].iter().all(|value| value.abs() < 1e-9));
}

#[test]
fn a_step_of_truncated_completions_alone_has_no_loss() {
    let mut sample = Sample::of(&golden());
    for completion in &mut sample.completions {
        completion.is_truncated = true;
    }
    for loss_type in [LossType::Grpo, LossType::Bnpo, LossType::DrGrpo, LossType::Dapo] {
        let config = GrpoConfig {
            loss_type: Some(loss_type),
            mask_truncated_completions: true,
            ..GrpoConfig::default()
        };
        assert_close(sample.loss(&init(&config), &[&sample]), 0.0, 0.0, "nothing counts");
    }
}

#[test]
fn a_ratio_far_off_policy_stays_finite_where_clipping_bounds_it() {
    let completion = PolicyCompletion { num_tokens: 1, advantage: 1.0, is_truncated: false };
    let sample = Sample {
        completions: vec![completion],
        log_probs: vec![-0.1],
        old_log_probs: vec![-1e4], // a ratio of infinity
        reference_log_probs: vec![-0.1],
    };
    let loss = init(&GrpoConfig::default());
    assert_close(sample.loss(&loss, &[&sample]), -1.2, 1e-6, "clipped");
}

#[test]
fn a_group_of_equal_rewards_teaches_nothing_and_is_counted() {
    let rewards = [Some(3.0), Some(3.0), None, Some(5.0)];
    let advantages = advantages(&rewards, 2, ScaleRewards::Group).expect("comparable");
    assert_eq!(advantages.values, [0.0; 4]);
    assert!((advantages.frac_reward_zero_std - 0.5).abs() < 1e-9);
}

#[test]
fn rewards_that_do_not_divide_into_groups_are_refused() {
    let error = advantages(&[Some(1.0); 3], 2, ScaleRewards::Group).expect_err("indivisible");
    assert_eq!(error.to_string(), "num_generations must divide the 3 completions, got 2");
}

#[test]
#[should_panic(expected = "beta is 0.1, but the batch has no reference")]
fn a_missing_reference_is_named() {
    let loss = init(&GrpoConfig { beta: Some(0.1), ..GrpoConfig::default() });
    let completion = PolicyCompletion { num_tokens: 1, advantage: 1.0, is_truncated: false };
    let totals = loss.step_totals(&[&[completion]]);
    let LossOutput { .. } =
        loss.forward(PolicyBatch::new(tensor(&[-1.0]), vec![completion], totals));
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let error =
        |config: GrpoConfig| config.init().map(|_| ()).expect_err("out of range").to_string();
    let default = GrpoConfig::default;
    assert_eq!(
        error(GrpoConfig { epsilon: 1.5, ..default() }),
        "epsilon must be in [0, 1], got 1.5"
    );
    assert_eq!(
        error(GrpoConfig { epsilon_high: Some(-0.1), ..default() }),
        "epsilon_high must be finite and at least 0, got -0.1"
    );
    assert_eq!(
        error(GrpoConfig { beta: Some(f64::NAN), ..default() }),
        "beta must be finite and at least 0, got NaN"
    );
    let config = GrpoConfig { max_completion_length: 0, ..default() };
    assert_eq!(error(config), "max_completion_length must be at least 1, got 0");
}

#[test]
fn unknown_keys_are_errors_and_missing_ones_take_the_defaults_of_trl() {
    let parse = serde_json::from_str::<GrpoConfig>;
    let config = parse(r#"{"loss_type": "dr_grpo", "scale_rewards": "none"}"#).expect("known");
    assert_eq!(
        (config.loss_type, config.scale_rewards),
        (Some(LossType::DrGrpo), ScaleRewards::None)
    );
    assert_eq!((config.epsilon, config.beta, config.epsilon_high), (0.2, Some(0.0), None));
    let message = parse(r#"{"betta": 0.1}"#).expect_err("a typo").to_string();
    assert!(message.contains("unknown field `betta`"), "{message}");
    let message = parse(r#"{"loss_type": "ppo"}"#).expect_err("no such type").to_string();
    assert!(message.contains("expected one of `grpo`, `bnpo`, `dr_grpo`, `dapo`"), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// However a step is cut into micro-batches, their losses add up to the loss of the step. (`bnpo` divides by the tokens
    /// of each micro-batch, so it depends on the cut by definition.)
    #[test]
    fn micro_batches_add_up(at in 1..8usize, loss_type in 0..3usize) {
        let loss_type = [LossType::Grpo, LossType::DrGrpo, LossType::Dapo][loss_type];
        let loss = init(&GrpoConfig { loss_type: Some(loss_type), beta: Some(0.04), ..GrpoConfig::default() });
        let whole = Sample::of(&golden());
        let [first, second] = whole.split(at);
        let step = [&first, &second];
        let sum = first.loss(&loss, &step) + second.loss(&loss, &step);
        prop_assert!((sum - whole.loss(&loss, &[&whole])).abs() < 1e-6);
    }

    /// Advantages within a group sum to 0, and a constant added to all its rewards changes nothing.
    #[test]
    fn advantages_are_centred_and_shift_invariant(
        rewards in prop::collection::vec(-10f32..10., 8),
        shift in -10f32..10.,
    ) {
        let of = |shift: f32| {
            let rewards: Vec<_> = rewards.iter().map(|reward| Some(reward + shift)).collect();
            advantages(&rewards, 4, ScaleRewards::Group).expect("comparable").values
        };
        for group in of(0.0).chunks(4) {
            prop_assert!(group.iter().sum::<f32>().abs() < 1e-4);
        }
        for (plain, shifted) in of(0.0).iter().zip(of(shift)) {
            prop_assert!((plain - shifted).abs() < 1e-3);
        }
    }

    /// A better reward never has a worse advantage than its sibling.
    #[test]
    fn advantages_keep_the_order_of_rewards(rewards in prop::collection::vec(-10f32..10., 6)) {
        let given: Vec<_> = rewards.iter().copied().map(Some).collect();
        for scale in [ScaleRewards::Group, ScaleRewards::Batch, ScaleRewards::None] {
            let values = advantages(&given, 6, scale).expect("comparable").values;
            for (i, j) in (0..6).flat_map(|i| (0..6).map(move |j| (i, j))) {
                prop_assert!(rewards[i] > rewards[j] || values[i] <= values[j]);
            }
        }
    }
}
