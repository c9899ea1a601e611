//! Log-probabilities of tokens that are given rather than drawn.

use burn::module::Module;
use forethought_model::{Decoder, DecoderConfig, ScoredRow};

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
        check_given(sequence.ids, model.config())
            .map_err(|source| RolloutError::Sequence { index, source })?;
    }
    let model = model.valid();
    let mut scored = Vec::with_capacity(sequences.len());
    for group in groups(sequences) {
        scored.extend(score(&model, group, temperature)?);
    }
    Ok(scored)
}

/// Checks whether a model can read a sequence, as [`given_log_probs`] does for each.
///
/// # Errors
///
/// If the sequence is empty, longer than the model's positions, or has a token that the model does not know.
pub fn check_given(ids: &[u32], config: &DecoderConfig) -> Result<(), PromptError> {
    let (tokens, limit) = (ids.len(), config.max_position_embeddings);
    if tokens == 0 {
        return Err(PromptError::Empty);
    }
    if limit < tokens {
        return Err(PromptError::TooLong { tokens, new: 0, limit });
    }
    known_tokens(ids, config)
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
    let row = ScoredRow::new(&group.iter().map(|one| (one.ids, one.first())).collect::<Vec<_>>());
    if row.num_scored() == 0 {
        return Ok(vec![Vec::new(); group.len()]);
    }
    let log_probs = row.scores(model, temperature, None).log_probs.into_data();
    let mut log_probs = log_probs.iter::<f32>();
    let lengths = row.lengths().iter();
    let taken: Vec<Vec<f32>> =
        lengths.map(|&length| log_probs.by_ref().take(length).collect()).collect();
    let is_finite = taken.iter().flatten().all(|log_prob| log_prob.is_finite());
    is_finite.then_some(taken).ok_or(RolloutError::NotFinite)
}
