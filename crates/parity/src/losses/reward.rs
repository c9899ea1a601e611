//! TRL's `RewardTrainer`: one batch of pairs, the chosen completions first, and perhaps margins.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use forethought_model::pack;
use forethought_objective::{ScoreBatch, ScoreLoss as _};
use forethought_reward_model::RewardModelConfig;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ExpectedLoss, Padded, check_loss};
use crate::Replay;
use crate::check::{Checks, LOGITS};
use crate::goldens::{Goldens, Missed, Tensors};

#[derive(Debug, Deserialize)]
struct Golden {
    model: String,
    cases: BTreeMap<String, Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    config: Map<String, Value>,
    inputs: Inputs,
    rewards_chosen_then_rejected: Vec<f32>,
    #[serde(flatten)]
    expected: ExpectedLoss,
}

#[derive(Debug, Deserialize)]
struct Inputs {
    #[serde(flatten)]
    batch: Padded,
    margin: Option<Vec<f32>>,
}

pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let golden: Golden = goldens.json(replay.file)?;
    for (name, case) in &golden.cases {
        let elements = super::elements(goldens, replay.file, name)?;
        replay
            .case(name, |checks| compare(checks, goldens, &golden.model, case, elements.as_ref()));
    }
    Ok(())
}

fn compare(
    checks: &mut Checks,
    goldens: &Goldens,
    model: &str,
    case: &Case,
    elements: Option<&Tensors>,
) -> Result<(), Missed> {
    let loss = RewardModelConfig::deserialize(Value::Object(case.config.clone()))?.init()?;
    let model = goldens.trainable_score_model(model)?;
    let sequences = case.inputs.batch.sequences();
    let sequences: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
    let scores = model.score_sequences(&pack(&sequences), None); // [sequence]
    let found: Vec<f32> = scores.clone().into_data().iter().collect();
    checks.numbers("scores", &found, &case.rewards_chosen_then_rejected, LOGITS);
    let num_pairs = sequences.len() / 2;
    let chosen = scores.clone().slice(0..num_pairs); // [pair]
    let mut batch = ScoreBatch::new(chosen, scores.slice(num_pairs..2 * num_pairs), num_pairs);
    if let Some(margins) = &case.inputs.margin {
        batch = batch.with_margins(Tensor::from_floats(margins.as_slice(), &model.device()));
    }
    check_loss(checks, &model, loss.forward(batch), &case.expected, elements);
    Ok(())
}
