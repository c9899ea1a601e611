//! The configuration of low-rank adapters, with the meaning of PEFT.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::targets::{ALL_LINEAR, TargetModules};

/// Low-rank adaptation (Hu et al. 2021, <https://arxiv.org/abs/2106.09685>), with the meaning of PEFT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoraConfig {
    /// Rank of the update, at least 1. Default 8 (PEFT, LLaMA-Factory).
    #[serde(default = "default_rank")]
    pub rank: usize,
    /// Numerator of the scale, finite and `> 0`. Default 16 (LLaMA-Factory: twice the rank).
    #[serde(default = "default_alpha")]
    pub alpha: f64,
    /// Share of the adapter's inputs that training drops, in `[0, 1)`. Default 0 (PEFT, LLaMA-Factory).
    #[serde(default)]
    pub dropout: f64,
    /// Which linear layers get an adapter, by PEFT's rules: a list of names such as `q_proj` or `layers.0.mlp.up_proj`
    /// (whole paths, or their ends behind a dot), `all-linear` (all but the output layer), or another string, which is a
    /// regular expression for whole paths. Default `all-linear` (LLaMA-Factory's `all`).
    #[serde(default = "default_target_modules")]
    pub target_modules: TargetModules,
    /// Which of them get none after all, by the same rules. Default none (PEFT).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_modules: Option<TargetModules>,
    /// Indices of the decoder layers to which names in `target_modules` are restricted; whole paths are not. Refused
    /// beside a pattern or `all-linear`, as in PEFT. Default all layers (PEFT).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers_to_transform: Option<Vec<usize>>,
    /// Modules that are trained whole and saved beside the adapter: every path that ends with one of the names. They get
    /// no adapter. Default none (PEFT).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules_to_save: Vec<String>,
    /// Whether the length of each column of the weight is trained apart from its direction (`DoRA`, Liu et al. 2024,
    /// <https://arxiv.org/abs/2402.09353>). Default false (PEFT).
    #[serde(default)]
    pub use_dora: bool,
    /// How rank and `alpha` make the scale. Default `standard` (PEFT).
    #[serde(default)]
    pub scaling: LoraScaling,
}

/// How rank and `alpha` make the scale of the update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoraScaling {
    /// `alpha / rank`.
    #[default]
    Standard,
    /// `alpha / sqrt(rank)` (rsLoRA, Kalajdzievski 2023, <https://arxiv.org/abs/2312.03732>).
    RankStabilized,
}

fn default_rank() -> usize {
    8
}

fn default_alpha() -> f64 {
    16.0
}

fn default_target_modules() -> TargetModules {
    ALL_LINEAR.into()
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self {
            rank: default_rank(),
            alpha: default_alpha(),
            dropout: 0.0,
            target_modules: default_target_modules(),
            exclude_modules: None,
            layers_to_transform: None,
            modules_to_save: Vec::new(),
            use_dora: false,
            scaling: LoraScaling::Standard,
        }
    }
}

/// What is wrong with an adapter's configuration.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LoraError {
    /// An update of rank 0 is none.
    #[error("rank must be at least 1, got 0")]
    Rank,
    /// The scale would not be a positive number of 32 bits.
    #[error("alpha must be finite and greater than 0, and its scale a 32-bit float, got {0}")]
    Alpha(f64),
    /// A rate of 1 would drop everything.
    #[error("dropout must be in [0, 1), got {0}")]
    Dropout(f64),
    /// Nothing would be trained.
    #[error("target_modules is empty")]
    NoTargets,
    /// PEFT allows layers only beside a list of names.
    #[error("layers_to_transform needs target_modules to be a list of names")]
    LayersOfPattern,
    /// A target is no module.
    #[error("target_modules: {target:?} is no module of the model; its linear layers are {linear}")]
    Target {
        /// The target.
        target: String,
        /// The names of the linear layers that there are.
        linear: String,
    },
    /// A target is a module, but no linear layer.
    #[error("target_modules: {module} is no linear layer; the linear layers are {linear}")]
    NotLinear {
        /// The path of the module.
        module: String,
        /// The names of the linear layers that there are.
        linear: String,
    },
    /// A pattern is longer than any honest one.
    #[error("target_modules: a pattern of {bytes} bytes; allowed are {allowed}")]
    PatternTooLong {
        /// Its length.
        bytes: usize,
        /// The longest that is read.
        allowed: usize,
    },
    /// A pattern is no regular expression, or one that does not come to an end.
    #[error(
        "target_modules: {pattern:?} is no regular expression that can be searched for: {message}"
    )]
    Pattern {
        /// The pattern, or its beginning.
        pattern: String,
        /// Why.
        message: String,
    },
    /// No layer is left.
    #[error(
        "target_modules, exclude_modules, modules_to_save and layers_to_transform together select no linear layer; \
         the linear layers are {linear}"
    )]
    NothingSelected {
        /// The names of the linear layers that there are.
        linear: String,
    },
    /// A module to save is not there.
    #[error("modules_to_save: no module of the model ends with {0:?}")]
    NoSuchModule(String),
    /// What is trained would be the embedding and the head at once.
    #[error(
        "{0} shares its weight with another module (tie_word_embeddings), so it cannot be trained by itself"
    )]
    Tied(String),
    /// A quantised weight is frozen.
    #[error("modules_to_save: the weight of {0} is quantised and cannot be trained")]
    Quantised(String),
    /// The decoder has an adapter already.
    #[error("the model has an adapter already: merge it first")]
    Attached,
    /// `adapter_config.json` lacks a key.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value of `adapter_config.json` has the wrong type.
    #[error("{key} has the wrong type: {message}")]
    Type {
        /// The key.
        key: &'static str,
        /// What was expected and found.
        message: String,
    },
    /// `adapter_config.json` asks for something that this crate does not compute.
    #[error("{key} = {found} is not supported")]
    Unsupported {
        /// The key.
        key: &'static str,
        /// The value, as JSON.
        found: String,
    },
}

