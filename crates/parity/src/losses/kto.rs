//! TRL's `KTOTrainer`: one batch of completions, and the prompts of it followed by other answers.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};
use forethought_kto::KtoConfig;
use forethought_logprob::Ragged;
use forethought_model::Decoder;
use forethought_objective::{UnpairedBatch, UnpairedCompletion, UnpairedLoss as _};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::marked::{Marked, constants};
use super::{ExpectedLoss, Padded, check_loss};
use crate::Replay;
use crate::check::Checks;
use crate::goldens::{Goldens, Missed, Tensors};

#[derive(Debug, Deserialize)]
struct Golden {
    cases: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Case {
    config: Map<String, Value>,
    policy: String,
    #[serde(rename = "ref")]
    reference: String,
    inputs: Inputs,
    #[serde(flatten)]
    expected: ExpectedLoss,
}

#[derive(Debug, Deserialize)]
struct Inputs {
    #[serde(flatten)]
    batch: Padded,
    completion_mask: Vec<Vec<u8>>,
    #[serde(rename = "KL_input_ids")]
    kl_input_ids: Option<Vec<Vec<u32>>>,
    #[serde(rename = "KL_attention_mask", default)]
    kl_attention_mask: Vec<Vec<u8>>,
    #[serde(rename = "KL_completion_mask", default)]
    kl_completion_mask: Vec<Vec<u8>>,
    label: Vec<bool>,
}

pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let golden: Golden = goldens.json(replay.file)?;
    for (name, case) in &golden.cases {
        if case.pointer("/inputs/completion_labels").is_some() {
            replay.not_run(name, "batches of TRL before version 1 are laid out otherwise");
            continue;
        }
        let elements = super::elements(goldens, replay.file, name)?;
        replay.case(name, |checks| compare(checks, goldens, case, elements.as_ref()));
    }
    Ok(())
}

fn compare(
    checks: &mut Checks,
    goldens: &Goldens,
    case: &Value,
    elements: Option<&Tensors>,
) -> Result<(), Missed> {
    let case = Case::deserialize(case)?;
    let loss = KtoConfig::deserialize(Value::Object(case.config.clone()))?.init()?;
    let decoder = goldens.trainable(&case.policy)?;
    let frozen = [goldens.decoder(&case.policy)?, goldens.decoder(&case.reference)?];
    let row = case.inputs.batch.row(&case.inputs.completion_mask, |mask| mask == 1);
    let completions: Vec<UnpairedCompletion> = row
        .lengths()
        .iter()
        .zip(&case.inputs.label)
        .map(|(&num_tokens, &is_desirable)| UnpairedCompletion { num_tokens, is_desirable })
        .collect();
    let num_completions = completions.len();
    let marked = Marked::new(&decoder, &row);
    let mut batch =
        UnpairedBatch::new(marked.scores.log_probs.clone(), completions, num_completions)
            .with_reference_log_probs(constants(&frozen[1], &row, &decoder.device()))
            .with_mean_logits(marked.mean_logits(&decoder))
            .with_entropy(marked.scores.entropy);
    if let Some(log_ratios) = case.inputs.kl_log_ratios(&frozen, &decoder.device()) {
        batch = batch.with_kl_log_ratios(log_ratios);
    }
    check_loss(checks, &decoder, loss.forward(batch), &case.expected, elements);
    Ok(())
}

impl Inputs {
    /// Of mismatched completions, under the policy and then the reference, where the case has any.
    fn kl_log_ratios(
        &self,
        [policy, reference]: &[Decoder; 2],
        device: &Device,
    ) -> Option<Tensor<1>> {
        let batch = Padded {
            input_ids: self.kl_input_ids.clone()?,
            attention_mask: self.kl_attention_mask.clone(),
        };
        let row = batch.row(&self.kl_completion_mask, |mask| mask == 1);
        let log_ratios = constants(policy, &row, device) - constants(reference, &row, device);
        Some(Ragged::new(row.lengths(), device).sum(log_ratios))
    }
}
