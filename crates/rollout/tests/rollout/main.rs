//! Completions against transformers, against the model's own scores, and against other ways to compute them.

mod distribution;
mod ending;
mod generation;
mod upstream;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use forethought_model::{Decoder, load};
use serde_json::Value;

/// Models and adapters, which the model crate keeps.
fn fixtures_of_model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/fixtures")
}

fn model() -> Decoder {
    let dir = fixtures_of_model().join("models/tiny-qwen2");
    load(&dir, &Device::flex()).expect("the fixture loads").decoder
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(path).expect("the fixture is there")
}

fn golden() -> Value {
    serde_json::from_slice(&fixture("tiny-qwen2.json")).expect("the fixture is JSON")
}

/// Lists of token ids under a key of the golden file.
fn ids(key: &str) -> Vec<Vec<u32>> {
    serde_json::from_value(golden()[key].clone()).expect("lists of ids")
}
