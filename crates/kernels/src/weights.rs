//! Softmax numerators of whole vocabularies, in double precision, many at once.

#![allow(
    clippy::inline_always,
    reason = "only inlined code takes the instruction set of its caller"
)]

use multiversion::multiversion;

use crate::lanes;

/// `e^((logit - largest) / temperature)` of every logit, `largest` being the largest of them; each within 2 units in the last
/// place, and 0 where the exponent is below -700.
///
/// The same bits on every processor: each number is computed by itself, and nothing is fused.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
#[must_use]
pub fn softmax_weights(logits: &[f32], temperature: f64) -> Vec<f64> {
    let largest = f64::from(lanes::max(logits));
    let mut weights = vec![0.0; logits.len()];
    for (weight, &logit) in weights.iter_mut().zip(logits) {
        *weight = exp((f64::from(logit) - largest) / temperature);
    }
    weights
}

/// The largest number, minus infinity where there is none; NaN is passed over.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
#[must_use]
pub fn largest(values: &[f32]) -> f32 {
    lanes::max(values)
}

/// `e^x` for `x <= 0`, without a branch: a power of two times the Taylor polynomial of what is left, at most half of ln 2.
#[inline(always)]
fn exp(x: f64) -> f64 {
    /// Adding it rounds to an integer, which then stands in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
    // ln 2 in two parts: the first has so few bits that its product with an exponent is exact.
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let bounded = if x < -700.0 { -700.0 } else { x };
    let shifted = bounded * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = bounded - n * LN_2_HIGH - n * LN_2_LOW;
    // 1 / k! for k from 13 down to 0: the first term left out is below 5e-18.
    let mut p = 1.605_904_383_682_161_3e-10;
    p = p * r + 2.087_675_698_786_81e-9;
    p = p * r + 2.505_210_838_544_172e-8;
    p = p * r + 2.755_731_922_398_589e-7;
    p = p * r + 2.755_731_922_398_589e-6;
    p = p * r + 2.480_158_730_158_73e-5;
    p = p * r + 1.984_126_984_126_984e-4;
    p = p * r + 1.388_888_888_888_889e-3;
    p = p * r + 8.333_333_333_333_333e-3;
    p = p * r + 4.166_666_666_666_666_4e-2;
    p = p * r + 1.666_666_666_666_666_6e-1;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    let power_of_two = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x < -700.0 { 0.0 } else { p * power_of_two }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_those_of_the_standard_library() {
        for step in 0..7_000_000 {
            let x = -f64::from(step) * 1e-4;
            let (found, expected) = (exp(x), x.exp());
            assert!(
                (found - expected).abs() <= 4.5e-16 * expected,
                "exp({x}): {found}, {expected}"
            );
        }
        assert_eq!(exp(0.0).to_bits(), 1.0f64.to_bits());
        assert_eq!(exp(-701.0).to_bits(), 0);
        assert_eq!(exp(f64::NEG_INFINITY).to_bits(), 0);
    }

    #[test]
    fn the_largest_stands_anywhere() {
        for place in 0..40 {
            let mut logits = vec![-3.5; 40];
            logits[place] = -1.25;
            assert_eq!(largest(&logits).to_bits(), (-1.25f32).to_bits());
            assert_eq!(softmax_weights(&logits, 0.5)[place].to_bits(), 1.0f64.to_bits());
        }
        assert_eq!(largest(&[]).to_bits(), f32::NEG_INFINITY.to_bits());
    }
}
