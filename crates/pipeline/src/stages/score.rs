//! Score: what a reward model says about unseen pairs.

use forethought_evaluate::ScoredPair;
use forethought_model::{ScoreModel, load_score_model, pack};
use forethought_reward_model::sigmoid;
use forethought_schema::{PreferencePair, Prompt};
use forethought_tokenize::{Encoder, Overflow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::links::Inputs;
use super::model::MODEL_FOLDER;
use super::pairs::KINDS;
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{read_json, read_lines, write_lines};
use crate::config::Problem;
use crate::examples::{Lengths, Limit, drop_long, is_drop};

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
        let model = load_score_model(&folder, context.device)?;
        let pairs: Vec<PreferencePair> = read_lines(&context.input(data, "validation.jsonl"))?;
        let kinds: Vec<String> = read_json(&context.input(data, KINDS))?;
        let mut lengths = Lengths::new(context.name, &format!("{data}/validation.jsonl"));
        let limit =
            Limit { encoder: &encoder, max_length: self.max_length, overflow: self.on_overflow };
        let mut bar = context.console.bar(pairs.len(), "scores");
        let mut records = Vec::with_capacity(pairs.len());
        for (index, batch) in pairs.chunks(self.batch_size).enumerate() {
            context.check_stop()?;
            let first = index * self.batch_size;
            let scored = score(&model, limit, (first, batch), &mut lengths);
            let scored = scored.map_err(|message| PipelineError::stage(context.name, message))?;
            let kind = |index: usize| kinds.get(index).cloned().unwrap_or_default();
            let record = |(index, [chosen, rejected]): (usize, [f32; 2])| {
                record(&pairs[index], [chosen, rejected], kind(index))
            };
            records.extend(scored.into_iter().map(record));
            bar.set(first + batch.len());
        }
        write_lines(&context.staging.join(SCORES), &records)?;
        context.book(&lengths.ledger)?;
        Ok(Done::Finished)
    }
}

/// The scores of both sides of some pairs, each with the index of its pair.
fn score(
    model: &ScoreModel,
    limit: Limit<'_>,
    (first, batch): (usize, &[PreferencePair]),
    lengths: &mut Lengths,
) -> Result<Vec<(usize, [f32; 2])>, String> {
    let (mut indices, mut sides) = (Vec::new(), Vec::new());
    for (place, pair) in batch.iter().enumerate() {
        let chosen = limit.encode(&pair.prompt, &pair.chosen)?;
        let rejected = limit.encode(&pair.prompt, &pair.rejected)?;
        if let Some((chosen, rejected)) = lengths.count_pair((chosen, rejected), first + place) {
            indices.push(first + place);
            sides.extend([chosen.ids, rejected.ids]);
        }
    }
    if sides.is_empty() {
        return Ok(Vec::new());
    }
    let sequences: Vec<&[u32]> = sides.iter().map(Vec::as_slice).collect();
    let scores = model.score_sequences(&pack(&sequences), None); // [sequence]
    let scores: Vec<f32> = scores.into_data().iter::<f32>().collect();
    let pairs = scores.as_chunks::<2>().0.iter().copied();
    Ok(indices.into_iter().zip(pairs).collect())
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
