//! The file `adapter_config.json` of PEFT.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::lora::{LoraConfig, LoraError, LoraScaling};
use crate::targets::TargetModules;

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

/// What a model is made for, as PEFT calls it, with the names under which it looks for a classifier's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdapterTask {
    /// The next token.
    CausalLm,
    /// One number.
    SequenceClassification,
}

impl AdapterTask {
    fn name(self) -> &'static str {
        match self {
            Self::CausalLm => "CAUSAL_LM",
            Self::SequenceClassification => "SEQ_CLS",
        }
    }

    /// Modules that PEFT trains whole for this task, whatever the configuration says.
    pub(crate) fn heads(self) -> &'static [&'static str] {
        match self {
            Self::CausalLm => &[],
            Self::SequenceClassification => &["classifier", "score"],
        }
    }
}

/// The file for an adapter of the layers `adapted`.
pub(crate) fn to_json(config: &LoraConfig, adapted: &[String], task: AdapterTask) -> Value {
    let mut object = Map::new();
    object.extend(UNUSED.map(|key| (key.to_owned(), Value::Null)));
    // PEFT, too, replaces the word by names.
    let targets = if config.target_modules.is_all_linear() {
        json!(adapted)
    } else {
        json!(config.target_modules)
    };
    let saved: Vec<&str> = config
        .modules_to_save
        .iter()
        .map(String::as_str)
        .chain(task.heads().iter().copied())
        .collect();
    let saved = Some(saved).filter(|names| !names.is_empty());
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
        "lora_alpha": number(config.alpha),
        "lora_bias": false,
        "lora_dropout": config.dropout,
        "megatron_core": "megatron.core",
        "modules_to_save": saved,
        "peft_type": "LORA",
        "qalora_group_size": 16,
        "r": config.rank,
        "rank_pattern": {},
        "target_modules": targets,
        "task_type": task.name(),
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

/// A whole number without a fraction, as PEFT writes it.
fn number(value: f64) -> Value {
    value.to_string().parse().map_or(Value::Null, Value::Number)
}

/// The configuration that the file describes, for a model with this task's heads.
pub(crate) fn from_json(
    object: &Map<String, Value>,
    task: AdapterTask,
) -> Result<LoraConfig, LoraError> {
    refuse_unsupported(object)?;
    let config = LoraConfig {
        rank: required(object, "r")?,
        alpha: required(object, "lora_alpha")?,
        dropout: optional(object, "lora_dropout")?.unwrap_or(0.0),
        target_modules: required(object, "target_modules")?,
        exclude_modules: optional(object, "exclude_modules")?.filter(|names| !is_none(names)),
        layers_to_transform: layers(object)?,
        modules_to_save: without_heads(
            optional(object, "modules_to_save")?.unwrap_or_default(),
            task,
        ),
        use_dora: optional(object, "use_dora")?.unwrap_or(false),
        scaling: match optional(object, "use_rslora")? {
            Some(true) => LoraScaling::RankStabilized,
            _ => LoraScaling::Standard,
        },
    };
    config.validate()?;
    Ok(config)
}

/// Each name once, and without the head, which is trained anyway.
pub(crate) fn without_heads(mut names: Vec<String>, task: AdapterTask) -> Vec<String> {
    let mut known = HashSet::new();
    names.retain(|name| !task.heads().contains(&name.as_str()) && known.insert(name.clone()));
    names
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
    use super::*;

    const TASK: AdapterTask = AdapterTask::CausalLm;

    fn written(config: &LoraConfig) -> Map<String, Value> {
        to_json(config, &[], TASK).as_object().expect("an object").clone()
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
        assert_eq!(from_json(&written(&config), TASK), Ok(config.clone()));
        let task = AdapterTask::SequenceClassification;
        let json = to_json(&config, &[], task);
        assert_eq!(json["modules_to_save"], json!(["lm_head", "classifier", "score"]));
        assert_eq!(json["task_type"], "SEQ_CLS");
        assert_eq!(from_json(json.as_object().expect("an object"), task), Ok(config));
    }

    #[test]
    fn all_linear_is_written_as_the_paths_that_it_stood_for() {
        let path = "model.layers.0.self_attn.q_proj".to_owned();
        let json = to_json(&LoraConfig::default(), std::slice::from_ref(&path), TASK);
        assert_eq!(json["target_modules"], json!([path]));
    }

    #[test]
    fn a_single_layer_may_be_a_number_and_no_layer_restricts_nothing() {
        let target_modules = TargetModules::from(["q_proj"]);
        let mut object = written(&LoraConfig { target_modules, ..LoraConfig::default() });
        for (value, expected) in [(json!(3), Some(vec![3])), (json!([]), None)] {
            object.insert("layers_to_transform".to_owned(), value);
            assert_eq!(from_json(&object, TASK).expect("valid").layers_to_transform, expected);
        }
    }

    #[test]
    fn kinds_that_compute_something_else_are_refused() {
        let with = |key: &str, value: Value| {
            let mut object = written(&LoraConfig::default());
            object.insert(key.to_owned(), value);
            from_json(&object, TASK).expect_err(key).to_string()
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
