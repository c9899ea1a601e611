//! A request for completions: its check, its division into chunks, its answer.

use std::fmt;
use std::ops::Range;

use burn::module::Module;
use forethought_model::{Decoder, DecoderConfig};
use forethought_seed::Seed;

use crate::chunk::{Chunk, Job};
use crate::error::{PromptError, RolloutError};
use crate::sampling::Sampling;

/// Tokens whose keys and values are held at a time unless a request says otherwise: 768 MiB for Qwen2-0.5B, 64 MiB for
/// the tiny default model.
pub const DEFAULT_MAX_CACHED_TOKENS: usize = 32_768;

/// What to complete.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Token ids of each prompt, at least one each.
    pub prompts: &'a [Vec<u32>],
    /// Completions of each prompt.
    pub samples_per_prompt: usize,
    /// Tokens that end a completion.
    pub eos_ids: &'a [u32],
    /// Every draw comes from the stream of (`step`, prompt index, sample index, token index) of this seed.
    pub seed: Seed,
    /// The training step, or any other number that tells this request from others with the same seed.
    pub step: u64,
    /// What the first prompt counts as in these streams. Whoever divides a long list of prompts into requests gives the
    /// number of prompts before, and gets the completions of one request for all.
    pub first_prompt: u64,
    /// Finds the stop strings of the sampling, without which they are an error.
    pub stop: Option<StopCheck<'a>>,
    /// Asked before every token; where it says so, the request ends with [`RolloutError::Cancelled`]. Nothing else comes of
    /// it, so that the same request gives the same completions later.
    pub cancel: Option<Cancel<'a>>,
    /// Prompts are completed in chunks of which prompts and completions have at most this many tokens (a single prompt
    /// with all its samples always is a chunk). It bounds memory and changes no result.
    pub max_cached_tokens: usize,
}

impl<'a> Request<'a> {
    /// One completion of each prompt, ended by length only, at step 0.
    #[must_use]
    pub fn new(prompts: &'a [Vec<u32>], seed: Seed) -> Self {
        Self {
            prompts,
            samples_per_prompt: 1,
            eos_ids: &[],
            seed,
            step: 0,
            first_prompt: 0,
            stop: None,
            cancel: None,
            max_cached_tokens: DEFAULT_MAX_CACHED_TOKENS,
        }
    }
}

/// Says whether a completion, given as its ids so far, has just been ended by a stop string. It is asked after every
/// token, by several threads, and an error ends the request.
#[derive(Clone, Copy)]
pub struct StopCheck<'a>(pub &'a (dyn Fn(&[u32]) -> Result<bool, String> + Sync));

impl fmt::Debug for StopCheck<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("StopCheck").finish_non_exhaustive()
    }
}

/// Says whether a request is to be given up.
#[derive(Clone, Copy)]
pub struct Cancel<'a>(pub &'a (dyn Fn() -> bool + Sync));

impl fmt::Debug for Cancel<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Cancel").finish_non_exhaustive()
    }
}

/// One completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// Which prompt it continues.
    pub prompt_index: usize,
    /// Which of the prompt's samples it is.
    pub sample_index: usize,
    /// Token ids, the ending token included where there is one.
    pub ids: Vec<u32>,
    /// Log-probability of each token, in nats: at the temperature (1 if that is 0), under the whole distribution, that
    /// is before repetition penalty, bans, top-k, top-p and min-p. [`Decoder::score`] at that temperature gives the same.
    pub log_probs: Vec<f32>,
    /// Whether it was ended by one of `eos_ids` or by a stop string rather than by its length.
    pub is_finished: bool,
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Completions that are whole.
    pub num_completed: usize,
    /// Completions that were asked for.
    pub num_samples: usize,
    /// Tokens generated so far.
    pub num_tokens: usize,
}

