//! Bad and extreme input: each has a defined result.

use burn::tensor::{Device, Tensor};
use forethought_dpo::{DpoConfig, LossType};
use forethought_objective::{PairLengths, PreferenceBatch, PreferenceLoss, PreferenceTotals};

use crate::support::{ALL, Sample, assert_close, init, metric, of, tensor, value};
use crate::trl::sample;

#[test]
fn a_pair_that_holds_an_infinity_or_nan_is_left_out_and_counted() {
    for loss_type in ALL {
        let config = of(loss_type);
        let expected = value(sample().select(&[0, 2, 3]).forward(&config));
        for bad in [f32::NEG_INFINITY, f32::NAN] {
            // A token of the rejected completion of the second pair.
            let mut sample = sample();
            sample.log_probs[14] = bad;
            let output = sample.forward(&config);
            assert_close(metric(&output, "skipped_pairs"), 1.0, 0.0, "skipped");
            for (name, value) in &output.metrics {
                assert!(value.clone().into_scalar::<f32>().is_finite(), "{loss_type:?} {name}");
            }
            // The divisors stay those of the step: four pairs, eleven chosen tokens.
            let share = if loss_type == LossType::Sft { 9.0 / 11.0 } else { 0.75 };
            assert_close(value(output), expected * share, 1e-5, &format!("{loss_type:?}"));
            let gradient = sample.gradient(&config);
            assert!(gradient.iter().all(|value| value.is_finite()), "{loss_type:?} {gradient:?}");
            assert!(gradient[5..7].iter().chain(&gradient[13..19]).all(|value| *value == 0.0));
        }
    }
}

#[test]
fn a_reference_that_holds_an_impossible_token_skips_its_pair_too() {
    let mut sample = sample();
    sample.reference_log_probs[0] = f32::NEG_INFINITY;
    let output = sample.forward(&DpoConfig::default());
    assert_close(metric(&output, "skipped_pairs"), 1.0, 0.0, "skipped");
    assert!(value(output).is_finite());
}

#[test]
fn a_micro_batch_of_bad_pairs_alone_adds_nothing() {
    for loss_type in ALL {
        let sample = Sample::of_single_tokens(&[([f32::NEG_INFINITY, -1.0], [-1.0, -1.0])]);
        let output = sample.forward(&of(loss_type));
        assert_close(value(output), 0.0, 0.0, &format!("{loss_type:?}"));
        assert_eq!(sample.gradient(&of(loss_type)), [0.0; 2], "{loss_type:?}");
    }
}

#[test]
fn a_micro_batch_without_pairs_adds_nothing() {
    let totals = PreferenceTotals { num_pairs: 3, num_chosen_tokens: 9 };
    let output =
        init(&DpoConfig::default()).forward(PreferenceBatch::new(tensor(&[]), vec![], totals));
    assert!(output.metrics.is_empty());
    assert_close(value(output), 0.0, 0.0, "nothing");
}

/// The pair costs log 2, and what is pushed up on one side is pushed down on the other.
#[test]
fn a_pair_of_equal_sides_teaches_nothing() {
    let sample = Sample::of_single_tokens(&[([-2.0, -2.0], [-1.0, -1.0])]);
    assert_close(value(sample.forward(&DpoConfig::default())), 2f32.ln(), 1e-6, "log 2");
    let gradient = sample.gradient(&DpoConfig::default());
    assert_close(gradient[0] + gradient[1], 0.0, 1e-9, "equal tokens get opposite gradients");
}

#[test]
fn an_empty_completion_has_the_log_probability_0() {
    let sample = Sample {
        pairs: vec![PairLengths { chosen: 1, rejected: 0 }],
        log_probs: vec![-1.0],
        reference_log_probs: vec![-3.0],
    };
    let output = sample.forward(&DpoConfig { beta: 0.5, ..DpoConfig::default() });
    assert_close(metric(&output, "rewards/rejected"), 0.0, 0.0, "nothing was said");
    assert_close(value(output), (-1f32).exp().ln_1p(), 1e-6, "-log S(0.5 * 2)");
    for loss_type in ALL {
        assert!(value(sample.forward(&of(loss_type))).is_finite(), "{loss_type:?}");
    }
}

#[test]
fn very_wrong_pairs_give_finite_losses_and_gradients() {
    let sample = Sample::of_single_tokens(&[([-1000.0, 0.0], [0.0, -1000.0])]);
    for loss_type in ALL {
        let config = DpoConfig { beta: 1.0, ..of(loss_type) };
        let what = format!("{loss_type:?}");
        assert!(value(sample.forward(&config)).is_finite(), "{what}");
        assert!(sample.gradient(&config).iter().all(|value| value.is_finite()), "{what}");
        let right = sample.swapped();
        assert!(value(right.forward(&config)).is_finite(), "{what} the right way round");
        assert!(right.gradient(&config).iter().all(|value| value.is_finite()), "{what}");
    }
    let sigmoid = DpoConfig { beta: 1.0, ..DpoConfig::default() };
    assert_close(value(sample.forward(&sigmoid)), 2000.0, 1e-6, "linear");
}

#[test]
#[should_panic(expected = "needs reference_log_probs, but the batch has none")]
fn a_missing_reference_is_named() {
    let sample = sample();
    let totals = PreferenceTotals::of(&[&sample.pairs]);
    let batch = PreferenceBatch::new(tensor(&sample.log_probs), sample.pairs, totals);
    let _ = init(&DpoConfig::default()).forward(batch);
}

#[test]
#[should_panic(expected = "use_weighting needs log_sum_squared_probs, but the batch has none")]
fn missing_weights_are_named() {
    let _ = sample().forward(&DpoConfig { use_weighting: true, ..DpoConfig::default() });
}

#[test]
fn the_reference_gets_no_gradient() {
    let (sample, device) = (sample(), Device::flex().autodiff());
    let leaf = |values: &[f32]| Tensor::<1>::from_floats(values, &device).require_grad();
    let (policy, reference) = (leaf(&sample.log_probs), leaf(&sample.reference_log_probs));
    let batch =
        sample.batch(policy.clone(), &[&sample]).with_reference_log_probs(reference.clone());
    let gradients = init(&DpoConfig::default()).forward(batch).loss.backward();
    assert!(policy.grad(&gradients).is_some() && reference.grad(&gradients).is_none());
}
