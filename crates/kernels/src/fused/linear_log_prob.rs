//! Head, log-softmax and target lookup in chunks of rows, so that `[n, vocab]` never exists.

use std::ops::Range;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, AutodiffBackend, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Int, Tensor};
use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{dims, tensor, values};
use crate::TokenScores;
use crate::lanes::{exp, max, sums};
use crate::matrix::{Matrix, MatrixMut, Threads, Write, multiply};

/// Logits that exist at one time: 128 MiB.
const CHUNK_LOGITS: usize = 1 << 25;

/// Log-probabilities of targets, as an operation that Burn dispatches.
#[backend_extension(Autodiff, Flex)]
trait LinearLogProb: Backend {
    /// `hidden` `[n, hidden]`, `head` `[vocab, hidden]`, `targets` `[n]`; returns log-probabilities, entropies and
    /// whether the target is the most probable token, all `[n]`, of which only the first carry a gradient.
    fn linear_log_prob(
        hidden: FloatTensor<Self>,
        head: FloatTensor<Self>,
        targets: IntTensor<Self>,
        temperature: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// See [`linear_log_prob`](crate::linear_log_prob).
pub(crate) fn linear_log_prob(
    hidden: Tensor<2>,
    head: Tensor<2>,
    targets: Tensor<1, Int>,
    temperature: f64,
) -> TokenScores {
    #[allow(clippy::cast_possible_truncation, reason = "the logits it divides are f32")]
    let temperature = temperature as f32;
    let (hidden, head) = (hidden.into_dispatch(), head.into_dispatch());
    let (log_probs, entropy, is_argmax) = <Dispatch as LinearLogProb>::linear_log_prob(
        hidden,
        head,
        targets.into_dispatch(),
        temperature,
    );
    TokenScores {
        log_probs: Tensor::from_dispatch(log_probs),
        entropy: Tensor::from_dispatch(entropy),
        is_argmax: Tensor::from_dispatch(is_argmax),
    }
}

impl LinearLogProb for Flex {
    fn linear_log_prob(
        hidden: FlexTensor,
        head: FlexTensor,
        targets: FlexTensor,
        temperature: f32,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (scores, _) = Problem::new(&hidden, &head, &targets, temperature).scores();
        let rows = scores.log_probs.len();
        let list = |values| tensor(values, [rows]);
        (list(scores.log_probs), list(scores.entropy), list(scores.is_argmax))
    }
}

impl<C: CheckpointStrategy> LinearLogProb for Autodiff<Flex, C> {
    fn linear_log_prob(
        hidden: FloatTensor<Self>,
        head: FloatTensor<Self>,
        targets: FlexTensor,
        temperature: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [hidden.node(), head.node()];
        let (hidden, head) = (hidden.into_primitive(), head.into_primitive());
        let problem = Problem::new(&hidden, &head, &targets, temperature);
        let (scores, last_logits) = problem.scores();
        let log_probs = tensor(scores.log_probs, [problem.rows]);
        let [entropy, is_argmax] = [scores.entropy, scores.is_argmax]
            .map(|values| <Self as AutodiffBackend>::from_inner(tensor(values, [problem.rows])));
        let log_probs = match LinearLogProbBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let saved = Saved { problem, normalisers: scores.normalisers, last_logits };
                prepared.finish(saved, log_probs)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(log_probs),
        };
        (log_probs, entropy, is_argmax)
    }
}

#[derive(Debug)]
struct LinearLogProbBackward;

impl Backward<Flex, 2> for LinearLogProbBackward {
    type State = Saved;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let upstream = grads.consume::<Flex>(&ops.node).to_contiguous();
        let Saved { problem, normalisers, last_logits } = ops.state;
        let [hidden, head] = ops.parents;
        let wants = Wants { hidden: hidden.is_some(), head: head.is_some() };
        let (d_hidden, d_head) =
            problem.gradients(last_logits, (&normalisers, values(&upstream)), wants);
        if let Some(hidden) = hidden {
            grads.register::<Flex>(hidden.id, tensor(d_hidden, [problem.rows, problem.width]));
        }
        if let Some(head) = head {
            grads.register::<Flex>(head.id, tensor(d_head, [problem.vocab, problem.width]));
        }
    }
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct Saved {
    problem: Problem,
    /// `[n]`
    normalisers: Vec<f32>,
    /// `[chunk, vocab]`: the memory of the forward pass as its last chunk left it, so that the backward pass computes the
    /// logits of the other chunks only.
    last_logits: Vec<f32>,
}

/// Which gradients are asked for: a frozen head saves a third of the work.
#[derive(Clone, Copy)]
struct Wants {
    hidden: bool,
    head: bool,
}

/// The inputs of one call, checked and contiguous.
#[derive(Clone, Debug)]
struct Problem {
    hidden: FlexTensor,  // [n, hidden]
    head: FlexTensor,    // [vocab, hidden]
    targets: Vec<usize>, // [n]
    inverse_temperature: f32,
    rows: usize,
    width: usize,
    vocab: usize,
}

/// Results of the forward pass, each `[n]`.
#[derive(Default)]
struct Scores {
    log_probs: Vec<f32>,
    entropy: Vec<f32>,
    is_argmax: Vec<f32>,
    /// `log sum exp` of the tempered logits.
    normalisers: Vec<f32>,
}

/// What one row of tempered logits says as a whole.
struct Distribution {
    highest: f32,
    /// `log sum exp`.
    normaliser: f32,
    entropy: f32,
}

impl Problem {
    fn new(hidden: &FlexTensor, head: &FlexTensor, targets: &FlexTensor, temperature: f32) -> Self {
        let ([rows, width], [vocab, _]) = (dims(hidden), dims(head));
        let targets = targets.clone().into_data();
        let targets = targets.iter::<i64>().map(|target| index(target, vocab));
        Self {
            hidden: hidden.to_contiguous(),
            head: head.to_contiguous(),
            targets: targets.collect(),
            inverse_temperature: 1.0 / temperature,
            rows,
            width,
            vocab,
        }
    }

