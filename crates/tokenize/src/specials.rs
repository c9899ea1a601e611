//! Tokens with a meaning: which of them end a turn, and which one fills.

use serde_json::{Map, Value};
use tokenizers::Tokenizer;

use crate::TokenizeError;
use crate::folder::{Folder, GENERATION_CONFIG, SPECIAL_TOKENS_MAP, TOKENIZER_CONFIG};

/// The keys under which transformers keeps special tokens, and hands them to chat templates.
const KEYS: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// The special tokens of a folder by key, as text; `tokenizer_config.json` goes before `special_tokens_map.json`.
pub(crate) fn named(folder: &Folder) -> Result<Map<String, Value>, TokenizeError> {
    let mut specials = Map::new();
    for file in [SPECIAL_TOKENS_MAP, TOKENIZER_CONFIG] {
        let Some(config) = folder.json(file)? else { continue };
        for key in KEYS {
            if let Some(token) = token_text(folder, file, key, &config[key])? {
                specials.insert(key.to_owned(), Value::String(token));
            }
        }
    }
    Ok(specials)
}

/// A token is `null`, its text, or an object with its text as `content`.
fn token_text(
    folder: &Folder,
    file: &str,
    key: &str,
    value: &Value,
) -> Result<Option<String>, TokenizeError> {
    let wrong = || {
        let reason = format!("{key} must be a string, an object with `content`, or null");
        folder.malformed(file, format!("{reason}, got {value}"))
    };
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Object(object) => {
            let content = object.get("content").and_then(Value::as_str).ok_or_else(wrong)?;
            Ok(Some(content.to_owned()))
        }
        _ => Err(wrong()),
    }
}

/// The id of the token under `key`, if there is one.
pub(crate) fn id_of(
    folder: &Folder,
    tokenizer: &Tokenizer,
    specials: &Map<String, Value>,
    key: &str,
) -> Result<Option<u32>, TokenizeError> {
    let Some(token) = specials.get(key).and_then(Value::as_str) else { return Ok(None) };
    let unknown =
        || folder.malformed(TOKENIZER_CONFIG, format!("{key} `{token}` is not in tokenizer.json"));
    tokenizer.token_to_id(token).ok_or_else(unknown).map(Some)
}

/// `eos_token_id` of the generation config, which is a number or a list of numbers.
pub(crate) fn generation_eos(folder: &Folder) -> Result<Vec<u32>, TokenizeError> {
    let config = folder.json(GENERATION_CONFIG)?.unwrap_or_default();
    let value = &config["eos_token_id"];
    let wrong = || {
        let reason = "eos_token_id must be an id or a list of ids";
        folder.malformed(GENERATION_CONFIG, format!("{reason}, got {value}"))
    };
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(wrong);
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(ids) => ids.iter().map(id).collect(),
        single => Ok(vec![id(single)?]),
    }
}
