//! Value and gradients of every operation equal those of the stock version, on random shapes.

use burn::tensor::Tensor;
use forethought_kernels as kernels;
use forethought_kernels::{HeadShape, stock};
use proptest::prelude::*;

use crate::support::{
    AttentionCase, assert_close, gradients, random_leaf, targets, tree_plan, values,
};

const TOLERANCE: f32 = 1e-5;

fn assert_same<const D: usize>(fused: &Tensor<D>, stock: &Tensor<D>, leaves: &[&Tensor<2>]) {
    assert_close(&values(fused.clone()), &values(stock.clone()), TOLERANCE);
    let pairs = gradients(fused, leaves).into_iter().zip(gradients(stock, leaves));
    for (fused, stock) in pairs {
        assert_close(&fused, &stock, TOLERANCE);
    }
}

/// Lengths and parents of up to 9 segments.
fn trees() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    prop::collection::vec((1..40usize, any::<prop::sample::Index>()), 1..10).prop_map(|nodes| {
        let parent =
            |(index, (_, parent)): (usize, &(_, prop::sample::Index))| parent.index(index + 1);
        let parents = nodes.iter().enumerate().map(parent).collect();
        (nodes.into_iter().map(|(length, _)| length).collect(), parents)
    })
}

fn head_shapes() -> impl Strategy<Value = HeadShape> {
    (1..4usize, 1..5usize, 1..20usize).prop_map(|(num_kv_heads, group, head_dim)| HeadShape {
        num_heads: num_kv_heads * group,
        num_kv_heads,
        head_dim,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn attention_over_trees(
        (lengths, parents) in trees(),
        heads in head_shapes(),
        cached in 0..50usize,
        seed in any::<u32>(),
    ) {
        let plan = tree_plan(&lengths, &parents, cached);
        let case = AttentionCase::new(seed.into(), plan, heads);
        assert_same(&case.fused(), &case.stock(), &[&case.q, &case.k, &case.v]);
    }

    #[test]
    fn attention_of_single_token_segments(count in 1..30usize, cached in 1..30usize, seed in any::<u32>()) {
        let parents: Vec<usize> = (0..count).collect();
        let plan = tree_plan(&vec![1; count], &parents, cached);
        let heads = HeadShape { num_heads: 6, num_kv_heads: 2, head_dim: 8 };
        let case = AttentionCase::new(seed.into(), plan, heads);
        assert_same(&case.fused(), &case.stock(), &[&case.q, &case.k, &case.v]);
    }

    /// Not of narrow rows: their gradient is the small difference of large terms, all rounding. (A row of one number has a
    /// gradient of 0.)
    #[test]
    fn rms_norm(rows in 1..70usize, width in 16..700usize, seed in any::<u32>()) {
        let x = random_leaf(seed.into(), [rows, width]);
        let weight = random_leaf(u64::from(seed) + 1, [1, width]);
        let fused = kernels::rms_norm(x.clone(), weight.clone().flatten(0, 1), 1e-6);
        let stock = stock::rms_norm(x.clone(), weight.clone().flatten(0, 1), 1e-6);
        assert_same(&fused, &stock, &[&x, &weight]);
    }

    #[test]
    fn swiglu(rows in 1..70usize, width in 1..700usize, seed in any::<u32>()) {
        let gate = random_leaf(seed.into(), [rows, width]) * 20.0;
        let up = random_leaf(u64::from(seed) + 1, [rows, width]);
        let (gate, up) = (gate.detach().require_grad(), up);
        let fused = kernels::swiglu(gate.clone(), up.clone());
        let stock = stock::swiglu(gate.clone(), up.clone());
        assert_same(&fused, &stock, &[&gate, &up]);
    }

    /// Up to 24 rows are multiplied by a product of their own.
    #[test]
    fn linear(rows in 1..70usize, inputs in 1..200usize, outputs in 1..200usize, seed in any::<u32>()) {
        let x = random_leaf(seed.into(), [rows, inputs]);
        let weight = random_leaf(u64::from(seed) + 1, [inputs, outputs]);
        let (fused, stock) = (kernels::linear(x.clone(), weight.clone()), stock::linear(x.clone(), weight.clone()));
        assert_same(&fused, &stock, &[&x, &weight]);
    }

    #[test]
    fn linear_transposed(rows in 1..70usize, inputs in 1..200usize, outputs in 1..200usize, seed in any::<u32>()) {
        let x = random_leaf(seed.into(), [rows, inputs]).inner();
        let weight = random_leaf(u64::from(seed) + 1, [outputs, inputs]).inner();
        let fused = kernels::linear_transposed(x.clone(), weight.clone());
        assert_close(&values(fused), &values(stock::linear(x, weight.transpose())), TOLERANCE);
    }

    #[test]
    fn adamw(rows in 1..70usize, columns in 1..700usize, seed in any::<u32>(), is_shared in any::<bool>()) {
        let draw = |offset: u64| random_leaf::<2>(u64::from(seed) + offset, [rows, columns]).inner();
        let (weights, gradient, moments) = (draw(0), draw(1), [draw(2), draw(3).abs()]);
        let step = kernels::AdamWStep {
            decay: 0.99, beta1: 0.9, beta2: 0.95, step_size: 0.3, root_correction: 0.7, epsilon: 1e-3,
        };
        let kept = is_shared.then(|| (gradient.clone(), moments.clone()));
        let stock = stock::adamw(weights.clone(), gradient.clone(), moments.clone(), step);
        let before = values(gradient.clone());
        let fused = kernels::adamw(weights, gradient, moments, step);
        assert_close(&values(fused.0), &values(stock.0), TOLERANCE);
        for (fused, stock) in fused.1.into_iter().zip(stock.1) {
            assert_close(&values(fused), &values(stock), TOLERANCE);
        }
        if let Some((gradient, _)) = kept {
            prop_assert_eq!(values(gradient), before, "memory that others hold was written to");
        }
    }

    #[test]
    fn sum_of_squares(rows in 1..70usize, columns in 1..1700usize, seed in any::<u32>()) {
        let x = random_leaf::<2>(seed.into(), [rows, columns]).inner();
        let fused = values(kernels::sum_of_squares(x.clone()));
        assert_close(&fused, &values(stock::sum_of_squares(x)), TOLERANCE);
    }

    #[test]
    fn rope(rows in 1..300usize, heads in 1..5usize, half in 1..40usize, seed in any::<u32>()) {
        let x = random_leaf(seed.into(), [rows, heads * half * 2]);
        let angles = random_leaf(u64::from(seed) + 1, [rows, half]).detach() * 3.0;
        let (cos, sin) = (angles.clone().cos(), angles.sin());
        let fused = kernels::rope(x.clone(), cos.clone(), sin.clone(), half * 2);
        let stock = stock::rope(x.clone(), cos, sin, half * 2);
        assert_same(&fused, &stock, &[&x]);
    }

    #[test]
    fn linear_log_prob(
        rows in 1..60usize,
        width in 1..50usize,
        vocab in 1..400usize,
        temperature in 0.2..3.0f64,
        seed in any::<u32>(),
    ) {
        let hidden = random_leaf(seed.into(), [rows, width]);
        let head = random_leaf(u64::from(seed) + 1, [vocab, width]);
        let targets = targets(u64::from(seed) + 2, rows, vocab);
        let fused = kernels::linear_log_prob(hidden.clone(), head.clone(), targets.clone(), temperature);
        let stock = stock::linear_log_prob(hidden.clone(), head.clone(), targets, temperature);
        assert_same(&fused.log_probs, &stock.log_probs, &[&hidden, &head]);
        assert_close(&values(fused.entropy), &values(stock.entropy), TOLERANCE);
        prop_assert_eq!(values(fused.is_argmax), values(stock.is_argmax));
    }
}

/// 1,024 rows are the most that one chunk holds.
#[test]
fn linear_log_prob_of_several_chunks() {
    let hidden = random_leaf(1, [2500, 3]);
    let head = random_leaf(2, [7, 3]);
    let targets = targets(3, 2500, 7);
    let fused = kernels::linear_log_prob(hidden.clone(), head.clone(), targets.clone(), 0.7);
    let stock = stock::linear_log_prob(hidden.clone(), head.clone(), targets, 0.7);
    assert_same(&fused.log_probs, &stock.log_probs, &[&hidden, &head]);
    assert_close(&values(fused.entropy), &values(stock.entropy), TOLERANCE);
}
