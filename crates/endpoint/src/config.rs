//! The settings of an address.

use std::num::NonZeroUsize;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An address and how it is treated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// The address up to the version, e.g. `http://127.0.0.1:8000/v1`.
    pub url: String,
    /// The name of the model, as the endpoint knows it.
    pub model: String,
    /// The environment variable that holds the key. Default none: no key is sent.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// Requests that are under way at once, at least 1. Default 8.
    #[serde(default = "default_concurrency")]
    pub concurrency: NonZeroUsize,
    /// Seconds until an answer must be there, above 0. Default 120.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: f64,
    /// How often a request is tried again. Default 6.
    #[serde(default = "default_retries")]
    pub retries: u32,
    /// Seconds before the first new try, above 0; each later one waits twice as long. Default 1.
    #[serde(default = "default_first_wait")]
    pub first_wait_seconds: f64,
    /// The longest wait in seconds, at least `first_wait_seconds`. An endpoint that asks for a longer one ends the work.
    /// Default 120.
    #[serde(default = "default_timeout")]
    pub longest_wait_seconds: f64,
}

fn default_concurrency() -> NonZeroUsize {
    const { NonZeroUsize::new(8).expect("8 is not 0") }
}
fn default_timeout() -> f64 {
    120.0
}
fn default_retries() -> u32 {
    6
}
fn default_first_wait() -> f64 {
    1.0
}

/// An address that cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// A setting out of its range.
    #[error("{field} must be {rule}, got {found}")]
    Setting {
        /// The name of the setting.
        field: &'static str,
        /// What it has to fulfil.
        rule: &'static str,
        /// The value it has.
        found: String,
    },
    /// The variable that should hold the key does not.
    #[error("the environment variable {0} holds no API key; set it, or leave out api_key_env")]
    NoKey(String),
    /// The address needs TLS, which is not compiled in.
    #[error("{0}: https needs a binary built with the cargo feature `tls`")]
    NoTls(String),
}

impl EndpointConfig {
    /// An endpoint without a key, with every other setting at its default.
    #[must_use]
    pub fn new(url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            model: model.into(),
            api_key_env: None,
            concurrency: default_concurrency(),
            timeout_seconds: default_timeout(),
            retries: default_retries(),
            first_wait_seconds: default_first_wait(),
            longest_wait_seconds: default_timeout(),
        }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    ///
    /// If a setting is out of its range.
    pub fn check(&self) -> Result<(), EndpointError> {
        let refuse = |field, rule, found: &dyn ToString| {
            Err(EndpointError::Setting { field, rule, found: found.to_string() })
        };
        if !self.url.starts_with("http://") && !self.url.starts_with("https://") {
            return refuse("url", "an address that begins with http:// or https://", &self.url);
        }
        if self.model.is_empty() {
            return refuse("model", "the name of a model", &"an empty text");
        }
        let times = [
            ("timeout_seconds", self.timeout_seconds),
            ("first_wait_seconds", self.first_wait_seconds),
            ("longest_wait_seconds", self.longest_wait_seconds),
        ];
        // More than a day is a slip, and far more no duration can hold.
        match times.iter().find(|(_, seconds)| !(0.0 < *seconds && *seconds <= 86_400.0)) {
            Some((field, seconds)) => refuse(field, "above 0 and at most 86400", seconds),
            None if self.longest_wait_seconds < self.first_wait_seconds => {
                let rule = "at least first_wait_seconds";
                refuse("longest_wait_seconds", rule, &self.longest_wait_seconds)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(spoil: impl FnOnce(&mut EndpointConfig)) -> String {
        let mut config = EndpointConfig::new("http://127.0.0.1:1/v1", "m");
        spoil(&mut config);
        config.check().expect_err("out of range").to_string()
    }

    #[test]
    fn settings_out_of_range_are_named() {
        assert!(EndpointConfig::new("https://host/v1", "m").check().is_ok());
        assert!(refusal(|one| one.url = "127.0.0.1:1".into()).contains("url must be an address"));
        assert!(refusal(|one| one.model.clear()).contains("model must be"));
        assert_eq!(
            refusal(|one| one.timeout_seconds = f64::NAN),
            "timeout_seconds must be above 0 and at most 86400, got NaN"
        );
        assert_eq!(
            refusal(|one| one.longest_wait_seconds = 0.5),
            "longest_wait_seconds must be at least first_wait_seconds, got 0.5"
        );
    }
}
