//! Hugging Face's `config.json`: what this crate reads from it, what it refuses, and everything else kept as it was.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::config::{
    ConfigError, DecoderConfig, default_initializer_range, default_max_position_embeddings,
    default_rms_norm_eps, default_rope_theta,
};
use crate::error::{IoContext, ModelError};
use crate::folder::write_file;

/// Name of the file inside a model folder.
pub(crate) const CONFIG_FILE: &str = "config.json";

/// Reads and checks `DIR/config.json`.
///
/// # Errors
///
/// If the file cannot be read, is no JSON object, lacks a key, or describes a model that this crate cannot compute.
pub fn read_config(dir: &Path) -> Result<DecoderConfig, ModelError> {
    let path = dir.join(CONFIG_FILE);
    let text = std::fs::read_to_string(&path).at(&path)?;
    let object = serde_json::from_str::<Map<String, Value>>(&text)
        .map_err(|source| ModelError::Json { path: path.clone(), source })?;
    from_object(object).map_err(|source| ModelError::Config { path, source })
}

/// Writes `DIR/config.json`, with the keys that were read beside those of the architecture.
///
/// # Errors
///
/// If the file cannot be written.
pub fn write_config(config: &DecoderConfig, dir: &Path) -> Result<(), ModelError> {
    let mut text = format!("{:#}", Value::Object(to_object(config)));
    text.push('\n');
    write_file(&dir.join(CONFIG_FILE), text.as_bytes())
}

fn from_object(mut object: Map<String, Value>) -> Result<DecoderConfig, ConfigError> {
    refuse_unsupported(&object)?;
    let num_attention_heads = required(&mut object, "num_attention_heads")?;
    let config = DecoderConfig {
        vocab_size: required(&mut object, "vocab_size")?,
        hidden_size: required(&mut object, "hidden_size")?,
        intermediate_size: required(&mut object, "intermediate_size")?,
        num_hidden_layers: required(&mut object, "num_hidden_layers")?,
        num_attention_heads,
        num_key_value_heads: optional(&mut object, "num_key_value_heads")?
            .unwrap_or(num_attention_heads),
        head_dim: optional(&mut object, "head_dim")?,
        rms_norm_eps: optional(&mut object, "rms_norm_eps")?.unwrap_or_else(default_rms_norm_eps),
        rope_theta: rope_theta(&mut object)?,
        max_position_embeddings: optional(&mut object, "max_position_embeddings")?
            .unwrap_or_else(default_max_position_embeddings),
        tie_word_embeddings: optional(&mut object, "tie_word_embeddings")?.unwrap_or(false),
        initializer_range: optional(&mut object, "initializer_range")?
            .unwrap_or_else(default_initializer_range),
        other: object,
    };
    config.validate()?;
    refuse_sliding_window(&config)?;
    Ok(config)
}

fn to_object(config: &DecoderConfig) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("architectures".to_owned(), json!(["Qwen2ForCausalLM"]));
    object.insert("model_type".to_owned(), json!("qwen2"));
    if let Ok(Value::Object(numbers)) = serde_json::to_value(config) {
        object.extend(numbers);
    }
    object.insert("hidden_act".to_owned(), json!("silu"));
    object.extend(config.other.clone());
    // Weights are written as 32-bit floats, whatever the folder held that they were read from.
    object.remove("torch_dtype");
    object.insert("dtype".to_owned(), json!("float32"));
    object.entry("torch_dtype").or_insert(json!("float32"));
    if let Some(Value::Object(rope)) = object.get_mut("rope_parameters") {
        rope.insert("rope_theta".to_owned(), json!(config.rope_theta));
    }
    object
}

fn required<T: DeserializeOwned>(
    object: &mut Map<String, Value>,
    key: &'static str,
) -> Result<T, ConfigError> {
    optional(object, key)?.ok_or(ConfigError::Missing(key))
}

/// Takes a key out of the object; `null` counts as absent, as in transformers.
fn optional<T: DeserializeOwned>(
    object: &mut Map<String, Value>,
    key: &'static str,
) -> Result<Option<T>, ConfigError> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value)
            .map(Some)
            .map_err(|error| ConfigError::Type { key, message: error.to_string() }),
    }
}

/// transformers 4 writes `rope_theta`, transformers 5 `rope_parameters.rope_theta`.
fn rope_theta(object: &mut Map<String, Value>) -> Result<f64, ConfigError> {
    let own: Option<f64> = optional(object, "rope_theta")?;
    let nested = object.get("rope_parameters").and_then(|rope| rope.get("rope_theta"));
    let nested = nested.and_then(Value::as_f64);
    Ok(nested.or(own).unwrap_or_else(default_rope_theta))
}

