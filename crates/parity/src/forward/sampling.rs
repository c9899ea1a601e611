//! Greedy continuations and the distributions that the filters leave.

use forethought_rollout::{Candidate, Past, Request, Sampling, distribution, generate};
use forethought_seed::Seed;
use serde::Deserialize;

use super::{Passes, logits, values};
use crate::Replay;
use crate::check::{Checks, Tolerance};
use crate::goldens::Missed;

/// A step whose two best logits are nearer than this may go either way.
const CLEAR_MARGIN: f32 = 1e-3;

/// What the file expects of sampling.
#[derive(Debug, Deserialize)]
pub(crate) struct Expected {
    greedy: Option<Vec<Vec<u32>>>,
    #[serde(rename = "greedy_rep1.05")]
    greedy_with_penalty: Option<Vec<Vec<u32>>>,
    greedy_left_padded_batch: Option<Vec<Vec<u32>>>,
}

/// The settings of the filtered distributions.
const PENALTY: f64 = 1.05;
const TEMPERATURE: f64 = 0.7;
const TOP_K: usize = 20;
const TOP_P: f64 = 0.8;

pub(super) fn run(replay: &mut Replay<'_>, passes: &Passes<'_>, expected: &Expected) {
    let greedy = [
        ("greedy", &expected.greedy, 1.0),
        ("greedy_rep1.05", &expected.greedy_with_penalty, PENALTY),
        ("greedy_left_padded_batch", &expected.greedy_left_padded_batch, 1.0),
    ];
    for (name, expected, penalty) in greedy {
        if let Some(expected) = expected {
            replay.case(name, |checks| passes.continuations(checks, expected, penalty));
        }
    }
    if passes.tensors.keys().any(|name| name.starts_with("sample.")) {
        replay.case("sample", |checks| {
            passes.distributions(checks);
            Ok(())
        });
    }
}

/// The margin beyond which a step is decided: where logits may be off by more, by that much on both sides.
fn clear_margin(tolerance: Tolerance) -> f32 {
    match tolerance {
        #[expect(clippy::cast_possible_truncation, reason = "a tolerance needs few digits")]
        Tolerance::Absolute(logits) => CLEAR_MARGIN.max(2.0 * logits as f32),
        Tolerance::Relative { .. } => CLEAR_MARGIN,
    }
}

impl Passes<'_> {
    /// Greedy continuations, up to the first step that may go either way.
    fn continuations(
        &self,
        checks: &mut Checks,
        expected: &[Vec<u32>],
        repetition_penalty: f64,
    ) -> Result<(), Missed> {
        let sampling = Sampling {
            temperature: 0.0,
            repetition_penalty,
            max_new_tokens: expected.iter().map(Vec::len).max().unwrap_or_default(),
            ..Sampling::default()
        };
        let request =
            Request { eos_ids: &self.eos_ids, ..Request::new(self.sequences, Seed::new(0)) };
        let found = generate(self.decoder, &sampling, &request, &mut |_| {})?;
        for ((prompt, expected), completion) in self.sequences.iter().zip(expected).zip(&found) {
            let expected = self.without_padding(expected);
            let ids: Vec<u32> = [prompt.as_slice(), expected].concat();
            let rows = values(logits(self.decoder, &ids));
            let vocab = rows.len() / ids.len();
            let is_decided = |step: &usize| {
                let before = prompt.len() + step;
                let logits = penalised(
                    &rows[(before - 1) * vocab..][..vocab],
                    &ids[..before],
                    repetition_penalty,
                );
                top_two_margin(&logits) >= clear_margin(self.tolerance)
            };
            let decided = (0..expected.len()).take_while(is_decided).count();
            let end = if decided < expected.len() { decided } else { completion.ids.len() };
            checks.equal("ids", &completion.ids[..end], &expected[..decided]);
        }
        Ok(())
    }

    /// A continuation up to its end, without what fills a batch behind it.
    fn without_padding<'a>(&self, ids: &'a [u32]) -> &'a [u32] {
        let is_end = |id: &u32| self.eos_ids.contains(id) && Some(*id) != self.pad_id;
        let end = ids.iter().position(is_end).map_or(ids.len(), |end| end + 1);
        &ids[..end]
    }

    /// The distribution of the token after each prompt, after the filters in transformers' order.
    fn distributions(&self, checks: &mut Checks) {
        let filtered = Sampling {
            temperature: TEMPERATURE,
            top_k: TOP_K,
            repetition_penalty: PENALTY,
            ..Sampling::default()
        };
        let settings = [
            ("probs_topk", filtered.clone()),
            ("probs", Sampling { top_p: TOP_P, ..filtered }),
            ("top_p_0.9_only", Sampling { top_p: 0.9, ..Sampling::default() }),
        ];
        for (index, prompt) in self.sequences.iter().enumerate() {
            let rows = values(logits(self.decoder, prompt));
            let vocab = rows.len() / prompt.len();
            let last = &rows[rows.len() - vocab..];
            let past = Past { seen: prompt, banned: &[] };
            for (name, sampling) in &settings {
                if let Some((_, expected)) = self.tensors.get(&format!("sample.{index}.{name}")) {
                    let found = dense(&distribution(last, past, sampling), vocab);
                    checks.numbers(name, &found, expected, self.tolerance);
                }
            }
        }
    }
}

/// How far the best logit is before the second.
fn top_two_margin(logits: &[f32]) -> f32 {
    let (mut best, mut second) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
    for &logit in logits {
        if logit > best {
            (best, second) = (logit, best);
        } else {
            second = second.max(logit);
        }
    }
    best - second
}

/// The logits after the repetition penalty.
#[expect(clippy::cast_possible_truncation, reason = "logits are single precision")]
fn penalised(logits: &[f32], seen: &[u32], penalty: f64) -> Vec<f32> {
    let mut logits = logits.to_vec();
    let mut ids = seen.to_vec();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let logit = &mut logits[id as usize];
        let factor = if *logit > 0.0 { 1.0 / penalty } else { penalty };
        *logit = (f64::from(*logit) * factor) as f32;
    }
    logits
}

/// Probabilities by id, 0 where there is no candidate.
fn dense(candidates: &[Candidate], vocab: usize) -> Vec<f64> {
    let mut probabilities = vec![0.0; vocab];
    for candidate in candidates {
        probabilities[candidate.id as usize] = candidate.probability;
    }
    probabilities
}
