//! The two formats on the host: from numbers to codes and scales.

use std::sync::LazyLock;

/// Numbers that share a scale.
pub(crate) const BLOCK: usize = 64;

/// Blocks whose scales share a scale.
pub(crate) const SUPER_BLOCK: usize = 256;

/// The values of 4-bit `NormalFloat`: quantiles of a normal distribution scaled to `[-1, 1]`, with a zero (Dettmers et al.
/// 2023, <https://arxiv.org/abs/2305.14314>, appendix E).
#[expect(
    clippy::unreadable_literal,
    clippy::excessive_precision,
    reason = "as the paper prints them"
)]
pub const NF4: [f32; 16] = [
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
];

/// Codes and scales of a matrix in NF4.
pub(crate) struct PackedNf4 {
    pub(crate) codes: Vec<u8>,
    pub(crate) block_codes: Vec<u8>,
    /// One for each super block, then the offset.
    pub(crate) scales: Vec<f32>,
}

/// Quantises in blocks of 64, and their scales, less their mean, in blocks of 256 (the paper's double quantisation).
pub(crate) fn quantise_nf4(values: &[f32]) -> PackedNf4 {
    let bounds = midpoints(&NF4);
    let mut codes = vec![0; values.len().div_ceil(2)];
    let mut block_scales = Vec::with_capacity(values.len().div_ceil(BLOCK));
    for (block, bytes) in values.chunks(BLOCK).zip(codes.chunks_mut(BLOCK / 2)) {
        let largest = largest(block);
        block_scales.push(largest);
        let inverse = 1.0 / largest.max(f32::MIN_POSITIVE);
        for (pair, byte) in block.chunks(2).zip(bytes) {
            let code = |value: &f32| nearest(&bounds, value * inverse);
            // An odd end is filled with the code of zero.
            *byte = (code(&pair[0]) << 4) | pair.get(1).map_or(nearest(&bounds, 0.0), code);
        }
    }
    let (block_codes, scales) = quantise_scales(block_scales);
    PackedNf4 { codes, block_codes, scales }
}

/// The scales of blocks in 8 bits: less their mean, in blocks of 256, by the dynamic map.
fn quantise_scales(mut scales: Vec<f32>) -> (Vec<u8>, Vec<f32>) {
    let total: f64 = scales.iter().copied().map(f64::from).sum();
    #[expect(clippy::cast_possible_truncation, reason = "scales are 32-bit floats")]
    let offset = (total / scales.len().max(1) as f64) as f32;
    for scale in &mut scales {
        *scale -= offset;
    }
    let bounds = midpoints(dynamic_map());
    let mut codes = Vec::with_capacity(scales.len());
    let mut super_scales = Vec::with_capacity(scales.len().div_ceil(SUPER_BLOCK) + 1);
    for block in scales.chunks(SUPER_BLOCK) {
        let largest = largest(block);
        super_scales.push(largest);
        let inverse = 1.0 / largest.max(f32::MIN_POSITIVE);
        codes.extend(block.iter().map(|scale| nearest(&bounds, scale * inverse)));
    }
    super_scales.push(offset);
    (codes, super_scales)
}

/// Quantises each row to whole numbers from -127 to 127; the scale of a row is its largest number over 127.
pub(crate) fn quantise_int8(values: &[f32], inputs: usize) -> (Vec<i8>, Vec<f32>) {
    let mut codes = Vec::with_capacity(values.len());
    let mut scales = Vec::with_capacity(values.len() / inputs.max(1));
    for row in values.chunks(inputs.max(1)) {
        let largest = largest(row);
        scales.push(largest / 127.0);
        let inverse = 127.0 / largest.max(f32::MIN_POSITIVE);
        #[expect(clippy::cast_possible_truncation, reason = "the product is within 127 of 0")]
        codes.extend(row.iter().map(|value| (value * inverse).round_ties_even() as i8));
    }
    (codes, scales)
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// The numbers half-way between neighbours.
fn midpoints(values: &[f32]) -> Vec<f32> {
    values.windows(2).map(|pair| f32::midpoint(pair[0], pair[1])).collect()
}

/// The code of the nearest value; half-way it is the lower one.
#[expect(clippy::cast_possible_truncation, reason = "there are at most 256 values")]
fn nearest(bounds: &[f32], value: f32) -> u8 {
    bounds.partition_point(|bound| *bound < value) as u8
}

/// The 256 values of the signed 8-bit dynamic data type (Dettmers 2016, <https://arxiv.org/abs/1511.04561>), as
/// bitsandbytes builds them: with `i` leading zeros, `2^(6-i)` fractions between 0.1 and 1 of `10^-i`, of either sign; 0
/// and 1.
pub(crate) fn dynamic_map() -> &'static [f32] {
    static MAP: LazyLock<Vec<f32>> = LazyLock::new(|| {
        let mut values = vec![0.0, 1.0];
        for exponent in 0..7_i32 {
            #[expect(clippy::cast_possible_truncation, reason = "the values are 32-bit floats")]
            let scale = 10_f64.powi(exponent - 6) as f32;
            let bounds = tenth_to_one(1 << exponent);
            for mean in midpoints(&bounds) {
                values.extend([scale * mean, -scale * mean]);
            }
        }
        values.sort_by(f32::total_cmp);
        values
    });
    &MAP
}

/// `count + 1` evenly spread numbers from 0.1 to 1, counted from the nearer end.
fn tenth_to_one(count: u16) -> Vec<f32> {
    let step = 0.9 / f32::from(count);
    let at = |index: u16| {
        if index < count.div_ceil(2) {
            0.1 + step * f32::from(index)
        } else {
            1.0 - step * f32::from(count - index)
        }
    };
    (0..=count).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_the_code_book_keeps_its_code() {
        let bounds = midpoints(&NF4);
        let codes: Vec<u8> = NF4.iter().map(|value| nearest(&bounds, *value)).collect();
        assert_eq!(codes, (0..16).collect::<Vec<u8>>());
    }

    #[test]
    fn the_dynamic_map_has_256_ascending_values_with_zero_and_one() {
        let map = dynamic_map();
        assert_eq!(map.len(), 256);
        assert!(map.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(map.contains(&0.0) && map.last() == Some(&1.0));
        // The largest negative value: the last of 64 fractions, (0.9859375 + 1) / 2.
        assert!((map[0] + 0.992_968_75).abs() < 1e-6, "{}", map[0]);
    }

    #[test]
    fn codes_fill_a_byte_from_the_high_half() {
        let packed = quantise_nf4(&[-2.0, 2.0, 0.0]);
        assert_eq!(packed.codes, [0x0F, 0x77]);
        // One block: its scale is the mean, so nothing is left of it.
        assert_eq!(packed.block_codes.len(), 1);
        assert_eq!(packed.scales, [0.0, 2.0]);
    }

    #[test]
    fn rows_of_whole_numbers_round_to_even() {
        let (codes, scales) = quantise_int8(&[127.0, 0.5, -1.5, -254.0, 1.0, 0.0], 3);
        assert_eq!(codes, [127, 0, -2, -127, 0, 0]);
        assert_eq!(scales, [1.0, 2.0]);
    }

    #[test]
    fn zeros_stay_zeros() {
        let packed = quantise_nf4(&[0.0; 70]);
        assert!(packed.codes.iter().all(|byte| *byte == 0x77));
        assert_eq!(quantise_int8(&[0.0; 4], 2), (vec![0; 4], vec![0.0; 2]));
    }
}
