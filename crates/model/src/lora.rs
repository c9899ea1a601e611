//! Low-rank adapters: their configuration, attaching them, folding them into the weights.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use forethought_seed::Seed;
use serde::{Deserialize, Serialize};

use crate::decoder::Decoder;
use crate::init::uniform_values;
use crate::linear::{Adapter, Linear};

/// The target that stands for every linear layer inside the decoder layers.
pub(crate) const ALL_LINEAR: &str = "all-linear";

/// Low-rank adaptation (Hu et al. 2021, <https://arxiv.org/abs/2106.09685>), with the meaning of PEFT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Which linear layers get an adapter: names such as `q_proj` or `layers.0.mlp.up_proj`, or `all-linear`. Default
    /// `[all-linear]` (LLaMA-Factory's `all`).
    #[serde(default = "default_target_modules")]
    pub target_modules: Vec<String>,
    /// How rank and `alpha` make the scale. Default `standard` (PEFT).
    #[serde(default)]
    pub scaling: LoraScaling,
}

/// How rank and `alpha` make the scale of the update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

fn default_target_modules() -> Vec<String> {
    vec![ALL_LINEAR.to_owned()]
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self {
            rank: default_rank(),
            alpha: default_alpha(),
            dropout: 0.0,
            target_modules: default_target_modules(),
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
    /// The scale would not be a positive number.
    #[error("alpha must be finite and greater than 0, got {0}")]
    Alpha(f64),
    /// A rate of 1 would drop everything.
    #[error("dropout must be in [0, 1), got {0}")]
    Dropout(f64),
    /// Nothing would be trained.
    #[error("target_modules is empty")]
    NoTargets,
    /// A target names no linear layer.
    #[error(
        "target_modules: {0:?} is no linear layer of the model; there are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj and all-linear"
    )]
    Target(String),
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
        if !(self.alpha.is_finite() && 0.0 < self.alpha) {
            return Err(LoraError::Alpha(self.alpha));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(LoraError::Dropout(self.dropout));
        }
        if self.target_modules.is_empty() {
            return Err(LoraError::NoTargets);
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

    fn adapts(&self, module: &str) -> bool {
        self.target_modules.iter().any(|target| names(target, module))
    }
}

/// PEFT's rule: a target is the whole name of a module or its end behind a dot.
fn names(target: &str, module: &str) -> bool {
    target == ALL_LINEAR
        || module.strip_suffix(target).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl Decoder {
    /// The decoder with fresh adapters, which alone are trained from here on: `A` is uniform within
    /// `1 / sqrt(in)` (PEFT's default), `B` is 0, so that nothing changes before the first step.
    ///
    /// # Errors
    ///
    /// If the configuration is out of range, a target names no layer, or there is an adapter already.
    pub fn with_lora(
        self,
        config: &LoraConfig,
        seed: Seed,
        device: &Device,
    ) -> Result<Self, LoraError> {
        self.attach(config, device, |name, [inputs, outputs]| Factors {
            a: uniform_values(name, inputs * config.rank, 1.0 / (inputs as f64).sqrt(), seed),
            b: vec![0.0; config.rank * outputs],
        })
    }

    /// Folds the adapter into the weights: `W + s A B`. The result gives the same logits; a decoder without an
    /// adapter is returned as it is. All its parameters are trained again.
    #[must_use]
    pub fn merge(self) -> Self {
        if self.lora().is_none() {
            return self;
        }
        self.map_projections(|_, linear| linear.merge()).set_lora(None).set_require_grad(true)
    }

    /// Attaches an adapter whose factors `factors` gives for each name and `[in, out]`.
    pub(crate) fn attach(
        self,
        config: &LoraConfig,
        device: &Device,
        mut factors: impl FnMut(&str, [usize; 2]) -> Factors,
    ) -> Result<Self, LoraError> {
        config.validate()?;
        if self.lora().is_some() {
            return Err(LoraError::Attached);
        }
        let modules: Vec<String> = self.projections().map(|(name, _)| name).collect();
        let is_known = |target: &&String| modules.iter().any(|module| names(target, module));
        if let Some(target) = config.target_modules.iter().find(|target| !is_known(target)) {
            return Err(LoraError::Target(target.clone()));
        }
        let adapted = self.set_require_grad(false).map_projections(|name, linear| {
            if !config.adapts(name) {
                return linear;
            }
            let factors = factors(name, linear.weight.dims());
            adapt(linear, factors, config, device)
        });
        Ok(adapted.set_lora(Some(config.clone())))
    }
}

/// Values of both factors of one layer.
pub(crate) struct Factors {
    /// `[in, rank]`
    pub(crate) a: Vec<f32>,
    /// `[rank, out]`
    pub(crate) b: Vec<f32>,
}

fn adapt(linear: Linear, factors: Factors, config: &LoraConfig, device: &Device) -> Linear {
    let [inputs, outputs] = linear.weight.dims();
    let factor = |values, shape: [usize; 2]| -> Param<Tensor<2>> {
        Param::from_data(TensorData::new(values, shape), device)
    };
    let adapter = Adapter {
        a: factor(factors.a, [inputs, config.rank]),
        b: factor(factors.b, [config.rank, outputs]),
        scale: config.scale(),
        dropout: config.dropout,
    };
    Linear { adapter: Some(adapter), ..linear }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_whole_name_or_its_end_behind_a_dot() {
        let module = "model.layers.0.self_attn.q_proj";
        assert!(names("q_proj", module) && names("self_attn.q_proj", module));
        assert!(names(module, module) && names("all-linear", module));
        assert!(!names("_proj", module) && !names("k_proj", module));
    }

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
        let no_targets = LoraConfig { target_modules: vec![], ..default() };
        assert_eq!(check(no_targets), Err(LoraError::NoTargets));
        assert!(serde_json::from_str::<LoraConfig>(r#"{"ranks": 8}"#).is_err());
    }
}
