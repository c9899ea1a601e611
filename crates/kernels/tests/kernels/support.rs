//! Inputs, plans and comparisons that the tests share.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};
use forethought_kernels::{AttentionPlan, HeadShape, Segment};

/// Numbers in `[-1, 1)` that depend on the seed alone.
pub(crate) fn numbers(seed: u64, length: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// A leaf that asks for its gradient.
pub(crate) fn leaf<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    let device = Device::flex().autodiff();
    Tensor::from_data(TensorData::new(values, shape), &device).require_grad()
}

pub(crate) fn random_leaf<const D: usize>(seed: u64, shape: [usize; D]) -> Tensor<D> {
    leaf(numbers(seed, shape.iter().product()), shape)
}

pub(crate) fn targets(seed: u64, rows: usize, vocab: usize) -> Tensor<1, Int> {
    let draw = |value: f32| (f32::midpoint(value, 1.0) * vocab as f32) as i64;
    let targets: Vec<i64> = numbers(seed, rows).into_iter().map(draw).collect();
    Tensor::from_data(TensorData::new(targets, [rows]), &Device::flex())
}

pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("single precision")
}

/// Gradients of `sum(output * weights)` with random weights, for each of the leaves.
pub(crate) fn gradients<const D: usize, const E: usize>(
    output: &Tensor<E>,
    leaves: &[&Tensor<D>],
) -> Vec<Vec<f32>> {
    let weights = numbers(99, output.shape().num_elements());
    let weights =
        Tensor::<E>::from_data(TensorData::new(weights, output.shape()), &output.device());
    let gradients = (output.clone() * weights).sum().backward();
    leaves.iter().map(|leaf| values(leaf.grad(&gradients).expect("tracked"))).collect()
}

/// Compares to within `tolerance` of the largest expected number.
#[track_caller]
pub(crate) fn assert_close(actual: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(actual.len(), expected.len());
    let largest = expected.iter().fold(1e-2_f32, |largest, value| largest.max(value.abs()));
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let error = (actual - expected).abs();
        // A NaN error is not below anything.
        assert!(error <= tolerance * largest, "[{index}]: {actual} is not {expected}");
    }
}

/// A tree of segments, packed in order: segment `i` sees `cached` keys, its ancestors, and itself causally. `parents[i]`
/// is the parent of segment `i` (itself: none).
pub(crate) fn tree_plan(lengths: &[usize], parents: &[usize], cached: usize) -> AttentionPlan {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for length in lengths {
        ranges.push(start..start + length);
        start += length;
    }
    let segments = ranges.iter().enumerate().map(|(index, queries)| {
        let mut path = Vec::new();
        let mut node = index;
        while parents[node] != node {
            node = parents[node];
            path.push(ranges[node].start + cached..ranges[node].end + cached);
        }
        path.push(0..cached);
        path.reverse();
        Segment { queries: queries.clone(), context: path, own: queries.start + cached }
    });
    AttentionPlan::new(start, start + cached, segments.collect())
}

pub(crate) struct AttentionCase {
    pub(crate) q: Tensor<2>,
    pub(crate) k: Tensor<2>,
    pub(crate) v: Tensor<2>,
    pub(crate) plan: AttentionPlan,
    pub(crate) heads: HeadShape,
}

impl AttentionCase {
    pub(crate) fn new(seed: u64, plan: AttentionPlan, heads: HeadShape) -> Self {
        let width = heads.num_heads * heads.head_dim;
        let kv_width = heads.num_kv_heads * heads.head_dim;
        Self {
            q: random_leaf(seed, [plan.num_queries(), width]),
            k: random_leaf(seed + 1, [plan.num_keys(), kv_width]),
            v: random_leaf(seed + 2, [plan.num_keys(), kv_width]),
            plan,
            heads,
        }
    }

    pub(crate) fn fused(&self) -> Tensor<2> {
        let (q, k, v) = (self.q.clone(), self.k.clone(), self.v.clone());
        forethought_kernels::attention(q, k, v, &self.plan, self.heads)
    }

    pub(crate) fn stock(&self) -> Tensor<2> {
        let (q, k, v) = (self.q.clone(), self.k.clone(), self.v.clone());
        forethought_kernels::stock::attention(q, k, v, &self.plan, self.heads)
    }
}
