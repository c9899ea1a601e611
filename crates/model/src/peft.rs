//! Adapter folders in PEFT's format: `adapter_config.json` and `adapter_model.safetensors`.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::attach::{Factors, Selection};
use crate::decoder::{Decoder, HEAD};
use crate::error::{IoContext, ModelError};
use crate::lora::{LoraConfig, LoraError, LoraScaling};
use crate::parameters::{file_shapes, replace, some_file_tensors};
use crate::staged::write_file;
use crate::targets::TargetModules;
use crate::weights::{Collected, HostTensor, encode, transpose};

const CONFIG_FILE: &str = "adapter_config.json";
const WEIGHTS_FILE: &str = "adapter_model.safetensors";
const PREFIX: &str = "base_model.model.";
const HEAD_WEIGHT: &str = "base_model.model.lm_head.base_layer.weight";
const HEAD_PARAMETER: &str = "lm_head.weight";

/// Keys that change what an adapter computes, with the values under which they change nothing.
const MUST_BE_OFF: [&str; 14] = [
    "fan_in_fan_out",
    "lora_bias",
    "rank_pattern",
    "alpha_pattern",
    "layer_replication",
    "target_parameters",
    "trainable_token_indices",
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
    "use_bdlora",
    "use_qalora",
    "velora_config",
];

/// Ways to start an adapter that leave the base weights as they are. The others (`pissa`, `olora`, `loftq`, …) take
/// something out of them, so that the adapter is none of the model that the folder names.
const PLAIN_STARTS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

/// Keys that PEFT writes and that say nothing here, with the values that PEFT gives them.
const UNUSED: [&str; 17] = [
    "alora_invocation_tokens",
    "arrow_config",
    "auto_mapping",
    "base_model_name_or_path",
    "corda_config",
    "eva_config",
    "kasa_config",
    "layer_replication",
    "layers_pattern",
    "lora_ga_config",
    "megatron_config",
    "monteclora_config",
    "revision",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "velora_config",
];

/// Writes the adapter of a decoder, and the modules that are saved beside it.
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
    let text = format!("{:#}\n", to_json(config, decoder));
    write_file(&dir.join(CONFIG_FILE), text.as_bytes())
}

/// Attaches the adapter of a folder to a decoder; only the adapter and the modules saved beside it are trained from here
/// on.
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
    let selection = decoder.select(&config).map_err(invalid)?;
    let mut collected = Collected::default();
    collected.read_file(dir, WEIGHTS_FILE)?;
    let mut expected = expected_shapes(&decoder, &config, &selection);
    // PEFT writes the whole head beside an adapter of it.
    if selection.adapted.iter().any(|module| module == HEAD)
        && collected.shape(HEAD_WEIGHT).is_some()
    {
        expected.extend(head_shape(&decoder));
    }
    collected.check_shapes(&expected);
    let mut tensors = collected.finish(dir)?;
    let mut saved = saved_tensors(&tensors, &selection);
    saved.extend(tensors.remove(HEAD_WEIGHT).map(|head| (HEAD_PARAMETER.to_owned(), head)));
    let factors = |module: &str, _| Factors {
        a: transpose(&tensors[&tensor_name(module, A)]).values,
        b: transpose(&tensors[&tensor_name(module, B)]).values,
        magnitude: tensors.get(&tensor_name(module, MAGNITUDE)).map(|tensor| tensor.values.clone()),
    };
    let decoder = replace(decoder, device, &saved);
    Ok(decoder.attach(&config, &selection, device, factors))
}

const A: &str = "lora_A.weight";
const B: &str = "lora_B.weight";
const MAGNITUDE: &str = "lora_magnitude_vector";

fn tensor_name(module: &str, part: &str) -> String {
    format!("{PREFIX}{module}.{part}")
}

/// The tensors that the folder of an adapter has to hold.
fn expected_shapes(
    decoder: &Decoder,
    config: &LoraConfig,
    selection: &Selection,
) -> BTreeMap<String, Vec<usize>> {
    let mut shapes = BTreeMap::new();
    for (module, [inputs, outputs]) in decoder.linear_layers() {
        if !selection.adapted.contains(&module) {
            continue;
        }
        shapes.insert(tensor_name(&module, A), vec![config.rank, inputs]);
        shapes.insert(tensor_name(&module, B), vec![outputs, config.rank]);
        if config.use_dora {
            shapes.insert(tensor_name(&module, MAGNITUDE), vec![outputs]);
        }
    }
    let whole = file_shapes(decoder).into_iter().filter(|(name, _)| selection.saves(name));
    shapes.extend(whole.map(|(name, shape)| (format!("{PREFIX}{name}"), shape)));
    shapes
}

