//! What differs between semantics, and what TRL 1.16 does not have.

use forethought_dpo::{DpoConfig, FDivergence, LossType, Semantics};
use forethought_objective::{PairLengths, PreferenceLoss, RewardBaseline};

use crate::support::{ALL, Sample, assert_close, init, metric, of, tensor, value};
use crate::trl::sample;

fn log_sigmoid(x: f32) -> f32 {
    -(-x).exp().ln_1p()
}

/// One pair with log-ratios 2 and -1, so a difference of 3.
fn single() -> Sample {
    Sample::of_single_tokens(&[([-1.0, -4.0], [-3.0, -3.0])])
}

fn under(semantics: Semantics, loss_type: LossType) -> DpoConfig {
    DpoConfig { semantics, loss_type: vec![loss_type], beta: 0.5, ..DpoConfig::default() }
}

#[test]
fn label_smoothing_reaches_sigmoid_under_the_older_semantics_alone() {
    let with = |semantics| {
        let config = DpoConfig { label_smoothing: 0.2, ..under(semantics, LossType::Sigmoid) };
        value(single().forward(&config))
    };
    let plain = -log_sigmoid(1.5);
    let smoothed = 0.8 * plain - 0.2 * log_sigmoid(-1.5);
    assert_close(with(Semantics::Trl116), plain, 1e-6, "trl-1.16");
    assert_close(with(Semantics::Trl015), smoothed, 1e-6, "trl-0.15");
    assert_close(with(Semantics::LlamaFactory), smoothed, 1e-6, "llama-factory");
}

/// The baseline of the first micro-batch is its own mean reward; later it is the mean of all means so far.
#[test]
fn bco_measures_rewards_against_their_running_mean_before_trl_1() {
    let config = under(Semantics::Trl015, LossType::BcoPair);
    let loss = init(&config);
    let first = single();
    let output = loss.forward(first.batch(tensor(&first.log_probs), &[&first]));
    // Rewards 1 and -0.5, so a mean of 0.25.
    let expected = -log_sigmoid(1.0 - 0.25) - log_sigmoid(0.5 + 0.25);
    let baseline = loss.baseline_after(RewardBaseline::default(), &output);
    assert_close(value(output), expected, 1e-6, "the first micro-batch");
    assert_eq!(baseline, RewardBaseline { mean: 0.25, num_micro_batches: 1 });

    let second = Sample::of_single_tokens(&[([-1.0, -1.0], [-2.0, -4.0])]); // rewards 0.5 and 1.5
    let batch = second.batch(tensor(&second.log_probs), &[&second]).with_baseline(baseline);
    let output = loss.forward(batch);
    let baseline = loss.baseline_after(baseline, &output);
    assert_eq!(baseline, RewardBaseline { mean: 0.625, num_micro_batches: 2 });
    let expected = -log_sigmoid(0.5 - 0.625) - log_sigmoid(-(1.5 - 0.625));
    assert_close(value(output), expected, 1e-6, "the second micro-batch");
}

#[test]
fn bco_has_no_baseline_since_trl_1() {
    let loss = init(&under(Semantics::Trl116, LossType::BcoPair));
    let sample = single();
    let before = RewardBaseline { mean: 9.0, num_micro_batches: 3 };
    let batch = sample.batch(tensor(&sample.log_probs), &[&sample]).with_baseline(before);
    let output = loss.forward(batch);
    assert_eq!(loss.baseline_after(before, &output), before);
    assert_close(value(output), -log_sigmoid(1.0) - log_sigmoid(0.5), 1e-6, "no baseline");
}

#[test]
fn exo_without_smoothing_takes_a_thousandth_before_trl_1() {
    let with = |label_smoothing| {
        let config = under(Semantics::Trl015, LossType::ExoPair);
        value(single().forward(&DpoConfig { label_smoothing, ..config }))
    };
    assert_close(with(0.0), with(1e-3), 0.0, "the default of the code");
}

#[test]
fn aot_pair_is_the_older_name_of_aot_unpaired() {
    for semantics in [Semantics::Trl116, Semantics::Trl015, Semantics::LlamaFactory] {
        let loss = |loss_type| value(sample().forward(&DpoConfig { semantics, ..of(loss_type) }));
        let [older, newer, other] =
            [LossType::AotPair, LossType::AotUnpaired, LossType::Aot].map(loss);
        assert_close(older, newer, 0.0, "one loss of two names");
        assert!((newer - other).abs() > 1e-3, "the sample tells them apart");
    }
}

/// `exp(-alpha r) / -alpha` of r = 2 and r = -1 at alpha = 0.5.
#[test]
fn the_alpha_divergence_had_another_exponent_before_trl_1() {
    let config = DpoConfig {
        f_divergence_type: FDivergence::AlphaDivergence,
        ..under(Semantics::Trl015, LossType::Sigmoid)
    };
    let delta = ((0.5_f32).exp() - (-1.0_f32).exp()) / 0.5;
    assert_close(value(single().forward(&config)), -log_sigmoid(0.5 * delta), 1e-6, "alpha");
}