impl LoraConfig {
    /// Checks the numbers; whether the targets exist only a model can tell.
    ///
    /// # Errors
    ///
    /// The first value that is out of range.
    pub fn validate(&self) -> Result<(), LoraError> {
        if self.rank == 0 {
            return Err(LoraError::Rank);
        }
        #[expect(clippy::cast_possible_truncation, reason = "weights are 32-bit floats")]
        let scale = self.scale() as f32;
        if !(self.alpha.is_finite() && 0.0 < self.alpha && scale.is_finite()) {
            return Err(LoraError::Alpha(self.alpha));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(LoraError::Dropout(self.dropout));
        }
        if self.target_modules.is_empty() {
            return Err(LoraError::NoTargets);
        }
        let is_list = matches!(self.target_modules, TargetModules::Names(_));
        let is_restricted = self.layers_to_transform.is_some();
        if is_restricted && (!is_list || self.target_modules.is_all_linear()) {
            return Err(LoraError::LayersOfPattern);
        }
        Ok(())
    }

    /// What the product of the two factors is multiplied with.
    #[must_use]
    pub fn scale(&self) -> f64 {
        match self.scaling {
            LoraScaling::Standard => self.alpha / self.rank as f64,
            LoraScaling::RankStabilized => self.alpha / (self.rank as f64).sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_scalings_divide_by_the_rank_and_by_its_root() {
        let config = LoraConfig { rank: 4, alpha: 8.0, ..LoraConfig::default() };
        assert!((config.scale() - 2.0).abs() < 1e-12);
        let stabilized = LoraConfig { scaling: LoraScaling::RankStabilized, ..config };
        assert!((stabilized.scale() - 4.0).abs() < 1e-12);
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let check = |config: LoraConfig| config.validate();
        let default = LoraConfig::default;
        assert_eq!(check(default()), Ok(()));
        assert_eq!(check(LoraConfig { rank: 0, ..default() }), Err(LoraError::Rank));
        assert_eq!(check(LoraConfig { alpha: -1.0, ..default() }), Err(LoraError::Alpha(-1.0)));
        assert_eq!(check(LoraConfig { dropout: 1.0, ..default() }), Err(LoraError::Dropout(1.0)));
        let no_targets = LoraConfig { target_modules: TargetModules::Names(vec![]), ..default() };
        assert_eq!(check(no_targets), Err(LoraError::NoTargets));
        let layers = LoraConfig { layers_to_transform: Some(vec![0]), ..default() };
        assert_eq!(check(layers), Err(LoraError::LayersOfPattern));
        assert!(serde_json::from_str::<LoraConfig>(r#"{"ranks": 8}"#).is_err());
    }

    #[test]
    fn targets_are_a_word_a_pattern_or_a_list() {
        let read =
            |text| serde_json::from_str::<LoraConfig>(text).expect("it is valid").target_modules;
        assert!(read("{}").is_all_linear());
        assert!(read(r#"{"target_modules": ["all-linear"]}"#).is_all_linear());
        assert_eq!(read(r#"{"target_modules": ".*q"}"#), TargetModules::from(".*q"));
        assert_eq!(read(r#"{"target_modules": ["q"]}"#), TargetModules::from(["q"]));
    }
}
