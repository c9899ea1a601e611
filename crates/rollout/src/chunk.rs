//! Prompts that are completed together: one packed row of prompts, then one token of every unfinished sample a step.

use std::ops::Range;

use burn::tensor::{Int, Tensor, TensorData};
use forethought_model::{AttentionPlan, Decoder, KvCache, PackedTokens, Segment, pack};
use rand::Rng;
use rayon::prelude::*;

use crate::generate::{Completion, Request};
use crate::sampler::{Choice, choose};
use crate::sampling::Sampling;

/// Samples in the making.
pub(crate) struct Chunk<'a> {
    model: &'a Decoder,
    sampling: &'a Sampling,
    request: &'a Request<'a>,
    cache: KvCache,
    /// `[hidden, vocab]`, laid out so that a product with few rows runs at full speed.
    head: Tensor<2>,
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
    fn prompt<'a>(&self, request: &Request<'a>) -> &'a [u32] {
        &request.prompts[self.completion.prompt_index]
    }

    /// The segment that computes the latest token as query number `query`.
    fn segment(&self, query: usize) -> Segment {
        let own = self.first_slot + self.completion.ids.len() - 1;
        let mut context = self.prompt_slots.clone();
        context.push(self.first_slot..own);
        Segment { queries: query..query + 1, context, own }
    }
}

impl<'a> Chunk<'a> {
    /// Computes the prompts. Their tokens take the first slots of the cache, each sample's new ones a run of their own.
    pub(crate) fn new(
        model: &'a Decoder,
        sampling: &'a Sampling,
        request: &'a Request<'a>,
        prompts: Range<usize>,
    ) -> Self {
        let sequences: Vec<&[u32]> =
            request.prompts[prompts.clone()].iter().map(Vec::as_slice).collect();
        let packed = pack(&sequences);
        let num_prompt_slots = packed.tokens.len();
        let num_samples = prompts.len() * request.samples_per_prompt;
        let num_slots = num_prompt_slots + num_samples * sampling.max_new_tokens;
        let samples = (0..num_samples)
            .map(|index| {
                let row = index / request.samples_per_prompt;
                Sample {
                    completion: Completion {
                        prompt_index: prompts.start + row,
                        sample_index: index % request.samples_per_prompt,
                        ids: Vec::new(),
                        log_probs: Vec::new(),
                        is_finished: false,
                    },
                    prompt_slots: packed.ranges(row),
                    prompt_length: sequences[row].len(),
                    first_slot: num_prompt_slots + index * sampling.max_new_tokens,
                    row,
                    is_done: false,
                }
            })
            .collect();
        let last_tokens: Vec<usize> =
            packed.rows.iter().filter_map(|row| row.last().copied()).collect();
        let mut chunk = Self {
            model,
            sampling,
            request,
            cache: model.cache(num_slots),
            head: contiguous(model.head().transpose()),
            samples,
            logits: Vec::new(),
        };
        let segments = packed.tokens.plan.segments().to_vec();
        let plan = AttentionPlan::new(num_prompt_slots, num_slots, segments);
        let hidden = chunk.forward(&PackedTokens { plan, ..packed.tokens }); // [prompt token, hidden]
        let last_tokens = indices(&last_tokens, &hidden);
        chunk.set_logits(hidden.select(0, last_tokens)); // [prompt, hidden]
        chunk
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
    pub(crate) fn step(&mut self) -> usize {
        let num_drawn = self.draw();
        if !self.is_done() {
            self.compute();
        }
        num_drawn
    }

    fn draw(&mut self) -> usize {
        let Self { sampling, request, logits, samples, model, .. } = self;
        let vocab_size = model.config().vocab_size;
        // Every draw has a stream of its own, so the order in which threads take the samples does not matter.
        let drawn = samples.par_iter_mut().filter(|sample| !sample.is_done).map(|sample| {
            let row = &logits[sample.row * vocab_size..][..vocab_size];
            let choice =
                choose(row, &seen(sample, sampling, request), sampling, uniform(sample, request));
            append(sample, choice, sampling, request);
        });
        drawn.count()
    }

    /// One forward pass over the latest token of every unfinished sample.
    fn compute(&mut self) {
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
        self.set_logits(hidden); // [unfinished sample, hidden]
    }

    fn forward(&mut self, tokens: &PackedTokens) -> Tensor<2> {
        self.model.forward(tokens, Some(&mut self.cache))
    }

    fn set_logits(&mut self, hidden: Tensor<2>) {
        self.logits = hidden.matmul(self.head.clone()).into_data().iter::<f32>().collect();
    }
}

/// The tokens that the repetition penalty is for; none where it changes nothing.
fn seen(sample: &Sample, sampling: &Sampling, request: &Request<'_>) -> Vec<u32> {
    if (sampling.repetition_penalty - 1.0).abs() < f64::EPSILON {
        return Vec::new();
    }
    [sample.prompt(request), &sample.completion.ids].concat()
}

/// The number in `[0, 1)` that decides the sample's next token.
fn uniform(sample: &Sample, request: &Request<'_>) -> f64 {
    let Completion { prompt_index, sample_index, ids, .. } = &sample.completion;
    let place = [request.step, *prompt_index as u64, *sample_index as u64, ids.len() as u64];
    let bits = request.seed.stream("sampled token", &place).next_u64();
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

fn append(sample: &mut Sample, choice: Choice, sampling: &Sampling, request: &Request<'_>) {
    let completion = &mut sample.completion;
    completion.ids.push(choice.id);
    completion.log_probs.push(choice.log_prob);
    completion.is_finished = request.eos_ids.contains(&choice.id);
    sample.is_done = completion.is_finished || completion.ids.len() == sampling.max_new_tokens;
}

/// The same numbers in row-major order: a transposed view would be gathered anew by every product.
fn contiguous(matrix: Tensor<2>) -> Tensor<2> {
    let device = matrix.device();
    Tensor::from_data(matrix.into_data(), &device)
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
