//! What `config.json` can ask for and this crate does not compute: each is an error that names the key.

use serde_json::{Map, Value, json};

use crate::config::ConfigError;
use crate::family::{Family, Task};

/// Keys that change what is computed, with the values under which they change nothing (`null` is always one).
const NEUTRAL: [(&str, &[&str], &str); 13] = [
    ("hidden_act", &["\"silu\""], "only \"silu\" is"),
    ("attention_dropout", &["0", "0.0"], "only 0 is"),
    ("mlp_bias", &["false"], "feed-forward layers have no biases"),
    ("partial_rotary_factor", &["1", "1.0"], "only 1 is"),
    ("is_causal", &["true"], "attention is causal"),
    ("add_cross_attention", &["false"], "there is no encoder to attend to"),
    ("num_experts", &["0"], "mixtures of experts are not"),
    ("num_local_experts", &["0"], "mixtures of experts are not"),
    ("n_routed_experts", &["0"], "mixtures of experts are not"),
    ("moe_intermediate_size", &["0"], "mixtures of experts are not"),
    ("quantization_config", &[], "only unquantised weights are"),
    ("attn_logit_softcapping", &[], "logits are not capped"),
    ("final_logit_softcapping", &[], "logits are not capped"),
];

/// Refuses every key of the object that would change the numbers and is not computed.
pub(crate) fn refuse(object: &Map<String, Value>, family: Family) -> Result<(), ConfigError> {
    for (key, neutral, allowed) in NEUTRAL {
        refuse_unless(object, key, neutral, allowed)?;
    }
    match family {
        // Its biases are no matter of configuration.
        Family::Qwen2 => Ok(()),
        Family::Qwen3 | Family::Llama => {
            refuse_unless(object, "attention_bias", &["false"], "the family has none here")
        }
    }
}

fn refuse_unless(
    object: &Map<String, Value>,
    key: &'static str,
    neutral: &[&str],
    allowed: &'static str,
) -> Result<(), ConfigError> {
    match object.get(key) {
        Some(value) if !value.is_null() && !neutral.contains(&value.to_string().as_str()) => {
            Err(unsupported(key, value, allowed))
        }
        _ => Ok(()),
    }
}

/// Qwen's windows are used by the layers from `max_window_layers` on, and only if `use_sliding_window` says so; newer
/// files list the kind of each layer instead. Llama has no windows, but its relatives with one share its shape.
pub(crate) fn refuse_sliding_window(
    object: &Map<String, Value>,
    family: Family,
    num_layers: usize,
) -> Result<(), ConfigError> {
    let kinds = object.get("layer_types").and_then(Value::as_array);
    if let Some(kind) = kinds.into_iter().flatten().find(|kind| *kind != "full_attention") {
        return Err(unsupported("layer_types", kind, "only \"full_attention\" is"));
    }
    if family == Family::Llama {
        return refuse_unless(object, "sliding_window", &[], "only full attention is");
    }
    // transformers' window is 4,096 tokens where the key is absent.
    let has_window = object.get("sliding_window").is_none_or(|window| !window.is_null());
    let is_used = object.get("use_sliding_window") == Some(&Value::Bool(true)) && has_window;
    let first = object.get("max_window_layers").and_then(Value::as_u64).unwrap_or(28);
    if kinds.is_none() && is_used && first < num_layers as u64 {
        return Err(unsupported("use_sliding_window", &json!(true), "only full attention is"));
    }
    Ok(())
}

/// What stands on top of the decoder, by the class that a folder was written for; next-token logits if it names none.
pub(crate) fn task(object: &Map<String, Value>, family: Family) -> Task {
    let scores = family.architecture(Task::SequenceClassification);
    match first_class(object) {
        Some(class) if *class == scores => Task::SequenceClassification,
        _ => Task::CausalLm,
    }
}

fn first_class(object: &Map<String, Value>) -> Option<&Value> {
    object.get("architectures")?.as_array()?.first()
}

/// Refuses a folder that was written for another class, if it says for which.
pub(crate) fn refuse_architecture(
    object: &Map<String, Value>,
    family: Family,
    task: Task,
) -> Result<(), ConfigError> {
    if first_class(object).is_none_or(|first| *first == family.architecture(task)) {
        return Ok(());
    }
    let allowed = match task {
        Task::CausalLm => "a decoder is read from the family's ForCausalLM",
        Task::SequenceClassification => {
            "a score model is read from the family's ForSequenceClassification"
        }
    };
    Err(unsupported("architectures", &object["architectures"], allowed))
}

pub(crate) fn unsupported(key: &'static str, found: &Value, allowed: &'static str) -> ConfigError {
    ConfigError::Unsupported { key, found: found.to_string(), allowed }
}
