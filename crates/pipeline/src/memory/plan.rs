//! The memory that a stage will take at most, from its settings and the sizes of its model.

use forethought_model::{DecoderConfig, Footprint};

use super::parts::{
    checkpoint, folder, hand_over, moments, on_the_way_back, reading, sampling, standing, update,
    without_steps,
};
use crate::tuning::Base;

/// Everything that the memory of a stage follows from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Demand {
    pub(crate) architecture: DecoderConfig,
    pub(crate) footprint: Footprint,
    pub(crate) base: Base,
    /// Models of this kind that are held: a policy with its critic are two.
    pub(crate) models: u64,
    /// What is learnt, where something is.
    pub(crate) steps: Option<Steps>,
    /// What is sampled at once, where something is.
    pub(crate) sampling: Option<SampledAtOnce>,
    /// Tokens that are read at once without gradients, where something is scored.
    pub(crate) read: Load,
    /// Program, data, and what was freed and kept, in bytes.
    pub(crate) other: u64,
}

/// The steps of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    /// Parameters that are trained.
    pub(crate) trained: u64,
    /// Layers that gradients go through: those below the lowest trained one keep nothing.
    pub(crate) layers: usize,
    /// Tokens of the largest micro-batch.
    pub(crate) load: Load,
    /// Micro-batches of one optimiser step.
    pub(crate) micro_batches: usize,
    /// Whether the start stays beside the model.
    pub(crate) reference: Reference,
    /// Parameters of the critic that are trained, where there is one; it has the architecture of the policy.
    pub(crate) critic: u64,
    /// Which logits a step holds.
    pub(crate) logits: Logits,
}

/// Tokens of a micro-batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// That the model reads, shared ones once.
    pub(crate) tokens: usize,
    /// Whose logits are needed.
    pub(crate) scored: usize,
}

/// Whether the frozen start is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    None,
    /// Its weights are those of the trained model, which has its own from the first update on.
    Copy,
}

/// Which logits a step holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logits {
    /// None: what is trained scores sequences.
    None,
    /// A chunk of the scored tokens.
    Chunk,
    /// A chunk, and another for sums of squared probabilities.
    Squares,
    /// Those of all scored tokens, with their gradient.
    All,
}

/// What one sampling holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SampledAtOnce {
    /// Tokens of the prompts, which are read at once.
    pub(crate) prompt_tokens: usize,
    /// Completions that grow side by side.
    pub(crate) sequences: usize,
    /// Tokens that each of them may have.
    pub(crate) new_tokens: usize,
}

impl Load {
    /// The larger of both, each number by itself.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { tokens: self.tokens.max(other.tokens), scored: self.scored.max(other.scored) }
    }

    /// The load of `wanted` sequences that are like `found` others.
    pub(crate) fn scaled(self, wanted: usize, found: usize) -> Self {
        let scale = |count: usize| count * wanted.max(1) / found.max(1);
        Self { tokens: scale(self.tokens), scored: scale(self.scored) }
    }
}

/// A part of a plan and its bytes.
pub(crate) type Part = (&'static str, u64);

/// The parts of a plan, each with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// What there is all the time: the program, its data, weights.
    pub standing: Vec<(&'static str, u64)>,
    /// What comes on top of it, at each time of which it could be the most.
    pub times: Vec<Vec<(&'static str, u64)>>,
}

fn sum(parts: &[Part]) -> u64 {
    parts.iter().map(|(_, bytes)| bytes).sum()
}

impl MemoryPlan {
    pub(crate) fn of(demand: &Demand) -> Self {
        let mut times = Vec::new();
        if let Some(steps) = &demand.steps {
            let beside = beside(demand, steps);
            let mut push = |parts: Vec<Part>| times.push([beside.clone(), parts].concat());
            push(on_the_way_back(demand, steps));
            push(update(demand, steps));
            push(hand_over(demand, steps));
            push(checkpoint(steps));
            push(sampling(demand));
            times.push(folder(demand, steps));
        } else {
            times.push(reading(demand));
            times.push(sampling(demand));
            times.push(without_steps(demand));
        }
        Self { standing: standing(demand), times }
    }

    /// The most memory at any time, in bytes.
    #[must_use]
    pub fn peak(&self) -> u64 {
        sum(&self.standing) + self.times.iter().map(|parts| sum(parts)).max().unwrap_or(0)
    }

    /// All parts in words: `weights 0.5 GB + optimiser 1.0 GB + …`.
    #[must_use]
    pub fn describe(&self) -> String {
        let largest = self.times.iter().max_by_key(|parts| sum(parts));
        let parts = self.standing.iter().chain(largest.into_iter().flatten());
        let parts = parts.filter(|(_, bytes)| *bytes > 0);
        let parts: Vec<String> =
            parts.map(|(name, bytes)| format!("{name} {}", in_words(*bytes))).collect();
        parts.join(" + ")
    }
}

/// What the steps of a training hold from one to the next. The weights under an adapter never change, so that a reference
/// shares them.
fn beside(demand: &Demand, steps: &Steps) -> Vec<Part> {
    let is_apart = steps.reference == Reference::Copy && demand.footprint.adapter == 0;
    vec![("reference", if is_apart { 4 * steps.trained } else { 0 }), ("optimiser", moments(steps))]
}

/// Bytes as people say them.
#[must_use]
pub(crate) fn in_words(bytes: u64) -> String {
    match bytes as f64 {
        small if small < 1e9 => format!("{:.0} MB", small / 1e6),
        large => format!("{:.1} GB", large / 1e9),
    }
}

impl Demand {
    /// The weights of all models, as they are held before the first step.
    pub(crate) fn weights(&self) -> u64 {
        let Footprint { parameters, projections, adapter, .. } = self.footprint;
        let rest = 4 * (parameters - projections);
        // NF4: a nibble each, a quantised scale for 64; int8: a byte each, a scale for a row.
        let layers = match self.base {
            Base::F32 => 4 * projections,
            Base::Int8 => projections + projections / 128,
            Base::Nf4 => projections / 2 + projections / 64,
        };
        self.models * (rest + layers + 4 * adapter)
    }
}
