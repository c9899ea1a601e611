//! The memory that a training will take at most, from its settings and the sizes of its model.

use forethought_model::{DecoderConfig, Footprint};

use crate::tuning::Base;

/// Everything that the memory of a training follows from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Demand {
    pub(crate) architecture: DecoderConfig,
    pub(crate) footprint: Footprint,
    /// Parameters that are trained.
    pub(crate) trained: u64,
    pub(crate) base: Base,
    /// Tokens of the largest micro-batch.
    pub(crate) load: Load,
    /// Micro-batches of one optimiser step.
    pub(crate) micro_batches: usize,
    /// Whether a copy of the start stays beside the model.
    pub(crate) reference: Reference,
    /// Parameters of the critic, where there is one; it has the architecture of the policy.
    pub(crate) critic: u64,
    /// Whether all logits are held for the gradient of the entropy.
    pub(crate) entropy: Logits,
    /// What is sampled at once, where the method samples.
    pub(crate) sampling: Option<SampledAtOnce>,
    /// Program, data, and what was freed and kept, in bytes.
    pub(crate) other: u64,
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
    Chunk,
    All,
}

/// What one sampling holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SampledAtOnce {
    /// Tokens whose keys and values are held.
    pub(crate) cached_tokens: usize,
    pub(crate) sequences: usize,
}

/// Logits of one chunk, as `kernels` computes them.
const CHUNK_LOGITS: usize = 1 << 25;

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

/// The parts of a plan, each with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// What there is all the time: weights, moments, the program.
    pub standing: Vec<(&'static str, u64)>,
    /// What a training step needs on top.
    pub step: Vec<(&'static str, u64)>,
    /// What a sampling needs on top, where the method samples.
    pub sampling: Vec<(&'static str, u64)>,
    /// What writing a checkpoint needs on top.
    pub checkpoint: Vec<(&'static str, u64)>,
}

fn sum(parts: &[(&'static str, u64)]) -> u64 {
    parts.iter().map(|(_, bytes)| bytes).sum()
}

impl MemoryPlan {
    pub(crate) fn of(demand: &Demand) -> Self {
        Self {
            standing: standing(demand),
            step: step(demand),
            sampling: sampling(demand),
            checkpoint: vec![("checkpoint in memory", 12 * demand.trained)],
        }
    }

    /// The most memory at any time, in bytes.
    #[must_use]
    pub fn peak(&self) -> u64 {
        let on_top = [&self.step, &self.sampling, &self.checkpoint].map(|parts| sum(parts));
        sum(&self.standing) + on_top.into_iter().max().unwrap_or(0)
    }

    /// All parts in words: `weights 0.5 GB + moments 1.0 GB + …`.
    #[must_use]
    pub fn describe(&self) -> String {
        let on_top = [&self.step, &self.sampling, &self.checkpoint];
        let largest = on_top.into_iter().max_by_key(|parts| sum(parts));
        let parts = self.standing.iter().chain(largest.into_iter().flatten());
        let parts = parts.filter(|(_, bytes)| *bytes > 0);
        let parts: Vec<String> =
            parts.map(|(name, bytes)| format!("{name} {}", in_words(*bytes))).collect();
        parts.join(" + ")
    }
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
    /// The weights that training starts from, as they are held.
    pub(crate) fn weights(&self) -> u64 {
        let Footprint { parameters, projections, adapter } = self.footprint;
        let rest = 4 * (parameters - projections);
        // NF4: a nibble each, a quantised scale for 64; int8: a byte each, a scale for a row.
        let layers = match self.base {
            Base::F32 => 4 * projections,
            Base::Int8 => projections + projections / 128,
            Base::Nf4 => projections / 2 + projections / 64,
        };
        rest + layers + 4 * adapter
    }
}

fn standing(demand: &Demand) -> Vec<(&'static str, u64)> {
    let reference = match demand.reference {
        // What is frozen in the policy is shared with it.
        Reference::Copy => 4 * demand.trained.saturating_sub(demand.footprint.adapter),
        Reference::None => 0,
    };
    vec![
        ("program and data", demand.other),
        ("weights", demand.weights()),
        ("reference", reference),
        ("critic", 4 * demand.critic),
        ("optimiser", 8 * (demand.trained + demand.critic)),
    ]
}

fn step(demand: &Demand) -> Vec<(&'static str, u64)> {
    // Gradients of a second micro-batch are summed with those of the first.
    let copies = if demand.micro_batches > 1 { 2 } else { 1 };
    let critics = if demand.critic > 0 { 2 } else { 1 };
    let tokens = demand.load.tokens as u64;
    vec![
        ("gradients", 4 * copies * (demand.trained + demand.critic)),
        ("activations", 4 * tokens * critics * floats_per_token(&demand.architecture)),
        ("logits", logits(demand)),
    ]
}

/// What the backward pass needs of one token: of each layer two inputs of norms with their outputs, queries, keys and values
/// with positions, the output of attention, and gate, up and their product.
fn floats_per_token(architecture: &DecoderConfig) -> u64 {
    let heads = architecture.heads();
    let queries = heads.num_heads * heads.head_dim;
    let keys = heads.num_kv_heads * heads.head_dim;
    let (hidden, inner) = (architecture.hidden_size, architecture.intermediate_size);
    let layer = 4 * hidden + 2 * queries + 2 * keys + 3 * inner;
    (architecture.num_hidden_layers * layer + 2 * hidden) as u64
}

fn logits(demand: &Demand) -> u64 {
    let (vocab, scored) = (demand.architecture.vocab_size, demand.load.scored);
    let rows = match demand.entropy {
        Logits::Chunk => (CHUNK_LOGITS / vocab.max(1)).clamp(16, 1024).min(scored),
        // Logits, their logarithmic softmax, the probabilities and a gradient.
        Logits::All => 4 * scored,
    };
    4 * (rows * vocab) as u64
}

fn sampling(demand: &Demand) -> Vec<(&'static str, u64)> {
    let Some(SampledAtOnce { cached_tokens, sequences }) = demand.sampling else {
        return Vec::new();
    };
    let architecture = &demand.architecture;
    let heads = architecture.heads();
    let keys = 2 * heads.num_kv_heads * heads.head_dim * architecture.num_hidden_layers;
    vec![
        ("keys and values", 4 * (cached_tokens * keys) as u64),
        ("logits of samples", 4 * 2 * (sequences * architecture.vocab_size) as u64),
    ]
}