    /// Rows whose logits exist together.
    fn chunk_rows(&self) -> usize {
        (CHUNK_LOGITS / self.vocab.max(1)).clamp(16, 1024).min(self.rows).max(1)
    }

    /// The rows of each chunk; only the first may be short, since the logits of the last are kept.
    fn chunks(&self) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
        let (rows, chunk) = (self.rows, self.chunk_rows());
        let short = rows % chunk;
        let first = (short > 0).then_some(0..short);
        first.into_iter().chain((0..rows / chunk).map(move |index| {
            let start = short + index * chunk;
            start..start + chunk
        }))
    }

    /// Numbers of the rows `start..start + count` of `hidden`.
    fn hidden_rows(&self, start: usize, count: usize) -> &[f32] {
        &values(&self.hidden)[start * self.width..][..count * self.width]
    }

    /// Fills `[count, vocab]` with the logits of the rows from `start` on.
    fn logits(&self, start: usize, count: usize, out: &mut [f32]) {
        let head = Matrix::new(values(&self.head), self.vocab, self.width, self.width);
        multiply(
            MatrixMut::new(out, count, self.vocab, self.vocab),
            Write::Overwrite,
            Matrix::new(self.hidden_rows(start, count), count, self.width, self.width),
            head.transposed(),
            Threads::All,
        );
    }

    /// The scores, and the logits of the last chunk.
    fn scores(&self) -> (Scores, Vec<f32>) {
        let mut logits = Vec::new(); // [chunk, vocab]
        let mut scores = Scores::default();
        for rows in self.chunks() {
            logits.resize(rows.len() * self.vocab, 0.0);
            self.logits(rows.start, rows.len(), &mut logits);
            let distributions: Vec<Distribution> = logits
                .par_chunks(self.vocab)
                .map(|row| distribution(row, self.inverse_temperature))
                .collect();
            let targets = &self.targets[rows];
            for ((row, target), of) in logits.chunks(self.vocab).zip(targets).zip(distributions) {
                let target = row[*target] * self.inverse_temperature;
                scores.log_probs.push(target - of.normaliser);
                scores.entropy.push(of.entropy);
                scores.is_argmax.push(f32::from(of.highest <= target));
                scores.normalisers.push(of.normaliser);
            }
        }
        (scores, logits)
    }

