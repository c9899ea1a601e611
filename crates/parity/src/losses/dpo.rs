//! TRL's `DPOTrainer`: one batch of pairs, the chosen completions first.

use std::collections::BTreeMap;

use forethought_dpo::DpoConfig;
use forethought_objective::{PairLengths, PreferenceBatch, PreferenceLoss as _, PreferenceTotals};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::marked::{Marked, constants};
use super::{ExpectedLoss, Padded, check_loss};
use crate::Replay;
use crate::check::{Checks, LOGITS};
use crate::goldens::{Goldens, Missed, Tensors};

/// Several cases of one batch, or the one case that the file itself is.
#[derive(Debug, Deserialize)]
struct Golden {
    #[serde(default = "default_policy")]
    policy: String,
    #[serde(default = "default_reference", rename = "ref")]
    reference: String,
    inputs: Inputs,
    logps: Option<LogProbs>,
    cases: Option<BTreeMap<String, Case>>,
    #[serde(flatten)]
    single: Option<Case>,
}

#[derive(Debug, Deserialize)]
struct Inputs {
    #[serde(flatten)]
    batch: Padded,
    completion_mask: Vec<Vec<u8>>,
}

#[derive(Debug, Deserialize)]
struct LogProbs {
    policy_completion_logps_sum: Vec<f32>,
    ref_completion_logps_sum: Vec<f32>,
}

#[derive(Debug, Deserialize)]
struct Case {
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(flatten)]
    expected: ExpectedLoss,
}

fn default_policy() -> String {
    "tiny-qwen2".to_owned()
}

fn default_reference() -> String {
    "tiny-qwen2-ref".to_owned()
}

pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let golden: Golden = goldens.json(replay.file)?;
    if let Some(log_probs) = &golden.logps {
        replay.case("logps", |checks| compare_log_probs(checks, goldens, &golden, log_probs));
    }
    if let Some(case) = golden.single.as_ref().filter(|_| golden.cases.is_none()) {
        replay.case("", |checks| compare(checks, goldens, &golden, case, None));
    }
    for (name, case) in golden.cases.iter().flatten() {
        let elements = super::elements(goldens, replay.file, name)?;
        replay.case(name, |checks| compare(checks, goldens, &golden, case, elements.as_ref()));
    }
    Ok(())
}

/// Sums over completions under both policies.
fn compare_log_probs(
    checks: &mut Checks,
    goldens: &Goldens,
    golden: &Golden,
    expected: &LogProbs,
) -> Result<(), Missed> {
    let row = golden.inputs.batch.row(&golden.inputs.completion_mask, |mask| mask == 1);
    let sides = [
        (&golden.policy, "policy", &expected.policy_completion_logps_sum),
        (&golden.reference, "reference", &expected.ref_completion_logps_sum),
    ];
    for (model, what, expected) in sides {
        let decoder = goldens.decoder(model)?;
        let tokens: Vec<f32> =
            row.scores(&decoder, 1.0, None).log_probs.into_data().iter().collect();
        let mut tokens = tokens.into_iter();
        let sum = |length: &usize| tokens.by_ref().take(*length).sum();
        let sums: Vec<f32> = row.lengths().iter().map(sum).collect();
        checks.numbers(&format!("log-probabilities of the {what}"), &sums, expected, LOGITS);
    }
    Ok(())
}

fn compare(
    checks: &mut Checks,
    goldens: &Goldens,
    golden: &Golden,
    case: &Case,
    elements: Option<&Tensors>,
) -> Result<(), Missed> {
    let loss = DpoConfig::deserialize(Value::Object(case.config.clone()))?.init()?;
    let decoder = goldens.trainable(&golden.policy)?;
    let row = golden.inputs.batch.row(&golden.inputs.completion_mask, |mask| mask == 1);
    let (chosen, rejected) = row.lengths().split_at(row.lengths().len() / 2);
    let pairs: Vec<PairLengths> = chosen
        .iter()
        .zip(rejected)
        .map(|(&chosen, &rejected)| PairLengths { chosen, rejected })
        .collect();
    let reference = constants(&goldens.decoder(&golden.reference)?, &row, &decoder.device());
    let marked = Marked::new(&decoder, &row);
    let totals = PreferenceTotals::of(&[&pairs]);
    let batch = PreferenceBatch::new(marked.scores.log_probs.clone(), pairs, totals)
        .with_reference_log_probs(reference)
        .with_mean_logits(marked.mean_logits(&decoder))
        .with_log_sum_squared_probs(marked.log_sum_squared_probs(&decoder))
        .with_entropy(marked.scores.entropy)
        .with_is_argmax(marked.scores.is_argmax);
    check_loss(checks, &decoder, loss.forward(batch), &case.expected, elements);
    Ok(())
}
