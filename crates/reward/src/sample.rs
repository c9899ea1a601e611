//! What a reward function judges.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The columns of a row by name.
pub type Fields = BTreeMap<String, Field>;

/// A column of a row: labels come as numbers in some files and as text in others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Field {
    /// A number, whole or not.
    Number(f64),
    /// Text.
    Text(String),
    /// Anything else: lists, records, truth values, null, whole numbers that no float holds.
    Other(serde_json::Value),
}

impl Field {
    /// The column as text; `None` for what is neither text nor a number.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Number(number) => Some(number.to_string().into()),
            Self::Text(text) => Some(text.into()),
            Self::Other(serde_json::Value::Number(number)) => Some(number.to_string().into()),
            Self::Other(_) => None,
        }
    }
}

impl From<f64> for Field {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Field {
    fn from(number: u32) -> Self {
        Self::Number(f64::from(number))
    }
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Whole numbers up to this size have a float each.
const MAX_WHOLE: i64 = 1 << 53;

impl From<serde_json::Value> for Field {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Number(number) => {
                let is_exact = match number.as_i64() {
                    Some(whole) => (-MAX_WHOLE..=MAX_WHOLE).contains(&whole),
                    None => number.is_f64(),
                };
                match number.as_f64().filter(|_| is_exact) {
                    Some(float) => Self::Number(float),
                    None => Self::Other(serde_json::Value::Number(number)),
                }
            }
            other => Self::Other(other),
        }
    }
}

/// A completion and the row it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// What the model wrote.
    pub completion: &'a str,
    /// Its tokens, where they are known.
    pub tokens: Option<&'a [u32]>,
    /// What else is known: `prompt`, `label`, `solution`.
    pub fields: &'a Fields,
    /// Completions of one prompt have one number; functions that compare completions stay within it.
    pub group: usize,
}

impl<'a> Sample<'a> {
    /// A completion without tokens, in group 0.
    #[must_use]
    pub fn new(completion: &'a str, fields: &'a Fields) -> Self {
        Self { completion, tokens: None, fields, group: 0 }
    }

    /// The same with its tokens.
    #[must_use]
    pub fn with_tokens(self, tokens: &'a [u32]) -> Self {
        Self { tokens: Some(tokens), ..self }
    }

    /// The same in a group.
    #[must_use]
    pub fn in_group(self, group: usize) -> Self {
        Self { group, ..self }
    }
}
