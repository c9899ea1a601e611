//! TRL's `GRPOTrainer`: one batch of sampled completions, from their rewards to the gradients.

use std::collections::BTreeMap;

use burn::tensor::Device;
use forethought_grpo::GrpoConfig;
use forethought_objective::{GenerationTotals, PolicyBatch, PolicyLoss as _, Rewards, StepTotals};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::completions::{
    ADVANTAGE, Completions, Logged, check_rewards, columns, config, entropies, group_size, list,
    scored_row, take_number, values, with_numbers,
};
use super::{ExpectedLoss, check_loss, check_names};
use crate::Replay;
use crate::check::{Checks, LOGITS};
use crate::goldens::{Goldens, Missed, Tensors};

#[derive(Debug, Deserialize)]
struct Golden {
    policy: String,
    #[serde(rename = "ref")]
    reference: String,
    truncated: Vec<bool>,
    rewards_per_func: Vec<Vec<Option<f32>>>,
    max_completion_length: usize,
    current_gradient_accumulation_steps: usize,
    steps_per_generation: usize,
    cases: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Case {
    config: Map<String, Value>,
    inputs: Inputs,
    per_token_logps: Option<Vec<Vec<f32>>>,
    #[serde(default)]
    rollout_metrics: Logged,
    #[serde(flatten)]
    expected: ExpectedLoss,
}

#[derive(Debug, Deserialize)]
struct Inputs {
    #[serde(flatten)]
    completions: Completions,
    advantages: Vec<f32>,
    num_items_in_batch: usize,
    old_per_token_logps: Option<Vec<Vec<f32>>>,
    ref_per_token_logps: Option<Vec<Vec<f32>>>,
}

pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let golden: Golden = goldens.json(replay.file)?;
    for (name, case) in &golden.cases {
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
    let Case { config: mut settings, inputs, per_token_logps, rollout_metrics, expected } =
        Case::deserialize(case)?;
    let temperature = take_number(&mut settings, "temperature", 1.0);
    settings.insert("max_completion_length".to_owned(), golden.max_completion_length.into());
    let config: GrpoConfig = config(settings)?;
    check_advantages(checks, golden, &config, &inputs, &rollout_metrics)?;

    let loss = config.init()?;
    let decoder = goldens.trainable(&golden.policy)?;
    let sequences = inputs.completions.sequences();
    let scores = scored_row(&sequences).scores(&decoder, temperature, None);
    let mut log_probs = scores.log_probs; // [token]
    if let Some(expected) = &per_token_logps {
        let (found, expected) = (values(log_probs.clone()), inputs.completions.flat(expected));
        checks.numbers("log-probabilities", &found, &expected, LOGITS);
        log_probs = with_numbers(log_probs, &expected);
    }
    let entropy = if loss.rewards_entropy() {
        entropies(&decoder, &sequences, temperature)
    } else {
        scores.entropy
    };
    let completions = inputs.completions.policy(&inputs.advantages, &golden.truncated);
    let batch = PolicyBatch::new(log_probs, completions, totals(golden, &inputs));
    let device = goldens.device().clone().autodiff();
    let batch = with_other_policies(batch.with_entropy(entropy), &inputs, &device);
    if loss.needs_reference() {
        check_reference(checks, goldens, golden, &inputs, temperature)?;
    }
    let output = loss.forward(batch);
    check_names(checks, &output, &expected);
    check_loss(checks, &decoder, output, &expected, elements);
    Ok(())
}

/// The batch is one micro-batch of a step, which is a part of what was sampled at once.
fn totals(golden: &Golden, inputs: &Inputs) -> StepTotals {
    let generation = GenerationTotals {
        num_micro_batches: golden.steps_per_generation,
        num_tokens: inputs.num_items_in_batch,
    };
    let lengths = inputs.completions.lengths();
    let num_micro_batches = golden.current_gradient_accumulation_steps;
    let num_completions = lengths.len() * num_micro_batches;
    StepTotals::new(num_micro_batches, num_completions, lengths.iter().sum())
        .of_generation(generation)
}

fn with_other_policies(mut batch: PolicyBatch, inputs: &Inputs, device: &Device) -> PolicyBatch {
    if let Some(old) = &inputs.old_per_token_logps {
        batch = batch.with_old_log_probs(list(&inputs.completions.flat(old), device));
    }
    if let Some(reference) = &inputs.ref_per_token_logps {
        batch = batch.with_reference_log_probs(list(&inputs.completions.flat(reference), device));
    }
    batch
}

fn check_reference(
    checks: &mut Checks,
    goldens: &Goldens,
    golden: &Golden,
    inputs: &Inputs,
    temperature: f64,
) -> Result<(), Missed> {
    let Some(expected) = &inputs.ref_per_token_logps else { return Ok(()) };
    let decoder = goldens.decoder(&golden.reference)?;
    let row = scored_row(&inputs.completions.sequences());
    let found = values(row.scores(&decoder, temperature, None).log_probs);
    let what = "log-probabilities of the reference";
    checks.numbers(what, &found, &inputs.completions.flat(expected), LOGITS);
    Ok(())
}

/// From the rewards of the file to the advantages of the case.
fn check_advantages(
    checks: &mut Checks,
    golden: &Golden,
    config: &GrpoConfig,
    inputs: &Inputs,
    logged: &Logged,
) -> Result<(), Missed> {
    let columns = columns(&golden.rewards_per_func);
    let columns: Vec<&[Option<f32>]> = columns.iter().map(Vec::as_slice).collect();
    let prompts = inputs.completions.prompts();
    let expected = (inputs.advantages.as_slice(), logged);
    check_grpo_advantages(checks, config, &columns, group_size(&prompts), expected)
}

/// Compares advantages, and what is logged of the rewards.
pub(crate) fn check_grpo_advantages(
    checks: &mut Checks,
    config: &GrpoConfig,
    columns: &[&[Option<f32>]],
    group_size: usize,
    (expected, logged): (&[f32], &Logged),
) -> Result<(), Missed> {
    let found = config.advantages(columns, group_size)?;
    checks.numbers("advantages", &found.values, expected, ADVANTAGE);
    let rewards = Rewards::new(columns, config.reward_weights.as_deref(), group_size)?;
    let summary = [found.reward_mean, found.reward_std, found.frac_reward_zero_std];
    check_rewards(checks, &rewards, summary, logged);
    Ok(())
}