fn refuse_unsupported(object: &Map<String, Value>) -> Result<(), ConfigError> {
    let Some(model_type) = object.get("model_type") else {
        return Err(ConfigError::Missing("model_type"));
    };
    if model_type != "qwen2" {
        return Err(unsupported("model_type", model_type, "only \"qwen2\" is"));
    }
    if let Some(activation) = object.get("hidden_act").filter(|name| *name != "silu") {
        return Err(unsupported("hidden_act", activation, "only \"silu\" is"));
    }
    if let Some(dropout) = object.get("attention_dropout").filter(|rate| rate.as_f64() != Some(0.0))
    {
        return Err(unsupported("attention_dropout", dropout, "only 0 is"));
    }
    for key in ["rope_scaling", "rope_parameters"] {
        refuse_rope_scaling(key, object.get(key).unwrap_or(&Value::Null))?;
    }
    Ok(())
}

fn refuse_rope_scaling(key: &'static str, rope: &Value) -> Result<(), ConfigError> {
    let kind = rope.get("rope_type").or_else(|| rope.get("type"));
    if rope.is_null() || kind.is_some_and(|kind| kind == "default") {
        return Ok(());
    }
    Err(unsupported(key, rope, "only null and the default type are"))
}

/// A window is used by the layers from `max_window_layers` on, and only if `use_sliding_window` says so; newer files
/// list the kind of each layer instead.
fn refuse_sliding_window(config: &DecoderConfig) -> Result<(), ConfigError> {
    let other = &config.other;
    let kinds = other.get("layer_types").and_then(Value::as_array);
    if let Some(kind) = kinds.into_iter().flatten().find(|kind| *kind != "full_attention") {
        return Err(unsupported("layer_types", kind, "only \"full_attention\" is"));
    }
    let is_used = other.get("use_sliding_window") == Some(&Value::Bool(true))
        && other.get("sliding_window").is_some_and(|window| !window.is_null());
    let first = other.get("max_window_layers").and_then(Value::as_u64).unwrap_or(28);
    let has_windows = is_used && first < config.num_hidden_layers as u64;
    if kinds.is_none() && has_windows {
        return Err(unsupported("use_sliding_window", &json!(true), "only full attention is"));
    }
    Ok(())
}

fn unsupported(key: &'static str, found: &Value, allowed: &'static str) -> ConfigError {
    ConfigError::Unsupported { key, found: found.to_string(), allowed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Map<String, Value> {
        let value = json!({
            "model_type": "qwen2", "vocab_size": 8, "hidden_size": 8, "intermediate_size": 4,
            "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
            "rope_theta": 1e6, "bos_token_id": 3, "a key of tomorrow": [1, 2],
        });
        value.as_object().expect("an object").clone()
    }

    fn with(key: &str, value: Value) -> Map<String, Value> {
        let mut object = object();
        object.insert(key.to_owned(), value);
        object
    }

    #[test]
    fn keys_without_a_use_here_are_written_back() {
        let config = from_object(object()).expect("the configuration is valid");
        let written = to_object(&config);
        assert_eq!(written["a key of tomorrow"], json!([1, 2]));
        assert_eq!(written["bos_token_id"], 3);
        assert_eq!(written["rope_theta"], 1e6);
        assert_eq!(written["torch_dtype"], "float32");
        let again = from_object(written).expect("what was written can be read");
        assert_eq!((again.rope_theta, again.vocab_size), (1e6, 8));
    }

    #[test]
    fn rope_theta_is_read_where_transformers_5_puts_it() {
        let mut object = with("rope_parameters", json!({"rope_type": "default", "rope_theta": 5}));
        object.remove("rope_theta");
        let mut config = from_object(object).expect("the configuration is valid");
        assert!((config.rope_theta - 5.0).abs() < 1e-12);
        config.rope_theta = 7.0;
        assert_eq!(to_object(&config)["rope_parameters"]["rope_theta"], 7.0);
    }

    #[test]
    fn a_missing_key_and_a_wrong_type_are_named() {
        let mut without = object();
        without.remove("hidden_size");
        assert_eq!(from_object(without), Err(ConfigError::Missing("hidden_size")));
        let error = from_object(with("vocab_size", json!("many"))).expect_err("not a number");
        assert!(error.to_string().starts_with("vocab_size has the wrong type: "), "{error}");
    }

    #[test]
    fn what_cannot_be_computed_is_refused_and_what_is_switched_off_is_not() {
        let refused = [
            ("model_type", json!("mamba"), "model_type = \"mamba\" is not supported"),
            ("hidden_act", json!("gelu"), "hidden_act = \"gelu\" is not supported"),
            ("rope_scaling", json!({"type": "yarn", "factor": 4}), "rope_scaling = {"),
            ("layer_types", json!(["full_attention", "sliding_attention"]), "layer_types = "),
            ("attention_dropout", json!(0.1), "attention_dropout = 0.1 is not supported"),
        ];
        for (key, value, message) in refused {
            let error = from_object(with(key, value)).expect_err(key);
            assert!(error.to_string().starts_with(message), "{error}");
        }
        let mut window = with("use_sliding_window", json!(true));
        window.insert("sliding_window".to_owned(), json!(128));
        window.insert("max_window_layers".to_owned(), json!(1));
        assert!(from_object(window.clone()).is_err());
        window.insert("max_window_layers".to_owned(), json!(2));
        assert!(from_object(window).is_ok(), "no layer has a window");
        assert!(from_object(with("rope_scaling", Value::Null)).is_ok());
    }
}