/// The policy's tail counts half, the reference's in full.
#[test]
fn the_older_semantics_weigh_the_tail_of_the_policy_alone() {
    let sample = Sample {
        pairs: vec![PairLengths { chosen: 2, rejected: 1 }],
        log_probs: vec![-1.0, -2.0, -4.0],
        reference_log_probs: vec![-0.5, -3.0, -3.0],
    };
    let difference = |semantics| {
        let config = DpoConfig { ld_alpha: Some(0.5), ..under(semantics, LossType::Sigmoid) };
        metric(&sample.forward(&config), "rewards/margins") / 0.5
    };
    assert_close(difference(Semantics::Trl116), (-2.0 + 2.0) + 1.0, 1e-6, "trl-1.16");
    assert_close(difference(Semantics::LlamaFactory), (-2.0 + 3.5) + 1.0, 1e-6, "llama-factory");
}

/// Means over tokens: -1.5 and -4; beta times their difference, less gamma.
#[test]
fn simpo_compares_means_without_a_reference_to_a_margin() {
    let mut sample = Sample {
        pairs: vec![PairLengths { chosen: 2, rejected: 1 }],
        log_probs: vec![-1.0, -2.0, -4.0],
        reference_log_probs: vec![-0.5, -3.0, -3.0],
    };
    let config = DpoConfig {
        loss_type: vec![LossType::Simpo],
        beta: 2.0,
        simpo_gamma: 1.0,
        ..DpoConfig::default()
    };
    assert!(!init(&config).needs_reference());
    let output = sample.forward(&config);
    assert_close(metric(&output, "rewards/chosen"), 2.0 * -1.5, 1e-6, "the reward is a mean");
    assert_close(metric(&output, "logps/rejected"), -4.0, 1e-6, "a mean of one token");
    assert_close(value(output), -log_sigmoid(2.0 * 2.5 - 1.0), 1e-6, "simpo");
    sample.reference_log_probs = vec![f32::NAN; 3];
    assert_close(value(sample.forward(&config)), -log_sigmoid(4.0), 1e-6, "whatever it holds");
}

#[test]
fn without_a_reference_the_log_probabilities_are_the_log_ratios() {
    let config = DpoConfig { reference_free: true, ..under(Semantics::Trl015, LossType::Sigmoid) };
    assert!(!init(&config).needs_reference());
    assert_close(value(single().forward(&config)), -log_sigmoid(0.5 * 3.0), 1e-6, "d = -1 + 4");
}

/// Means per completion are -1.5 and -3; the mean over tokens is -2.
#[test]
fn llama_factory_averages_the_likelihood_of_chosen_completions_one_by_one() {
    let sample = Sample {
        pairs: vec![PairLengths { chosen: 2, rejected: 1 }, PairLengths { chosen: 1, rejected: 1 }],
        log_probs: vec![-1.0, -2.0, -3.0, -9.0, -9.0],
        reference_log_probs: vec![-1.0; 5],
    };
    let nll = |semantics| value(sample.forward(&under(semantics, LossType::Sft)));
    assert_close(nll(Semantics::LlamaFactory), 2.25, 1e-6, "llama-factory");
    assert_close(nll(Semantics::Trl116), 2.0, 1e-6, "trl-1.16");
}

#[test]
fn weights_scale_the_losses_of_a_list() {
    let list = DpoConfig {
        loss_type: vec![LossType::Sigmoid, LossType::Hinge],
        loss_weights: Some(vec![0.25, 2.0]),
        ..DpoConfig::default()
    };
    let alone = |loss_type| value(sample().forward(&of(loss_type)));
    let expected = 0.25 * alone(LossType::Sigmoid) + 2.0 * alone(LossType::Hinge);
    assert_close(value(sample().forward(&list)), expected, 1e-6, "a weighted sum");
}

#[test]
fn gradients_are_finite_differences_under_every_semantics() {
    const STEP: f32 = 1e-2;
    for semantics in [Semantics::Trl116, Semantics::Trl015, Semantics::LlamaFactory] {
        // The baseline of `bco_pair` is held constant, so its loss is no antiderivative of its gradient.
        let is_smooth = |loss_type: &LossType| {
            *loss_type != LossType::BcoPair || semantics == Semantics::Trl116
        };
        for loss_type in ALL.into_iter().filter(is_smooth) {
            let config = DpoConfig { semantics, ..of(loss_type) };
            let gradient = sample().gradient(&config);
            for token in [0, 4, 7, 12, 17, 25] {
                let value_at = |step: f32| {
                    let mut moved = sample();
                    moved.log_probs[token] += step;
                    value(moved.forward(&config))
                };
                let slope = (value_at(STEP) - value_at(-STEP)) / (2.0 * STEP);
                let allowed = 2e-3 * slope.abs().max(0.1);
                let what = format!("{loss_type:?} under {semantics:?}, token {token}");
                assert!(
                    (gradient[token] - slope).abs() < allowed,
                    "{what}: {} {slope}",
                    gradient[token]
                );
            }
        }
    }
}
