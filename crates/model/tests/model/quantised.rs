//! Decoders in few bits: what they compute, what of them is trained, what of them survives.

use burn::module::Module;
use burn::tensor::Device;
use forethought_model::{
    AttentionPlan, Decoder, DecoderConfig, FreezeConfig, FreezeError, LoraConfig, LoraError,
    PackedTokens, Quantisation, Segment, load_adapter, load_quantised, pack, save_adapter,
};
use forethought_seed::Seed;

use crate::gradients::gradient_norms;
use crate::{assert_close, fixtures, load_fixture, logits, tensors, tiny_config, values};

const KINDS: [Quantisation; 2] = [Quantisation::Nf4, Quantisation::Int8];
const IDS: [u32; 6] = [3, 1, 4, 1, 5, 9];

fn decoder(device: &Device) -> Decoder {
    Decoder::init(&tiny_config(), Seed::new(1), device)
}

fn with_adapter(base: Decoder, config: &LoraConfig, device: &Device) -> Decoder {
    base.with_lora(config, Seed::new(2), device).expect("the configuration is valid")
}

#[test]
fn a_quantised_decoder_computes_what_its_dequantised_weights_compute() {
    for kind in KINDS {
        let quantised = decoder(&Device::flex()).quantise(kind);
        assert_eq!(quantised.quantisation(), Some(kind));
        let dense = quantised.clone().merge();
        assert_eq!(dense.quantisation(), None);
        assert_close(&values(logits(&quantised, &IDS)), &values(logits(&dense, &IDS)), 1e-5);
    }
}

#[test]
fn a_folder_is_quantised_while_it_is_read() {
    let device = Device::flex();
    for (name, kind) in [("tiny-qwen2", KINDS[0]), ("tiny-qwen2-sharded", KINDS[1])] {
        let read = load_quantised(&fixtures().join("models").join(name), kind, &device);
        let read = read.expect("it loads").decoder;
        assert_eq!(read.quantisation(), Some(kind));
        let expected = load_fixture(name, &device).quantise(kind);
        assert_eq!(values(logits(&read, &IDS)), values(logits(&expected, &IDS)));
    }
}

/// Each linear weight of the layers went through bitsandbytes, the rest of the model is transformers'. Of the 1,152 block
/// scales of these weights, bitsandbytes' CPU library gives two the code next to the nearest one (their distances differ
/// by 3e-6); its versions for other devices, and this crate, take the nearest.
#[test]
fn logits_equal_those_of_weights_that_bitsandbytes_quantised() {
    let device = Device::flex();
    let golden = tensors(&fixtures().join("forward/quantised.safetensors"));
    let last = |decoder: &Decoder| {
        let [tokens, _] = logits(decoder, &IDS).dims();
        values(logits(decoder, &IDS).narrow(0, tokens - 1, 1))
    };
    let exact = last(&load_fixture("tiny-qwen2", &device));
    let cases = [("nf4", Quantisation::Nf4, 5e-3), ("int8", Quantisation::Int8, 1e-4)];
    for (name, kind, tolerance) in cases {
        let found = last(&load_fixture("tiny-qwen2", &device).quantise(kind));
        assert_close(&found, &golden[name], tolerance);
        let differences = found.iter().zip(&exact).map(|(found, exact)| (found - exact).abs());
        assert!(0.02 < differences.fold(0.0, f32::max), "{name} lost nothing");
    }
}

/// Of the adapter over the quantised base and over its dequantised weights.
#[test]
fn gradients_of_an_adapter_equal_those_over_the_dequantised_weights() {
    let device = Device::flex().autodiff();
    for kind in KINDS {
        for use_dora in [false, true] {
            let config = LoraConfig { use_dora, ..LoraConfig::default() };
            let quantised = decoder(&device).quantise(kind);
            let dense = with_adapter(quantised.clone().merge(), &config, &device);
            let quantised = with_adapter(quantised, &config, &device);
            let norms = |decoder: &Decoder| {
                gradient_norms(decoder, &logits(decoder, &IDS).powi_scalar(2).sum().backward())
            };
            let (found, expected) = (norms(&quantised), norms(&dense));
            assert_eq!(found.len(), 2 * 7 * if use_dora { 3 } else { 2 });
            assert!(found.keys().eq(expected.keys()), "only the adapter is trained");
            for (name, expected) in expected {
                let difference = (found[&name] - expected).abs();
                assert!(difference <= 1e-4 * expected + 1e-6, "{name}: {difference}");
            }
        }
    }
}

