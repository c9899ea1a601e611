//! The update of AdamW in one pass over weights, gradient and moments, written into their own memory where nobody else
//! holds it.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{CHUNK_ELEMENTS, tensor_like, values};
use crate::AdamWStep;

/// The update, as an operation that Burn dispatches.
#[backend_extension(Flex)]
trait AdamW: Backend {
    /// Weights, gradient, first and second moment, all of one shape; returns the new weights and moments.
    fn adamw(
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamWStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// See [`adamw`](crate::adamw).
pub(crate) fn adamw<const D: usize>(
    weights: Tensor<D>,
    gradient: Tensor<D>,
    [first, second]: [Tensor<D>; 2],
    step: AdamWStep,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let (weights, first, second) = <Dispatch as AdamW>::adamw(
        weights.into_dispatch(),
        gradient.into_dispatch(),
        first.into_dispatch(),
        second.into_dispatch(),
        step,
    );
    (Tensor::from_dispatch(weights), [first, second].map(Tensor::from_dispatch))
}

impl AdamW for Flex {
    fn adamw(
        weights: FlexTensor,
        gradient: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        step: AdamWStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let step = Coefficients::of(&step);
        let [weights, gradient, first, second] =
            [weights, gradient, first, second].map(|tensor| tensor.to_contiguous());
        // The new weights are written over the gradient, which nobody needs any more: the old weights are shared, for
        // the module that is being updated is a clone.
        let (mut updated, mut first, mut second) = (owned(gradient), owned(first), owned(second));
        {
            let updated = updated.storage_mut::<f32>().par_chunks_mut(CHUNK_ELEMENTS);
            let first = first.storage_mut::<f32>().par_chunks_mut(CHUNK_ELEMENTS);
            let second = second.storage_mut::<f32>().par_chunks_mut(CHUNK_ELEMENTS);
            let weights = values(&weights).par_chunks(CHUNK_ELEMENTS);
            updated.zip(weights).zip(first.zip(second)).for_each(
                |((updated, weights), (first, second))| {
                    update(weights, updated, (first, second), step);
                },
            );
        }
        (updated, first, second)
    }
}

/// The tensor if its memory is its own and whole, else a copy.
fn owned(tensor: FlexTensor) -> FlexTensor {
    let length: usize = tensor.layout().shape().num_elements();
    let is_whole = tensor.bytes().len() == length * size_of::<f32>();
    if tensor.is_unique() && is_whole {
        tensor
    } else {
        tensor_like(values(&tensor).to_vec(), &tensor)
    }
}

/// The numbers of a step as the pass uses them.
#[derive(Clone, Copy)]
struct Coefficients {
    decay: f32,
    towards_gradient: f32,
    beta2: f32,
    square_share: f32,
    step_size: f32,
    root_correction: f32,
    epsilon: f32,
}

impl Coefficients {
    #[allow(clippy::cast_possible_truncation, reason = "they meet f32 tensors")]
    fn of(step: &AdamWStep) -> Self {
        Self {
            decay: step.decay as f32,
            towards_gradient: (1.0 - step.beta1) as f32,
            beta2: step.beta2 as f32,
            square_share: (1.0 - step.beta2) as f32,
            step_size: step.step_size as f32,
            root_correction: step.root_correction as f32,
            epsilon: step.epsilon as f32,
        }
    }
}

/// `updated` holds the gradient before and the new weights after.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn update(
    weights: &[f32],
    updated: &mut [f32],
    (first, second): (&mut [f32], &mut [f32]),
    step: Coefficients,
) {
    let moments = first.iter_mut().zip(second.iter_mut());
    for ((updated, weight), (first, second)) in updated.iter_mut().zip(weights).zip(moments) {
        let gradient = *updated;
        *first += (gradient - *first) * step.towards_gradient;
        *second = *second * step.beta2 + gradient * gradient * step.square_share;
        let denominator = second.sqrt() / step.root_correction + step.epsilon;
        *updated = weight * step.decay - *first / denominator * step.step_size;
    }
}
