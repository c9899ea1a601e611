//! Cosines and sines of the rotary position embedding, computed once per forward pass for all layers.

use burn::tensor::{Device, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, DecoderConfig, RopeScaling, range};

/// Llama 3.1's stretching of the rotary wavelengths (Grattafiori et al. 2024, <https://arxiv.org/abs/2407.21783>; the
/// formula is that of transformers' `llama3`): short wavelengths stay, long ones are multiplied by `factor`, and those
/// between change over smoothly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Llama3Scaling {
    /// What long wavelengths are multiplied with, finite and `> 0`. Llama 3.1 has 8.
    pub factor: f64,
    /// Wavelengths above `original_max_position_embeddings / low_freq_factor` are long; finite and `> 0`. Llama 3.1
    /// has 1.
    pub low_freq_factor: f64,
    /// Wavelengths below `original_max_position_embeddings / high_freq_factor` are short; finite and above
    /// `low_freq_factor`. Llama 3.1 has 4.
    pub high_freq_factor: f64,
    /// Tokens of the longest sequence before the stretching, at least 1. Llama 3.1 has 8,192.
    pub original_max_position_embeddings: usize,
}

impl Llama3Scaling {
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let is_positive = |value: f64| value.is_finite() && 0.0 < value;
        let positive = [
            ("rope_scaling.factor", self.factor),
            ("rope_scaling.low_freq_factor", self.low_freq_factor),
        ];
        if let Some((key, value)) = positive.into_iter().find(|(_, value)| !is_positive(*value)) {
            return Err(range(key, "finite and greater than 0", &value));
        }
        let high = self.high_freq_factor;
        if !(high.is_finite() && self.low_freq_factor < high) {
            let rule = "finite and greater than low_freq_factor";
            return Err(range("rope_scaling.high_freq_factor", rule, &high));
        }
        if self.original_max_position_embeddings == 0 {
            let key = "rope_scaling.original_max_position_embeddings";
            return Err(range(key, "at least 1", &0));
        }
        Ok(())
    }

    /// The stretched frequency, in 32-bit floats and in the order of operations of transformers.
    #[expect(clippy::cast_possible_truncation, reason = "transformers computes in 32 bits")]
    fn stretch(&self, frequency: f32) -> f32 {
        let length = self.original_max_position_embeddings as f64;
        let (factor, low) = (self.factor as f32, self.low_freq_factor as f32);
        let wavelength = std::f32::consts::TAU / frequency;
        if wavelength > (length / self.low_freq_factor) as f32 {
            return frequency / factor;
        }
        if wavelength < (length / self.high_freq_factor) as f32 {
            return frequency;
        }
        let width = (self.high_freq_factor - self.low_freq_factor) as f32;
        let smooth = (length as f32 / wavelength - low) / width;
        (1.0 - smooth) * frequency / factor + smooth * frequency
    }
}

/// Both tables of one packed row, each `[token, head_dim / 2]`.
#[derive(Clone, Debug)]
pub(crate) struct Rotary {
    pub(crate) cos: Tensor<2>,
    pub(crate) sin: Tensor<2>,
}

impl Rotary {
    /// The angles `position / theta^(2 i / head_dim)`, in the order of rounding of transformers: frequencies and
    /// products are 32-bit floats, so that long positions get the same (inexact) angles.
    pub(crate) fn new(positions: &[u32], config: &DecoderConfig, device: &Device) -> Self {
        let frequencies = frequencies(config); // [head_dim / 2]
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
fn frequencies(config: &DecoderConfig) -> Vec<f32> {
    let (head_dim, theta) = (config.head_dim(), config.rope_theta);
    let power = |index: usize| theta.powf(f64::from(index as f32 / head_dim as f32)) as f32;
    let plain = (0..head_dim).step_by(2).map(|index| 1.0 / power(index));
    match &config.rope_scaling {
        None => plain.collect(),
        Some(RopeScaling::Llama3(scaling)) => plain.map(|plain| scaling.stretch(plain)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(head_dim: usize, theta: f64) -> DecoderConfig {
        DecoderConfig { head_dim: Some(head_dim), rope_theta: theta, ..DecoderConfig::default() }
    }

    #[test]
    fn angles_are_positions_over_powers_of_theta() {
        let rotary = Rotary::new(&[0, 3], &config(4, 100.0), &Device::flex());
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

    fn llama3() -> Llama3Scaling {
        Llama3Scaling {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 64,
        }
    }

    #[test]
    fn short_wavelengths_stay_long_ones_are_stretched_and_the_rest_is_between() {
        let stretch = |wavelength: f32| {
            let frequency = std::f32::consts::TAU / wavelength;
            llama3().stretch(frequency) / frequency
        };
        // Short is below 64 / 4, long above 64 / 1; at 32 tokens the change-over is a third done.
        for (wavelength, expected) in [(15.0, 1.0), (65.0, 0.125), (32.0, (1.0 + 2.0 / 8.0) / 3.0)]
        {
            let actual = stretch(wavelength);
            assert!((actual - expected).abs() < 1e-6, "{wavelength}: {actual} is not {expected}");
        }
    }

    #[test]
    fn a_stretching_out_of_range_is_refused() {
        let error = |scaling: Llama3Scaling| scaling.validate().expect_err("refused").to_string();
        assert_eq!(llama3().validate(), Ok(()));
        assert_eq!(
            error(Llama3Scaling { factor: 0.0, ..llama3() }),
            "rope_scaling.factor must be finite and greater than 0, got 0"
        );
        assert_eq!(
            error(Llama3Scaling { high_freq_factor: 1.0, ..llama3() }),
            "rope_scaling.high_freq_factor must be finite and greater than low_freq_factor, got 1"
        );
    }
}
