//! Rewards that something outside this program gives. These are settings alone: who opens them is told by the caller.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A reward that something outside this program gives.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ExternalConfig {
    /// A reward model.
    Model(ModelConfig),
    /// Another process.
    Process(ProcessConfig),
    /// An endpoint.
    Http(HttpConfig),
}

impl ExternalConfig {
    /// The name of the function in YAML.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Model(_) => "model",
            Self::Process(_) => "process",
            Self::Http(_) => "http",
        }
    }
}

/// A folder with a reward model, which scores prompt and completion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// The folder: weights with a score head, config and tokenizer.
    pub folder: PathBuf,
    /// The column that holds the prompt. Default `prompt`.
    #[serde(default = "prompt")]
    pub prompt: String,
}

/// A process that is asked through its standard input and answers on its standard output, a JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessConfig {
    /// The program and its arguments, at least the program; no shell reads them.
    pub command: Vec<String>,
    /// Variables of its environment that are set besides those of this process. Default none.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Columns that it is sent; one that is missing is an error. Default: all that there are.
    #[serde(default)]
    pub columns: Option<Vec<String>>,
    /// Seconds that one completion may take: finite, above 0. A process that takes longer is killed and started again.
    /// Default 10.
    #[serde(default = "timeout")]
    pub timeout: f64,
    /// Seconds from its start to its first answer that are granted on top, for imports: finite, 0 or more. Default 60. Once it
    /// has answered, a later start is granted twice what the longest took, if that is less; until then only the first start
    /// of a call is granted anything.
    #[serde(default = "startup")]
    pub startup: f64,
}

/// An endpoint that is asked by POST with a JSON object for each completion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// The address: `http://…`.
    pub url: String,
    /// Columns that it is sent; one that is missing is an error. Default: all that there are.
    #[serde(default)]
    pub columns: Option<Vec<String>>,
    /// Seconds that one completion may take: finite, above 0. Default 10.
    #[serde(default = "timeout")]
    pub timeout: f64,
}

fn prompt() -> String {
    "prompt".to_owned()
}
fn timeout() -> f64 {
    10.0
}
fn startup() -> f64 {
    60.0
}
