//! Inputs that are views, in another precision, or only partly tracked.

use burn::tensor::{DType, Device, Tensor};
use forethought_kernels as kernels;
use forethought_kernels::stock;

use crate::support::{AttentionCase, assert_close, random_leaf, targets, tree_plan, values};

/// The same numbers as a transposed view of a transposed copy.
fn view(tensor: Tensor<2>) -> Tensor<2> {
    let [rows, columns] = tensor.dims();
    let copy = Tensor::from_data(tensor.transpose().into_data(), &Device::flex());
    assert_eq!(copy.dims(), [columns, rows]);
    copy.transpose()
}

#[test]
fn transposed_views_give_the_same_numbers() {
    let (x, y) = (random_leaf(1, [6, 8]).inner(), random_leaf(2, [6, 8]).inner());
    let weight = random_leaf(3, [8]).inner();
    let norm = |x| values(kernels::rms_norm(x, weight.clone(), 1e-6));
    assert_eq!(norm(view(x.clone())), norm(x.clone()));
    let gate = |x, y| values(kernels::swiglu(x, y));
    assert_eq!(gate(view(x.clone()), view(y.clone())), gate(x.clone(), y.clone()));
    let linear = |x, y| values(kernels::linear(x, y));
    let square = random_leaf(6, [8, 8]).inner();
    assert_eq!(linear(view(x.clone()), view(square.clone())), linear(x.clone(), square));
    let transposed = |x, y| values(kernels::linear_transposed(x, y));
    assert_eq!(transposed(view(x.clone()), view(y.clone())), transposed(x.clone(), y.clone()));
    let angles = random_leaf(4, [6, 2]).inner();
    let rope =
        |x, angles: Tensor<2>| values(kernels::rope(x, angles.clone().cos(), angles.sin(), 4));
    assert_eq!(rope(view(x.clone()), view(angles.clone())), rope(x.clone(), angles));
    let targets = targets(5, 6, 6);
    let scores = |x, y| values(kernels::linear_log_prob(x, y, targets.clone(), 1.0).log_probs);
    assert_eq!(scores(view(x.clone()), view(y.clone())), scores(x, y));
}

#[test]
fn attention_takes_views_and_rows_out_of_the_middle_of_a_buffer() {
    let heads = kernels::HeadShape { num_heads: 4, num_kv_heads: 2, head_dim: 3 };
    let case = AttentionCase::new(1, tree_plan(&[3, 2], &[0, 0], 2), heads);
    let (q, k, v) = (case.q.inner(), case.k.inner(), case.v.inner());
    let run = |q, k, v| values(kernels::attention(q, k, v, &case.plan, heads));
    let expected = run(q.clone(), k.clone(), v.clone());
    assert_eq!(run(view(q.clone()), view(k.clone()), view(v.clone())), expected);
    let padded = Tensor::cat(vec![k.clone() * 9.0, k, v.clone()], 0).narrow(0, 7, 7);
    assert_eq!(run(q, padded, v), expected);
}

#[test]
fn double_precision_runs_in_stock_operations() {
    let x = random_leaf(1, [3, 8]).inner().cast(DType::F64);
    let weight = random_leaf(2, [8]).inner().cast(DType::F64);
    let fused = kernels::rms_norm(x.clone(), weight.clone(), 1e-6);
    assert_eq!(fused.dtype(), DType::F64);
    let expected = stock::rms_norm(x, weight, 1e-6);
    assert_eq!(fused.into_data(), expected.into_data());
}

#[test]
fn a_frozen_head_gets_no_gradient_and_leaves_that_of_the_hidden_states_unchanged() {
    let (hidden, head) = (random_leaf(1, [5, 4]), random_leaf(2, [6, 4]));
    let gradient = |head: Tensor<2>| {
        let scores = kernels::linear_log_prob(hidden.clone(), head, targets(3, 5, 6), 1.0);
        let gradients = scores.log_probs.sum().backward();
        values(hidden.grad(&gradients).expect("tracked"))
    };
    assert_close(&gradient(head.clone().inner()), &gradient(head), 0.0);
}

#[test]
fn the_entropy_carries_no_gradient() {
    let hidden = random_leaf(1, [5, 4]);
    let scores =
        kernels::linear_log_prob(hidden.clone(), random_leaf(2, [6, 4]), targets(3, 5, 6), 1.0);
    let gradients = (scores.entropy.sum() + hidden.clone().sum()).backward();
    assert_eq!(values(hidden.grad(&gradients).expect("tracked")), vec![1.0; 20]);
}

#[test]
fn a_frozen_weight_leaves_the_gradient_of_x_unchanged() {
    let (x, weight) = (random_leaf::<2>(1, [5, 6]), random_leaf::<2>(2, [6, 4]));
    let gradient = |weight: Tensor<2>| {
        let gradients = kernels::linear(x.clone(), weight).sum().backward();
        values(x.grad(&gradients).expect("tracked"))
    };
    assert_eq!(gradient(weight.clone().inner()), gradient(weight));
}
