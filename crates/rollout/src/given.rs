//! Log-probabilities of tokens that are given rather than drawn.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use forethought_model::{Decoder, Packed, pack};

use crate::chunk::indices;
use crate::error::{PromptError, RolloutError};
use crate::generate::known_tokens;

/// Tokens of sequences that are computed in one forward pass; a longer sequence has one of its own.
const MAX_PACKED_TOKENS: usize = 4096;

/// A sequence, and from where on its tokens are scored.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// `[token]`, token ids, at least one.
    pub ids: &'a [u32],
    /// Index of the first token to score. The token at 0 follows nothing and has no score, so 0 is the same as 1.
    pub start: usize,
}

impl Given<'_> {
    fn first(&self) -> usize {
        self.start.clamp(1, self.ids.len())
    }
}

/// The log-probability, in nats, of each token of each sequence from its `start` on, under the whole distribution at a
/// temperature: what a completion made of these tokens would have recorded.
///
/// Sequences that stand beside each other and begin alike share their beginning. Gradients are not tracked.
///
/// # Errors
///
/// If a sequence is empty, longer than the model's positions, or has an unknown token; nothing is computed then. If the
/// model computes values that are not finite.
///
/// # Panics
///
/// If the temperature is not a positive number.
pub fn given_log_probs(
    model: &Decoder,
    sequences: &[Given<'_>],
    temperature: f64,
) -> Result<Vec<Vec<f32>>, RolloutError> {
    for (index, sequence) in sequences.iter().enumerate() {
        check(sequence, model).map_err(|source| RolloutError::Sequence { index, source })?;
    }
    let model = model.valid();
    let mut scored = Vec::with_capacity(sequences.len());
    for group in groups(sequences) {
        scored.extend(score(&model, group, temperature)?);
    }
    Ok(scored)
}

fn check(sequence: &Given<'_>, model: &Decoder) -> Result<(), PromptError> {
    let (tokens, limit) = (sequence.ids.len(), model.config().max_position_embeddings);
    if tokens == 0 {
        return Err(PromptError::Empty);
    }
    if limit < tokens {
        return Err(PromptError::TooLong { tokens, new: 0, limit });
    }
    known_tokens(sequence.ids, model.config())
}

/// Runs of sequences that are computed together.
fn groups<'g, 's>(sequences: &'g [Given<'s>]) -> impl Iterator<Item = &'g [Given<'s>]> {
    let mut used = 0;
    sequences.chunk_by(move |left, right| {
        used = if used == 0 { left.ids.len() } else { used } + right.ids.len();
        let fits = used <= MAX_PACKED_TOKENS;
        used = if fits { used } else { 0 };
        fits
    })
}

fn score(
    model: &Decoder,
    group: &[Given<'_>],
    temperature: f64,
) -> Result<Vec<Vec<f32>>, RolloutError> {
    let Packed { tokens, rows } = pack(&group.iter().map(|one| one.ids).collect::<Vec<_>>());
    let (mut before, mut targets) = (Vec::new(), Vec::new());
    for (sequence, row) in group.iter().zip(&rows) {
        let scored = sequence.first()..row.len();
        before.extend(scored.clone().map(|place| row[place - 1]));
        targets.extend(scored.map(|place| sequence.ids[place] as usize));
    }
    if targets.is_empty() {
        return Ok(vec![Vec::new(); group.len()]);
    }
    let hidden = model.forward(&tokens, None); // [packed token, hidden]
    let (before, targets): (_, Tensor<1, Int>) =
        (indices(&before, &hidden), indices(&targets, &hidden));
    let hidden = hidden.select(0, before); // [scored token, hidden]
    let log_probs = model.score(hidden, targets, temperature).log_probs.into_data();
    let mut log_probs = log_probs.iter::<f32>();
    let taken: Vec<Vec<f32>> = group
        .iter()
        .map(|one| log_probs.by_ref().take(one.ids.len() - one.first()).collect())
        .collect();
    let is_finite = taken.iter().flatten().all(|log_prob| log_prob.is_finite());
    is_finite.then_some(taken).ok_or(RolloutError::NotFinite)
}
