//! What a reward function judges.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The fields of a row by name.
pub type Fields = BTreeMap<String, Field>;

/// A field of a row: labels come as numbers in some files and as text in others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Field {
    /// A number, whole or not.
    Number(f64),
    /// Text.
    Text(String),
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

/// A completion and the fields of the row it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// What the model wrote.
    pub completion: &'a str,
    /// What else is known: `prompt`, `label`, `solution`.
    pub fields: &'a Fields,
}
