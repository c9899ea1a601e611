//! Training some layers of a decoder and freezing the others.

use std::collections::BTreeSet;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decoder::Decoder;
use crate::parameters::{file_shapes, train_only};

/// The word that stands for all parts of a layer.
const ALL: &str = "all";

/// Which layers are trained; everything else is frozen. Keys, meaning and defaults are those of LLaMA-Factory's freeze
/// tuning (`finetuning_type: freeze`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeConfig {
    /// Number of decoder layers that are trained: the last ones if positive, the first ones if negative, none if 0.
    /// More than there are means all. Default 2 (LLaMA-Factory).
    #[serde(default = "default_layers")]
    pub freeze_trainable_layers: i64,
    /// Parts of these layers that are trained: `self_attn`, `mlp`, `input_layernorm`, …, or `all`. Default `[all]`
    /// (LLaMA-Factory).
    #[serde(default = "default_modules")]
    pub freeze_trainable_modules: Vec<String>,
    /// Modules outside the layers that are trained too: `embed_tokens`, `norm`, `lm_head`. As in LLaMA-Factory every
    /// parameter whose name contains one of them is meant, so `norm` reaches the norms of all layers. Default none
    /// (LLaMA-Factory).
    #[serde(default)]
    pub freeze_extra_modules: Vec<String>,
}

fn default_layers() -> i64 {
    2
}

fn default_modules() -> Vec<String> {
    vec![ALL.to_owned()]
}

impl Default for FreezeConfig {
    fn default() -> Self {
        Self {
            freeze_trainable_layers: default_layers(),
            freeze_trainable_modules: default_modules(),
            freeze_extra_modules: Vec::new(),
        }
    }
}

/// What is wrong with a choice of layers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FreezeError {
    /// A part of a layer is not there.
    #[error("freeze_trainable_modules: {module:?} is no part of a layer; there are all, {known}")]
    Module {
        /// The name.
        module: String,
        /// The names that there are.
        known: String,
    },
    /// A module outside the layers is not there.
    #[error("freeze_extra_modules: {module:?} is no module outside the layers; there are {known}")]
    Extra {
        /// The name.
        module: String,
        /// The names that there are.
        known: String,
    },
    /// Everything would be frozen.
    #[error(
        "nothing is left to train: freeze_trainable_layers is 0 and freeze_extra_modules is empty"
    )]
    Nothing,
    /// An adapter decides by itself what is trained.
    #[error("the model has an adapter: layers are frozen already")]
    Adapter,
    /// Quantised weights cannot be trained.
    #[error("the weights of the layers are quantised: only an adapter can be trained")]
    Quantised,
}

impl Decoder {
    /// The decoder in which only the chosen layers are trained. The other parameters get no gradient, and so no
    /// optimiser has a state for them.
    ///
    /// # Errors
    ///
    /// If a module is not there, if nothing would be trained, or if the decoder has an adapter.
    pub fn train_layers(self, config: &FreezeConfig) -> Result<Self, FreezeError> {
        if self.lora().is_some() {
            return Err(FreezeError::Adapter);
        }
        if self.quantisation().is_some() {
            return Err(FreezeError::Quantised);
        }
        let names: Vec<String> = file_shapes(&self).into_iter().map(|(name, _)| name).collect();
        let layers =
            trained_layers(config.freeze_trainable_layers, self.config().num_hidden_layers);
        let parts = trained_parts(config, layers, &names)?;
        if parts.is_empty() {
            return Err(FreezeError::Nothing);
        }
        Ok(train_only(self, |name| parts.iter().any(|part| name.contains(part.as_str()))))
    }
}

/// The layers that a signed number stands for.
fn trained_layers(layers: i64, available: usize) -> Range<usize> {
    let count = usize::try_from(layers.unsigned_abs()).unwrap_or(usize::MAX).min(available);
    if 0 < layers { available - count..available } else { 0..count }
}

/// What the name of a trained parameter contains, one of these.
fn trained_parts(
    config: &FreezeConfig,
    layers: Range<usize>,
    names: &[String],
) -> Result<Vec<String>, FreezeError> {
    let (inner, outer) = modules(names);
    let mut parts = Vec::new();
    for module in &config.freeze_trainable_modules {
        let part = if module == ALL { "" } else { module.as_str() };
        if !part.is_empty() && !inner.contains(part) {
            return Err(FreezeError::Module { module: module.clone(), known: list(&inner) });
        }
        parts.extend(layers.clone().map(|layer| format!(".{layer}.{part}")));
    }
    for module in &config.freeze_extra_modules {
        if !outer.contains(module.as_str()) {
            return Err(FreezeError::Extra { module: module.clone(), known: list(&outer) });
        }
        parts.push(module.clone());
    }
    Ok(parts)
}

/// The parts of a layer, and the modules outside the layers.
fn modules(names: &[String]) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let (mut inner, mut outer) = (BTreeSet::new(), BTreeSet::new());
    for name in names {
        if let Some((_, rest)) = name.split_once(".0.") {
            inner.extend(rest.split('.').next());
        } else if !name.split('.').any(|part| part.parse::<usize>().is_ok()) {
            outer.extend(name.rsplit('.').nth(1));
        }
    }
    (inner, outer)
}

fn list(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_positive_number_means_the_last_layers_and_a_negative_one_the_first() {
        assert_eq!(trained_layers(2, 5), 3..5);
        assert_eq!(trained_layers(-2, 5), 0..2);
        assert_eq!(trained_layers(9, 5), 0..5);
        assert_eq!(trained_layers(i64::MIN, 5), 0..5);
        assert!(trained_layers(0, 5).is_empty());
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let error = serde_json::from_str::<FreezeConfig>(r#"{"freeze_layers": 2}"#);
        assert!(error.expect_err("the key is misspelt").to_string().contains("freeze_layers"));
        let default: FreezeConfig = serde_json::from_str("{}").expect("all fields have defaults");
        assert_eq!(default, FreezeConfig::default());
    }
}
