//! The operations fused for the CPU: each with its own backward pass, on Burn's Flex backend.

pub(crate) mod adamw;
pub(crate) mod attention;
pub(crate) mod linear;
pub(crate) mod linear_log_prob;
pub(crate) mod quantised_linear;
pub(crate) mod rms_norm;
pub(crate) mod rope;
pub(crate) mod sum_of_squares;
pub(crate) mod swiglu;

use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::Ops;
use burn::backend::{DispatchDevice, Flex};
use burn::tensor::{Bytes, DType, Shape, Tensor};
use burn_flex::{FlexTensor, Layout};

/// Elements below which an operation is not worth waking another thread for.
const SERIAL_ELEMENTS: usize = 1 << 15;
/// Elements of one piece of work otherwise.
const CHUNK_ELEMENTS: usize = 1 << 14;

/// Whether the fused version can take this tensor: it lives on Flex, with or without autodiff, in single precision.
pub(crate) fn takes<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && is_flex(tensor)
}

/// Whether a tensor lives on Flex, with or without autodiff.
pub(crate) fn is_flex<const D: usize>(tensor: &Tensor<D>) -> bool {
    matches!(tensor.device().without_autodiff().as_dispatch(), DispatchDevice::Flex(_))
}

/// Whether the fused version of an operation without a gradient can take this tensor.
pub(crate) fn takes_untracked<const D: usize>(tensor: &Tensor<D>) -> bool {
    takes(tensor) && !tensor.device().is_autodiff()
}

/// Rows of `width` numbers per piece of parallel work, at least one. It depends on the shape alone and never on the
/// number of threads, so a reduction over pieces has one order.
fn chunk_rows(rows: usize, width: usize) -> usize {
    let chunk = if rows * width <= SERIAL_ELEMENTS { rows } else { CHUNK_ELEMENTS / width.max(1) };
    chunk.max(1)
}

/// The numbers of a contiguous tensor of single precision.
fn values(tensor: &FlexTensor) -> &[f32] {
    let Some(values) = tensor.as_slice() else {
        unreachable!(
            "`takes` let a tensor of {:?} pass, or it was not made contiguous",
            tensor.dtype()
        )
    };
    values
}

/// A tensor of these numbers.
fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(shape)), DType::F32)
}

/// A tensor of these numbers with the shape of another.
fn tensor_like(values: Vec<f32>, other: &FlexTensor) -> FlexTensor {
    let layout = Layout::contiguous(other.layout().shape().clone());
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

/// Rows and columns of a matrix.
fn dims(tensor: &FlexTensor) -> [usize; 2] {
    let shape = tensor.layout().shape();
    [shape[0], shape[1]]
}

/// The backward pass of an operation: `gradients` turns its saved state and the gradient of its output into one gradient
/// for each parent, which is kept if the parent asks for it.
fn differentiate<State, const N: usize>(
    ops: Ops<State, N>,
    store: &mut Gradients,
    gradients: impl FnOnce(State, FlexTensor) -> [FlexTensor; N],
) {
    let upstream = store.consume::<Flex>(&ops.node).to_contiguous();
    for (parent, gradient) in ops.parents.into_iter().zip(gradients(ops.state, upstream)) {
        if let Some(parent) = parent {
            store.register::<Flex>(parent.id, gradient);
        }
    }
}
