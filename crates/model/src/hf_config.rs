//! Hugging Face's `config.json`: what this crate reads from it, what it refuses, and everything else kept as it was.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::config::{ConfigError, DecoderConfig, default_initializer_range, default_rms_norm_eps};
use crate::error::ModelError;
use crate::family::{Family, Task};
use crate::header::UniqueKeys;
use crate::hf_rope::{Rope, insert_rope, take_rope};
use crate::reading::read_text;
use crate::staged::write_file;
use crate::unsupported::{refuse, refuse_sliding_window, unsupported};
use crate::weight_type::WeightType;

/// Name of the file inside a model folder.
pub(crate) const CONFIG_FILE: &str = "config.json";

/// Reads and checks `DIR/config.json`.
///
/// # Errors
///
/// If the file cannot be read, is no JSON object, lacks a key, or describes a model that this crate cannot compute.
pub fn read_config(dir: &Path) -> Result<DecoderConfig, ModelError> {
    let path = dir.join(CONFIG_FILE);
    let text = read_text(&path)?;
    let UniqueKeys(entries) = serde_json::from_str::<UniqueKeys<Value>>(&text)
        .map_err(|source| ModelError::Json { path: path.clone(), source })?;
    from_object(Map::from_iter(entries)).map_err(|source| ModelError::Config { path, source })
}

/// Writes `DIR/config.json`, with the keys that were read beside those of the architecture.
///
/// # Errors
///
/// If the file cannot be written.
pub fn write_config(config: &DecoderConfig, dir: &Path) -> Result<(), ModelError> {
    write_config_of(config, Task::CausalLm, WeightType::F32, dir)
}

/// Writes `DIR/config.json` for a model with this on top and weights of this type.
pub(crate) fn write_config_of(
    config: &DecoderConfig,
    task: Task,
    dtype: WeightType,
    dir: &Path,
) -> Result<(), ModelError> {
    let mut text = format!("{:#}", Value::Object(to_object(config, task, dtype)));
    text.push('\n');
    write_file(&dir.join(CONFIG_FILE), text.as_bytes())
}

fn from_object(mut object: Map<String, Value>) -> Result<DecoderConfig, ConfigError> {
    let model_type = family(&mut object)?;
    refuse(&object, model_type)?;
    let heads = required(&mut object, "num_attention_heads")?;
    let theta = optional(&mut object, "rope_theta")?;
    let max_position_embeddings = optional(&mut object, "max_position_embeddings")?
        .unwrap_or_else(|| model_type.default_max_position_embeddings());
    let Rope { theta, scaling } = take_rope(&mut object, theta, max_position_embeddings)?;
    let config = DecoderConfig {
        model_type,
        vocab_size: required(&mut object, "vocab_size")?,
        hidden_size: required(&mut object, "hidden_size")?,
        intermediate_size: required(&mut object, "intermediate_size")?,
        num_hidden_layers: required(&mut object, "num_hidden_layers")?,
        num_attention_heads: heads,
        num_key_value_heads: kv_heads(&mut object, model_type, heads)?,
        head_dim: optional(&mut object, "head_dim")?,
        rms_norm_eps: optional(&mut object, "rms_norm_eps")?.unwrap_or_else(default_rms_norm_eps),
        rope_theta: theta,
        rope_scaling: scaling,
        max_position_embeddings,
        tie_word_embeddings: optional(&mut object, "tie_word_embeddings")?.unwrap_or(false),
        initializer_range: optional(&mut object, "initializer_range")?
            .unwrap_or_else(default_initializer_range),
        other: object,
    };
    config.validate()?;
    refuse_sliding_window(&config.other, model_type, config.num_hidden_layers)?;
    Ok(config)
}

fn family(object: &mut Map<String, Value>) -> Result<Family, ConfigError> {
    let model_type = object.remove("model_type").ok_or(ConfigError::Missing("model_type"))?;
    let family = model_type.as_str().and_then(Family::parse);
    let allowed = "only \"qwen2\", \"qwen3\" and \"llama\" are";
    family.ok_or_else(|| unsupported("model_type", &model_type, allowed))
}

/// An absent key and `null` differ in transformers.
fn kv_heads(
    object: &mut Map<String, Value>,
    family: Family,
    num_heads: usize,
) -> Result<usize, ConfigError> {
    let key = "num_key_value_heads";
    if !object.contains_key(key) {
        return Ok(family.default_kv_heads(num_heads));
    }
    Ok(optional(object, key)?.unwrap_or(num_heads))
}

