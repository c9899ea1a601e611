//! Attaching adapters to a decoder, and folding them into its weights.

use std::collections::BTreeSet;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use forethought_seed::Seed;

use crate::adapter::{Adapter, Weight};
use crate::decoder::{Decoder, HEAD};
use crate::init::uniform_values;
use crate::lora::{LoraConfig, LoraError};
use crate::parameters::{file_shapes, train_only};
use crate::rows::Rows;
use crate::targets::{Modules, select, select_saved};

const EMBEDDING: &str = "model.embed_tokens";

/// Values of the trained tensors of one layer.
#[derive(Clone, Debug)]
pub(crate) struct Factors {
    /// `[in, rank]`
    pub(crate) a: Vec<f32>,
    /// `[rank, out]`
    pub(crate) b: Vec<f32>,
    /// `[out]`; taken from the weight where it is not given.
    pub(crate) magnitude: Option<Vec<f32>>,
}

/// What a configuration selects of a model.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// Paths of the layers that get an adapter.
    pub(crate) adapted: Vec<String>,
    /// Paths of the modules that are trained whole.
    pub(crate) saved: Vec<String>,
}

impl Selection {
    /// Whether a parameter belongs to a module that is trained whole.
    pub(crate) fn saves(&self, parameter: &str) -> bool {
        self.saved.iter().any(|module| {
            parameter.strip_prefix(module.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
    }
}

impl Decoder {
    /// The decoder with fresh adapters, which alone are trained from here on, with the modules to save: `A` is uniform
    /// within `1 / sqrt(in)` (PEFT's default), `B` is 0 and the magnitudes of `DoRA` are those of the weight, so that
    /// nothing changes before the first step.
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
        let selection = self.select(config)?;
        Ok(self.attach(config, &selection, device, |name, [inputs, outputs]| Factors {
            a: uniform_values(name, inputs * config.rank, 1.0 / (inputs as f64).sqrt(), seed),
            b: vec![0.0; config.rank * outputs],
            magnitude: None,
        }))
    }

    /// Folds the adapter into the weights: `W + s A B`, with `DoRA` each column at its magnitude. The result gives the
    /// same logits, and its weights are in 32 bits; a decoder with neither an adapter nor quantised weights is returned as
    /// it is. All its parameters are trained again.
    #[must_use]
    pub fn merge(self) -> Self {
        if self.lora().is_none() && self.quantisation().is_none() {
            return self;
        }
        let merged = self.map_projections(|_, linear| linear.merge()).map_head(Rows::merge);
        merged.set_lora(None).set_require_grad(true)
    }

    /// What the configuration selects.
    pub(crate) fn select(&self, config: &LoraConfig) -> Result<Selection, LoraError> {
        config.validate()?;
        if self.lora().is_some() {
            return Err(LoraError::Attached);
        }
        let modules = self.modules();
        let adapted = select(config, &modules)?;
        let saved = select_saved(&config.modules_to_save, &modules)?;
        let selection = Selection { adapted, saved };
        let mut quantised = self.projections().filter(|(_, linear)| linear.quantised().is_some());
        match quantised.find(|(path, _)| selection.saves(&format!("{path}.weight"))) {
            Some((path, _)) => Err(LoraError::Quantised(path)),
            None => Ok(selection),
        }
    }

    /// Attaches an adapter whose values `factors` gives for each path and `[in, out]`.
    pub(crate) fn attach(
        self,
        config: &LoraConfig,
        selection: &Selection,
        device: &Device,
        mut factors: impl FnMut(&str, [usize; 2]) -> Factors,
    ) -> Self {
        let is_adapted = |name: &str| selection.adapted.iter().any(|adapted| adapted == name);
        let frozen = train_only(self, |name| selection.saves(name));
        let with_layers = frozen.map_projections(|name, linear| {
            if !is_adapted(name) {
                return linear;
            }
            let adapter = adapter(factors(name, linear.dims()), &linear, config, device);
            linear.with_adapter(adapter)
        });
        let adapted = with_layers.map_head(|head| {
            if !is_adapted(HEAD) {
                return head;
            }
            let adapter = adapter(factors(HEAD, head.dims()), &head, config, device);
            Rows { adapter: Some(adapter), ..head }
        });
        adapted.set_lora(Some(config.clone()))
    }

    fn modules(&self) -> Modules {
        let linear: Vec<String> = self.linear_layers().map(|(path, _)| path).collect();
        // A quantised weight is no parameter of a file, so the linear layers are named beside the parameters.
        let weights = linear.iter().map(|path| format!("{path}.weight"));
        let parameters = weights.chain(file_shapes(self).into_iter().map(|(name, _)| name));
        let mut paths = BTreeSet::new();
        paths.extend(parameters.flat_map(|parameter| ancestors(&parameter)));
        let tied = if self.is_tied() {
            paths.insert(HEAD.to_owned());
            vec![HEAD.to_owned(), EMBEDDING.to_owned()]
        } else {
            Vec::new()
        };
        Modules { paths: paths.into_iter().collect(), linear, output: HEAD.to_owned(), tied }
    }
}

/// The module of a parameter and all modules around it.
fn ancestors(parameter: &str) -> Vec<String> {
    parameter.match_indices('.').map(|(end, _)| parameter[..end].to_owned()).collect()
}

fn adapter(
    factors: Factors,
    weight: &impl Weight,
    config: &LoraConfig,
    device: &Device,
) -> Adapter {
    let [inputs, outputs] = weight.dims();
    let factor = |values, shape: [usize; 2]| -> Param<Tensor<2>> {
        Param::from_data(TensorData::new(values, shape), device)
    };
    let mut adapter = Adapter {
        a: factor(factors.a, [inputs, config.rank]),
        b: factor(factors.b, [config.rank, outputs]),
        magnitude: None,
        scale: config.scale(),
        dropout: config.dropout,
    };
    if config.use_dora {
        let magnitude = match factors.magnitude {
            Some(values) => TensorData::new(values, [outputs]),
            None => adapter.column_norms(weight).into_data(),
        };
        adapter.magnitude = Some(Param::from_data(magnitude, device));
    }
    adapter
}
