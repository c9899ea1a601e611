//! TRL's `RLOOTrainer`: one batch of sampled completions, from their rewards to the gradients.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use forethought_objective::{PolicyBatch, PolicyLoss as _, Rewards};
use forethought_rloo::{Judged, RlooConfig};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::completions::{
    ADVANTAGE, Completions, Logged, check_rewards, columns, config, group_size, list, scored_row,
    take_number, values, with_numbers,
};
use super::{ExpectedLoss, check_loss, check_names};
use crate::Replay;
use crate::check::{Checks, LOGITS, LOSS, SEQUENCE_LOSS};
use crate::goldens::{Goldens, Missed, Tensors};

#[derive(Debug, Deserialize)]
struct Golden {
    policy: String,
    rewards_per_func: Vec<Vec<Option<f32>>>,
    cases: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Case {
    config: Map<String, Value>,
    #[serde(default)]
    old_given: bool,
    inputs: Inputs,
    per_token_logps: Vec<Vec<f32>>,
    ref_per_token_logps: Option<Vec<Vec<f32>>>,
    rollout_metrics: Logged,
    #[serde(flatten)]
    expected: ExpectedLoss,
}

#[derive(Debug, Deserialize)]
struct Inputs {
    #[serde(flatten)]
    completions: Completions,
    /// Sums over the tokens of each completion.
    old_logps: Vec<f32>,
    advantages: Vec<f32>,
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
    let mut case = Case::deserialize(case)?;
    case.expected.tolerance = SEQUENCE_LOSS;
    let temperature = take_number(&mut case.config, "temperature", 1.0);
    let config: RlooConfig = config(std::mem::take(&mut case.config))?;
    check_advantages(checks, golden, &config, &case)?;

    let loss = config.init()?;
    let decoder = goldens.trainable(&golden.policy)?;
    let completions = &case.inputs.completions;
    let scores = scored_row(&completions.sequences()).scores(&decoder, temperature, None);
    let (found, expected) =
        (values(scores.log_probs.clone()), completions.flat(&case.per_token_logps));
    checks.numbers("log-probabilities", &found, &expected, LOGITS);
    let log_probs = with_numbers(scores.log_probs, &expected); // [token]
    let is_truncated: Vec<bool> = completions.lengths().iter().map(|length| *length == 0).collect();
    let policy = completions.policy(&case.inputs.advantages, &is_truncated);
    let totals = loss.step_totals(&[&policy]);
    let mut batch =
        PolicyBatch::new(log_probs.clone(), policy, totals).with_entropy(scores.entropy);
    // Without others the policy that sampled is the policy itself, and every ratio 1.
    if case.old_given {
        let old = old_log_probs(&log_probs, completions, &case.inputs.old_logps);
        batch = batch.with_old_log_probs(old);
    }
    let output = loss.forward(batch);
    check_names(checks, &output, &case.expected);
    check_loss(checks, &decoder, output, &case.expected, elements);
    Ok(())
}

/// Lists `[token]` with the sums of the file; how these fall on the tokens makes no difference.
fn old_log_probs(current: &Tensor<1>, completions: &Completions, sums: &[f32]) -> Tensor<1> {
    let device = current.device();
    let mut old = values(current.clone());
    let mut rest = old.as_mut_slice();
    for (length, sum) in completions.lengths().into_iter().zip(sums) {
        let (tokens, others) = rest.split_at_mut(length);
        let missing = (sum - tokens.iter().sum::<f32>()) / length.max(1) as f32;
        for token in tokens {
            *token += missing;
        }
        rest = others;
    }
    list(&old, &device)
}

/// From the rewards of the file to the advantages of the case. Tokens were sampled with the policy itself.
fn check_advantages(
    checks: &mut Checks,
    golden: &Golden,
    config: &RlooConfig,
    case: &Case,
) -> Result<(), Missed> {
    let completions = &case.inputs.completions;
    let policy = completions.flat(&case.per_token_logps);
    let reference = case.ref_per_token_logps.as_ref().map(|rows| completions.flat(rows));
    let differences = reference.map(|reference| {
        policy.iter().zip(reference).map(|(policy, reference)| policy - reference).collect()
    });
    let differences: Vec<f32> = differences.unwrap_or_else(|| vec![0.0; policy.len()]);
    let mut rest = differences.as_slice();
    let sums = completions.lengths().into_iter().map(|length| {
        let (tokens, others) = rest.split_at(length);
        rest = others;
        tokens.iter().sum()
    });
    let divergences: Vec<f32> = sums.collect();
    let columns = columns(&golden.rewards_per_func);
    let columns: Vec<&[Option<f32>]> = columns.iter().map(Vec::as_slice).collect();
    let is_truncated: Vec<bool> = completions.lengths().iter().map(|length| *length == 0).collect();
    let judged = Judged {
        rewards: &columns,
        group_size: group_size(&completions.prompts()),
        divergences: &divergences,
        is_truncated: &is_truncated,
    };
    if let Some(expected) = case.rollout_metrics.get("kl").and_then(Value::as_f64) {
        let mean =
            differences.iter().copied().map(f64::from).sum::<f64>() / differences.len() as f64;
        checks.number("kl", mean, expected, LOSS);
    }
    check_rloo_advantages(checks, config, judged, &case.inputs.advantages, &case.rollout_metrics)
}

/// Compares advantages, and what is logged of the rewards.
pub(crate) fn check_rloo_advantages(
    checks: &mut Checks,
    config: &RlooConfig,
    judged: Judged<'_>,
    expected: &[f32],
    logged: &Logged,
) -> Result<(), Missed> {
    let found = config.advantages(judged)?;
    checks.numbers("advantages", &found.values, expected, ADVANTAGE);
    let rewards =
        Rewards::new(judged.rewards, config.reward_weights.as_deref(), judged.group_size)?;
    let summary = [found.reward_mean, found.reward_std, found.frac_reward_zero_std];
    check_rewards(checks, &rewards, summary, logged);
    Ok(())
}