fn to_object(config: &DecoderConfig, task: Task, dtype: WeightType) -> Map<String, Value> {
    let family = config.model_type;
    let mut object = Map::new();
    object.insert("architectures".to_owned(), Value::Null);
    if let Ok(Value::Object(numbers)) = serde_json::to_value(config) {
        object.extend(numbers);
    }
    object.insert("hidden_act".to_owned(), json!("silu"));
    object.extend(config.other.clone());
    object.insert("architectures".to_owned(), json!([family.architecture(task)]));
    if family == Family::Qwen3 {
        // Readers disagree about its default.
        object.insert("head_dim".to_owned(), json!(config.head_dim()));
    }
    // transformers 5 reads either key, everything older the second.
    object.insert("dtype".to_owned(), json!(dtype.name()));
    object.insert("torch_dtype".to_owned(), json!(dtype.name()));
    let rope = Rope { theta: config.rope_theta, scaling: config.rope_scaling.clone() };
    insert_rope(&mut object, &rope);
    if task == Task::SequenceClassification {
        object.insert("num_labels".to_owned(), json!(1));
        object.insert("id2label".to_owned(), json!({"0": "LABEL_0"}));
        object.insert("label2id".to_owned(), json!({"LABEL_0": 0}));
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

    fn written(config: &DecoderConfig) -> Map<String, Value> {
        to_object(config, Task::CausalLm, WeightType::F32)
    }

    fn with(key: &str, value: Value) -> Map<String, Value> {
        let mut object = object();
        object.insert(key.to_owned(), value);
        object
    }

    #[test]
    fn keys_without_a_use_here_are_written_back() {
        let config = from_object(object()).expect("the configuration is valid");
        let written = written(&config);
        assert_eq!(written["architectures"], json!(["Qwen2ForCausalLM"]));
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
        assert_eq!(written(&config)["rope_parameters"]["rope_theta"], 7.0);
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
            ("num_experts", json!(8), "num_experts = 8 is not supported: mixtures of experts"),
            ("mlp_bias", json!(true), "mlp_bias = true is not supported"),
            ("partial_rotary_factor", json!(0.5), "partial_rotary_factor = 0.5 is not supported"),
            ("quantization_config", json!({}), "quantization_config = {} is not supported"),
            ("rope_parameters", json!({"rope_type": "linear"}), "rope_parameters = {"),
            ("rope_parameters", json!({"mrope_section": [1]}), "rope_parameters = {"),
            ("rope_parameters", json!({"full_attention": {}}), "rope_parameters = {"),
            ("rope_parameters", json!({"partial_rotary_factor": 0.25}), "rope_parameters = {"),
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
        assert!(from_object(with("num_experts", json!(0))).is_ok());
    }

    #[test]
    fn a_window_of_the_default_width_is_one() {
        let mut window = with("use_sliding_window", json!(true));
        window.insert("max_window_layers".to_owned(), json!(0));
        assert!(from_object(window.clone()).is_err());
        window.insert("sliding_window".to_owned(), Value::Null);
        assert!(from_object(window).is_ok());
    }

    #[test]
    fn families_have_their_own_defaults_and_refusals() {
        let of = |family: &str| {
            let mut object = with("model_type", json!(family));
            for key in ["rope_theta", "max_position_embeddings"] {
                object.remove(key);
            }
            object
        };
        let qwen3 = from_object(of("qwen3")).expect("valid");
        assert_eq!((qwen3.head_dim(), written(&qwen3)["head_dim"].clone()), (128, json!(128)));
        assert_eq!(written(&qwen3)["architectures"], json!(["Qwen3ForCausalLM"]));
        let llama = from_object(of("llama")).expect("valid");
        assert_eq!((llama.head_dim(), llama.max_position_embeddings), (4, 2048));
        for (family, key, value) in [
            ("qwen3", "attention_bias", json!(true)),
            ("llama", "attention_bias", json!(true)),
            ("llama", "sliding_window", json!(4096)),
        ] {
            let mut object = of(family);
            object.insert(key.to_owned(), value);
            let error = from_object(object).expect_err("it changes the numbers").to_string();
            assert!(error.starts_with(key), "{error}");
        }
        // transformers has 32 where the key is absent, and as many as query heads where it is null.
        let mut without = of("qwen2");
        without.remove("num_key_value_heads");
        let error = from_object(without.clone()).expect_err("32 does not divide 2").to_string();
        assert!(error.ends_with("num_attention_heads, got 32"), "{error}");
        without.insert("num_key_value_heads".to_owned(), Value::Null);
        assert_eq!(from_object(without).expect("valid").num_key_value_heads, 2);
    }

    #[test]
    fn stretched_wavelengths_are_read_in_both_spellings_and_written_in_the_older() {
        let scaling = json!({
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        });
        let old = from_object(with("rope_scaling", scaling.clone())).expect("valid");
        assert!((old.rope_theta - 1e6).abs() < 1e-6);
        assert_eq!(written(&old)["rope_scaling"], scaling);
        let mut newer = scaling.clone();
        newer["rope_theta"] = json!(5.0);
        let new = from_object(with("rope_parameters", newer.clone())).expect("valid");
        assert_eq!((new.rope_theta, &new.rope_scaling), (5.0, &old.rope_scaling));
        let new = written(&new);
        assert_eq!((&new["rope_scaling"], &new["rope_parameters"]), (&scaling, &newer));
        let unknown = json!({"rope_type": "llama3", "factor": 8.0, "beta": 1});
        let error = from_object(with("rope_scaling", unknown)).expect_err("no such field");
        assert!(error.to_string().contains("unknown field `beta`"), "{error}");
    }

    #[test]
    fn sizes_that_no_machine_holds_are_refused() {
        for (key, value, message) in [
            ("vocab_size", json!(u64::MAX), "vocab_size must be at most 2^31 - 1"),
            ("num_hidden_layers", json!(1_000_000), "num_hidden_layers must be at most 1024"),
            ("head_dim", json!(1u64 << 40), "head_dim must be at most 2^31 - 1"),
            ("hidden_size", json!(2_000_000_000), "the number of parameters must be at most 2^40"),
            ("vocab_size", json!(-1), "vocab_size has the wrong type"),
        ] {
            let error = from_object(with(key, value)).expect_err(key).to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
