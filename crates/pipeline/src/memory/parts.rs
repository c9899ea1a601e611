//! The formulas of a plan: what is held at which time of a stage, in bytes.

use forethought_model::{DecoderConfig, Footprint};

use super::plan::{Demand, Logits, Part, SampledAtOnce, Steps};
use crate::tuning::Base;

/// Bytes of a number.
const FLOAT: u64 = 4;

/// What threads keep for products and attention, code that runs for the first time, and what the allocator cannot use again
/// because the sizes of tensors change from step to step. Measured: 48 MB in the first training of a process, 44 of them heap
/// and 4 of the program, of which 38 stay with the threads, and 10 MB in a later one (1 million parameters); up to 95 MB in the
/// first of 135 million.
const SCRATCH: u64 = 64_000_000;

/// Logits of one chunk, as `kernels` computes them.
const CHUNK_LOGITS: usize = 1 << 25;

/// Rows of a chunk of `Decoder::log_sum_squared_probs`, and the tensors of that size that exist at once: logits, their
/// logarithmic softmax, its double, and that less its largest.
const SQUARED_ROWS: usize = 256;
const SQUARED_TENSORS: usize = 4;

/// What there is all the time.
pub(super) fn standing(demand: &Demand) -> Vec<Part> {
    vec![
        ("program and data", demand.other),
        ("threads and allocator", SCRATCH),
        ("weights", demand.weights()),
    ]
}

/// When a forward pass is over and the backward pass begins: everything that it will need is there, and no gradient of this
/// micro-batch but that of the head, or what goes through the last layer.
pub(super) fn on_the_way_back(demand: &Demand, steps: &Steps) -> Vec<Part> {
    let before = if steps.micro_batches > 1 { FLOAT * (steps.trained + steps.critic) } else { 0 };
    let head = if trains_head(demand, steps) { FLOAT * demand.footprint.head } else { 0 };
    let inner = demand.architecture.intermediate_size as u64;
    let of_layer = FLOAT * 2 * inner * last_rows(steps);
    vec![
        ("gradients", before + head),
        ("activations", FLOAT * activations(demand, steps)),
        ("logits", logits(demand, steps).max(of_layer)),
    ]
}

/// When a backward pass is over: all gradients, on top of those of the micro-batches before. Where the head is the embedding,
/// its two gradients and their sum exist at once.
pub(super) fn update(demand: &Demand, steps: &Steps) -> Vec<Part> {
    let copies = if steps.micro_batches > 1 { 2 } else { 1 };
    let is_tied = demand.architecture.tie_word_embeddings;
    let ties = if trains_head(demand, steps) && is_tied { 2 * demand.footprint.head } else { 0 };
    vec![("gradients", FLOAT * (copies * (steps.trained + steps.critic) + ties))]
}

/// While Burn hands over what a checkpoint is made of: a copy of all weights, those that are not trained too, and one of the
/// moments.
pub(super) fn hand_over(demand: &Demand, steps: &Steps) -> Vec<Part> {
    vec![("copies for the checkpoint", demand.weights() + moments(steps))]
}

/// While Burn turns the record of the moments into bytes: the record, its tensors as bytes, and the one list that they are
/// written into. What of it is freed tensor by tensor goes back to the system only after that.
pub(super) fn checkpoint(steps: &Steps) -> Vec<Part> {
    const COPIES: u64 = 3;
    vec![("checkpoint in memory", COPIES * moments(steps))]
}

/// The moments of everything that is trained.
pub(super) fn moments(steps: &Steps) -> u64 {
    2 * FLOAT * (steps.trained + steps.critic)
}

/// While the folder of the result is written: weights that an adapter was folded into, and a tensor on its way into the
/// file, twice at any time: as it is held and as numbers, in one order and in the other, as numbers and as bytes. The optimiser
/// is gone.
pub(super) fn folder(demand: &Demand, _steps: &Steps) -> Vec<Part> {
    let Footprint { projections, adapter, head, .. } = demand.footprint;
    let is_merged = adapter > 0 || demand.base != Base::F32;
    vec![
        ("merged weights", if is_merged { FLOAT * projections } else { 0 }),
        ("tensor on its way into the file", 2 * FLOAT * head),
    ]
}

/// While a model folder is read: the largest tensor as it is in the file, and as numbers.
pub(super) fn reading(demand: &Demand) -> Vec<Part> {
    vec![("tensor on its way from the file", 2 * FLOAT * demand.footprint.head)]
}

