//! The number of threads changes no bit of a value or a gradient.

use burn::tensor::{Device, Tensor};
use forethought_kernels::{self as kernels, HeadShape, Quantisation, QuantisedMatrix};

use crate::support::{AttentionCase, gradients, numbers, random_leaf, targets, tree_plan, values};

/// Runs `work` in pools of 1, 2 and 5 threads.
#[track_caller]
fn assert_same_bits(work: impl Fn() -> Vec<Vec<f32>> + Sync) {
    let run = |num_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(num_threads).build();
        let results = pool.expect("a pool of threads").install(&work);
        results.into_iter().flatten().map(f32::to_bits).collect::<Vec<u32>>()
    };
    let expected = run(1);
    assert!(!expected.is_empty());
    assert!(run(2) == expected, "2 threads give other bits than 1");
    assert!(run(5) == expected, "5 threads give other bits than 1");
}

fn value_and_gradients<const D: usize>(output: &Tensor<D>, leaves: &[&Tensor<2>]) -> Vec<Vec<f32>> {
    let mut results = gradients(output, leaves);
    results.push(values(output.clone()));
    results
}

#[test]
fn attention() {
    let lengths = [190, 20, 17, 1, 20, 130];
    let plan = tree_plan(&lengths, &[0, 0, 0, 0, 0, 5], 33);
    let heads = HeadShape { num_heads: 9, num_kv_heads: 3, head_dim: 64 };
    assert_same_bits(|| {
        let case = AttentionCase::new(1, plan.clone(), heads);
        value_and_gradients(&case.fused(), &[&case.q, &case.k, &case.v])
    });
}

#[test]
fn rms_norm() {
    assert_same_bits(|| {
        let (x, weight) = (random_leaf(1, [301, 576]), random_leaf(2, [1, 576]));
        let output = kernels::rms_norm(x.clone(), weight.clone().flatten(0, 1), 1e-6);
        value_and_gradients(&output, &[&x, &weight])
    });
}

#[test]
fn swiglu_and_rope() {
    assert_same_bits(|| {
        let (gate, up) = (random_leaf(1, [301, 640]), random_leaf(2, [301, 640]));
        let output = kernels::swiglu(gate.clone(), up.clone());
        let angles = random_leaf(3, [301, 32]).detach();
        let output = kernels::rope(output, angles.clone().cos(), angles.sin(), 64);
        value_and_gradients(&output, &[&gate, &up])
    });
}

/// The products of this operation are shared among threads by `gemm` itself.
#[test]
fn linear_log_prob() {
    assert_same_bits(|| {
        let (hidden, head) = (random_leaf(1, [1100, 160]), random_leaf(2, [1031, 160]));
        let targets = targets(3, 1100, 1031);
        let scores = kernels::linear_log_prob(hidden.clone(), head.clone(), targets, 0.9);
        let mut results = value_and_gradients(&scores.log_probs, &[&hidden, &head]);
        results.push(values(scores.entropy));
        results
    });
}

#[test]
fn quantised_linear() {
    for kind in [Quantisation::Nf4, Quantisation::Int8] {
        let matrix =
            QuantisedMatrix::quantise(&numbers(3, 900 * 700), [900, 700], kind, &Device::flex());
        assert_same_bits(|| {
            let x = random_leaf(1, [61, 700]);
            value_and_gradients(&kernels::quantised_linear(x.clone(), &matrix), &[&x])
        });
    }
}

#[test]
fn linear() {
    for rows in [7, 300] {
        assert_same_bits(|| {
            let (x, weight) = (random_leaf(1, [rows, 576]), random_leaf(2, [576, 1000]));
            value_and_gradients(&kernels::linear(x.clone(), weight.clone()), &[&x, &weight])
        });
        assert_same_bits(|| {
            let (x, weight) = (random_leaf(1, [rows, 576]), random_leaf(2, [1000, 576]));
            vec![values(kernels::linear_transposed(x.inner(), weight.inner()))]
        });
    }
}

#[test]
fn adamw_and_sum_of_squares() {
    assert_same_bits(|| {
        let draw = |seed| random_leaf::<2>(seed, [301, 1000]).inner();
        let step = kernels::AdamWStep {
            decay: 1.0,
            beta1: 0.9,
            beta2: 0.999,
            step_size: 1e-3,
            root_correction: 0.1,
            epsilon: 1e-8,
        };
        let norm = values(kernels::sum_of_squares(draw(1)));
        let (weights, [first, second]) =
            kernels::adamw(draw(1), draw(2), [draw(3), draw(4).abs()], step);
        vec![norm, values(weights), values(first), values(second)]
    });
}
