//! Writes folders of every kind that this crate writes, and what it computes with them, for `tests/interop/compare.py`:
//! `cargo run --package forethought-model --example interop -- DIR`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use forethought_kernels::{Quantisation, QuantisedMatrix, dequantise_rows};
use forethought_model::{
    Decoder, SaveOptions, ScoreModel, WeightType, load, load_adapter, load_score_adapter,
    load_score_model, pack, save_adapter, save_score_adapter, save_score_model, save_with,
};
use forethought_seed::Seed;
use rand::RngExt as _;
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
    for (name, dims, weight) in weights_to_quantise() {
        cases.push(write_quantised(&out, name, dims, &weight, &device)?);
    }
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

/// Name, size `[out, in]` and numbers of weights: heavy tails and an odd end, a layer's usual spread, blocks of zeros, and
/// one number that outweighs all others.
fn weights_to_quantise() -> [(&'static str, [usize; 2], Vec<f32>); 4] {
    let draw = |index, count| {
        let mut random = Seed::new(3).stream("interop", &[index]);
        (0..count).map(|_| random.random_range(-1.0f32..1.0)).collect::<Vec<_>>()
    };
    let cubes = draw(0, 131 * 67).into_iter().map(|value| value * value * value).collect();
    let usual = draw(1, 256 * 192).into_iter().map(|value| 0.05 * value).collect();
    let mut zeros = draw(2, 64 * 128);
    zeros[1024..2048].fill(0.0);
    let mut outlier = draw(3, 96 * 80);
    outlier[4321] = -300.0;
    [
        ("quantised-tails", [131, 67], cubes),
        ("quantised-usual", [256, 192], usual),
        ("quantised-zeros", [64, 128], zeros),
        ("quantised-outlier", [96, 80], outlier),
    ]
}

/// `NAME.safetensors`: a weight, its codes and scales in both formats, and what they stand for.
fn write_quantised(
    out: &Path,
    name: &str,
    dims: [usize; 2],
    weight: &[f32],
    device: &Device,
) -> Result<Value> {
    let floats = |values: &[f32]| values.iter().copied().flat_map(f32::to_le_bytes).collect();
    let mut tensors =
        Parts::from([("weight".to_owned(), (Dtype::F32, dims.to_vec(), floats(weight)))]);
    for (kind, quantisation) in [("nf4", Quantisation::Nf4), ("int8", Quantisation::Int8)] {
        let matrix = QuantisedMatrix::quantise(weight, dims, quantisation, device);
        let [codes, block_codes, scales] = matrix.to_data();
        let dequantised: Vec<f32> =
            dequantise_rows(&matrix, 0, dims[0]).into_data().iter().collect();
        for (part, data) in [("codes", &codes), ("block_codes", &block_codes)] {
            let bytes = data.as_bytes().to_vec();
            tensors.insert(format!("{kind}.{part}"), (Dtype::U8, vec![bytes.len()], bytes));
        }
        let scales: Vec<f32> = scales.iter().collect();
        tensors.insert(format!("{kind}.scales"), (Dtype::F32, vec![scales.len()], floats(&scales)));
        let part = (Dtype::F32, dims.to_vec(), floats(&dequantised));
        tensors.insert(format!("{kind}.dequantised"), part);
    }
    store(out, name, &tensors)?;
    Ok(json!({ "kind": "quantised", "name": name }))
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
    let part = |tensor: Tensor<2>| {
        let shape = tensor.dims().to_vec();
        (Dtype::F32, shape, tensor.into_data().iter::<f32>().flat_map(f32::to_le_bytes).collect())
    };
    store(out, name, &tensors.into_iter().map(|(name, tensor)| (name, part(tensor))).collect())
}

/// Tensors by name: type, shape, bytes.
type Parts = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn store(out: &Path, name: &str, tensors: &Parts) -> Result<()> {
    let mut views = BTreeMap::new();
    for (name, (dtype, shape, bytes)) in tensors {
        views.insert(name, TensorView::new(*dtype, shape.clone(), bytes)?);
    }
    let path = out.join(format!("{name}.safetensors"));
    Ok(std::fs::write(path, safetensors::serialize(views, None)?)?)
}
