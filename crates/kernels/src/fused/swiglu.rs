//! The gated activation in one pass over its inputs.

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
use crate::lanes::exp;

/// `silu(gate) * up`, as an operation that Burn dispatches.
#[backend_extension(Autodiff, Flex)]
trait SwiGlu: Backend {
    /// All `[token, intermediate]`.
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// See [`swiglu`](crate::swiglu).
pub(crate) fn swiglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as SwiGlu>::swiglu(gate.into_dispatch(), up.into_dispatch()))
}

impl SwiGlu for Flex {
    fn swiglu(gate: FlexTensor, up: FlexTensor) -> FlexTensor {
        let (gate, up) = (gate.to_contiguous(), up.to_contiguous());
        let [rows, width] = dims(&gate);
        let chunk = chunk_rows(rows, width) * width.max(1);
        let mut output = vec![0.0; rows * width];
        let inputs = values(&gate).par_chunks(chunk).zip(values(&up).par_chunks(chunk));
        output.par_chunks_mut(chunk).zip(inputs).for_each(|(output, (gate, up))| {
            activate(gate, up, output);
        });
        tensor(output, [rows, width])
    }
}

impl<C: CheckpointStrategy> SwiGlu for Autodiff<Flex, C> {
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [gate.node(), up.node()];
        let gate = gate.into_primitive().to_contiguous();
        let up = up.into_primitive().to_contiguous();
        let output = Flex::swiglu(gate.clone(), up.clone());
        match SwiGluBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((gate, up), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}

#[derive(Debug)]
struct SwiGluBackward;

impl Backward<Flex, 2> for SwiGluBackward {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        super::differentiate(ops, grads, |(gate, up), upstream| gradients(&gate, &up, &upstream));
    }
}

/// Gradients of gate and up.
fn gradients(gate: &FlexTensor, up: &FlexTensor, upstream: &FlexTensor) -> [FlexTensor; 2] {
    let [rows, width] = dims(gate);
    let chunk = chunk_rows(rows, width) * width.max(1);
    let mut d_gate = vec![0.0; rows * width];
    let mut d_up = vec![0.0; rows * width];
    let inputs = values(gate).par_chunks(chunk).zip(values(up).par_chunks(chunk));
    let outputs = d_gate.par_chunks_mut(chunk).zip(d_up.par_chunks_mut(chunk));
    inputs.zip(values(upstream).par_chunks(chunk)).zip(outputs).for_each(
        |(((gate, up), upstream), (d_gate, d_up))| {
            differentiate(gate, up, upstream, d_gate, d_up);
        },
    );
    [tensor(d_gate, [rows, width]), tensor(d_up, [rows, width])]
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn activate(gate: &[f32], up: &[f32], output: &mut [f32]) {
    for ((output, gate), up) in output.iter_mut().zip(gate).zip(up) {
        *output = gate / (1.0 + exp(-gate)) * up;
    }
}

/// With `s = sigmoid(gate)`: `d_up = upstream * gate * s`, `d_gate = upstream * up * s * (1 + gate * (1 - s))`.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn differentiate(gate: &[f32], up: &[f32], upstream: &[f32], d_gate: &mut [f32], d_up: &mut [f32]) {
    let inputs = gate.iter().zip(up).zip(upstream);
    for (((gate, up), upstream), (d_gate, d_up)) in inputs.zip(d_gate.iter_mut().zip(d_up)) {
        let sigmoid = 1.0 / (1.0 + exp(-gate));
        *d_up = upstream * gate * sigmoid;
        *d_gate = upstream * up * sigmoid * (1.0 + gate * (1.0 - sigmoid));
    }
}
