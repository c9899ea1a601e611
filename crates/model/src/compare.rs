//! How far two decoders are apart.

use burn::tensor::Tensor;
use forethought_seed::Seed;
use rand::Rng;

use crate::decoder::Decoder;
use crate::packing::pack;

/// Sequences of random tokens that are compared, and tokens of each.
const SEQUENCES: usize = 4;
const LENGTH: usize = 32;

/// The largest absolute difference of a logit between two decoders, over four sequences of 32 random tokens. Infinite if
/// one of them gives something that is not a number.
///
/// # Panics
///
/// If the decoders differ in their vocabulary.
#[must_use]
pub fn largest_logit_difference(one: &Decoder, other: &Decoder, seed: Seed) -> f32 {
    let vocab = one.config().vocab_size;
    assert_eq!(vocab, other.config().vocab_size, "sizes of the vocabularies");
    let mut largest = 0f32;
    for sequence in 0..SEQUENCES {
        let mut random = seed.stream("tokens to compare decoders", &[sequence as u64]);
        let ids: Vec<u32> = (0..LENGTH).map(|_| below(vocab, random.next_u32())).collect();
        let tokens = pack(&[&ids]).tokens;
        let logits = |decoder: &Decoder| -> Tensor<2> {
            decoder.logits(decoder.forward(&tokens, None)).without_autodiff()
        };
        // On the host, for the maximum of a tensor passes NaN over.
        for difference in (logits(one) - logits(other)).into_data().iter::<f32>() {
            let size = if difference.is_nan() { f32::INFINITY } else { difference.abs() };
            largest = largest.max(size);
        }
    }
    largest
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
            |other: &Decoder| largest_logit_difference(&decoder(1), other, Seed::new(3));
        assert!(difference(&decoder(1)).abs() < f32::EPSILON);
        assert!(0.1 < difference(&decoder(2)));
        let adapted = decoder(1).with_lora(&LoraConfig::default(), Seed::new(1), &device);
        assert!(difference(&adapted.expect("valid").merge()) < 1e-5);
        let broken = DecoderConfig { initializer_range: 1e300, ..config.clone() };
        let broken = Decoder::init(&broken, Seed::new(1), &device);
        assert!(difference(&broken).is_infinite());
    }
}