/// The shape of the head, under the name that PEFT gives it beside an adapter.
fn head_shape(decoder: &Decoder) -> Option<(String, Vec<usize>)> {
    let mut shapes = file_shapes(decoder).into_iter();
    let (_, shape) = shapes.find(|(name, _)| name == HEAD_PARAMETER)?;
    Some((HEAD_WEIGHT.to_owned(), shape))
}

/// The parameters of the modules that are saved whole, by their names in the model.
fn saved_tensors(
    tensors: &BTreeMap<String, HostTensor>,
    selection: &Selection,
) -> BTreeMap<String, HostTensor> {
    let named = tensors.iter().filter_map(|(name, tensor)| {
        let name = name.strip_prefix(PREFIX)?;
        selection.saves(name).then(|| (name.to_owned(), tensor.clone()))
    });
    named.collect()
}

/// Both factors of every adapted layer, `[rank, in]` and `[out, rank]` as in PEFT's files, its magnitudes, and the
/// modules that are trained whole.
fn adapter_tensors(decoder: &Decoder) -> BTreeMap<String, HostTensor> {
    let mut tensors = BTreeMap::new();
    for (module, adapter, _) in decoder.adapters() {
        for (part, factor) in [(A, &adapter.a), (B, &adapter.b)] {
            let tensor = transpose(&HostTensor::read(factor.val()));
            tensors.insert(tensor_name(&module, part), tensor);
        }
        if let Some(magnitude) = &adapter.magnitude {
            let tensor = HostTensor::read(magnitude.val());
            tensors.insert(tensor_name(&module, MAGNITUDE), tensor);
        }
    }
    let names = decoder.lora().map(|config| config.modules_to_save.as_slice()).unwrap_or_default();
    let whole = some_file_tensors(decoder, |parameter| is_saved(names, parameter));
    tensors.extend(whole.into_iter().map(|(name, tensor)| (format!("{PREFIX}{name}"), tensor)));
    tensors
}

/// Whether one of the modules around a parameter ends with one of the names.
fn is_saved(names: &[String], parameter: &str) -> bool {
    let mut modules = parameter.match_indices('.').map(|(end, _)| &parameter[..end]);
    modules.any(|module| names.iter().any(|name| module.ends_with(name.as_str())))
}

fn to_json(config: &LoraConfig, decoder: &Decoder) -> Value {
    let mut object = Map::new();
    object.extend(UNUSED.map(|key| (key.to_owned(), Value::Null)));
    // PEFT, too, replaces the word by names.
    let targets = if config.target_modules.is_all_linear() {
        json!(decoder.adapters().map(|(module, ..)| module).collect::<Vec<_>>())
    } else {
        json!(config.target_modules)
    };
    let saved = Some(&config.modules_to_save).filter(|names| !names.is_empty());
    let values = json!({
        "alpha_pattern": {},
        "bias": "none",
        "ensure_weight_tying": false,
        "exclude_modules": config.exclude_modules,
        "fan_in_fan_out": false,
        "inference_mode": true,
        "init_lora_weights": true,
        "layers_to_transform": config.layers_to_transform,
        "loftq_config": {},
        "lora_alpha": config.alpha,
        "lora_bias": false,
        "lora_dropout": config.dropout,
        "megatron_core": "megatron.core",
        "modules_to_save": saved,
        "peft_type": "LORA",
        "qalora_group_size": 16,
        "r": config.rank,
        "rank_pattern": {},
        "target_modules": targets,
        "task_type": "CAUSAL_LM",
        "use_dora": config.use_dora,
        "use_qalora": false,
        "use_rslora": config.scaling == LoraScaling::RankStabilized,
    });
    if let Value::Object(values) = values {
        object.extend(values);
    }
    object.sort_keys();
    Value::Object(object)
}

fn from_json(object: &Map<String, Value>) -> Result<LoraConfig, LoraError> {
    refuse_unsupported(object)?;
    let config = LoraConfig {
        rank: required(object, "r")?,
        alpha: required(object, "lora_alpha")?,
        dropout: optional(object, "lora_dropout")?.unwrap_or(0.0),
        target_modules: required(object, "target_modules")?,
        exclude_modules: optional(object, "exclude_modules")?.filter(|names| !is_none(names)),
        layers_to_transform: layers(object)?,
        modules_to_save: optional(object, "modules_to_save")?.unwrap_or_default(),
        use_dora: optional(object, "use_dora")?.unwrap_or(false),
        scaling: match optional(object, "use_rslora")? {
            Some(true) => LoraScaling::RankStabilized,
            _ => LoraScaling::Standard,
        },
    };
    config.validate()?;
    Ok(config)
}

