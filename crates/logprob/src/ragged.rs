//! Sequences of different lengths in one list of tokens.

use burn::tensor::{Bool, Device, IndexingUpdateOp, Int, Tensor, TensorData};

/// Where each sequence stands in a list of tokens.
#[derive(Clone, Debug)]
pub struct Ragged {
    lengths: Vec<usize>,
    /// `[token]`, the sequence that each token belongs to.
    sequence_of: Tensor<1, Int>,
}

impl Ragged {
    /// Sequences of these lengths, one behind the other.
    #[must_use]
    pub fn new(lengths: &[usize], device: &Device) -> Self {
        let sequence_of: Vec<i64> = (0..)
            .zip(lengths)
            .flat_map(|(sequence, length)| std::iter::repeat_n(sequence, *length))
            .collect();
        let num_tokens = sequence_of.len();
        let sequence_of = Tensor::from_data(TensorData::new(sequence_of, [num_tokens]), device);
        Self { lengths: lengths.to_vec(), sequence_of }
    }

    /// Number of sequences.
    #[must_use]
    pub fn num_sequences(&self) -> usize {
        self.lengths.len()
    }

    /// Number of tokens of each sequence.
    #[must_use]
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Sum over each sequence, `[token]` to `[sequence]`; a sequence without tokens sums to 0.
    ///
    /// # Panics
    ///
    /// If `values` has another number of tokens.
    #[must_use]
    pub fn sum(&self, values: Tensor<1>) -> Tensor<1> {
        assert_eq!(values.dims(), self.sequence_of.dims(), "number of tokens");
        let zeros = Tensor::zeros([self.num_sequences()], &values.device()); // [sequence]
        zeros.select_assign(0, self.sequence_of.clone(), values, IndexingUpdateOp::Add)
    }

    /// Mean over each sequence, `[token]` to `[sequence]`; 0 for a sequence without tokens.
    ///
    /// # Panics
    ///
    /// If `values` has another number of tokens.
    #[must_use]
    pub fn mean(&self, values: Tensor<1>) -> Tensor<1> {
        let counts: Vec<f32> = self.lengths.iter().map(|length| (*length).max(1) as f32).collect();
        let counts =
            Tensor::from_data(TensorData::new(counts, [self.num_sequences()]), &values.device());
        self.sum(values) / counts
    }

    /// Whether all values of a sequence are finite, `[token]` to `[sequence]`; true for a sequence without tokens.
    ///
    /// # Panics
    ///
    /// If `values` has another number of tokens.
    #[must_use]
    pub fn is_finite(&self, values: Tensor<1>) -> Tensor<1, Bool> {
        self.sum(values.is_finite().bool_not().float()).equal_scalar(0.0)
    }

    /// Gives each token the value of its sequence, `[sequence]` to `[token]`.
    ///
    /// # Panics
    ///
    /// If `values` has another number of sequences.
    #[must_use]
    pub fn spread(&self, values: Tensor<1>) -> Tensor<1> {
        assert_eq!(values.dims(), [self.num_sequences()], "number of sequences");
        values.select(0, self.sequence_of.clone())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(tensor: Tensor<1>) -> Vec<f32> {
        tensor.into_data().try_to_vec().expect("single precision")
    }

    #[test]
    fn sums_means_and_spreads_follow_the_lengths() {
        let device = Device::flex();
        let ragged = Ragged::new(&[2, 0, 3], &device);
        let tokens = || Tensor::from_floats([1.0, 2.0, 3.0, 4.0, 8.0], &device);
        assert_eq!(values(ragged.sum(tokens())), [3.0, 0.0, 15.0]);
        assert_eq!(values(ragged.mean(tokens())), [1.5, 0.0, 5.0]);
        let spread = ragged.spread(Tensor::from_floats([7.0, 8.0, 9.0], &device));
        assert_eq!(values(spread), [7.0, 7.0, 9.0, 9.0, 9.0]);
    }

    #[test]
    fn one_infinity_or_nan_makes_its_own_sequence_not_finite() {
        let device = Device::flex();
        let ragged = Ragged::new(&[2, 0, 1, 1], &device);
        let tokens = Tensor::from_floats([1.0, f32::NEG_INFINITY, -3.0, f32::NAN], &device);
        assert_eq!(values(ragged.is_finite(tokens).float()), [0.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn the_gradient_of_a_mean_is_one_over_the_length() {
        let device = Device::flex().autodiff();
        let tokens = Tensor::<1>::from_floats([1.0, 2.0, 3.0], &device).require_grad();
        let weights = Tensor::from_floats([10.0, 1.0], &device);
        let means = Ragged::new(&[2, 1], &device).mean(tokens.clone());
        let gradients = (means * weights).sum().backward();
        assert_eq!(values(tokens.grad(&gradients).expect("tracked")), [5.0, 5.0, 1.0]);
    }

    #[test]
    #[should_panic(expected = "number of tokens")]
    fn a_list_of_another_length_is_refused() {
        let device = Device::flex();
        let _ = Ragged::new(&[2, 1], &device).sum(Tensor::zeros([1], &device));
    }

    proptest! {
        #[test]
        fn the_sum_of_a_spread_is_the_length_times_the_value(
            lengths in prop::collection::vec(0..5usize, 1..6),
            value in -10f32..10.,
        ) {
            let device = Device::flex();
            let ragged = Ragged::new(&lengths, &device);
            let sums = ragged.sum(ragged.spread(Tensor::full([lengths.len()], value, &device)));
            for (sum, length) in values(sums).into_iter().zip(lengths) {
                prop_assert!((sum - value * length as f32).abs() < 1e-4);
            }
        }
    }
}
