//! The sum of squares of all numbers of a tensor, in one pass and in one order.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{CHUNK_ELEMENTS, tensor, values};
use crate::lanes::sums;

/// The sum, as an operation that Burn dispatches.
#[backend_extension(Flex)]
trait SumOfSquares: Backend {
    /// Any shape to `[1]`.
    fn sum_of_squares(values: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// See [`sum_of_squares`](crate::sum_of_squares).
pub(crate) fn sum_of_squares<const D: usize>(values: Tensor<D>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as SumOfSquares>::sum_of_squares(values.into_dispatch()))
}

impl SumOfSquares for Flex {
    #[allow(clippy::cast_possible_truncation, reason = "the result is a tensor of f32")]
    fn sum_of_squares(numbers: FlexTensor) -> FlexTensor {
        let numbers = numbers.to_contiguous();
        let chunks = values(&numbers).par_chunks(CHUNK_ELEMENTS);
        // Collected first: the chunks are added in their order, whoever finishes first.
        let partial: Vec<f32> = chunks.map(chunk_sum).collect();
        let total: f64 = partial.iter().copied().map(f64::from).sum();
        tensor(vec![total as f32], [1])
    }
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn chunk_sum(chunk: &[f32]) -> f32 {
    let [sum] = sums([chunk], |[value]| [value * value]);
    sum
}
