//! Rotary position embedding in one pass.

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

/// Rotary position embedding, as an operation that Burn dispatches.
#[backend_extension(Autodiff, Flex)]
trait Rope: Backend {
    /// `x` and output `[token, head * head_dim]`, `cos` and `sin` `[token, head_dim / 2]`.
    fn rope(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// See [`rope`](crate::rope).
pub(crate) fn rope(x: Tensor<2>, cos: Tensor<2>, sin: Tensor<2>) -> Tensor<2> {
    let (x, cos, sin) = (x.into_dispatch(), cos.into_dispatch(), sin.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Rope>::rope(x, cos, sin))
}

impl Rope for Flex {
    fn rope(x: FlexTensor, cos: FlexTensor, sin: FlexTensor) -> FlexTensor {
        turn(&x, &cos, &sin, Turn::Forwards)
    }
}

impl<C: CheckpointStrategy> Rope for Autodiff<Flex, C> {
    fn rope(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let (cos, sin) = (cos.into_primitive(), sin.into_primitive());
        let output = turn(&x.into_primitive(), &cos, &sin, Turn::Forwards);
        match RopeBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((cos, sin), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}

#[derive(Debug)]
struct RopeBackward;

impl Backward<Flex, 1> for RopeBackward {
    type State = (FlexTensor, FlexTensor);

    /// A rotation is orthogonal, so its transpose turns backwards.
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        super::differentiate(ops, grads, |(cos, sin), upstream| {
            [turn(&upstream, &cos, &sin, Turn::Backwards)]
        });
    }
}

#[derive(Clone, Copy)]
enum Turn {
    Forwards,
    Backwards,
}

/// Rotates every head of every row of `x` by its row's angles.
fn turn(x: &FlexTensor, cos: &FlexTensor, sin: &FlexTensor, turn: Turn) -> FlexTensor {
    let (x, cos, sin) = (x.to_contiguous(), cos.to_contiguous(), sin.to_contiguous());
    let [rows, width] = dims(&x);
    let half = dims(&cos)[1];
    if width == 0 {
        return x;
    }
    let direction = match turn {
        Turn::Forwards => 1.0,
        Turn::Backwards => -1.0,
    };
    let chunk = chunk_rows(rows, width);
    let mut output = vec![0.0; rows * width];
    let angles = values(&cos).par_chunks(chunk * half).zip(values(&sin).par_chunks(chunk * half));
    let inputs = values(&x).par_chunks(chunk * width).zip(angles);
    output.par_chunks_mut(chunk * width).zip(inputs).for_each(|(output, (x, (cos, sin)))| {
        rotate(x, (cos, sin, direction), (width, half), output);
    });
    tensor(output, [rows, width])
}

/// The first half of a head becomes `first * cos - second * sin`, the second half `second * cos + first * sin`.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn rotate(
    x: &[f32],
    (cos, sin, direction): (&[f32], &[f32], f32),
    (width, half): (usize, usize),
    output: &mut [f32],
) {
    let angles = cos.chunks_exact(half).zip(sin.chunks_exact(half));
    let rows = x.chunks_exact(width).zip(output.chunks_exact_mut(width));
    for ((x, output), (cos, sin)) in rows.zip(angles) {
        let heads = x.chunks_exact(2 * half).zip(output.chunks_exact_mut(2 * half));
        for (x, output) in heads {
            let (first, second) = x.split_at(half);
            let (out_first, out_second) = output.split_at_mut(half);
            let (second, cos, sin) = (&second[..half], &cos[..half], &sin[..half]);
            let (out_first, out_second) = (&mut out_first[..half], &mut out_second[..half]);
            for index in 0..half {
                let sin = sin[index] * direction;
                out_first[index] = first[index] * cos[index] - second[index] * sin;
                out_second[index] = second[index] * cos[index] + first[index] * sin;
            }
        }
    }
}
