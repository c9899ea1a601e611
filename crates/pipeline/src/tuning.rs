//! What of a model is trained, and how the rest of it is held.

use std::path::Path;

use forethought_model::{
    Decoder, FreezeConfig, LoraConfig, Quantisation, ScoreModel, load, load_quantised,
};
use forethought_seed::Seed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::config::Problem;
use crate::stages::Context;
use crate::training::problem;

/// How the weights of the model that training starts from are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Base {
    /// As 32-bit floats.
    #[default]
    F32,
    /// In 4 bits a number, which adapters are trained upon (QLoRA).
    Nf4,
    /// In 8 bits a number, which adapters are trained upon.
    Int8,
}

/// The choices of a stage. Without any, all weights are trained.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning<'a> {
    pub(crate) lora: Option<&'a LoraConfig>,
    pub(crate) freeze: Option<&'a FreezeConfig>,
    pub(crate) base: Base,
}

impl Tuning<'_> {
    /// What does not go together or is out of range.
    pub(crate) fn problem(&self) -> Option<Problem> {
        if let Some(error) = self.lora.and_then(|lora| lora.validate().err()) {
            return Some(problem("lora", &error.to_string()));
        }
        if self.base != Base::F32 && self.lora.is_none() {
            let message = "weights in few bits cannot be trained: set lora, or base: f32";
            return Some(("base".to_owned(), message.to_owned()));
        }
        let is_both = self.freeze.is_some() && self.lora.is_some();
        let message = "an adapter decides by itself what is trained: set lora or freeze";
        is_both.then(|| ("freeze".to_owned(), message.to_owned()))
    }

    /// The model of a folder, on an autodiff device.
    pub(crate) fn load(
        &self,
        folder: &Path,
        context: &Context<'_>,
    ) -> Result<Decoder, PipelineError> {
        let device = context.device.clone().autodiff();
        let quantisation = match self.base {
            Base::F32 => return Ok(load(folder, &device)?.decoder),
            Base::Nf4 => Quantisation::Nf4,
            Base::Int8 => Quantisation::Int8,
        };
        Ok(load_quantised(folder, quantisation, &device)?.decoder)
    }

    /// The decoder with what is trained marked as such.
    pub(crate) fn policy(
        &self,
        decoder: Decoder,
        context: &Context<'_>,
    ) -> Result<Decoder, PipelineError> {
        if let Some(lora) = self.lora {
            let device = context.device.clone().autodiff();
            return Ok(decoder.with_lora(lora, context.seed, &device)?);
        }
        self.frozen(decoder, context)
    }

    /// The same of a model that scores, whose head is always trained.
    pub(crate) fn scorer(
        &self,
        scorer: ScoreModel,
        context: &Context<'_>,
        seed: Seed,
    ) -> Result<ScoreModel, PipelineError> {
        if let Some(lora) = self.lora {
            return Ok(scorer.with_lora(lora, seed, &context.device.clone().autodiff())?);
        }
        if self.freeze.is_none() {
            return Ok(scorer);
        }
        let decoder = self.frozen(scorer.decoder().clone(), context)?;
        Ok(scorer.map_decoder(|_| decoder))
    }

    fn frozen(&self, decoder: Decoder, context: &Context<'_>) -> Result<Decoder, PipelineError> {
        let Some(freeze) = self.freeze else { return Ok(decoder) };
        decoder.train_layers(freeze).map_err(|error| PipelineError::stage(context.name, error))
    }
}
