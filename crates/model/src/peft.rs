//! Adapter folders in PEFT's format: `adapter_config.json` and `adapter_model.safetensors`.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::decoder::Decoder;
use crate::error::{IoContext, ModelError};
use crate::lora::{ALL_LINEAR, Factors, LoraConfig, LoraError, LoraScaling};
use crate::staged::write_file;
use crate::weights::{Collected, HostTensor, encode, transpose};

const CONFIG_FILE: &str = "adapter_config.json";
const WEIGHTS_FILE: &str = "adapter_model.safetensors";
const PREFIX: &str = "base_model.model.";

/// Keys that change what an adapter computes, with the values under which they change nothing.
const MUST_BE_OFF: [&str; 12] = [
    "use_dora",
    "fan_in_fan_out",
    "lora_bias",
    "modules_to_save",
    "rank_pattern",
    "alpha_pattern",
    "layers_to_transform",
    "layer_replication",
    "target_parameters",
    "trainable_token_indices",
    "alora_invocation_tokens",
    "exclude_modules",
];

/// Writes the adapter of a decoder.
///
/// # Errors
///
/// If a file cannot be written.
///
/// # Panics
///
/// If the decoder has no adapter.
pub fn save_adapter(decoder: &Decoder, dir: &Path) -> Result<(), ModelError> {
    let Some(config) = decoder.lora() else { panic!("the decoder has no adapter") };
    std::fs::create_dir_all(dir).at(dir)?;
    let path = dir.join(WEIGHTS_FILE);
    let bytes = encode(&adapter_tensors(decoder))
        .map_err(|message| ModelError::Safetensors { path: path.clone(), message })?;
    write_file(&path, &bytes)?;
    let text = format!("{:#}\n", to_json(config));
    write_file(&dir.join(CONFIG_FILE), text.as_bytes())
}

/// Attaches the adapter of a folder to a decoder; only the adapter is trained from here on.
///
/// # Errors
///
/// If a file cannot be read, if the adapter is of a kind that this crate cannot compute, or if its tensors do not fit
/// the decoder (all differences in one error).
pub fn load_adapter(decoder: Decoder, dir: &Path, device: &Device) -> Result<Decoder, ModelError> {
    let path = dir.join(CONFIG_FILE);
    let text = std::fs::read_to_string(&path).at(&path)?;
    let object = serde_json::from_str::<Map<String, Value>>(&text)
        .map_err(|source| ModelError::Json { path: path.clone(), source })?;
    let invalid = |source| ModelError::Adapter { path: path.clone(), source };
    let config = from_json(&object).map_err(invalid)?;
    // An adapter of zeros says which tensors there have to be and which shapes they have.
    let zeros = |_: &str, [inputs, outputs]: [usize; 2]| Factors {
        a: vec![0.0; inputs * config.rank],
        b: vec![0.0; config.rank * outputs],
    };
    let expected = decoder.clone().attach(&config, device, zeros).map_err(invalid)?;
    let shapes = adapter_tensors(&expected).into_iter();
    let shapes: BTreeMap<_, _> = shapes.map(|(name, tensor)| (name, tensor.shape)).collect();
    let mut collected = Collected::default();
    collected.read_file(dir, WEIGHTS_FILE)?;
    collected.check_shapes(&shapes);
    let tensors = collected.finish(dir)?;
    let factor = |name: &str, part| transpose(&tensors[&tensor_name(name, part)]).values;
    let factors = |name: &str, _| Factors { a: factor(name, "A"), b: factor(name, "B") };
    decoder.attach(&config, device, factors).map_err(invalid)
}

fn tensor_name(module: &str, part: &str) -> String {
    format!("{PREFIX}{module}.lora_{part}.weight")
}

/// Both factors of every adapted layer, `[rank, in]` and `[out, rank]` as in PEFT's files.
fn adapter_tensors(decoder: &Decoder) -> BTreeMap<String, HostTensor> {
    let mut tensors = BTreeMap::new();
    for (module, linear) in decoder.projections() {
        let Some(adapter) = &linear.adapter else { continue };
        for (part, factor) in [("A", &adapter.a), ("B", &adapter.b)] {
            let tensor = transpose(&HostTensor::read(factor.val()));
            tensors.insert(tensor_name(&module, part), tensor);
        }
    }
    tensors
}