#[test]
fn an_adapter_is_written_beside_a_quantised_base_and_folded_into_it() {
    for kind in KINDS {
        let device = Device::flex();
        let load = |name: &str| {
            let base = load_fixture("tiny-qwen2", &device).quantise(kind);
            load_adapter(base, &fixtures().join("adapters").join(name), &device).expect("it loads")
        };
        for name in ["lora", "dora"] {
            let adapted = load(name);
            let expected = values(logits(&adapted, &IDS));
            assert_close(&values(logits(&adapted.clone().merge(), &IDS)), &expected, 5e-5);
            let dir = tempfile::tempdir().expect("a folder");
            save_adapter(&adapted, dir.path()).expect("it is written");
            let base = load_fixture("tiny-qwen2", &device).quantise(kind);
            let again = load_adapter(base, dir.path(), &device).expect("it is read");
            assert_eq!(values(logits(&again, &IDS)), expected);
        }
    }
}

#[test]
fn a_record_validation_and_a_fork_keep_a_quantised_decoder() {
    for kind in KINDS {
        let device = Device::flex().autodiff();
        let config = LoraConfig::default();
        let source = with_adapter(decoder(&device).quantise(kind), &config, &device);
        let expected = values(logits(&source, &IDS));
        let plain = source.valid();
        assert!(!logits(&plain, &IDS).is_autodiff());
        assert_eq!(values(logits(&plain, &IDS)), expected);
        let again = plain.train();
        let gradients = logits(&again, &IDS).sum().backward();
        assert_eq!(gradient_norms(&again, &gradients).len(), 2 * 7 * 2);
        assert_eq!(values(logits(&again.fork(&Device::flex()), &IDS)), expected);
        let other = Decoder::init(&tiny_config(), Seed::new(7), &device).quantise(kind);
        let restored = with_adapter(other, &config, &device).load_record(source.into_record());
        assert_eq!(values(logits(&restored, &IDS)), expected);
    }
}

/// What sampling does: a prompt into the cache, then token by token, with the live adapter.
#[test]
fn cached_decoding_from_a_quantised_base_equals_the_full_forward_pass() {
    for kind in KINDS {
        let device = Device::flex();
        let base = load_fixture("tiny-qwen2", &device).quantise(kind);
        let decoder = load_adapter(base, &fixtures().join("adapters/dora"), &device);
        let decoder = decoder.expect("it loads").valid();
        let ids = [3, 1, 4, 1, 5];
        let full = decoder.forward(&pack(&[&ids]).tokens, None); // [5, hidden]
        let mut cache = decoder.cache(ids.len());
        for (position, id) in ids.iter().enumerate() {
            let context = (0 < position).then_some(0..position).into_iter().collect();
            let segment = Segment { queries: 0..1, context, own: position };
            let tokens = PackedTokens {
                ids: vec![*id],
                positions: vec![u32::try_from(position).expect("small")],
                plan: AttentionPlan::new(1, ids.len(), vec![segment]),
            };
            let step = decoder.forward(&tokens, Some(&mut cache));
            let expected = full.clone().narrow(0, position, 1);
            assert_close(&values(step), &values(expected), 5e-5);
        }
    }
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let device = Device::flex();
    let quantised = decoder(&device).quantise(Quantisation::Nf4);
    let modules_to_save = vec!["layers.1.mlp".to_owned()];
    let config = LoraConfig { modules_to_save, ..LoraConfig::default() };
    let error = quantised.clone().with_lora(&config, Seed::new(0), &device);
    let path = "model.layers.1.mlp.gate_proj".to_owned();
    assert_eq!(error.expect_err("it is frozen"), LoraError::Quantised(path));
    let error = quantised.train_layers(&FreezeConfig::default());
    assert_eq!(error.expect_err("they are frozen"), FreezeError::Quantised);
}

#[test]
fn a_quantised_layer_takes_an_eighth_and_a_quarter_of_its_memory() {
    let config = DecoderConfig {
        vocab_size: 64,
        hidden_size: 256,
        intermediate_size: 512,
        num_hidden_layers: 1,
        num_attention_heads: 4,
        num_key_value_heads: 4,
        ..DecoderConfig::default()
    };
    let bytes = |kind| {
        let decoder = Decoder::init(&config, Seed::new(0), &Device::flex()).quantise(kind);
        decoder.quantised_bytes() as f64 * 8.0 / (4.0 * 256.0 * 256.0 + 3.0 * 256.0 * 512.0)
    };
    assert!((bytes(Quantisation::Nf4) - 4.13).abs() < 0.01, "{}", bytes(Quantisation::Nf4));
    assert!((bytes(Quantisation::Int8) - 8.11).abs() < 0.02, "{}", bytes(Quantisation::Int8));
}
