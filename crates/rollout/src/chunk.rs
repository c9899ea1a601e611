//! Prompts that are completed together: one packed row of prompts, then one token of every unfinished sample a step.

use std::ops::Range;

use burn::tensor::{Int, Tensor, TensorData};
use forethought_kernels::awake;
use forethought_model::{AttentionPlan, Decoder, KvCache, Packed, PackedTokens, Segment, pack};
use rand::Rng;
use rayon::prelude::*;

use crate::error::RolloutError;
use crate::generate::{Completion, Request, StopCheck};
use crate::sampler::{Choice, Past, choose};
use crate::sampling::Sampling;

/// What all chunks of one request share.
pub(crate) struct Job<'a> {
    /// Without gradients.
    pub(crate) model: &'a Decoder,
    pub(crate) sampling: &'a Sampling,
    pub(crate) request: &'a Request<'a>,
    /// The ending tokens that the model knows: a generation config may name others.
    known_eos_ids: Vec<u32>,
}

impl<'a> Job<'a> {
    pub(crate) fn new(
        model: &'a Decoder,
        sampling: &'a Sampling,
        request: &'a Request<'a>,
    ) -> Self {
        let vocab_size = model.config().vocab_size;
        let known = request.eos_ids.iter().copied().filter(|id| (*id as usize) < vocab_size);
        Self { model, sampling, request, known_eos_ids: known.collect() }
    }
}

/// Samples in the making.
pub(crate) struct Chunk<'a> {
    job: &'a Job<'a>,
    cache: KvCache,
    samples: Vec<Sample>,
    /// Logits of the next tokens, `[row, vocab]`.
    logits: Vec<f32>,
}

/// One completion in the making and where its keys are.
struct Sample {
    completion: Completion,
    /// Slots of the prompt, shared with the other samples of it.
    prompt_slots: Vec<Range<usize>>,
    prompt_length: usize,
    /// First of the sample's own slots.
    first_slot: usize,
    /// Row of the logits that its next token comes from.
    row: usize,
    is_done: bool,
}

impl Sample {
    /// The segment that computes the latest token as query number `query`.
    fn segment(&self, query: usize) -> Segment {
        let own = self.first_slot + self.completion.ids.len() - 1;
        let mut context = self.prompt_slots.clone();
        context.push(self.first_slot..own);
        Segment { queries: query..query + 1, context, own }
    }

    /// Takes the token that was drawn.
    fn append(&mut self, choice: Choice, job: &Job<'_>) -> Result<(), RolloutError> {
        let completion = &mut self.completion;
        completion.ids.push(choice.id);
        completion.log_probs.push(choice.log_prob);
        completion.is_finished =
            job.request.eos_ids.contains(&choice.id) || is_stopped(&completion.ids, job)?;
        self.is_done =
            completion.is_finished || completion.ids.len() == job.sampling.max_new_tokens;
        Ok(())
    }
}

fn is_stopped(ids: &[u32], job: &Job<'_>) -> Result<bool, RolloutError> {
    match job.request.stop {
        Some(StopCheck(check)) if !job.sampling.stop_strings.is_empty() => {
            check(ids).map_err(RolloutError::Stop)
        }
        _ => Ok(false),
    }
}

/// The samples of a run of prompts, before their first token. Each has a run of slots behind those of the prompts.
fn samples(job: &Job<'_>, prompts: Range<usize>, packed: &Packed) -> Vec<Sample> {
    let (num_samples, num_new) = (job.request.samples_per_prompt, job.sampling.max_new_tokens);
    let sample = |(index, (row, sample_index)): (usize, (usize, usize))| Sample {
        completion: Completion {
            prompt_index: prompts.start + row,
            sample_index,
            ids: Vec::new(),
            log_probs: Vec::new(),
            is_finished: false,
        },
        prompt_slots: packed.ranges(row),
        prompt_length: packed.rows[row].len(),
        first_slot: packed.tokens.len() + index * num_new,
        row,
        is_done: false,
    };
    let places = (0..prompts.len()).flat_map(|row| (0..num_samples).map(move |index| (row, index)));
    places.enumerate().map(sample).collect()
}

impl<'a> Chunk<'a> {
    /// Computes the prompts, whose tokens take the first slots of the cache.
    pub(crate) fn new(job: &'a Job<'a>, prompts: Range<usize>) -> Result<Self, RolloutError> {
        let sequences = job.request.prompts[prompts.clone()].iter();
        let packed = pack(&sequences.map(Vec::as_slice).collect::<Vec<_>>());
        let samples = samples(job, prompts, &packed);
        let num_slots = packed.tokens.len() + samples.len() * job.sampling.max_new_tokens;
        let cache = job.model.cache(num_slots);
        let mut chunk = Self { job, cache, samples, logits: Vec::new() };
        chunk.prefill(packed)?;
        Ok(chunk)
    }

    fn prefill(&mut self, packed: Packed) -> Result<(), RolloutError> {
        let Packed { mut tokens, rows } = packed;
        let segments = tokens.plan.segments().to_vec();
        tokens.plan = AttentionPlan::new(tokens.len(), self.cache.num_slots(), segments);
        let last: Vec<usize> = rows.iter().filter_map(|row| row.last().copied()).collect();
        let hidden = self.forward(&tokens); // [prompt token, hidden]
        let last = indices(&last, &hidden);
        self.set_logits(hidden.select(0, last)) // [prompt, hidden]
    }