fn to_json(config: &LoraConfig) -> Value {
    let targets = if config.target_modules.iter().any(|target| target == ALL_LINEAR) {
        json!(["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
    } else {
        json!(config.target_modules)
    };
    json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": null,
        "inference_mode": true,
        "r": config.rank,
        "lora_alpha": config.alpha,
        "lora_dropout": config.dropout,
        "target_modules": targets,
        "use_rslora": config.scaling == LoraScaling::RankStabilized,
        "bias": "none",
        "fan_in_fan_out": false,
        "modules_to_save": null,
    })
}

fn from_json(object: &Map<String, Value>) -> Result<LoraConfig, LoraError> {
    refuse_unsupported(object)?;
    let config = LoraConfig {
        rank: required(object, "r")?,
        alpha: required(object, "lora_alpha")?,
        dropout: optional(object, "lora_dropout")?.unwrap_or(0.0),
        target_modules: targets(object)?,
        scaling: match optional(object, "use_rslora")? {
            Some(true) => LoraScaling::RankStabilized,
            _ => LoraScaling::Standard,
        },
    };
    config.validate()?;
    Ok(config)
}

/// A list of names, or the one word that stands for all of them. (Other words are regular expressions.)
fn targets(object: &Map<String, Value>) -> Result<Vec<String>, LoraError> {
    match object.get("target_modules") {
        Some(Value::String(word)) if word == ALL_LINEAR => Ok(vec![word.clone()]),
        Some(word @ Value::String(_)) => Err(unsupported("target_modules", word)),
        _ => required(object, "target_modules"),
    }
}

fn refuse_unsupported(object: &Map<String, Value>) -> Result<(), LoraError> {
    for (key, allowed) in [("peft_type", "LORA"), ("bias", "none")] {
        if let Some(value) = object.get(key).filter(|value| *value != allowed) {
            return Err(unsupported(key, value));
        }
    }
    for key in MUST_BE_OFF {
        if let Some(value) = object.get(key).filter(|value| !is_off(value)) {
            return Err(unsupported(key, value));
        }
    }
    Ok(())
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(object) => object.is_empty(),
        Value::Array(array) => array.is_empty(),
        _ => false,
    }
}

fn unsupported(key: &'static str, found: &Value) -> LoraError {
    LoraError::Unsupported { key, found: found.to_string() }
}

fn required<T: DeserializeOwned>(
    object: &Map<String, Value>,
    key: &'static str,
) -> Result<T, LoraError> {
    optional(object, key)?.ok_or(LoraError::Missing(key))
}

fn optional<T: DeserializeOwned>(
    object: &Map<String, Value>,
    key: &'static str,
) -> Result<Option<T>, LoraError> {
    serde_json::from_value(object.get(key).cloned().unwrap_or(Value::Null))
        .map_err(|error| LoraError::Type { key, message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let config = LoraConfig {
            rank: 4,
            alpha: 3.0,
            dropout: 0.5,
            target_modules: vec!["q_proj".to_owned()],
            scaling: LoraScaling::RankStabilized,
        };
        let json = to_json(&config);
        assert_eq!(from_json(json.as_object().expect("an object")), Ok(config));
    }

    #[test]
    fn kinds_that_compute_something_else_are_refused() {
        let with = |key: &str, value: Value| {
            let mut object = to_json(&LoraConfig::default()).as_object().expect("object").clone();
            object.insert(key.to_owned(), value);
            from_json(&object).expect_err(key).to_string()
        };
        assert_eq!(with("use_dora", json!(true)), "use_dora = true is not supported");
        assert_eq!(with("bias", json!("all")), "bias = \"all\" is not supported");
        assert_eq!(
            with("rank_pattern", json!({"q": 2})),
            r#"rank_pattern = {"q":2} is not supported"#
        );
        assert_eq!(with("target_modules", json!(".*")), "target_modules = \".*\" is not supported");
        assert_eq!(with("r", json!(null)), "r is missing");
        assert!(with("r", json!("a")).starts_with("r has the wrong type"), "the key is named");
    }
}
