//! A linear layer: one product forward, two backward, none of which clears memory before it writes it.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;

use super::{dims, tensor, values};
use crate::matrix::{Matrix, product};

/// `x @ weight`, as an operation that Burn dispatches.
#[backend_extension(Autodiff, Flex)]
trait Linear: Backend {
    /// `x` `[token, in]`, `weight` `[in, out]`; output `[token, out]`.
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// See [`linear`](crate::linear).
pub(crate) fn linear(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as Linear>::linear(x.into_dispatch(), weight.into_dispatch()))
}

/// `x @ weight^T`, as an operation that Burn dispatches.
#[backend_extension(Flex)]
trait LinearTransposed: Backend {
    /// `x` `[token, in]`, `weight` `[out, in]`; output `[token, out]`.
    fn linear_transposed(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// See [`linear_transposed`](crate::linear_transposed).
pub(crate) fn linear_transposed(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(<Dispatch as LinearTransposed>::linear_transposed(x, weight))
}

impl LinearTransposed for Flex {
    fn linear_transposed(x: FlexTensor, weight: FlexTensor) -> FlexTensor {
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let shape = [dims(&x)[0], dims(&weight)[0]];
        tensor(product(matrix(&x), matrix(&weight).transposed()), shape)
    }
}

impl Linear for Flex {
    fn linear(x: FlexTensor, weight: FlexTensor) -> FlexTensor {
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let shape = [dims(&x)[0], dims(&weight)[1]];
        tensor(product(matrix(&x), matrix(&weight)), shape)
    }
}

impl<C: CheckpointStrategy> Linear for Autodiff<Flex, C> {
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        let x = x.into_primitive().to_contiguous();
        let weight = weight.into_primitive().to_contiguous();
        let output = Flex::linear(x.clone(), weight.clone());
        match LinearBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((x, weight), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}

#[derive(Debug)]
struct LinearBackward;

impl Backward<Flex, 2> for LinearBackward {
    type State = (FlexTensor, FlexTensor);

    /// `d_x = upstream @ weight^T`, `d_weight = x^T @ upstream`; a frozen weight saves the second.
    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let upstream = grads.consume::<Flex>(&ops.node).to_contiguous();
        let (x, weight) = ops.state;
        let [x_node, weight_node] = ops.parents;
        if let Some(node) = x_node {
            let d_x = product(matrix(&upstream), matrix(&weight).transposed());
            grads.register::<Flex>(node.id, tensor(d_x, dims(&x)));
        }
        if let Some(node) = weight_node {
            let d_weight = product(matrix(&x).transposed(), matrix(&upstream));
            grads.register::<Flex>(node.id, tensor(d_weight, dims(&weight)));
        }
    }
}

/// A contiguous tensor as a matrix.
fn matrix(tensor: &FlexTensor) -> Matrix<'_> {
    let [rows, columns] = dims(tensor);
    Matrix::new(values(tensor), rows, columns, columns)
}
