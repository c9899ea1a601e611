//! Score: what a reward model says about unseen pairs.

use std::path::Path;

use forethought_evaluate::ScoredPair;
use forethought_model::{Packed, ScoreModel, load_score_model, pack};
use forethought_reward_model::sigmoid;
use forethought_schema::{PreferencePair, Prompt};
use forethought_tokenize::{Encoder, Overflow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::links::Inputs;
use super::model::{MODEL_FOLDER, architecture};
use super::pairs::KINDS;
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{read_json, read_lines, write_lines};
use crate::config::Problem;
use crate::examples::{Lengths, Limit, drop_long, is_drop};
use crate::memory::{Budget, Evaluated, Load, Lowerable, Seen};

/// Settings of the score stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreStage {
    /// What the stage is called, for several of its kind in one pipeline. Default: its kind.
    #[serde(default)]
    pub name: Option<String>,
    /// The stage whose reward model scores. Default: the nearest one before.
    #[serde(default)]
    pub from: Option<String>,
    /// The stage whose validation pairs are scored. Default: the nearest one before.
    #[serde(default)]
    pub data: Option<String>,
    /// The longest sequence, in tokens of prompt and completion. Default 1,024 (TRL).
    #[serde(default = "default_max_length")]
    pub max_length: usize,
    /// What happens to a pair with a longer side: `error`, `drop`, or `truncate`, which keeps the first tokens of each
    /// side. Default `drop`.
    #[serde(default = "drop_long", skip_serializing_if = "is_drop")]
    pub on_overflow: Overflow,
    /// Pairs scored at once, at least 1; bounds memory and changes no result. Default 16.
    #[serde(default = "default_batch")]
    pub batch_size: usize,
}

fn default_max_length() -> usize {
    1024
}
fn default_batch() -> usize {
    16
}

/// The file with a scored pair a line, in the artifact.
pub(crate) const SCORES: &str = "scores.jsonl";

/// A pair with its scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScoredRecord {
    pub(crate) prompt: Prompt,
    pub(crate) chosen: String,
    pub(crate) rejected: String,
    pub(crate) chosen_score: f32,
    pub(crate) rejected_score: f32,
    /// The logistic function of each score.
    pub(crate) chosen_sigmoid: f32,
    pub(crate) rejected_sigmoid: f32,
    /// What kind of pair it is, where there are several.
    #[serde(default)]
    pub(crate) kind: String,
}

impl ScoredRecord {
    pub(crate) fn scored(&self) -> ScoredPair {
        let (chosen, rejected) = (f64::from(self.chosen_score), f64::from(self.rejected_score));
        ScoredPair { kind: self.kind.clone(), chosen, rejected }
    }
}

impl ScoreStage {
    pub(super) fn inputs<'a>(&'a self, inputs: Inputs<'a>) -> Result<Inputs<'a>, Problem> {
        let inputs = inputs.pick("from", self.from.as_deref(), &["reward"])?;
        inputs.pick("data", self.data.as_deref(), &["pairs"])
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let counts = [("max_length", self.max_length), ("batch_size", self.batch_size)];
        let zero = counts.iter().filter(|(_, count)| *count == 0);
        zero.map(|(key, _)| ((*key).to_owned(), "must be at least 1, got 0".to_owned())).collect()
    }

