//! Arithmetic over slices in fixed lanes, so that it vectorises and every instruction set adds in the same order.
//!
//! Everything here is inlined into functions that `multiversion` compiles once for each instruction set.
#![allow(
    clippy::inline_always,
    reason = "only inlined code takes the instruction set of its caller"
)]

/// Independent sums kept by a reduction: one AVX-512 register, two AVX2 registers.
const LANES: usize = 16;

/// `e^x` to 2 units in the last place; 0 below -87 and `e^88` above 88; NaN stays NaN.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// Adding it rounds to an integer, which then stands in the low bits.
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23
    let clamped = x.clamp(-87.0, 88.0);
    let shifted = clamped * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts: `n` times the first is exact.
    let r = clamped - n * 0.693_359_4 + n * 2.121_944_4e-4;
    // Minimax polynomial of Cephes' expf.
    let mut p = 1.987_569_1e-4_f32;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 5.000_000_3e-1;
    let p = p * r * r + r + 1.0;
    let power_of_two = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    // A select, not a branch. Without it the tail of a softmax would be 1e-38, whose products are slow denormals.
    if x < -87.0 { 0.0 } else { p * power_of_two }
}

/// Sums the terms of `term` over slices of one length: lane by lane first, then across the lanes, then the rest.
#[inline(always)]
pub(crate) fn sums<const N: usize, const M: usize>(
    slices: [&[f32]; N],
    term: impl Fn([f32; N]) -> [f32; M],
) -> [f32; M] {
    let length = slices.first().map_or(0, |slice| slice.len());
    let chunks = slices.map(|slice| slice[..length].as_chunks::<LANES>().0);
    let mut lanes = [[0.0_f32; LANES]; M];
    for index in 0..length / LANES {
        // Arrays of a known length: the loop over lanes needs no bounds checks and becomes one vector operation each.
        let chunk: [&[f32; LANES]; N] = chunks.map(|chunks| &chunks[index]);
        for lane in 0..LANES {
            let terms = term(chunk.map(|values| values[lane]));
            for (total, term) in lanes.iter_mut().zip(terms) {
                total[lane] += term;
            }
        }
    }
    let mut totals = lanes.map(|lanes| lanes.iter().sum());
    for index in length - length % LANES..length {
        for (total, term) in totals.iter_mut().zip(term(slices.map(|slice| slice[index]))) {
            *total += term;
        }
    }
    totals
}

/// The largest number; NaN is passed over, and the sums that follow turn it into NaN.
#[inline(always)]
pub(crate) fn max(values: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if a < b { b } else { a };
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, *value);
        }
    }
    lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        for step in -870_000..880_000 {
            let x = step as f32 * 1e-4;
            let expected = f64::from(x).exp();
            let error = (f64::from(exp(x)) - expected).abs() / expected;
            assert!(error < 2.4e-7, "exp({x}) is off by {error}");
        }
    }

    #[test]
    fn exp_of_extremes_is_zero_finite_or_nan() {
        assert_eq!(exp(f32::NEG_INFINITY).to_bits(), 0);
        assert_eq!(exp(-1e4).to_bits(), 0);
        assert!(exp(1e4).is_finite());
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn sums_and_maxima_cover_the_rest_behind_the_last_whole_lane() {
        let values: Vec<f32> = (0..37u8).map(f32::from).collect();
        let [sum, sum_of_products] = sums([&values, &values], |[a, b]| [a, a * b]);
        assert!((sum - 666.0).abs() < 1e-6);
        assert!((sum_of_products - 16_206.0).abs() < 1e-2);
        assert!((max(&values) - 36.0).abs() < 1e-6);
        assert!((max(&[-3.0, -2.0]) + 2.0).abs() < 1e-6);
    }
}
