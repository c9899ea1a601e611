//! The families of decoders, and in what they differ.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::linear::Bias;

/// A family of decoders, under the `model_type` of Hugging Face's `config.json`.
///
/// All three are `RMSNorm`, rotate-half rotary embedding, grouped-query attention and `SwiGLU`. The methods say in what
/// they differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Qwen2 and Qwen2.5 (<https://arxiv.org/abs/2407.10671>): biases on queries, keys and values.
    #[default]
    Qwen2,
    /// Qwen3 (<https://arxiv.org/abs/2505.09388>): queries and keys are normalised per head, no biases.
    Qwen3,
    /// Llama (<https://arxiv.org/abs/2407.21783>) and what shares its shape, such as `SmolLM2`: no biases.
    Llama,
}

/// What stands on top of the hidden states, as transformers calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// `ForCausalLM`: next-token logits.
    CausalLm,
    /// `ForSequenceClassification`: one score.
    SequenceClassification,
}

impl Family {
    /// The family of a `model_type`.
    pub(crate) fn parse(model_type: &str) -> Option<Self> {
        match model_type {
            "qwen2" => Some(Self::Qwen2),
            "qwen3" => Some(Self::Qwen3),
            "llama" => Some(Self::Llama),
            _ => None,
        }
    }

    /// Name of the class that transformers and vLLM read a folder with.
    pub(crate) fn architecture(self, task: Task) -> String {
        let family = match self {
            Self::Qwen2 => "Qwen2",
            Self::Qwen3 => "Qwen3",
            Self::Llama => "Llama",
        };
        let task = match task {
            Task::CausalLm => "ForCausalLM",
            Task::SequenceClassification => "ForSequenceClassification",
        };
        format!("{family}{task}")
    }

    /// Whether queries, keys and values have biases.
    pub(crate) fn attention_bias(self) -> Bias {
        match self {
            Self::Qwen2 => Bias::With,
            Self::Qwen3 | Self::Llama => Bias::Without,
        }
    }

    /// Whether each head of queries and keys is normalised before it is turned.
    #[must_use]
    pub fn normalises_heads(self) -> bool {
        self == Self::Qwen3
    }

    /// Width of a head where the configuration does not say one: Qwen3 does not derive it from the others.
    pub(crate) fn default_head_dim(self, hidden_size: usize, num_heads: usize) -> usize {
        match self {
            Self::Qwen3 => 128,
            Self::Qwen2 | Self::Llama => hidden_size / num_heads.max(1),
        }
    }

    /// Key-value heads where `config.json` has no such key (transformers' defaults).
    pub(crate) fn default_kv_heads(self, num_heads: usize) -> usize {
        match self {
            Self::Qwen2 | Self::Qwen3 => 32,
            Self::Llama => num_heads,
        }
    }

    /// Tokens of the longest sequence where `config.json` has no such key (transformers' defaults).
    pub(crate) fn default_max_position_embeddings(self) -> usize {
        match self {
            Self::Qwen2 | Self::Qwen3 => 32_768,
            Self::Llama => 2_048,
        }
    }
}
