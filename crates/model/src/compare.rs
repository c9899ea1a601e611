//! How far two decoders are apart.

use burn::tensor::Tensor;
use forethought_seed::Seed;
use rand::Rng;

use crate::decoder::Decoder;
use crate::packing::pack;

/// Sequences of random tokens that are compared, and tokens of each.
const SEQUENCES: usize = 4;
const LENGTH: usize = 32;

/// How far the logits of two decoders are apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogitDifference {
    /// The largest absolute difference; infinite if one of them gives something that is not a number.
    pub largest: f32,
    /// The largest absolute logit of the first one.
    pub scale: f32,
}

impl LogitDifference {
    /// The largest difference as a share of the largest logit, and as it is where all logits are below 1.
    ///
    /// Rounding grows with the numbers: PEFT's own `merge_and_unload` moves logits of `SmolLM2-135M`, which reach 33, by
    /// 7e-5 to 8e-3.
    #[must_use]
    pub fn relative(&self) -> f32 {
        self.largest / self.scale.max(1.0)
    }
}

/// The difference of two decoders over four sequences of 32 random tokens.
///
/// # Panics
///
/// If the decoders differ in their vocabulary.
#[must_use]
pub fn logit_difference(one: &Decoder, other: &Decoder, seed: Seed) -> LogitDifference {
    let vocab = one.config().vocab_size;
    assert_eq!(vocab, other.config().vocab_size, "sizes of the vocabularies");
    let mut found = LogitDifference { largest: 0.0, scale: 0.0 };
    for sequence in 0..SEQUENCES {
        let mut random = seed.stream("tokens to compare decoders", &[sequence as u64]);
        let ids: Vec<u32> = (0..LENGTH).map(|_| below(vocab, random.next_u32())).collect();
        let tokens = pack(&[&ids]).tokens;
        let logits = |decoder: &Decoder| -> Tensor<2> {
            decoder.logits(decoder.forward(&tokens, None)).without_autodiff()
        };
        let (one, other) = (logits(one), logits(other));
        found.scale = found.scale.max(largest_size(one.clone()));
        found.largest = found.largest.max(largest_size(one - other));
    }
    found
}

/// On the host, for the maximum of a tensor passes NaN over.
fn largest_size(numbers: Tensor<2>) -> f32 {
    let sizes = numbers.into_data().iter::<f32>().map(f32::abs).collect::<Vec<_>>();
    sizes
        .iter()
        .fold(0.0, |largest, size| if size.is_nan() { f32::INFINITY } else { size.max(largest) })
}

/// A random number below `limit`, from 32 random bits.
fn below(limit: usize, bits: u32) -> u32 {
    let scaled = (u64::from(bits) * limit as u64) >> 32;
    u32::try_from(scaled).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{DecoderConfig, LoraConfig};

    #[test]
    fn random_tokens_fill_the_vocabulary_and_stay_in_it() {
        assert_eq!((below(10, 0), below(10, u32::MAX), below(1, u32::MAX)), (0, 9, 0));
    }

    #[test]
    fn a_decoder_equals_itself_and_differs_from_another_and_from_its_own_with_nan() {
        let config = DecoderConfig {
            vocab_size: 16,
            hidden_size: 8,
            intermediate_size: 8,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            num_key_value_heads: 1,
            initializer_range: 0.5,
            ..DecoderConfig::default()
        };
        let device = Device::flex();
        let decoder = |seed| Decoder::init(&config, Seed::new(seed), &device);
        let difference =
            |other: &Decoder| logit_difference(&decoder(1), other, Seed::new(3)).largest;
        assert!(difference(&decoder(1)).abs() < f32::EPSILON);
        assert!(0.1 < difference(&decoder(2)));
        let adapted = decoder(1).with_lora(&LoraConfig::default(), Seed::new(1), &device);
        assert!(difference(&adapted.expect("valid").merge()) < 1e-5);
        let broken = DecoderConfig { initializer_range: 1e300, ..config.clone() };
        let broken = Decoder::init(&broken, Seed::new(1), &device);
        assert!(difference(&broken).is_infinite());
    }

    #[test]
    fn a_difference_is_judged_by_the_size_of_the_logits() {
        let relative = |largest, scale| LogitDifference { largest, scale }.relative();
        assert!((relative(3e-4, 30.0) - 1e-5).abs() < 1e-9);
        assert!((relative(3e-4, 0.1) - 3e-4).abs() < 1e-9);
        assert!(relative(f32::INFINITY, 30.0).is_infinite());
        assert!(relative(f32::INFINITY, f32::INFINITY).is_nan());
    }
}