    /// Gradients of hidden and head; one that is not asked for is empty. The chunks go backwards, from the one whose
    /// logits are there.
    fn gradients(
        &self,
        mut logits: Vec<f32>,
        (normalisers, upstream): (&[f32], &[f32]),
        wants: Wants,
    ) -> (Vec<f32>, Vec<f32>) {
        let mut d_hidden = vec![0.0; if wants.hidden { self.rows * self.width } else { 0 }];
        let mut d_head = vec![0.0; if wants.head { self.vocab * self.width } else { 0 }];
        for rows in self.chunks().rev() {
            let (start, count) = (rows.start, rows.len());
            logits.truncate(count * self.vocab);
            if rows.end < self.rows {
                self.logits(start, count, &mut logits);
            }
            let scales = (&normalisers[rows.clone()], &upstream[rows.clone()]);
            self.differentiate_logits(&mut logits, &self.targets[rows.clone()], scales);
            if wants.hidden {
                let d_hidden = &mut d_hidden[start * self.width..][..count * self.width];
                self.write_to_hidden(&logits, d_hidden);
            }
            if wants.head {
                let write = if rows.end == self.rows { Write::Overwrite } else { Write::Add };
                self.write_to_head(&logits, start, write, &mut d_head);
            }
        }
        (d_hidden, d_head)
    }

    /// Turns the logits of a chunk into their gradients, `upstream / T * (one_hot(target) - softmax)`.
    fn differentiate_logits(
        &self,
        logits: &mut [f32],
        targets: &[usize],
        (normalisers, upstream): (&[f32], &[f32]),
    ) {
        let inverse = self.inverse_temperature;
        let scales = normalisers.par_iter().zip(upstream);
        logits.par_chunks_mut(self.vocab).zip(targets).zip(scales).for_each(
            |((row, target), (normaliser, upstream))| {
                let upstream = upstream * inverse;
                scale_probabilities(row, inverse, *normaliser, -upstream);
                row[*target] += upstream;
            },
        );
    }

    fn write_to_hidden(&self, d_logits: &[f32], d_hidden: &mut [f32]) {
        let count = d_logits.len() / self.vocab;
        multiply(
            MatrixMut::new(d_hidden, count, self.width, self.width),
            Write::Overwrite,
            Matrix::new(d_logits, count, self.vocab, self.vocab),
            Matrix::new(values(&self.head), self.vocab, self.width, self.width),
            Threads::All,
        );
    }

    fn write_to_head(&self, d_logits: &[f32], start: usize, write: Write, d_head: &mut [f32]) {
        let count = d_logits.len() / self.vocab;
        multiply(
            MatrixMut::new(d_head, self.vocab, self.width, self.width),
            write,
            Matrix::new(d_logits, count, self.vocab, self.vocab).transposed(),
            Matrix::new(self.hidden_rows(start, count), count, self.width, self.width),
            Threads::All,
        );
    }
}

/// A target as an index of the vocabulary.
fn index(target: i64, vocab: usize) -> usize {
    match usize::try_from(target) {
        Ok(index) if index < vocab => index,
        _ => panic!("target {target} is outside a vocabulary of {vocab}"),
    }
}

/// The softmax of the tempered logits, summed up.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn distribution(row: &[f32], inverse_temperature: f32) -> Distribution {
    let highest = max(row) * inverse_temperature;
    let [total, weighted] = sums([row], |[logit]| {
        let shifted = logit * inverse_temperature - highest;
        let weight = exp(shifted);
        [weight, weight * shifted]
    });
    let log_total = total.ln();
    Distribution { highest, normaliser: highest + log_total, entropy: log_total - weighted / total }
}

/// Replaces logits by `factor * softmax`.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn scale_probabilities(row: &mut [f32], inverse_temperature: f32, normaliser: f32, factor: f32) {
    for value in row.iter_mut() {
        *value = factor * exp(*value * inverse_temperature - normaliser);
    }
}
