//! Cosines and sines of the rotary position embedding, computed once per forward pass for all layers.

use burn::tensor::{Device, Tensor, TensorData};

/// Both tables of one packed row, each `[token, head_dim / 2]`.
#[derive(Clone, Debug)]
pub(crate) struct Rotary {
    pub(crate) cos: Tensor<2>,
    pub(crate) sin: Tensor<2>,
}

impl Rotary {
    /// The angles `position / theta^(2 i / head_dim)`, in the order of rounding of transformers: frequencies and
    /// products are 32-bit floats, so that long positions get the same (inexact) angles.
    pub(crate) fn new(positions: &[u32], head_dim: usize, theta: f64, device: &Device) -> Self {
        let frequencies = frequencies(head_dim, theta); // [head_dim / 2]
        let shape = [positions.len(), frequencies.len()];
        let (cos, sin) = positions
            .iter()
            .flat_map(|&position| {
                frequencies.iter().map(move |frequency| position as f32 * frequency)
            })
            .map(|angle| (angle.cos(), angle.sin()))
            .unzip::<f32, f32, Vec<_>, Vec<_>>();
        let table = |values| Tensor::from_data(TensorData::new(values, shape), device);
        Self { cos: table(cos), sin: table(sin) }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "transformers rounds the powers to 32 bits")]
fn frequencies(head_dim: usize, theta: f64) -> Vec<f32> {
    let power = |index: usize| theta.powf(f64::from(index as f32 / head_dim as f32)) as f32;
    (0..head_dim).step_by(2).map(|index| 1.0 / power(index)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_positions_over_powers_of_theta() {
        let rotary = Rotary::new(&[0, 3], 4, 100.0, &Device::flex());
        let cos: Vec<f32> = rotary.cos.into_data().try_to_vec().expect("f32");
        let sin: Vec<f32> = rotary.sin.into_data().try_to_vec().expect("f32");
        // The frequencies are 1 and 100^(-1/2) = 0.1.
        let expected_cos = [1.0, 1.0, 3f32.cos(), 0.3f32.cos()];
        let expected_sin = [0.0, 0.0, 3f32.sin(), 0.3f32.sin()];
        for (actual, expected) in
            cos.iter().chain(&sin).zip(expected_cos.iter().chain(&expected_sin))
        {
            assert!((actual - expected).abs() < 1e-7, "{actual} is not {expected}");
        }
    }
}
