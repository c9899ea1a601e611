//! Inputs at the edges: huge logits, NaN, nothing at all, and targets that do not exist.

use burn::tensor::{Device, Int, Tensor};
use forethought_kernels::{
    AttentionPlan, HeadShape, attention, linear_log_prob, rms_norm, rope, swiglu,
};

use crate::support::{assert_close, gradients, leaf, values};

const HEADS: HeadShape = HeadShape { num_heads: 2, num_kv_heads: 1, head_dim: 1 };

#[test]
fn scores_of_ten_thousand_pick_one_key() {
    let q = leaf(vec![100.0, -100.0, 100.0, -100.0], [2, 2]);
    let k = leaf(vec![100.0, -100.0], [2, 1]); // scores of +-10,000
    let v = leaf(vec![3.0, 5.0], [2, 1]);
    let output = attention(q.clone(), k.clone(), v.clone(), &AttentionPlan::causal(2), HEADS);
    assert_close(&values(output.clone()), &[3.0, 3.0, 3.0, 5.0], 0.0);
    for gradient in gradients(&output, &[&q, &k, &v]) {
        assert!(gradient.iter().all(|value| value.is_finite()), "{gradient:?}");
    }
}

#[test]
fn logits_of_ten_thousand_give_finite_scores_and_gradients() {
    let hidden = leaf(vec![100.0, 100.0], [2, 1]);
    let head = leaf(vec![100.0, -100.0, 0.0], [3, 1]); // logits of 10,000, -10,000 and 0
    let targets = Tensor::<1, Int>::from_ints([0, 1], &Device::flex());
    let scores = linear_log_prob(hidden.clone(), head.clone(), targets, 1.0);
    assert_close(&values(scores.log_probs.clone()), &[0.0, -20_000.0], 1e-6);
    assert_close(&values(scores.entropy), &[0.0, 0.0], 1e-6);
    assert_close(&values(scores.is_argmax), &[1.0, 0.0], 0.0);
    for gradient in gradients(&scores.log_probs, &[&hidden, &head]) {
        assert!(gradient.iter().all(|value| value.is_finite()), "{gradient:?}");
    }
}

#[test]
fn a_uniform_distribution_has_the_entropy_of_its_size() {
    let scores = linear_log_prob(
        leaf(vec![0.0; 2], [2, 1]),
        leaf(vec![1.0; 50], [50, 1]),
        Tensor::from_ints([0, 49], &Device::flex()),
        0.5,
    );
    let log_50 = 50f32.ln();
    assert_close(&values(scores.log_probs), &[-log_50; 2], 1e-6);
    assert_close(&values(scores.entropy), &[log_50; 2], 1e-6);
}

#[test]
fn very_negative_gates_close_and_very_positive_ones_pass() {
    let output = swiglu(leaf(vec![-1e4, 1e4], [1, 2]), leaf(vec![2.0, 2.0], [1, 2]));
    assert_close(&values(output), &[0.0, 2e4], 1e-6);
}

#[test]
fn a_zero_row_stays_zero() {
    let output = rms_norm(leaf(vec![0.0; 8], [1, 8]), leaf(vec![1.0; 8], [8]), 1e-6);
    assert_close(&values(output), &[0.0; 8], 0.0);
}

#[test]
fn nan_is_not_hidden() {
    let nan = || leaf(vec![f32::NAN, 1.0], [1, 2]);
    let heads = HeadShape { num_heads: 1, num_kv_heads: 1, head_dim: 2 };
    let plan = AttentionPlan::causal(1);
    let one = leaf(vec![1.0; 2], [1, 2]);
    assert!(values(attention(nan(), one.clone(), one.clone(), &plan, heads))[1].is_nan());
    assert!(values(rms_norm(nan(), one.clone().flatten(0, 1), 1e-6))[1].is_nan());
    assert!(values(swiglu(nan(), one.clone()))[0].is_nan());
    let targets = Tensor::from_ints([0], &Device::flex());
    assert!(values(linear_log_prob(nan(), one, targets, 1.0).log_probs)[0].is_nan());
}

#[test]
fn no_rows_give_no_rows() {
    let none = || leaf(vec![], [0, 4]);
    let heads = HeadShape { num_heads: 2, num_kv_heads: 1, head_dim: 2 };
    let plan = AttentionPlan::new(0, 3, vec![]);
    let keys = leaf(vec![1.0; 6], [3, 2]);
    assert_eq!(attention(none(), keys.clone(), keys, &plan, heads).dims(), [0, 4]);
    assert_eq!(rms_norm(none(), leaf(vec![1.0; 4], [4]), 1e-6).dims(), [0, 4]);
    assert_eq!(swiglu(none(), none()).dims(), [0, 4]);
    assert_eq!(rope(none(), leaf(vec![], [0, 1]), leaf(vec![], [0, 1]), 2).dims(), [0, 4]);
    let targets = Tensor::<1, Int>::empty([0], &Device::flex());
    let scores = linear_log_prob(none(), leaf(vec![1.0; 12], [3, 4]), targets, 1.0);
    assert_eq!(scores.log_probs.dims(), [0]);
}

#[test]
#[should_panic(expected = "target 3 is outside a vocabulary of 3")]
fn a_target_outside_the_vocabulary_is_refused() {
    let targets = Tensor::from_ints([3], &Device::flex());
    let _ = linear_log_prob(leaf(vec![0.0], [1, 1]), leaf(vec![0.0; 3], [3, 1]), targets, 1.0);
}

#[test]
#[should_panic(expected = "shape of the keys")]
fn keys_of_another_shape_are_refused() {
    let rows = || leaf(vec![0.0; 2], [1, 2]);
    let _ = attention(rows(), rows(), rows(), &AttentionPlan::causal(1), HEADS);
}
