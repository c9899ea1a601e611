//! Folders that are written with options: types, shards, and what is carried over.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use forethought_model::{Decoder, SaveOptions, WeightType, load, save, save_with};
use serde_json::Value;

use crate::{LOGITS, assert_close, json, load_fixture, logits, values};

const IDS: [u32; 5] = [7, 8, 9, 10, 11];

const FAMILIES: [&str; 4] = ["tiny-qwen2-untied", "tiny-qwen3", "tiny-llama", "tiny-llama-plain"];

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a folder");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> = entries.map(|entry| name(entry.expect("an entry"))).collect();
    names.sort();
    names
}

fn reloaded(dir: &Path) -> Decoder {
    load(dir, &Device::flex()).expect("it is read").decoder
}

#[test]
fn every_family_comes_back_bit_by_bit_from_one_file_and_from_shards() {
    for name in FAMILIES {
        let decoder = load_fixture(name, &Device::flex());
        for max_shard_bytes in [u64::MAX, 100_000] {
            let dir = tempfile::tempdir().expect("a folder");
            let options = SaveOptions { max_shard_bytes, ..SaveOptions::default() };
            save_with(&decoder, dir.path(), &options).expect("it is written");
            let again = reloaded(dir.path());
            assert_eq!(values(logits(&again, &IDS)), values(logits(&decoder, &IDS)), "{name}");
            assert_eq!(again.config().rope_scaling, decoder.config().rope_scaling);
        }
    }
}

#[test]
fn shards_are_no_larger_than_asked_and_their_index_adds_up() {
    let decoder = load_fixture("tiny-qwen3", &Device::flex());
    let dir = tempfile::tempdir().expect("a folder");
    let max_shard_bytes = 140_000; // the embedding alone has 131,072 bytes
    let options = SaveOptions { dtype: WeightType::Bf16, max_shard_bytes, companions: None };
    save_with(&decoder, dir.path(), &options).expect("it is written");
    let index = json(&dir.path().join("model.safetensors.index.json"));
    let map = index["weight_map"].as_object().expect("an object");
    let mut files: Vec<&str> = map.values().filter_map(Value::as_str).collect();
    files.sort_unstable();
    files.dedup();
    let count = files.len();
    assert!(count > 2, "{count} shards");
    let mut total = 0;
    for (position, file) in files.iter().enumerate() {
        assert_eq!(*file, format!("model-{:05}-of-{count:05}.safetensors", position + 1));
        let bytes = fs::read(dir.path().join(file)).expect("the shard is there");
        let header = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
        assert_eq!(header % 8, 0, "the tensors are aligned");
        let data = bytes.len() as u64 - 8 - header;
        assert!(data <= max_shard_bytes, "{file} has {data} bytes");
        total += data;
        let file = safetensors::SafeTensors::deserialize(&bytes).expect("it is valid");
        assert!(file.iter().all(|(_, view)| view.dtype() == safetensors::Dtype::BF16));
    }
    assert_eq!(index["metadata"]["total_size"], total);
    assert_eq!(json(&dir.path().join("config.json"))["torch_dtype"], "bfloat16");
}

#[test]
fn sixteen_bits_round_each_weight_to_the_nearest() {
    let decoder = load_fixture("tiny-llama", &Device::flex());
    for (dtype, tolerance) in [(WeightType::Bf16, 1.0 / 256.0), (WeightType::F16, 1.0 / 2048.0)] {
        let dir = tempfile::tempdir().expect("a folder");
        let options = SaveOptions { dtype, ..SaveOptions::default() };
        save_with(&decoder, dir.path(), &options).expect("it is written");
        let (whole, half) = (values(decoder.head()), values(reloaded(dir.path()).head()));
        assert_ne!(whole, half);
        for (whole, half) in whole.iter().zip(&half) {
            // Half a unit in the last place; below 2^-14 halves of 11 bits lose precision.
            let allowed = (tolerance * whole.abs()).max(6e-8);
            assert!((whole - half).abs() <= allowed, "{whole} became {half}");
        }
    }
}

#[test]
fn a_weight_that_does_not_fit_is_refused_and_nothing_is_left() {
    let device = Device::flex();
    let decoder = load_fixture("tiny-llama", &device);
    let config =
        forethought_model::DecoderConfig { initializer_range: 1e6, ..decoder.config().clone() };
    let huge = Decoder::init(&config, forethought_seed::Seed::new(1), &device);
    let dir = tempfile::tempdir().expect("a folder");
    let options = SaveOptions { dtype: WeightType::F16, ..SaveOptions::default() };
    let message = save_with(&huge, dir.path(), &options).expect_err("too large").to_string();
    assert!(message.starts_with("model.embed_tokens.weight holds "), "{message}");
    assert!(message.ends_with(", which does not fit float16"), "{message}");
    assert_eq!(names(dir.path()), [""; 0]);
}

#[test]
fn tokenizer_and_generation_config_are_carried_over_byte_for_byte() {
    let (source, dir) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("one"));
    let carried = [("generation_config.json", "{ \"x\" :1}"), ("tokenizer.json", "\u{0}\r\n")];
    for (name, text) in carried.into_iter().chain([("README.md", "no"), ("optimizer.pt", "no")]) {
        fs::write(source.path().join(name), text).expect("written");
    }
    let decoder = load_fixture("tiny-qwen2", &Device::flex());
    let companions = Some(source.path().to_owned());
    let options = SaveOptions { companions, ..SaveOptions::default() };
    save_with(&decoder, dir.path(), &options).expect("it is written");
    let expected = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];
    assert_eq!(names(dir.path()), expected);
    for (name, text) in carried {
        assert_eq!(fs::read_to_string(dir.path().join(name)).expect("carried"), text);
    }
}

#[test]
fn weights_of_an_earlier_model_do_not_stay() {
    let dir = tempfile::tempdir().expect("a folder");
    let shards = SaveOptions { max_shard_bytes: 100_000, ..SaveOptions::default() };
    let (first, second) = ("tiny-qwen2-untied", "tiny-qwen2");
    let (first, second) =
        (load_fixture(first, &Device::flex()), load_fixture(second, &Device::flex()));
    save_with(&first, dir.path(), &shards).expect("written");
    fs::write(dir.path().join("model-notes.safetensors"), "mine").expect("written");
    save(&second, dir.path()).expect("written");
    let left = ["config.json", "model-notes.safetensors", "model.safetensors"];
    assert_eq!(names(dir.path()), left);
    save_with(&first, dir.path(), &shards).expect("written");
    assert!(!dir.path().join("model.safetensors").exists());
    let again = reloaded(dir.path());
    assert_close(&values(logits(&again, &IDS)), &values(logits(&first, &IDS)), LOGITS);
}
