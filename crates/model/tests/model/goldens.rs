//! Logits, log-probabilities, hidden states and greedy tokens of transformers.

use burn::tensor::{Device, FloatDType};
use forethought_model::{Decoder, LoraConfig, ScoredRow, pack};
use forethought_seed::Seed;

use crate::gradients::gradient_norms;
use crate::{
    LOGITS, assert_close, fixtures, index, json, load_fixture, logits, sequences, tensors, values,
};

/// Token ids between two that the fixtures keep.
const STRIDE: usize = 37;

/// Compares everything that the fixture `name` holds of each sequence computed alone.
pub(crate) fn assert_equals_transformers(decoder: &Decoder, name: &str, tolerance: f32) {
    let golden = json(&fixtures().join(format!("forward/{name}.json")));
    let expected = tensors(&fixtures().join(format!("forward/{name}.safetensors")));
    for (i, ids) in sequences(&golden).iter().enumerate() {
        let expected = |key: &str| expected[&format!("{i}.{key}")].as_slice();
        let actual = values(logits(decoder, ids)); // [token, vocab]
        let vocab = decoder.config().vocab_size;
        let last = &actual[(ids.len() - 1) * vocab..];
        let some: Vec<f32> =
            actual.chunks(vocab).flat_map(|row| row.iter().step_by(STRIDE).copied()).collect();
        assert_close(last, expected("last_logits"), tolerance);
        assert_close(&some, expected("some_logits"), tolerance);
        // Padded batches give the same numbers, so rows without padding replace them all.
        assert_close(last, expected("left"), tolerance);
        assert_close(last, expected("right"), tolerance);
    }
    assert_log_probs_equal(decoder, name, tolerance);
}

fn assert_log_probs_equal(decoder: &Decoder, name: &str, tolerance: f32) {
    let golden = json(&fixtures().join(format!("forward/{name}.json")));
    let expected = tensors(&fixtures().join(format!("forward/{name}.safetensors")));
    for (i, ids) in sequences(&golden).iter().enumerate() {
        let expected = &expected[&format!("{i}.logprobs")];
        assert_close(&log_probs(decoder, ids), expected, tolerance);
    }
}

/// Log-probability of each token but the first.
fn log_probs(decoder: &Decoder, ids: &[u32]) -> Vec<f32> {
    let targets: Vec<usize> = ids[1..].iter().map(|id| *id as usize).collect();
    let hidden = decoder.forward(&pack(&[ids]).tokens, None).narrow(0, 0, targets.len());
    let targets = index(&targets, &decoder.device());
    values(decoder.score(hidden, targets, 1.0).log_probs)
}

#[test]
fn a_tied_model_equals_transformers() {
    assert_equals_transformers(&load_fixture("tiny-qwen2", &Device::flex()), "tiny-qwen2", LOGITS);
}

#[test]
fn an_untied_model_equals_transformers() {
    let decoder = load_fixture("tiny-qwen2-untied", &Device::flex());
    assert_equals_transformers(&decoder, "tiny-qwen2-untied", LOGITS);
}

#[test]
fn a_sharded_model_equals_transformers() {
    let decoder = load_fixture("tiny-qwen2-sharded", &Device::flex());
    assert_equals_transformers(&decoder, "tiny-qwen2", LOGITS);
}

/// The states are those of transformers' eager attention; on Flex every rounding is at the same place.
#[test]
fn a_bfloat16_model_equals_transformers_computing_in_32_bits_and_in_16() {
    let decoder = load_fixture("tiny-qwen2-bf16", &Device::flex());
    assert_equals_transformers(&decoder, "tiny-qwen2-bf16-weights-fp32-compute", LOGITS);
    let half = decoder.cast(FloatDType::BF16);
    assert_equals_transformers(&half, "tiny-qwen2-bf16", LOGITS);
}

#[test]
fn an_adapter_on_a_bfloat16_base_has_gradients_in_32_bits_and_the_base_none() {
    let device = Device::flex().autodiff();
    let decoder = load_fixture("tiny-qwen2-bf16", &device).cast(FloatDType::BF16);
    let config = LoraConfig::default();
    let decoder = decoder.with_lora(&config, Seed::new(1), &device).expect("an adapter");
    let scores = ScoredRow::new(&[(&[5, 6, 7, 8], 1)]).scores(&decoder, 1.0, None);
    let norms = gradient_norms(&decoder, &scores.log_probs.mean().backward());
    assert!(norms.keys().all(|name| name.contains("adapter")), "{norms:?}");
    // The second factor starts at 0, so that only it has a gradient other than 0 at first.
    let of_second = norms.iter().filter(|(name, _)| name.ends_with("adapter.b"));
    assert!(of_second.clone().count() > 0 && of_second.clone().all(|(_, norm)| *norm > 0.0));
}

#[test]
fn a_model_with_gradients_computes_the_same() {
    let decoder = load_fixture("tiny-qwen2", &Device::flex().autodiff());
    assert_equals_transformers(&decoder, "tiny-qwen2", LOGITS);
}

#[test]
fn hidden_states_of_every_layer_equal_transformers() {
    assert_hidden_states_equal("tiny-qwen2");
}

fn assert_hidden_states_equal(name: &str) {
    let decoder = load_fixture(name, &Device::flex());
    let golden = json(&fixtures().join(format!("forward/{name}.json")));
    let expected = tensors(&fixtures().join(format!("forward/{name}.safetensors")));
    for (i, ids) in sequences(&golden).iter().enumerate() {
        let states = decoder.hidden_states(&pack(&[ids]).tokens);
        assert_eq!(states.len(), 3);
        for (k, state) in states.into_iter().enumerate() {
            let ends = state.select(0, index(&[0, ids.len() - 1], &Device::flex())); // [2, hidden]
            assert_close(&values(ends), &expected[&format!("{i}.hidden.{k}")], LOGITS);
        }
    }
}

#[test]
fn the_entropy_after_the_last_token_equals_transformers() {
    let decoder = load_fixture("tiny-qwen2", &Device::flex());
    let golden = json(&fixtures().join("forward/tiny-qwen2.json"));
    let expected: Vec<f32> =
        serde_json::from_value(golden["entropy_last"].clone()).expect("numbers");
    for (ids, expected) in sequences(&golden).iter().zip(expected) {
        let hidden = decoder.forward(&pack(&[ids]).tokens, None).narrow(0, ids.len() - 1, 1);
        let scores = decoder.score(hidden, index(&[0], &Device::flex()), 1.0);
        assert_close(&values(scores.entropy), &[expected], LOGITS);
    }
}

#[test]
fn every_family_equals_transformers() {
    for name in ["tiny-qwen3", "tiny-llama", "tiny-llama-plain"] {
        assert_equals_transformers(&load_fixture(name, &Device::flex()), name, LOGITS);
        assert_hidden_states_equal(name);
    }
}