/// Completes every prompt of a request. The answer is ordered by prompt, then by sample.
///
/// Gradients are not tracked, whatever the device of the model. `progress` is called after every step.
///
/// # Errors
///
/// If the sampling is out of range or a prompt is empty, too long or has an unknown token; nothing is computed then. If
/// the model computes logits that are not finite. If the request is cancelled.
pub fn generate(
    model: &Decoder,
    sampling: &Sampling,
    request: &Request<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Completion>, RolloutError> {
    sampling.validate()?;
    if !sampling.stop_strings.is_empty() && request.stop.is_none() {
        return Err(RolloutError::NoStopCheck);
    }
    if 0 < sampling.min_new_tokens && ends_always(request.eos_ids, model.config().vocab_size) {
        return Err(RolloutError::EndsAlways);
    }
    for (index, prompt) in request.prompts.iter().enumerate() {
        check_prompt(prompt, model.config(), sampling)
            .map_err(|source| RolloutError::Prompt { index, source })?;
    }
    let mut done: Vec<Completion> = Vec::new();
    let num_samples = request.prompts.len() * request.samples_per_prompt;
    if num_samples == 0 {
        return Ok(done);
    }
    let model = model.valid();
    let job = Job::new(&model, sampling, request);
    let mut num_tokens = 0;
    for prompts in chunks(sampling, request) {
        let num_before = done.len();
        let mut chunk = Chunk::new(&job, prompts)?;
        while !chunk.is_done() {
            if request.cancel.is_some_and(|Cancel(is_over)| is_over()) {
                return Err(RolloutError::Cancelled);
            }
            num_tokens += chunk.step()?;
            let num_completed = num_before + chunk.num_completed();
            progress(Progress { num_completed, num_samples, num_tokens });
        }
        done.extend(chunk.into_completions());
    }
    Ok(done)
}

/// Whether there is no token to go on with.
fn ends_always(eos_ids: &[u32], vocab_size: usize) -> bool {
    let mut ending = vec![false; vocab_size];
    for &id in eos_ids {
        if let Some(ends) = ending.get_mut(id as usize) {
            *ends = true;
        }
    }
    ending.into_iter().all(|ends| ends)
}

/// Checks whether a model can continue a prompt, as [`generate`] does for each.
///
/// # Errors
///
/// If the prompt is empty, leaves no room for the longest completion, or has a token that the model does not know.
pub fn check_prompt(
    ids: &[u32],
    config: &DecoderConfig,
    sampling: &Sampling,
) -> Result<(), PromptError> {
    let (tokens, new, limit) = (ids.len(), sampling.max_new_tokens, config.max_position_embeddings);
    if tokens == 0 {
        return Err(PromptError::Empty);
    }
    if limit < tokens.saturating_add(new) {
        return Err(PromptError::TooLong { tokens, new, limit });
    }
    known_tokens(ids, config)
}

/// Every id must have a row of the embedding.
pub(crate) fn known_tokens(ids: &[u32], config: &DecoderConfig) -> Result<(), PromptError> {
    let vocab_size = config.vocab_size;
    match ids.iter().find(|id| vocab_size <= **id as usize) {
        Some(&id) => Err(PromptError::UnknownToken { id, vocab_size }),
        None => Ok(()),
    }
}

/// Runs of prompts that fit the budget together.
fn chunks(sampling: &Sampling, request: &Request<'_>) -> Vec<Range<usize>> {
    let new_tokens = request.samples_per_prompt * sampling.max_new_tokens;
    let mut chunks: Vec<Range<usize>> = Vec::new();
    let mut used = 0;
    for (index, prompt) in request.prompts.iter().enumerate() {
        let needed = prompt.len() + new_tokens;
        match chunks.last_mut() {
            Some(chunk) if used + needed <= request.max_cached_tokens => {
                chunk.end = index + 1;
                used += needed;
            }
            _ => {
                chunks.push(index..index + 1);
                used = needed;
            }
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_fill_their_budget_and_never_split_a_prompt() {
        let prompts: Vec<Vec<u32>> = [3, 3, 1, 50, 2].map(|length| vec![0; length]).into();
        let sampling = Sampling { max_new_tokens: 2, ..Sampling::default() };
        // Each prompt needs its length and 2 x 2 tokens: 7, 7, 5, 54 and 6.
        let divide = |max_cached_tokens| {
            let request = Request {
                samples_per_prompt: 2,
                max_cached_tokens,
                ..Request::new(&prompts, Seed::new(0))
            };
            chunks(&sampling, &request)
        };
        assert_eq!(divide(14), [0..2, 2..3, 3..4, 4..5]);
        assert_eq!(divide(0), [0..1, 1..2, 2..3, 3..4, 4..5]);
        assert_eq!(divide(1000), vec![0..5]);
    }
}
