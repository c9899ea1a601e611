//! Masked reductions and KL estimators over per-token log-probabilities.
//!
//! Completions of different lengths stand one behind the other in one list, `[token]`; nothing is padded. [`Ragged`]
//! knows where each begins.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use forethought_logprob::{KlEstimator, Ragged};
//!
//! let device = Device::flex();
//! let log_probs = Tensor::from_floats([-1.0, -2.0, -4.0], &device); // [token]
//! let completions = Ragged::new(&[2, 1], &device);
//! let sums = completions.sum(log_probs.clone()); // [sequence]
//! assert_eq!(sums.into_data().try_to_vec::<f32>().unwrap(), [-3.0, -4.0]);
//!
//! let same = KlEstimator::K3.estimate(log_probs.clone(), log_probs);
//! assert_eq!(same.into_data().try_to_vec::<f32>().unwrap(), [0.0; 3]);
//! ```

mod kl;
mod moments;
mod ragged;

use burn::tensor::Tensor;

pub use kl::KlEstimator;
pub use moments::{Centre, Moments, whiten};
pub use ragged::Ragged;

/// Mean of the values whose mask is 1; 0 where no mask is.
///
/// # Shapes
///
/// - `values`, `mask`: the same shape; `mask` holds 0 and 1
/// - output: `[1]`
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn masked_mean<const D: usize>(values: Tensor<D>, mask: Tensor<D>) -> Tensor<1> {
    assert_eq!(values.dims(), mask.dims(), "shapes of values and mask differ");
    // A masked infinity or NaN times 0 would be NaN, so masked values are replaced, not multiplied away.
    let kept = values.mask_fill(mask.clone().equal_scalar(0.0), 0.0);
    kept.sum() / mask.sum().clamp_min(1.0)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn tensor(values: [f32; 4]) -> Tensor<1> {
        Tensor::from_floats(values, &Device::flex())
    }

    #[test]
    fn the_mean_is_over_unmasked_values_alone() {
        let mean =
            masked_mean(tensor([1.0, f32::NAN, 3.0, f32::NEG_INFINITY]), tensor([1., 0., 1., 0.]));
        assert!((mean.into_scalar::<f32>() - 2.0).abs() < 1e-6);
    }

    #[test]
    fn a_mean_over_nothing_is_zero() {
        let mean = masked_mean(tensor([1.0; 4]), tensor([0.0; 4]));
        assert!(mean.into_scalar::<f32>().abs() < 1e-6);
    }
}