fn is_none(names: &TargetModules) -> bool {
    names.is_empty()
}

/// One index, or a list of them; an empty list restricts nothing.
fn layers(object: &Map<String, Value>) -> Result<Option<Vec<usize>>, LoraError> {
    let key = "layers_to_transform";
    let layers: Option<Vec<usize>> = match object.get(key) {
        Some(Value::Number(_)) => Some(vec![required(object, key)?]),
        _ => optional(object, key)?,
    };
    Ok(layers.filter(|layers| !layers.is_empty()))
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
    if let Some(start @ Value::String(word)) = object.get("init_lora_weights")
        && !PLAIN_STARTS.contains(&word.as_str())
    {
        return Err(unsupported("init_lora_weights", start));
    }
    // The layers of all supported families are in `layers`.
    let pattern = object.get("layers_pattern").unwrap_or(&Value::Null);
    if is_off(pattern) || *pattern == "" || *pattern == "layers" || *pattern == json!(["layers"]) {
        return Ok(());
    }
    Err(unsupported("layers_pattern", pattern))
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
    use forethought_seed::Seed;

    use super::*;
    use crate::config::DecoderConfig;

    fn decoder() -> Decoder {
        let config = DecoderConfig {
            vocab_size: 8,
            hidden_size: 4,
            intermediate_size: 4,
            num_hidden_layers: 1,
            num_attention_heads: 1,
            num_key_value_heads: 1,
            ..DecoderConfig::default()
        };
        Decoder::init(&config, Seed::new(0), &Device::flex())
    }

    fn written(config: &LoraConfig) -> Map<String, Value> {
        to_json(config, &decoder()).as_object().expect("an object").clone()
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let config = LoraConfig {
            rank: 4,
            alpha: 3.0,
            dropout: 0.5,
            target_modules: TargetModules::from(["q_proj"]),
            exclude_modules: Some(TargetModules::from(".*7.*")),
            layers_to_transform: Some(vec![0]),
            modules_to_save: vec!["lm_head".to_owned()],
            use_dora: true,
            scaling: LoraScaling::RankStabilized,
        };
        assert_eq!(from_json(&written(&config)), Ok(config));
    }

    #[test]
    fn all_linear_is_written_as_the_paths_that_it_stood_for() {
        let config = LoraConfig::default();
        let adapted = decoder().with_lora(&config, Seed::new(0), &Device::flex()).expect("valid");
        let json = to_json(&config, &adapted);
        let targets: Vec<String> =
            serde_json::from_value(json["target_modules"].clone()).expect("a list");
        assert_eq!(targets.len(), 7);
        assert_eq!(targets[0], "model.layers.0.self_attn.q_proj");
    }

    #[test]
    fn a_single_layer_may_be_a_number_and_no_layer_restricts_nothing() {
        let target_modules = TargetModules::from(["q_proj"]);
        let mut object = written(&LoraConfig { target_modules, ..LoraConfig::default() });
        for (value, expected) in [(json!(3), Some(vec![3])), (json!([]), None)] {
            object.insert("layers_to_transform".to_owned(), value);
            assert_eq!(from_json(&object).expect("valid").layers_to_transform, expected);
        }
    }

    #[test]
    fn kinds_that_compute_something_else_are_refused() {
        let with = |key: &str, value: Value| {
            let mut object = written(&LoraConfig::default());
            object.insert(key.to_owned(), value);
            from_json(&object).expect_err(key).to_string()
        };
        assert_eq!(with("use_qalora", json!(true)), "use_qalora = true is not supported");
        assert_eq!(with("bias", json!("all")), "bias = \"all\" is not supported");
        assert_eq!(
            with("rank_pattern", json!({"q": 2})),
            r#"rank_pattern = {"q":2} is not supported"#
        );
        let start = with("init_lora_weights", json!("pissa_niter_4"));
        assert_eq!(start, "init_lora_weights = \"pissa_niter_4\" is not supported");
        let pattern = with("layers_pattern", json!("blocks"));
        assert_eq!(pattern, "layers_pattern = \"blocks\" is not supported");
        assert_eq!(with("r", json!(null)), "r is missing");
        assert!(with("r", json!("a")).starts_with("r has the wrong type"), "the key is named");
    }
}
