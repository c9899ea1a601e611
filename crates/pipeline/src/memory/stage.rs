//! What a stage says of itself, so that its memory can be planned.

use burn::tensor::Device;
use forethought_model::{DecoderConfig, Footprint};

use super::advice::Lowerable;
use super::budget::{Budget, Held};
use super::fit;
use super::machine::Machine;
use super::plan::{Demand, Load, Logits, Reference, SampledAtOnce, Steps, in_words};
use crate::PipelineError;
use crate::stages::Context;
use crate::tuning::{Base, Tuning};

/// A training stage, as far as its memory goes.
#[derive(Clone, Debug)]
pub(crate) struct Sizes<'a> {
    /// The architecture of the model that is trained.
    pub(crate) architecture: DecoderConfig,
    pub(crate) tuning: Tuning<'a>,
    /// The largest micro-batch.
    pub(crate) load: Load,
    /// Micro-batches of one optimiser step.
    pub(crate) micro_batches: usize,
    pub(crate) reference: Reference,
    /// Whether a critic of the same architecture is trained along.
    pub(crate) has_critic: bool,
    pub(crate) logits: Logits,
    pub(crate) sampling: Option<SampledAtOnce>,
    pub(crate) lowerable: Lowerable<'a>,
}

impl Sizes<'_> {
    /// Refuses a model whose weights, gradients and moments alone are too much, before it is read.
    pub(crate) fn require_room(&self, context: &Context<'_>) -> Result<(), PipelineError> {
        let is_planned = *context.device == Device::flex() && !context.purpose.is_check();
        let Some(machine) = Machine::read().filter(|_| is_planned) else { return Ok(()) };
        let demand = Demand { other: machine.resident, ..self.demand()? };
        let fits = fit(&demand, self.lowerable, Some(machine));
        fits.map(drop).map_err(|problem| PipelineError::stage(context.name, problem))
    }

    /// What the training demands, beside what the process has otherwise.
    pub(crate) fn demand(&self) -> Result<Demand, PipelineError> {
        let footprint = Footprint::of(&self.architecture, self.tuning.lora, &Device::flex())?;
        let trained = self.trained(footprint);
        let steps = Steps {
            trained,
            layers: self.layers(),
            load: self.load,
            micro_batches: self.micro_batches,
            reference: self.reference,
            critic: if self.has_critic { trained } else { 0 },
            logits: self.logits,
        };
        Ok(Demand {
            architecture: self.architecture.clone(),
            footprint,
            base: self.tuning.base,
            models: if self.has_critic { 2 } else { 1 },
            steps: Some(steps),
            sampling: self.sampling,
            read: Load::default(),
            other: 0,
        })
    }

    /// The layers that gradients go through: the last ones where only these are trained, else all.
    fn layers(&self) -> usize {
        let layers = self.architecture.num_hidden_layers;
        let alone = self.tuning.freeze.filter(|freeze| freeze.freeze_extra_modules.is_empty());
        let last = alone.map_or(0, |freeze| freeze.freeze_trainable_layers);
        usize::try_from(last).ok().filter(|last| 0 < *last).map_or(layers, |last| last.min(layers))
    }

    /// The parameters that are trained.
    fn trained(&self, footprint: Footprint) -> u64 {
        match (self.tuning.lora, self.tuning.freeze) {
            (Some(_), _) => footprint.adapter,
            (None, None) => footprint.parameters,
            (None, Some(freeze)) => {
                let layers = self.architecture.num_hidden_layers as u64;
                let trained = freeze.freeze_trainable_layers.unsigned_abs().min(layers);
                footprint.projections * trained / layers.max(1)
            }
        }
    }
}

/// Refuses a model whose weights alone are too much, before it is read or made.
pub(crate) fn require_weights(
    context: &Context<'_>,
    architecture: &DecoderConfig,
) -> Result<(), PipelineError> {
    let is_planned = *context.device == Device::flex();
    let Some(machine) = Machine::read().filter(|_| is_planned) else { return Ok(()) };
    let weights = 4 * Footprint::of(architecture, None, &Device::flex())?.parameters;
    if machine.resident + weights <= machine.available {
        return Ok(());
    }
    let message = format!(
        "the weights need {} of memory and the machine has {}: take a smaller model or a larger machine",
        in_words(weights),
        in_words(machine.available)
    );
    Err(PipelineError::stage(context.name, message))
}

/// A stage that asks models and trains none.
#[derive(Clone, Debug)]
pub(crate) struct Evaluated<'a> {
    /// The architecture of the models that are asked.
    pub(crate) architecture: DecoderConfig,
    /// How many are held at once.
    pub(crate) models: u64,
    pub(crate) sampling: Option<SampledAtOnce>,
    /// What is read at once to score it.
    pub(crate) read: Load,
    pub(crate) lowerable: Lowerable<'a>,
}

impl Evaluated<'_> {
    /// Plans the memory of the stage, before its models are read.
    pub(crate) fn begin(&self, context: &Context<'_>) -> Result<Budget, PipelineError> {
        Budget::begin(context, self.demand()?, (self.lowerable, Held::Nothing))
    }

    /// What the stage demands, beside what the process has otherwise.
    fn demand(&self) -> Result<Demand, PipelineError> {
        Ok(Demand {
            architecture: self.architecture.clone(),
            footprint: Footprint::of(&self.architecture, None, &Device::flex())?,
            base: Base::F32,
            models: self.models,
            steps: None,
            sampling: self.sampling,
            read: self.read,
            other: 0,
        })
    }
}
