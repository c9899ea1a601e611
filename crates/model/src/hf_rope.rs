//! The rotary embedding in `config.json`, as transformers 4 and transformers 5 spell it.

use serde_json::{Map, Value, json};

use crate::config::{ConfigError, RopeScaling, default_rope_theta};
use crate::unsupported::unsupported;

/// The two spellings of the object, the one that transformers prefers first.
const SPELLINGS: [&str; 2] = ["rope_scaling", "rope_parameters"];

/// Base of the wavelengths and how they are stretched.
#[derive(Debug)]
pub(crate) struct Rope {
    pub(crate) theta: f64,
    pub(crate) scaling: Option<RopeScaling>,
}

/// Takes the rotary embedding out of the object; a key `rope_parameters` stays, as a sign of how the file spells it.
///
/// transformers 4 writes `rope_theta` and `rope_scaling`, transformers 5 `rope_parameters` with `rope_theta` inside. The
/// inner `rope_theta` wins over the outer one. `original` is `max_position_embeddings`, the default of Llama's original
/// length.
pub(crate) fn take_rope(
    object: &mut Map<String, Value>,
    theta: Option<f64>,
    original: usize,
) -> Result<Rope, ConfigError> {
    let mut rope = Rope { theta: theta.unwrap_or_else(default_rope_theta), scaling: None };
    // Each that is there is checked; the first is read last, so that it wins.
    for key in SPELLINGS.into_iter().rev() {
        if let Some(parameters) = object.get(key).filter(|value| !value.is_null()) {
            read(key, parameters, original, &mut rope)?;
        }
    }
    object.remove("rope_scaling");
    Ok(rope)
}

fn read(
    key: &'static str,
    parameters: &Value,
    original: usize,
    rope: &mut Rope,
) -> Result<(), ConfigError> {
    let refused = || unsupported(key, parameters, "only the types default and llama3 are");
    let mut fields = parameters.as_object().ok_or_else(refused)?.clone();
    if let Some(theta) = fields.remove("rope_theta").filter(|theta| !theta.is_null()) {
        rope.theta = theta.as_f64().ok_or_else(refused)?;
    }
    let is_whole = |share: &Value| share.as_f64() == Some(1.0);
    if fields.remove("partial_rotary_factor").is_some_and(|share| !is_whole(&share)) {
        return Err(unsupported(key, parameters, "only a partial_rotary_factor of 1 is"));
    }
    let old = fields.remove("type");
    let kind = fields.remove("rope_type").or(old).unwrap_or_else(|| json!("default"));
    fields.retain(|_, value| !value.is_null());
    rope.scaling = match kind.as_str() {
        Some("default") if fields.is_empty() => None,
        Some("llama3") => {
            fields.entry("original_max_position_embeddings").or_insert(json!(original));
            fields.insert("rope_type".to_owned(), kind);
            let scaling = serde_json::from_value(Value::Object(fields));
            Some(scaling.map_err(|error| ConfigError::Type { key, message: error.to_string() })?)
        }
        _ => return Err(refused()),
    };
    Ok(())
}

/// Writes the rotary embedding as transformers 4 spells it, which everything reads, and beside it as transformers 5
/// does, if the file that was read spelt it so.
pub(crate) fn insert_rope(object: &mut Map<String, Value>, rope: &Rope) {
    let scaling = serde_json::to_value(&rope.scaling).unwrap_or(Value::Null);
    object.insert("rope_theta".to_owned(), json!(rope.theta));
    object.insert("rope_scaling".to_owned(), scaling.clone());
    if object.contains_key("rope_parameters") {
        let mut parameters = match scaling {
            Value::Object(scaling) => scaling,
            _ => Map::from_iter([("rope_type".to_owned(), json!("default"))]),
        };
        parameters.insert("rope_theta".to_owned(), json!(rope.theta));
        object.insert("rope_parameters".to_owned(), Value::Object(parameters));
    }
}
