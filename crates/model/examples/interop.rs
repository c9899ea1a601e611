//! Writes folders of every kind that this crate writes, and what it computes with them, for `tests/interop/compare.py`:
//! `cargo run --package forethought-model --example interop -- DIR`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use forethought_model::{
    Decoder, SaveOptions, ScoreModel, WeightType, load, load_adapter, load_score_adapter,
    load_score_model, pack, save_adapter, save_score_adapter, save_score_model, save_with,
};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

/// Sequences of different lengths; the second one is the longest that the tiny models were made for.
const SEQUENCES: [&[u32]; 3] = [&[5, 6, 7], &[1, 22, 333, 640, 12, 9, 77, 78], &[659, 4]];

/// Name, model of the fixtures, type of the weights, most bytes of a shard.
const DECODERS: [(&str, &str, WeightType, u64); 7] = [
    ("qwen2", "tiny-qwen2", WeightType::F32, u64::MAX),
    ("qwen2-shards", "tiny-qwen2-untied", WeightType::F32, 200_000),
    ("qwen2-bf16-shards", "tiny-qwen2", WeightType::Bf16, 100_000),
    ("qwen3", "tiny-qwen3", WeightType::F32, u64::MAX),
    ("llama3", "tiny-llama", WeightType::F32, u64::MAX),
    ("llama", "tiny-llama-plain", WeightType::F32, u64::MAX),
    ("llama-f16", "tiny-llama", WeightType::F16, u64::MAX),
];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let out = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: interop DIR")?);
    let device = Device::flex();
    let mut cases = Vec::new();
    for (name, fixture, dtype, max_shard_bytes) in DECODERS {
        let options = SaveOptions { dtype, max_shard_bytes, companions: None };
        save_with(&decoder(fixture, &device)?, &out.join(name), &options)?;
        // What was written may be rounded; what it computes is compared.
        write_logits(&load(&out.join(name), &device)?.decoder, &out, name)?;
        cases.push(json!({ "kind": "decoder", "name": name, "dtype": dtype.name() }));
    }
    cases.extend(write_adapters(&out, &device)?);
    cases.push(write_score_model(&out, &device)?);
    let cases = json!({ "sequences": SEQUENCES, "cases": cases });
    Ok(std::fs::write(out.join("cases.json"), cases.to_string())?)
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn decoder(fixture: &str, device: &Device) -> Result<Decoder> {
    Ok(load(&fixtures().join("models").join(fixture), device)?.decoder)
}

/// The folder in which the model of a fixture was written in 32-bit floats.
fn folder_of(fixture: &str) -> Result<&'static str> {
    let is_it =
        |(_, of, dtype, _): &&(_, &str, WeightType, _)| *of == fixture && *dtype == WeightType::F32;
    let found = DECODERS.iter().find(is_it).map(|(name, ..)| *name);
    found.ok_or_else(|| format!("{fixture} is not written").into())
}

/// The model that an adapter was made for.
fn base_of(adapter: &Path) -> Result<String> {
    let config: Value =
        serde_json::from_slice(&std::fs::read(adapter.join("adapter_config.json"))?)?;
    let base = config["base_model_name_or_path"].as_str().ok_or("an adapter without a base")?;
    Ok(base.rsplit('/').next().unwrap_or(base).to_owned())
}

/// Every adapter of the fixtures, beside its model and folded in.
fn write_adapters(out: &Path, device: &Device) -> Result<Vec<Value>> {
    let mut names: Vec<String> = std::fs::read_dir(fixtures().join("adapters"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    names.sort();
    let mut cases = Vec::new();
    for adapter in names {
        let name = format!("adapter-{adapter}");
        let folder = fixtures().join("adapters").join(&adapter);
        let base = base_of(&folder)?;
        if base == REWARD {
            cases.push(write_score_adapter(&folder, out, &name)?);
            continue;
        }
        let decoder = load_adapter(decoder(&base, device)?, &folder, device)?;
        save_adapter(&decoder, &out.join(&name))?;
        write_logits(&decoder, out, &name)?;
        cases.push(json!({ "kind": "adapter", "name": name, "base": folder_of(&base)? }));
        let merged = format!("merged-{adapter}");
        save_with(&decoder, &out.join(&merged), &SaveOptions::default())?;
        write_logits(&decoder, out, &merged)?;
        cases.push(json!({ "kind": "decoder", "name": merged, "dtype": "float32" }));
    }
    Ok(cases)
}

/// The model of the fixtures that scores.
const REWARD: &str = "tiny-qwen2-reward";

fn reward_model(device: &Device) -> Result<ScoreModel> {
    Ok(load_score_model(&fixtures().join("models").join(REWARD), device)?)
}

fn write_score_adapter(folder: &Path, out: &Path, name: &str) -> Result<Value> {
    let device = Device::flex();
    let model = load_score_adapter(reward_model(&device)?, folder, &device)?;
    save_score_adapter(&model, &out.join(name))?;
    write_scores(&model, out, name)?;
    Ok(json!({ "kind": "score-adapter", "name": name, "base": "reward" }))
}

fn write_score_model(out: &Path, device: &Device) -> Result<Value> {
    let name = "reward";
    let model = reward_model(device)?;
    let options = SaveOptions { max_shard_bytes: 200_000, ..SaveOptions::default() };
    save_score_model(&model, &out.join(name), &options)?;
    write_scores(&model, out, name)?;
    Ok(json!({ "kind": "score", "name": name }))
}

/// `NAME.safetensors`: the logits of sequence `i` under the name `i`, `[token, vocab]`.
fn write_logits(decoder: &Decoder, out: &Path, name: &str) -> Result<()> {
    let logits = |ids: &[u32]| decoder.logits(decoder.forward(&pack(&[ids]).tokens, None));
    let tensors = SEQUENCES.iter().enumerate();
    write(out, name, tensors.map(|(index, ids)| (index.to_string(), logits(ids))).collect())
}

/// `NAME.safetensors`: one score of each sequence under the name `scores`.
fn write_scores(model: &ScoreModel, out: &Path, name: &str) -> Result<()> {
    let scores = model.score_sequences(&pack(&SEQUENCES), None); // [sequence]
    write(out, name, BTreeMap::from([("scores".to_owned(), scores.unsqueeze())]))
}

fn write(out: &Path, name: &str, tensors: BTreeMap<String, Tensor<2>>) -> Result<()> {
    let bytes = |tensor: Tensor<2>| -> (Vec<usize>, Vec<u8>) {
        let shape = tensor.dims().to_vec();
        (shape, tensor.into_data().iter::<f32>().flat_map(f32::to_le_bytes).collect())
    };
    let tensors: BTreeMap<_, _> =
        tensors.into_iter().map(|(name, tensor)| (name, bytes(tensor))).collect();
    let mut views = BTreeMap::new();
    for (name, (shape, bytes)) in &tensors {
        views.insert(name, TensorView::new(Dtype::F32, shape.clone(), bytes)?);
    }
    Ok(std::fs::write(
        out.join(format!("{name}.safetensors")),
        safetensors::serialize(views, None)?,
    )?)
}
