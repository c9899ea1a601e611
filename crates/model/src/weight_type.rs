//! The types that weights have in files.

use half::{bf16, f16};
use serde::{Deserialize, Serialize};

/// The type of the weights of a folder that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightType {
    /// 32-bit floats: what is computed with, so nothing is lost.
    #[default]
    F32,
    /// 16-bit floats with the range of 32-bit ones and 8 bits of precision.
    Bf16,
    /// 16-bit floats with 11 bits of precision; weights above 65,504 do not fit.
    F16,
}

impl WeightType {
    /// Its name in `config.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::Bf16 => "bfloat16",
            Self::F16 => "float16",
        }
    }

    /// The type of a name in `config.json`, if it is one of these.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::F32, Self::Bf16, Self::F16].into_iter().find(|known| known.name() == name)
    }

    /// Its name in a safetensors header.
    pub(crate) fn dtype(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::Bf16 => "BF16",
            Self::F16 => "F16",
        }
    }

    /// The type that a safetensors header names, if it is one of these.
    pub(crate) fn parse(dtype: &str) -> Option<Self> {
        [Self::F32, Self::Bf16, Self::F16].into_iter().find(|known| known.dtype() == dtype)
    }

    /// Bytes of one weight.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 | Self::F16 => 2,
        }
    }

    /// The values of little-endian bytes.
    pub(crate) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        let pairs = || bytes.as_chunks::<2>().0.iter().copied();
        match self {
            Self::F32 => bytes.as_chunks::<4>().0.iter().copied().map(f32::from_le_bytes).collect(),
            Self::Bf16 => pairs().map(|pair| bf16::from_le_bytes(pair).to_f32()).collect(),
            Self::F16 => pairs().map(|pair| f16::from_le_bytes(pair).to_f32()).collect(),
        }
    }

    /// The little-endian bytes of values, rounded to the nearest, ties to even.
    pub(crate) fn encode(self, values: &[f32]) -> Vec<u8> {
        match self {
            Self::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Self::Bf16 => {
                values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect()
            }
            Self::F16 => {
                values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect()
            }
        }
    }
}
