//! The architecture of a decoder: its numbers, their ranges, and what this crate can compute.

use forethought_kernels::HeadShape;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::family::Family;
use crate::rotary::Llama3Scaling;
use crate::weight_type::WeightType;

/// The architecture of a decoder, under the names of Hugging Face's `config.json`.
///
/// Read strictly (an unknown key is an error) it is a file of `configs/models/`; [`read_config`](crate::read_config)
/// reads `config.json`, whose further keys it keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecoderConfig {
    /// The family. Default `qwen2`.
    #[serde(default)]
    pub model_type: Family,
    /// Rows of the embedding, at least the number of token ids. May stay 0 (the default) in a file: it is then filled
    /// from the tokenizer before the model is made.
    #[serde(default)]
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Width of the gated feed-forward layer.
    pub intermediate_size: usize,
    /// Number of decoder layers.
    pub num_hidden_layers: usize,
    /// Query heads of one layer.
    pub num_attention_heads: usize,
    /// Key-value heads of one layer; divides `num_attention_heads`.
    pub num_key_value_heads: usize,
    /// Width of one head, even. Default: 128 for `qwen3`, else `hidden_size / num_attention_heads`, as transformers'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<usize>,
    /// Added to the mean square of a row before its root is taken. Default 1e-6 (transformers' `Qwen2Config`).
    #[serde(default = "default_rms_norm_eps")]
    pub rms_norm_eps: f64,
    /// Base of the rotary wavelengths. Default 10,000 (transformers' `Qwen2Config`).
    #[serde(default = "default_rope_theta")]
    pub rope_theta: f64,
    /// How the wavelengths are stretched for long sequences. Default: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_scaling: Option<RopeScaling>,
    /// Tokens of the longest sequence. Default 32,768 (transformers' `Qwen2Config`).
    #[serde(default = "default_max_position_embeddings")]
    pub max_position_embeddings: usize,
    /// Whether the head is the embedding. Default false (transformers' `Qwen2Config`).
    #[serde(default)]
    pub tie_word_embeddings: bool,
    /// Standard deviation of fresh weights. Default 0.02 (transformers' `Qwen2Config`).
    #[serde(default = "default_initializer_range")]
    pub initializer_range: f64,
    /// The keys of `config.json` that this crate has no use for, written back as they were read.
    #[serde(skip)]
    pub other: Map<String, Value>,
}

/// A way to stretch the rotary wavelengths, under the names of `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "rope_type", rename_all = "lowercase")]
pub enum RopeScaling {
    /// Llama 3.1's.
    Llama3(Llama3Scaling),
}

pub(crate) fn default_rms_norm_eps() -> f64 {
    1e-6
}

pub(crate) fn default_rope_theta() -> f64 {
    10_000.0
}

pub(crate) fn default_max_position_embeddings() -> usize {
    32_768
}

pub(crate) fn default_initializer_range() -> f64 {
    0.02
}

/// transformers' defaults where it has one that is not the size of a particular model; the sizes are 0.
impl Default for DecoderConfig {
    fn default() -> Self {
        Self {
            model_type: Family::default(),
            vocab_size: 0,
            hidden_size: 0,
            intermediate_size: 0,
            num_hidden_layers: 0,
            num_attention_heads: 0,
            num_key_value_heads: 0,
            head_dim: None,
            rms_norm_eps: default_rms_norm_eps(),
            rope_theta: default_rope_theta(),
            rope_scaling: None,
            max_position_embeddings: default_max_position_embeddings(),
            tie_word_embeddings: false,
            initializer_range: default_initializer_range(),
            other: Map::new(),
        }
    }
}

/// What is wrong with an architecture.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A key without which the model has no shape is absent.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value has another type than its key asks for.
    #[error("{key} has the wrong type: {message}")]
    Type {
        /// The key.
        key: &'static str,
        /// What was expected and found.
        message: String,
    },
    /// A value is outside its range.
    #[error("{key} must be {rule}, got {found}")]
    Range {
        /// The key.
        key: &'static str,
        /// What is allowed.
        rule: &'static str,
        /// The value.
        found: String,
    },
    /// The file asks for something that this crate does not compute.
    #[error("{key} = {found} is not supported: {allowed}")]
    Unsupported {
        /// The key.
        key: &'static str,
        /// The value, as JSON.
        found: String,
        /// What is supported.
        allowed: &'static str,
    },
}

impl DecoderConfig {
    /// Width of one head.
    #[must_use]
    pub fn head_dim(&self) -> usize {
        let Self { model_type, hidden_size, num_attention_heads, .. } = *self;
        let default = || model_type.default_head_dim(hidden_size, num_attention_heads);
        self.head_dim.unwrap_or_else(default)
    }

    /// The heads of one layer.
    #[must_use]
    pub fn heads(&self) -> HeadShape {
        HeadShape {
            num_heads: self.num_attention_heads,
            num_kv_heads: self.num_key_value_heads,
            head_dim: self.head_dim(),
        }
    }

    /// The type of the weights that `config.json` names (`dtype`, or `torch_dtype` in older files), if it is one that
    /// this crate writes.
    #[must_use]
    pub fn weight_type(&self) -> Option<WeightType> {
        let names = ["dtype", "torch_dtype"].map(|key| self.other.get(key).and_then(Value::as_str));
        WeightType::named(names.into_iter().flatten().next()?)
    }