    /// Writes `scores.jsonl` and `ledger.json`.
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let before = context.before;
        let from = before.pick(self.from.as_deref(), &["reward"]).unwrap_or_default();
        let data = before.pick(self.data.as_deref(), &["pairs"]).unwrap_or_default();
        let folder = context.input(from, MODEL_FOLDER);
        let encoder = Encoder::open(&folder)?;
        let pairs: Vec<PreferencePair> = read_lines(&context.input(data, "validation.jsonl"))?;
        let kinds: Vec<String> = read_json(&context.input(data, KINDS))?;
        let mut lengths = Lengths::new(context.name, &format!("{data}/validation.jsonl"));
        let limit =
            Limit { encoder: &encoder, max_length: self.max_length, overflow: self.on_overflow };
        let sides = sides(limit, &pairs, &mut lengths);
        let sides = sides.map_err(|message| PipelineError::stage(context.name, message))?;
        let batches: Vec<(&[Sides], Packed)> =
            sides.chunks(self.batch_size).map(|batch| (batch, packed(batch))).collect();
        let budget = self.budget(context, &folder, &batches)?;
        let model = load_score_model(&folder, context.device)?;
        let mut bar = context.console.bar(sides.len(), "scores");
        let mut records = Vec::with_capacity(sides.len());
        for (batch, packed) in &batches {
            context.check_stop()?;
            for (side, scores) in batch.iter().zip(score(&model, packed)) {
                let kind = kinds.get(side.pair).cloned().unwrap_or_default();
                records.push(record(&pairs[side.pair], scores, kind));
            }
            bar.set(records.len());
        }
        write_lines(&context.staging.join(SCORES), &records)?;
        context.book(&lengths.ledger)?;
        budget.end(context, Seen::default());
        Ok(Done::Finished)
    }

    /// The memory that the scores will take.
    fn budget(
        &self,
        context: &Context<'_>,
        folder: &Path,
        batches: &[(&[Sides], Packed)],
    ) -> Result<Budget, PipelineError> {
        // A check has fewer pairs than a batch may have.
        let tokens = |(batch, packed): &(&[Sides], Packed)| {
            packed.tokens.len() * self.batch_size / batch.len()
        };
        let tokens = batches.iter().map(tokens).max().unwrap_or_default();
        let evaluated = Evaluated {
            architecture: architecture(context, folder)?,
            models: 1,
            sampling: None,
            read: Load { tokens, scored: 0 },
            lowerable: Lowerable {
                at_once: Some(("batch_size", self.batch_size)),
                length: ("max_length", self.max_length),
                lora: None,
            },
        };
        evaluated.begin(context)
    }
}

/// A pair as ids.
struct Sides {
    /// Its place among the pairs.
    pair: usize,
    chosen: Vec<u32>,
    rejected: Vec<u32>,
}

/// The pairs that are short enough; the others are counted.
fn sides(
    limit: Limit<'_>,
    pairs: &[PreferencePair],
    lengths: &mut Lengths,
) -> Result<Vec<Sides>, String> {
    let mut sides = Vec::with_capacity(pairs.len());
    for (index, pair) in pairs.iter().enumerate() {
        let chosen = limit.encode(&pair.prompt, &pair.chosen)?;
        let rejected = limit.encode(&pair.prompt, &pair.rejected)?;
        if let Some((chosen, rejected)) = lengths.count_pair((chosen, rejected), index) {
            sides.push(Sides { pair: index, chosen: chosen.ids, rejected: rejected.ids });
        }
    }
    Ok(sides)
}

fn packed(batch: &[Sides]) -> Packed {
    let sequences = batch.iter().flat_map(|one| [one.chosen.as_slice(), one.rejected.as_slice()]);
    pack(&sequences.collect::<Vec<_>>())
}

/// The scores of both sides of each pair of a batch.
fn score(model: &ScoreModel, packed: &Packed) -> Vec<[f32; 2]> {
    let scores = model.score_sequences(packed, None); // [sequence]
    let scores: Vec<f32> = scores.into_data().iter::<f32>().collect();
    scores.as_chunks::<2>().0.to_vec()
}

fn record(pair: &PreferencePair, [chosen, rejected]: [f32; 2], kind: String) -> ScoredRecord {
    ScoredRecord {
        prompt: pair.prompt.clone(),
        chosen: pair.chosen.clone(),
        rejected: pair.rejected.clone(),
        chosen_score: chosen,
        rejected_score: rejected,
        chosen_sigmoid: sigmoid(chosen),
        rejected_sigmoid: sigmoid(rejected),
        kind,
    }
}
