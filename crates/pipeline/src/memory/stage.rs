//! What a stage says of itself, so that its memory can be planned.

use burn::tensor::Device;
use forethought_model::{DecoderConfig, Footprint};

use super::advice::Lowerable;
use super::machine::Machine;
use super::plan::{Demand, Load, Logits, Reference, SampledAtOnce};
use crate::PipelineError;
use crate::purpose::Purpose;
use crate::stages::Context;
use crate::tuning::Tuning;

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
    pub(crate) entropy: Logits,
    pub(crate) sampling: Option<SampledAtOnce>,
    pub(crate) lowerable: Lowerable<'a>,
}

impl Sizes<'_> {
    /// What the training demands, given what the process has now.
    pub(crate) fn demand(
        &self,
        context: &Context<'_>,
        machine: Option<Machine>,
    ) -> Result<Demand, PipelineError> {
        let footprint = Footprint::of(&self.architecture, self.tuning.lora, &Device::flex())?;
        let trained = self.trained(footprint);
        let critic = if self.has_critic { trained } else { 0 };
        let mut demand = Demand {
            architecture: self.architecture.clone(),
            footprint,
            trained,
            base: self.tuning.base,
            load: self.load,
            micro_batches: self.micro_batches,
            reference: self.reference,
            critic,
            entropy: self.entropy,
            sampling: self.sampling,
            other: 0,
        };
        let resident = machine.map_or(0, |machine| machine.resident);
        // The weights are loaded by now; in a check there are none to speak of.
        let loaded = match context.purpose {
            Purpose::Check(_) => 0,
            _ => demand.weights() + 4 * critic,
        };
        demand.other = resident.saturating_sub(loaded);
        Ok(demand)
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
