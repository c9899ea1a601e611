//! The decoder against transformers, PEFT and TRL, and against itself computed in another way.

mod adapters;
mod cache;
mod folders;
mod freeze;
mod goldens;
mod gradients;
mod hostile;
mod hostile_adapters;
#[cfg(feature = "hub")]
mod hub;
#[cfg(feature = "hub")]
#[allow(dead_code, reason = "one server for the tests of several crates")]
#[path = "../../../hub/tests/support/server.rs"]
mod hub_server;
mod modules;
mod packed;
mod peft;
mod quantised;
mod saving;
mod scores;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Int, Tensor, TensorData};
use forethought_model::{Decoder, DecoderConfig, load, pack};
use safetensors::SafeTensors;
use serde_json::Value;

/// What 32-bit arithmetic in another order may change in a logit.
const LOGITS: f32 = 5e-5;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn load_fixture(name: &str, device: &Device) -> Decoder {
    load(&fixtures().join("models").join(name), device).expect("the fixture loads").decoder
}

fn tiny_config() -> DecoderConfig {
    DecoderConfig {
        vocab_size: 40,
        hidden_size: 16,
        intermediate_size: 24,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        initializer_range: 0.3,
        ..DecoderConfig::default()
    }
}

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    serde_json::from_str(&text).expect("the fixture is JSON")
}

fn sequences(golden: &Value) -> Vec<Vec<u32>> {
    serde_json::from_value(golden["ids"].clone()).expect("lists of ids")
}

/// All tensors of a file of 32-bit floats.
fn tensors(path: &Path) -> BTreeMap<String, Vec<f32>> {
    let bytes = std::fs::read(path).expect("the fixture is there");
    let file = SafeTensors::deserialize(&bytes).expect("the fixture is a safetensors file");
    let values = |data: &[u8]| {
        data.chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect()
    };
    file.iter().map(|(name, view)| (name.to_owned(), values(view.data()))).collect()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn index(values: &[usize], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i64> =
        values.iter().map(|value| i64::try_from(*value).expect("small")).collect();
    Tensor::from_data(TensorData::new(values.clone(), [values.len()]), device)
}

/// Logits of one sequence alone, `[token, vocab]`.
fn logits(decoder: &Decoder, sequence: &[u32]) -> Tensor<2> {
    decoder.logits(decoder.forward(&pack(&[sequence]).tokens, None))
}

#[track_caller]
fn assert_close(actual: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(actual.len(), expected.len(), "numbers of values");
    let differences =
        actual.iter().zip(expected).map(|(actual, expected)| (actual - expected).abs());
    let largest = differences.fold(0.0, |largest: f32, difference| {
        if difference.is_nan() { f32::INFINITY } else { largest.max(difference) }
    });
    assert!(largest <= tolerance, "values differ by {largest}, more than {tolerance}");
}
