//! The decoder as a Burn module: fresh values, records, validation.

use burn::module::Module;
use burn::tensor::Device;
use forethought_model::{Decoder, DecoderConfig, pack};
use forethought_seed::Seed;

use crate::{logits, tiny_config, values};

const IDS: [u32; 4] = [1, 2, 3, 4];

fn decoder(seed: u64, device: &Device) -> Decoder {
    Decoder::init(&tiny_config(), Seed::new(seed), device)
}

#[test]
fn fresh_values_depend_on_seed_and_name_not_on_the_other_parameters() {
    let device = Device::flex();
    let deeper = DecoderConfig { num_hidden_layers: 3, tie_word_embeddings: true, ..tiny_config() };
    let deeper = Decoder::init(&deeper, Seed::new(1), &device);
    let first = |decoder: &Decoder| values(decoder.hidden_states(&pack(&[&IDS]).tokens)[1].clone());
    assert_eq!(first(&decoder(1, &device)), first(&deeper));
    assert_ne!(first(&decoder(1, &device)), first(&decoder(2, &device)));
}

#[test]
fn a_record_restores_every_parameter() {
    let device = Device::flex();
    let (source, target) = (decoder(1, &device), decoder(2, &device));
    let expected = values(logits(&source, &IDS));
    let restored = target.load_record(source.into_record());
    assert_eq!(values(logits(&restored, &IDS)), expected);
}

#[test]
fn validation_tracks_no_gradient_and_training_comes_back() {
    let tracked = decoder(1, &Device::flex().autodiff());
    let plain = tracked.valid();
    assert!(!logits(&plain, &IDS).is_autodiff());
    assert_eq!(values(logits(&plain, &IDS)), values(logits(&tracked, &IDS)));
    let again = plain.train();
    assert!(logits(&again, &IDS).is_require_grad() || logits(&again, &IDS).is_autodiff());
    let forked = tracked.fork(&Device::flex());
    assert_eq!(values(logits(&forked, &IDS)), values(logits(&plain_of(&forked), &IDS)));
}

fn plain_of(decoder: &Decoder) -> Decoder {
    decoder.valid()
}

#[test]
fn the_default_tiny_model_has_the_parameters_it_should_have() {
    // Embedding, 4 layers of attention (with biases), feed-forward and two norms, one last norm.
    let config = DecoderConfig {
        vocab_size: 2048,
        hidden_size: 128,
        intermediate_size: 384,
        num_hidden_layers: 4,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        tie_word_embeddings: true,
        ..DecoderConfig::default()
    };
    let attention = 128 * 128 * 2 + 2 * 128 * 64 + 128 + 2 * 64;
    let expected = 2048 * 128 + 4 * (attention + 3 * 128 * 384 + 2 * 128) + 128;
    let decoder = Decoder::init(&config, Seed::new(0), &Device::flex());
    assert_eq!(decoder.num_params(), expected);
}

#[test]
#[should_panic(expected = "token id 40 in a vocabulary of 40")]
fn a_token_outside_the_vocabulary_is_refused() {
    let _ = logits(&decoder(1, &Device::flex()), &[39, 40]);
}

#[test]
#[should_panic(expected = "num_key_value_heads must be a divisor of num_attention_heads, got 3")]
fn a_configuration_out_of_range_makes_no_model() {
    let config = DecoderConfig { num_key_value_heads: 3, ..tiny_config() };
    let _ = Decoder::init(&config, Seed::new(0), &Device::flex());
}
