//! The gradients of the fused operations against central differences of their values.

use burn::tensor::Tensor;
use forethought_kernels::{
    AttentionPlan, HeadShape, attention, linear_log_prob, rms_norm, rope, swiglu,
};

use crate::support::{assert_close, gradients, leaf, numbers, random_leaf, targets, values};

/// `sum(output * weights)` with the weights of [`gradients`], added in double precision.
fn weighted_sum(output: Tensor<2>) -> f64 {
    let output = values(output);
    let weights = numbers(99, output.len());
    output.iter().zip(weights).map(|(value, weight)| f64::from(*value) * f64::from(weight)).sum()
}

/// Checks the gradient of every input of `operation` at random inputs of the given shapes.
#[track_caller]
fn check<const N: usize>(shapes: [[usize; 2]; N], operation: impl Fn([Tensor<2>; N]) -> Tensor<2>) {
    const STEP: f32 = 1e-2;
    let point: [Vec<f32>; N] =
        std::array::from_fn(|input| numbers(7 + input as u64, shapes[input].iter().product()));
    let leaves: [Tensor<2>; N] =
        std::array::from_fn(|input| leaf(point[input].clone(), shapes[input]));
    let output = operation(leaves.clone());
    let actual = gradients(&output, &leaves.each_ref());
    for input in 0..N {
        let value_at = |index: usize, step: f32| {
            let mut point = point.clone();
            point[input][index] += step;
            let point = std::array::from_fn(|input| leaf(point[input].clone(), shapes[input]));
            weighted_sum(operation(point))
        };
        let expected: Vec<f32> = (0..point[input].len())
            .map(|index| (value_at(index, STEP) - value_at(index, -STEP)) / (2.0 * f64::from(STEP)))
            .map(|slope| slope as f32)
            .collect();
        assert_close(&actual[input], &expected, 2e-3);
    }
}

#[test]
fn attention_gradients() {
    let plan = crate::support::tree_plan(&[3, 2, 2], &[0, 0, 0], 1);
    let heads = HeadShape { num_heads: 4, num_kv_heads: 2, head_dim: 3 };
    check([[7, 12], [8, 6], [8, 6]], |[q, k, v]| attention(q, k, v, &plan, heads));
}

#[test]
fn causal_attention_gradients() {
    let plan = AttentionPlan::causal(6);
    let heads = HeadShape { num_heads: 1, num_kv_heads: 1, head_dim: 4 };
    check([[6, 4]; 3], |[q, k, v]| attention(q, k, v, &plan, heads));
}

#[test]
fn rms_norm_gradients() {
    check([[3, 17], [1, 17]], |[x, weight]| rms_norm(x, weight.flatten(0, 1), 1e-5));
}

#[test]
fn swiglu_gradients() {
    check([[3, 7], [3, 7]], |[gate, up]| swiglu(gate, up));
}

#[test]
fn rope_gradients() {
    let angles = random_leaf(5, [4, 3]).detach();
    check([[4, 12]], |[x]| rope(x, angles.clone().cos(), angles.clone().sin(), 6));
}

#[test]
fn linear_log_prob_gradients() {
    let targets = targets(3, 4, 9);
    check([[4, 5], [9, 5]], |[hidden, head]| {
        linear_log_prob(hidden, head, targets.clone(), 0.7).log_probs.unsqueeze()
    });
}