/// What one sampling holds: keys and values of all its tokens, a layer's work on the prompts or on a token of each sample,
/// and logits, which exist as a tensor, as a list, and as the list before.
pub(super) fn sampling(demand: &Demand) -> Vec<Part> {
    let Some(SampledAtOnce { prompt_tokens, sequences, new_tokens }) = demand.sampling else {
        return Vec::new();
    };
    let architecture = &demand.architecture;
    let heads = architecture.heads();
    let keys = 2 * heads.num_kv_heads * heads.head_dim * architecture.num_hidden_layers;
    let slots = (prompt_tokens + sequences * new_tokens) as u64;
    let at_work = prompt_tokens.max(sequences) as u64;
    vec![
        ("keys and values", FLOAT * slots * keys as u64),
        ("layers", FLOAT * at_work * floats_at_work(architecture)),
        ("logits of samples", 3 * FLOAT * (sequences * architecture.vocab_size) as u64),
    ]
}

/// What reading without gradients holds: the work of one layer at a time.
pub(super) fn without_steps(demand: &Demand) -> Vec<Part> {
    let tokens = demand.read.tokens as u64;
    vec![("layers", FLOAT * tokens * floats_at_work(&demand.architecture))]
}

/// Whether the head is trained by what is written: all weights are trained, embedding and head among them.
fn trains_head(demand: &Demand, steps: &Steps) -> bool {
    let is_whole = demand.footprint.adapter == 0 && steps.trained == demand.footprint.parameters;
    is_whole && steps.logits != Logits::None
}

/// Rows of the last layer: of a model that writes, those that predict a scored token.
fn last_rows(steps: &Steps) -> u64 {
    let rows = match steps.logits {
        Logits::None => steps.load.tokens,
        _ if steps.critic > 0 => steps.load.tokens,
        _ => steps.load.scored.min(steps.load.tokens),
    };
    rows as u64
}

/// Numbers that the backward pass of a micro-batch needs.
fn activations(demand: &Demand, steps: &Steps) -> u64 {
    let (tokens, scored) = (steps.load.tokens as u64, steps.load.scored as u64);
    let architecture = &demand.architecture;
    let layers = steps.layers as u64;
    let hidden = architecture.hidden_size as u64;
    let Layer { of_all, of_kept } = Layer::of(architecture);
    let adapters = tokens * demand.footprint.adapter_states;
    // The last normalisation needs what comes in.
    let scorer = tokens * (layers * (of_all + of_kept) + hidden) + adapters;
    let kept = scored.min(tokens);
    // The last layer computes keys and values of all tokens, and the rest for those that predict something, whose
    // normalised states it takes apart.
    let writer = tokens * (layers * of_all + layers.saturating_sub(1) * of_kept)
        + kept * (of_kept + 2 * hidden)
        + scored * hidden
        + adapters;
    match steps.logits {
        Logits::None => scorer,
        _ if steps.critic > 0 => writer + scorer,
        _ => writer,
    }
}

/// Numbers of one token that the backward pass of a layer needs.
struct Layer {
    /// Of every token: the input, itself and normalised, and keys and values.
    of_all: u64,
    /// Of tokens whose output is wanted: queries, the output of attention, the sum behind it, itself and normalised, and
    /// gate, up and their product.
    of_kept: u64,
}

impl Layer {
    fn of(architecture: &DecoderConfig) -> Self {
        let heads = architecture.heads();
        let queries = heads.num_heads * heads.head_dim;
        let keys = heads.num_kv_heads * heads.head_dim;
        let (hidden, inner) = (architecture.hidden_size, architecture.intermediate_size);
        // Heads that are normalised are needed as they were, too.
        let again = usize::from(architecture.model_type.normalises_heads());
        Self {
            of_all: (2 * hidden + (2 + again) * keys) as u64,
            of_kept: ((2 + again) * queries + 2 * hidden + 3 * inner) as u64,
        }
    }
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
    let chunk = (CHUNK_LOGITS / vocab.max(1)).clamp(16, 1024).min(scored);
    let rows = match steps.logits {
        Logits::None => 0,
        Logits::Chunk => chunk,
        Logits::Squares => chunk + SQUARED_TENSORS * SQUARED_ROWS.min(scored),
        // Logits, their logarithmic softmax, the probabilities and a gradient.
        Logits::All => chunk + 4 * scored,
    };
    FLOAT * (rows * vocab) as u64
}
