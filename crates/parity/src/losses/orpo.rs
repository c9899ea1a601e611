//! TRL's `ORPOTrainer`: one batch of pairs, each side padded for itself.

use std::collections::BTreeMap;

use forethought_model::ScoredRow;
use forethought_objective::{PairLengths, PreferenceBatch, PreferenceLoss as _, PreferenceTotals};
use forethought_orpo::OrpoConfig;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ExpectedLoss, Padded, check_loss};
use crate::Replay;
use crate::check::Checks;
use crate::goldens::{Goldens, Missed, Tensors};

#[derive(Debug, Deserialize)]
struct Golden {
    #[serde(default = "default_model")]
    model: String,
    cases: BTreeMap<String, Case>,
}

fn default_model() -> String {
    "tiny-qwen2".to_owned()
}

#[derive(Debug, Deserialize)]
struct Case {
    config: Map<String, Value>,
    inputs: Inputs,
    #[serde(flatten)]
    expected: ExpectedLoss,
}

/// Labels are negative on prompts and padding.
#[derive(Debug, Deserialize)]
struct Inputs {
    chosen_input_ids: Vec<Vec<u32>>,
    chosen_attention_mask: Vec<Vec<u8>>,
    chosen_labels: Vec<Vec<i64>>,
    rejected_input_ids: Vec<Vec<u32>>,
    rejected_attention_mask: Vec<Vec<u8>>,
    rejected_labels: Vec<Vec<i64>>,
}

impl Inputs {
    fn chosen(&self) -> Padded {
        let (input_ids, attention_mask) =
            (self.chosen_input_ids.clone(), self.chosen_attention_mask.clone());
        Padded { input_ids, attention_mask }
    }

    /// The completions, all chosen ones first.
    fn completions(&self) -> ScoredRow {
        let both = Padded {
            input_ids: [&self.chosen_input_ids[..], &self.rejected_input_ids].concat(),
            attention_mask: [&self.chosen_attention_mask[..], &self.rejected_attention_mask]
                .concat(),
        };
        let labels = [&self.chosen_labels[..], &self.rejected_labels].concat();
        both.row(&labels, |label| label >= 0)
    }
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

/// TRL's means of logits run over prompts and padding; they are not compared.
fn compare(
    checks: &mut Checks,
    goldens: &Goldens,
    model: &str,
    case: &Case,
    elements: Option<&Tensors>,
) -> Result<(), Missed> {
    let loss = OrpoConfig::deserialize(Value::Object(case.config.clone()))?.init()?;
    let decoder = goldens.trainable(model)?;
    let prompts = case.inputs.chosen().row(&case.inputs.chosen_labels, |label| label < 0);
    let row = case.inputs.completions();
    let (chosen, rejected) = row.lengths().split_at(row.lengths().len() / 2);
    let pairs: Vec<PairLengths> = chosen
        .iter()
        .zip(rejected)
        .map(|(&chosen, &rejected)| PairLengths { chosen, rejected })
        .collect();
    let totals = PreferenceTotals::of(&[&pairs]);
    let log_probs = |row: &ScoredRow| row.scores(&decoder, 1.0, None).log_probs;
    let batch = PreferenceBatch::new(log_probs(&row), pairs, totals)
        .with_prompt_log_probs(log_probs(&prompts), prompts.num_scored());
    check_loss(checks, &decoder, loss.forward(batch), &case.expected, elements);
    Ok(())
}
