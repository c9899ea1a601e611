//! The formulas of a plan: what is held at which time of a stage, in bytes.

use forethought_model::{DecoderConfig, Footprint};

use super::plan::{Demand, Logits, Part, SampledAtOnce, Steps};
use crate::tuning::Base;

/// Bytes of a number.
const FLOAT: u64 = 4;

/// What threads keep for products and attention, and what the allocator cannot use again because the sizes of tensors change
/// from step to step: measured between 45 and 95 MB on models of 1 and 135 million parameters, hardly more with more tokens.
const SCRATCH: u64 = 64_000_000;

/// Logits of one chunk, as `kernels` computes them.
const CHUNK_LOGITS: usize = 1 << 25;

/// What there is all the time.
pub(super) fn standing(demand: &Demand) -> Vec<Part> {
    vec![
        ("program and data", demand.other),
        ("threads and allocator", SCRATCH),
        ("weights", demand.weights()),
    ]
}

/// When a forward pass is over and the backward pass begins: everything that it will need is there, and no gradient of this
/// micro-batch but that of the head.
pub(super) fn on_the_way_back(demand: &Demand, steps: &Steps) -> Vec<Part> {
    let critics = if steps.critic > 0 { 2 } else { 1 };
    let tokens = steps.load.tokens as u64;
    let activations = FLOAT * tokens * critics * floats_per_token(&demand.architecture);
    let before = if steps.micro_batches > 1 { FLOAT * (steps.trained + steps.critic) } else { 0 };
    let head = if is_whole(demand, steps) { FLOAT * demand.footprint.head } else { 0 };
    vec![
        ("gradients", before + head),
        ("activations", activations),
        ("logits", logits(demand, steps)),
    ]
}

/// When a backward pass is over: all gradients, on top of those of the micro-batches before. Where the head is the embedding,
/// its two gradients and their sum exist at once.
pub(super) fn update(demand: &Demand, steps: &Steps) -> Vec<Part> {
    let copies = if steps.micro_batches > 1 { 2 } else { 1 };
    let is_tied = demand.architecture.tie_word_embeddings;
    let ties = if is_whole(demand, steps) && is_tied { 2 * demand.footprint.head } else { 0 };
    vec![("gradients", FLOAT * (copies * (steps.trained + steps.critic) + ties))]
}

/// While a checkpoint is made: the record of the moments, the same as bytes, and what cannot be used again between them, as
/// measured.
pub(super) fn checkpoint(steps: &Steps) -> Vec<Part> {
    vec![("checkpoint in memory", 24 * (steps.trained + steps.critic))]
}

/// While the folder of the result is written: weights that an adapter was folded into, and a tensor on its way into the
/// file, in the type and order of the file. The optimiser is gone.
pub(super) fn folder(demand: &Demand, _steps: &Steps) -> Vec<Part> {
    let Footprint { projections, adapter, head, .. } = demand.footprint;
    let is_merged = adapter > 0 || demand.base != Base::F32;
    vec![
        ("merged weights", if is_merged { FLOAT * projections } else { 0 }),
        ("tensor on its way into the file", 3 * FLOAT * head),
    ]
}

/// What one sampling holds: keys and values of all its tokens, a layer's work on the prompts, and logits, which exist as
/// a tensor, as a list, and as the list before.
pub(super) fn sampling(demand: &Demand) -> Vec<Part> {
    let Some(SampledAtOnce { prompt_tokens, sequences, new_tokens }) = demand.sampling else {
        return Vec::new();
    };
    let architecture = &demand.architecture;
    let heads = architecture.heads();
    let keys = 2 * heads.num_kv_heads * heads.head_dim * architecture.num_hidden_layers;
    let slots = (prompt_tokens + sequences * new_tokens) as u64;
    vec![
        ("keys and values", FLOAT * slots * keys as u64),
        ("prompts", FLOAT * prompt_tokens as u64 * floats_at_work(architecture)),
        ("logits of samples", 3 * FLOAT * (sequences * architecture.vocab_size) as u64),
    ]
}

/// What reading without gradients holds: the work of one layer at a time.
pub(super) fn without_steps(demand: &Demand) -> Vec<Part> {
    let tokens = demand.read.tokens as u64;
    vec![("layers", FLOAT * tokens * floats_at_work(&demand.architecture))]
}

/// Whether all weights are trained, embedding and head among them.
fn is_whole(demand: &Demand, steps: &Steps) -> bool {
    demand.footprint.adapter == 0 && steps.trained == demand.footprint.parameters
}

/// What the backward pass needs of one token.
fn floats_per_token(architecture: &DecoderConfig) -> u64 {
    architecture.num_hidden_layers as u64 * layer_floats(architecture)
        + 2 * architecture.hidden_size as u64
}

/// What a layer makes of one token: two inputs of norms with their outputs, queries, keys and values with positions, the
/// output of attention, and gate, up and their product.
fn layer_floats(architecture: &DecoderConfig) -> u64 {
    let heads = architecture.heads();
    let queries = heads.num_heads * heads.head_dim;
    let keys = heads.num_kv_heads * heads.head_dim;
    let (hidden, inner) = (architecture.hidden_size, architecture.intermediate_size);
    (4 * hidden + 2 * queries + 2 * keys + 3 * inner) as u64
}

/// What a layer holds of one token while nobody waits for a backward pass: the larger of what attention and what the
/// feed-forward layer take, each with its input and its normalised input.
fn floats_at_work(architecture: &DecoderConfig) -> u64 {
    let heads = architecture.heads();
    let (hidden, inner) = (architecture.hidden_size, architecture.intermediate_size);
    let attention = 3 * hidden + 2 * (heads.num_heads + heads.num_kv_heads) * heads.head_dim;
    attention.max(2 * hidden + 3 * inner) as u64
}

fn logits(demand: &Demand, steps: &Steps) -> u64 {
    let (vocab, scored) = (demand.architecture.vocab_size, steps.load.scored);
    let rows = match steps.logits {
        Logits::Chunk => (CHUNK_LOGITS / vocab.max(1)).clamp(16, 1024).min(scored),
        // Logits, their logarithmic softmax, the probabilities and a gradient.
        Logits::All => 4 * scored,
    };
    FLOAT * (rows * vocab) as u64
}