    pub(crate) fn is_done(&self) -> bool {
        self.samples.iter().all(|sample| sample.is_done)
    }

    pub(crate) fn num_completed(&self) -> usize {
        self.samples.iter().filter(|sample| sample.is_done).count()
    }

    pub(crate) fn into_completions(self) -> impl Iterator<Item = Completion> {
        self.samples.into_iter().map(|sample| sample.completion)
    }

    /// Draws a token for every unfinished sample and computes the logits of the next; returns how many it drew.
    pub(crate) fn step(&mut self) -> Result<usize, RolloutError> {
        awake(|| {
            let num_drawn = self.draw()?;
            if !self.is_done() {
                self.compute()?;
            }
            Ok(num_drawn)
        })
    }

    fn draw(&mut self) -> Result<usize, RolloutError> {
        let Self { job, samples, logits, .. } = self;
        let vocab_size = job.model.config().vocab_size;
        // Every draw has a stream of its own, so the order in which threads take the samples does not matter.
        let unfinished = samples.par_iter_mut().filter(|sample| !sample.is_done);
        let drawn = unfinished.map(|sample| {
            let row = &logits[sample.row * vocab_size..][..vocab_size];
            let completion = &sample.completion;
            let past = Past { seen: &seen(completion, job), banned: banned(completion, job) };
            let choice = choose(row, past, job.sampling, uniform(completion, job.request));
            sample.append(choice, job).map(|()| 1)
        });
        drawn.try_reduce(|| 0, |left, right| Ok(left + right))
    }

    /// One forward pass over the latest token of every unfinished sample.
    fn compute(&mut self) -> Result<(), RolloutError> {
        let mut tokens: Vec<(u32, usize)> = Vec::new();
        let mut segments = Vec::new();
        for sample in self.samples.iter_mut().filter(|sample| !sample.is_done) {
            sample.row = segments.len();
            segments.push(sample.segment(sample.row));
            let Completion { ids, .. } = &sample.completion;
            tokens.extend(ids.last().map(|&id| (id, sample.prompt_length + ids.len() - 1)));
        }
        let hidden = self.forward(&PackedTokens {
            ids: tokens.iter().map(|&(id, _)| id).collect(),
            positions: tokens.iter().map(|&(_, position)| narrow(position)).collect(),
            plan: AttentionPlan::new(segments.len(), self.cache.num_slots(), segments),
        });
        self.set_logits(hidden) // [unfinished sample, hidden]
    }

    fn forward(&mut self, tokens: &PackedTokens) -> Tensor<2> {
        self.job.model.forward(tokens, Some(&mut self.cache))
    }

    fn set_logits(&mut self, hidden: Tensor<2>) -> Result<(), RolloutError> {
        let logits = self.job.model.logits(hidden).into_data();
        // Single precision is moved, not copied; another type is converted.
        self.logits = match logits.convert::<f32>().try_into_vec() {
            Ok(logits) => logits,
            Err(error) => panic!("converted logits have another type: {error:?}"),
        };
        let is_finite = self.logits.iter().all(|logit| logit.is_finite());
        is_finite.then_some(()).ok_or(RolloutError::NotFinite)
    }
}

/// The tokens that the repetition penalty is for; none where it changes nothing.
fn seen(completion: &Completion, job: &Job<'_>) -> Vec<u32> {
    if (job.sampling.repetition_penalty - 1.0).abs() < f64::EPSILON {
        return Vec::new();
    }
    [&job.request.prompts[completion.prompt_index], completion.ids.as_slice()].concat()
}

/// The tokens that would end a completion which is still too short.
fn banned<'j>(completion: &Completion, job: &'j Job<'_>) -> &'j [u32] {
    let is_short = completion.ids.len() < job.sampling.min_new_tokens;
    if is_short { &job.known_eos_ids } else { &[] }
}

/// The number in `[0, 1)` that decides the next token of a completion.
fn uniform(completion: &Completion, request: &Request<'_>) -> f64 {
    let Completion { prompt_index, sample_index, ids, .. } = completion;
    let prompt = request.first_prompt + *prompt_index as u64;
    let place = [request.step, prompt, *sample_index as u64, ids.len() as u64];
    let bits = request.seed.stream("sampled token", &place).next_u64();
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

fn indices(indices: &[usize], beside: &Tensor<2>) -> Tensor<1, Int> {
    let indices: Vec<i64> = indices.iter().map(|&index| i64::from(narrow(index))).collect();
    let length = indices.len();
    Tensor::from_data(TensorData::new(indices, [length]), &beside.device())
}

/// # Panics
///
/// If a row of 2^32 tokens was packed.
fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or_else(|_| panic!("index {index} does not fit 32 bits"))
}

#[cfg(test)]
mod tests {
    use forethought_seed::Seed;

    use super::*;

    #[test]
    fn every_step_prompt_sample_and_token_has_a_number_of_its_own() {
        let draw = |step, prompt_index, sample_index, num_tokens| {
            let completion = Completion {
                prompt_index,
                sample_index,
                ids: vec![0; num_tokens],
                log_probs: Vec::new(),
                is_finished: false,
            };
            uniform(&completion, &Request { step, ..Request::new(&[], Seed::new(1)) })
        };
        let places = [(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)];
        let mut numbers =
            places.map(|(step, prompt, sample, token)| draw(step, prompt, sample, token));
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        numbers.sort_by(f64::total_cmp);
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    }
}
