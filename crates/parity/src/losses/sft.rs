//! TRL's `SFTTrainer`: one batch with its labels.

mod packed;

use std::collections::BTreeMap;

use forethought_model::{Decoder, ScoredRow};
use forethought_objective::{LossOutput, SupervisedBatch, SupervisedLoss as _};
use forethought_sft::{SftConfig, SftLoss};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::marked::Marked;
use super::{ExpectedLoss, Padded, Versions, check_loss};
use crate::Replay;
use crate::check::Checks;
use crate::goldens::{Goldens, Missed, Tensors};

#[derive(Debug, Deserialize)]
struct Golden {
    #[serde(default = "default_model")]
    model: String,
    #[serde(default)]
    versions: Versions,
    cases: BTreeMap<String, Value>,
}

fn default_model() -> String {
    "tiny-qwen2".to_owned()
}

#[derive(Debug, Deserialize)]
struct Case {
    config: Map<String, Value>,
    num_items_in_batch: Option<usize>,
    inputs: Inputs,
    #[serde(flatten)]
    expected: ExpectedLoss,
}

/// A padded batch and its labels; a negative one marks what is not learnt.
#[derive(Debug, Deserialize)]
pub(crate) struct Inputs {
    #[serde(flatten)]
    batch: Padded,
    labels: Vec<Vec<i64>>,
}

impl Inputs {
    /// The batch as a packed row.
    pub(crate) fn row(&self) -> ScoredRow {
        self.batch.row(&self.labels, |label| label >= 0)
    }
}

/// The loss of a packed row in a step of so many labels.
pub(crate) fn forward(
    loss: SftLoss,
    row: &ScoredRow,
    decoder: &Decoder,
    num_step_tokens: usize,
) -> LossOutput {
    let marked = Marked::new(decoder, row);
    let batch = SupervisedBatch::new(marked.scores.log_probs.clone(), num_step_tokens)
        .with_mean_log_probs(marked.mean_log_probs(decoder))
        .with_entropy(marked.scores.entropy)
        .with_is_argmax(marked.scores.is_argmax);
    loss.forward(batch)
}

/// Settings of the trainer that say how the labels were made; the labels are in the file.
const OF_THE_DATA: [&str; 3] = ["completion_only_loss", "assistant_only_loss", "max_length"];

pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let golden: Golden = goldens.json(replay.file)?;
    for (name, case) in &golden.cases {
        if case.get("packed").is_some() {
            replay.case(name, |checks| packed::compare(checks, goldens, &golden.model, case));
            continue;
        }
        if case.get("loss").is_none() {
            replay.not_run(name, "the case has no loss");
            continue;
        }
        let elements = super::elements(goldens, replay.file, name)?;
        replay.case(name, |checks| compare(checks, goldens, &golden, case, elements.as_ref()));
    }
    Ok(())
}

fn compare(
    checks: &mut Checks,
    goldens: &Goldens,
    golden: &Golden,
    case: &Value,
    elements: Option<&Tensors>,
) -> Result<(), Missed> {
    let mut case = Case::deserialize(case)?;
    if golden.versions.is_old() {
        // Before TRL 1 it was a mean over all tokens of the batch, learnt or not.
        case.expected.metrics.remove("entropy");
    }
    let loss = config(&case.config)?.init()?;
    let decoder = goldens.trainable(&golden.model)?;
    let row = case.inputs.row();
    let num_step_tokens = case.num_items_in_batch.unwrap_or(row.num_scored());
    let output = forward(loss, &row, &decoder, num_step_tokens);
    check_loss(checks, &decoder, output, &case.expected, elements);
    Ok(())
}

/// The settings of the loss among those of the trainer.
fn config(settings: &Map<String, Value>) -> Result<SftConfig, Missed> {
    let mut own = Map::new();
    for (name, value) in settings {
        match name.as_str() {
            "loss_type" | "label_smoothing_factor" => drop(own.insert(name.clone(), value.clone())),
            name if OF_THE_DATA.contains(&name) => {}
            _ => return Err(Missed::NotRun(format!("`{name}` is not offered: {}", json!(value)))),
        }
    }
    Ok(SftConfig::deserialize(Value::Object(own))?)
}
