//! Fresh values of a parameter, drawn from a stream that carries its name.

use forethought_seed::Seed;
use rand::Rng;

/// Values of the parameter `name`: normal for weights, 0 for biases, 1 for the scales of a normalisation.
pub(crate) fn initial_values(name: &str, shape: &[usize], deviation: f64, seed: Seed) -> Vec<f32> {
    let count = shape.iter().product();
    match name.rsplit_once('.') {
        Some((module, "weight")) if module.ends_with("norm") => return vec![1.0; count],
        Some((_, "bias")) => return vec![0.0; count],
        _ => (),
    }
    let mut random = seed.stream(&format!("initial value of {name}"), &[]);
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        values.extend(normal_pair(&mut random, deviation));
    }
    values.truncate(count);
    values
}

/// Values between `-bound` and `bound`, evenly spread.
#[expect(clippy::cast_possible_truncation, reason = "weights are 32-bit floats")]
pub(crate) fn uniform_values(name: &str, count: usize, bound: f64, seed: Seed) -> Vec<f32> {
    let mut random = seed.stream(&format!("initial value of {name}"), &[]);
    (0..count).map(|_| ((2.0 * unit(&mut random) - 1.0) * bound) as f32).collect()
}

/// Two independent normal numbers (Box and Muller 1958).
#[expect(clippy::cast_possible_truncation, reason = "weights are 32-bit floats")]
fn normal_pair(random: &mut impl Rng, deviation: f64) -> [f32; 2] {
    // 1 - u is never 0, so its logarithm is finite.
    let radius = deviation * (-2.0 * (1.0 - unit(random)).ln()).sqrt();
    let (sin, cos) = (std::f64::consts::TAU * unit(random)).sin_cos();
    [(radius * cos) as f32, (radius * sin) as f32]
}

/// Evenly spread over `[0, 1)`.
fn unit(random: &mut impl Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_normal_and_depend_on_seed_and_name_alone() {
        let draw = |name: &str, seed| initial_values(name, &[100, 201], 0.5, Seed::new(seed));
        let values = draw("a.weight", 1);
        let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / 20_100.0;
        let square = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / 20_100.0;
        let fourth = values.iter().map(|value| f64::from(*value).powi(4)).sum::<f64>() / 20_100.0;
        assert!(mean.abs() < 0.015, "mean {mean}");
        assert!((square - 0.25).abs() < 0.01, "variance {square}");
        assert!((fourth / square.powi(2) - 3.0).abs() < 0.15, "kurtosis of a normal number is 3");
        assert_eq!(values, draw("a.weight", 1));
        assert_ne!(values, draw("b.weight", 1));
        assert_ne!(values, draw("a.weight", 2));
    }

    #[test]
    fn norms_start_at_one_and_biases_at_zero() {
        let draw = |name| initial_values(name, &[3], 0.5, Seed::new(0));
        assert_eq!(draw("model.layers.0.input_layernorm.weight"), [1.0; 3]);
        assert_eq!(draw("model.norm.weight"), [1.0; 3]);
        assert_eq!(draw("model.layers.0.self_attn.q_proj.bias"), [0.0; 3]);
    }

    #[test]
    fn uniform_values_fill_their_range() {
        let values = uniform_values("a", 1000, 0.25, Seed::new(0));
        let largest = values.iter().copied().fold(0f32, |largest, value| largest.max(value.abs()));
        assert!(largest <= 0.25 && 0.245 < largest, "largest {largest}");
    }
}