    /// Checks every number, `vocab_size` included; a configuration that passes can be made into a model.
    ///
    /// # Errors
    ///
    /// The first value that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_sizes()?;
        self.validate_heads()?;
        let fractions = [
            ("rms_norm_eps", self.rms_norm_eps),
            ("rope_theta", self.rope_theta),
            ("initializer_range", self.initializer_range),
        ];
        for (key, value) in fractions {
            if !(value.is_finite() && 0.0 < value) {
                return Err(range(key, "finite and greater than 0", &value));
            }
        }
        if let Some(RopeScaling::Llama3(scaling)) = &self.rope_scaling {
            scaling.validate()?;
        }
        self.validate_memory()
    }

    fn validate_sizes(&self) -> Result<(), ConfigError> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        for (key, value) in sizes {
            if value == 0 {
                return Err(range(key, "at least 1", &value));
            }
            if MAX_SIZE < value {
                return Err(range(key, "at most 2^31 - 1", &value));
            }
        }
        if MAX_LAYERS < self.num_hidden_layers {
            return Err(range("num_hidden_layers", "at most 1024", &self.num_hidden_layers));
        }
        Ok(())
    }

    /// A file can name sizes whose product no machine holds; nothing is allocated before this was checked.
    fn validate_memory(&self) -> Result<(), ConfigError> {
        match self.num_parameters().filter(|count| *count <= MAX_PARAMETERS) {
            Some(_) => Ok(()),
            None => Err(range("the number of parameters", "at most 2^40", &"more")),
        }
    }

    /// Number of weights in the large matrices, or nothing if it does not fit.
    fn num_parameters(&self) -> Option<u64> {
        let HeadShape { num_heads, num_kv_heads, head_dim } = self.heads();
        let product = |a: usize, b: usize| (a as u64).checked_mul(b as u64);
        let heads = num_heads.checked_add(num_kv_heads)?.checked_mul(2)?;
        let attention = product(heads.checked_mul(head_dim)?, self.hidden_size)?;
        let feed_forward = product(self.intermediate_size.checked_mul(3)?, self.hidden_size)?;
        let layers =
            attention.checked_add(feed_forward)?.checked_mul(self.num_hidden_layers as u64)?;
        product(self.vocab_size, self.hidden_size)?.checked_mul(2)?.checked_add(layers)
    }

    fn validate_heads(&self) -> Result<(), ConfigError> {
        let Self { hidden_size, num_attention_heads: heads, num_key_value_heads, .. } = *self;
        let is_derived = self.head_dim.is_none() && self.model_type != Family::Qwen3;
        if is_derived && !hidden_size.is_multiple_of(heads) {
            return Err(range("hidden_size", "a multiple of num_attention_heads", &hidden_size));
        }
        if !heads.is_multiple_of(num_key_value_heads) {
            let rule = "a divisor of num_attention_heads";
            return Err(range("num_key_value_heads", rule, &num_key_value_heads));
        }
        // Rotary embedding turns the first half of a head against the second.
        if self.head_dim() == 0 || !self.head_dim().is_multiple_of(2) {
            return Err(range("head_dim", "even and at least 2", &self.head_dim()));
        }
        if MAX_SIZE < self.head_dim() {
            return Err(range("head_dim", "at most 2^31 - 1", &self.head_dim()));
        }
        Ok(())
    }
}

/// Sizes and token ids fit the 32-bit integers of every backend.
const MAX_SIZE: usize = i32::MAX as usize;

/// Several times the layers of the deepest published decoder.
const MAX_LAYERS: usize = 1024;

/// Weights of a model that a machine could hold.
const MAX_PARAMETERS: u64 = 1 << 40;

pub(crate) fn range(key: &'static str, rule: &'static str, found: &impl ToString) -> ConfigError {
    ConfigError::Range { key, rule, found: found.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid() -> DecoderConfig {
        DecoderConfig {
            vocab_size: 8,
            hidden_size: 12,
            intermediate_size: 4,
            num_hidden_layers: 1,
            num_attention_heads: 3,
            num_key_value_heads: 1,
            ..DecoderConfig::default()
        }
    }

    fn error(config: &DecoderConfig) -> String {
        config.validate().expect_err("the number is out of range").to_string()
    }

    #[test]
    fn a_number_out_of_range_is_named_with_its_rule_and_value() {
        assert_eq!(valid().validate(), Ok(()));
        let cases = [
            (DecoderConfig { vocab_size: 0, ..valid() }, "vocab_size must be at least 1, got 0"),
            (
                DecoderConfig { hidden_size: 13, ..valid() },
                "hidden_size must be a multiple of num_attention_heads, got 13",
            ),
            (
                DecoderConfig { num_key_value_heads: 2, ..valid() },
                "num_key_value_heads must be a divisor of num_attention_heads, got 2",
            ),
            (
                DecoderConfig { head_dim: Some(3), ..valid() },
                "head_dim must be even and at least 2, got 3",
            ),
            (
                DecoderConfig { rms_norm_eps: -1.0, ..valid() },
                "rms_norm_eps must be finite and greater than 0, got -1",
            ),
            (
                DecoderConfig { rope_theta: f64::NAN, ..valid() },
                "rope_theta must be finite and greater than 0, got NaN",
            ),
        ];
        for (config, expected) in cases {
            assert_eq!(error(&config), expected);
        }
    }

    #[test]
    fn a_strict_file_refuses_a_misspelt_key() {
        let text = r#"{"hidden_size": 12, "intermediate_size": 4, "num_hidden_layers": 1,
            "num_attention_heads": 3, "num_key_value_heads": 1, "rope_teta": 5}"#;
        let error = serde_json::from_str::<DecoderConfig>(text).expect_err("the key is misspelt");
        assert!(error.to_string().contains("unknown field `rope_teta`"), "{error}");
    }
}
