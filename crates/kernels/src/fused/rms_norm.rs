//! Root mean square normalisation in one pass over each row.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{chunk_rows, dims, tensor, values};
use crate::lanes::sums;

/// Root mean square normalisation, as an operation that Burn dispatches.
#[backend_extension(Autodiff, Flex)]
trait RmsNorm: Backend {
    /// `x` and output `[token, hidden]`, `weight` `[hidden]`.
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, epsilon: f32)
    -> FloatTensor<Self>;
}

/// See [`rms_norm`](crate::rms_norm).
pub(crate) fn rms_norm(x: Tensor<2>, weight: Tensor<1>, epsilon: f64) -> Tensor<2> {
    #[allow(clippy::cast_possible_truncation, reason = "the sum it is added to is an f32")]
    let epsilon = epsilon as f32;
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(<Dispatch as RmsNorm>::rms_norm(x, weight, epsilon))
}

impl RmsNorm for Flex {
    fn rms_norm(x: FlexTensor, weight: FlexTensor, epsilon: f32) -> FlexTensor {
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let weight = values(&weight);
        let [rows, width] = dims(&x);
        let chunk = chunk_rows(rows, width) * width.max(1);
        let mut output = vec![0.0; rows * width];
        let inputs = values(&x).par_chunks(chunk);
        output.par_chunks_mut(chunk).zip(inputs).for_each(|(output, x)| {
            normalise(x, weight, epsilon, output);
        });
        tensor(output, [rows, width])
    }
}

impl<C: CheckpointStrategy> RmsNorm for Autodiff<Flex, C> {
    fn rms_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        let x = x.into_primitive().to_contiguous();
        let weight = weight.into_primitive().to_contiguous();
        let output = Flex::rms_norm(x.clone(), weight.clone(), epsilon);
        match RmsNormBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((x, weight, epsilon), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}

#[derive(Debug)]
struct RmsNormBackward;

impl Backward<Flex, 2> for RmsNormBackward {
    type State = (FlexTensor, FlexTensor, f32);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        super::differentiate(ops, grads, |(x, weight, epsilon), upstream| {
            gradients(&x, &weight, &upstream, epsilon)
        });
    }
}

/// Gradients of x and weight.
fn gradients(
    x: &FlexTensor,
    weight: &FlexTensor,
    upstream: &FlexTensor,
    epsilon: f32,
) -> [FlexTensor; 2] {
    let weight = values(weight);
    let [rows, width] = dims(x);
    let chunk = chunk_rows(rows, width) * width.max(1);
    let mut d_x = vec![0.0; rows * width];
    let inputs = values(x).par_chunks(chunk).zip(values(upstream).par_chunks(chunk));
    // Each chunk sums its own rows; the sums are added in the order of the chunks.
    let partial: Vec<Vec<f32>> = d_x
        .par_chunks_mut(chunk)
        .zip(inputs)
        .map(|(d_x, (x, upstream))| {
            let mut d_weight = vec![0.0; width];
            differentiate(x, weight, upstream, epsilon, (d_x, &mut d_weight));
            d_weight
        })
        .collect();
    let mut d_weight = vec![0.0; width];
    for partial in &partial {
        for (total, part) in d_weight.iter_mut().zip(partial) {
            *total += part;
        }
    }
    [tensor(d_x, [rows, width]), tensor(d_weight, [width])]
}

/// `1 / sqrt(mean(x^2) + epsilon)` of one row.
#[allow(
    clippy::inline_always,
    reason = "only inlined code takes the instruction set of its caller"
)]
#[inline(always)]
fn inverse_norm(x: &[f32], epsilon: f32) -> f32 {
    let [square] = sums([x], |[x]| [x * x]);
    1.0 / (square / x.len() as f32 + epsilon).sqrt()
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn normalise(x: &[f32], weight: &[f32], epsilon: f32, output: &mut [f32]) {
    let width = weight.len().max(1);
    for (x, output) in x.chunks_exact(width).zip(output.chunks_exact_mut(width)) {
        let inverse = inverse_norm(x, epsilon);
        for ((output, x), weight) in output.iter_mut().zip(x).zip(weight) {
            *output = x * inverse * weight;
        }
    }
}

/// With `r` the inverse norm and `c = r^3 / hidden * sum(upstream * weight * x)`:
/// `d_x = upstream * weight * r - x * c`, and `d_weight` grows by `upstream * x * r`.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn differentiate(
    x: &[f32],
    weight: &[f32],
    upstream: &[f32],
    epsilon: f32,
    (d_x, d_weight): (&mut [f32], &mut [f32]),
) {
    let width = weight.len().max(1);
    let rows = x.chunks_exact(width).zip(upstream.chunks_exact(width));
    for ((x, upstream), d_x) in rows.zip(d_x.chunks_exact_mut(width)) {
        // Slices of one known length, so that the loops need no bounds checks.
        let (x, upstream, d_x) = (&x[..width], &upstream[..width], &mut d_x[..width]);
        let (weight, d_weight) = (&weight[..width], &mut d_weight[..width]);
        let inverse = inverse_norm(x, epsilon);
        let [projection] =
            sums([upstream, weight, x], |[upstream, weight, x]| [upstream * weight * x]);
        let along = projection * inverse * inverse * inverse / width as f32;
        for index in 0..width {
            d_x[index] = upstream[index] * weight[index] * inverse - x[index] * along;
            d_weight[index] += upstream[index] * x[index] * inverse;
        }
    }
}
