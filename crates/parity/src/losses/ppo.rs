//! TRL's experimental `PPOTrainer`: one rollout and one update of policy and critic.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use forethought_model::{Decoder, ScoreModel, load_score_model, pack};
use forethought_objective::{
    LossOutput, PolicyBatch, PolicyCompletion, PolicyLoss as _, ValueBatch, ValueLoss as _,
};
use forethought_ppo::{Experience, PpoConfig, Sampled};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::completions::{ADVANTAGE, config, int_tensor, list, scored_row, take_number, values};
use crate::Replay;
use crate::check::{Checks, LOGITS, LOSS};
use crate::goldens::{Goldens, Missed};
use crate::gradients::{ExpectedNorms, check_norms, gradients_of};

#[derive(Debug, Deserialize)]
struct Golden {
    policy: String,
    /// The name of the model, then words about it.
    value: String,
    queries: Vec<Vec<u32>>,
    responses: Vec<Vec<u32>>,
    pad: u32,
    eos: u32,
    cases: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Case {
    config: Map<String, Value>,
    raw_logprobs: Vec<Vec<f32>>,
    raw_ref_logprobs: Vec<Vec<f32>>,
    raw_values: Vec<Vec<f32>>,
    scores: Vec<Option<f32>>,
    rollout: Rollout,
    new_logprobs: Vec<Vec<f32>>,
    vpred: Vec<Vec<f32>>,
    loss: f64,
    pg_loss: f64,
    vf_loss: f64,
    vf_clipfrac: f64,
    pg_clipfrac: f64,
    approxkl: f64,
    ratio_mean: f64,
    policy_grads: ExpectedNorms,
    value_grad_norms: BTreeMap<String, f64>,
    value_grad_norm_global: f64,
}

#[derive(Debug, Deserialize)]
struct Rollout {
    returns: Vec<Vec<f32>>,
    advantages: Vec<Vec<f32>>,
    objective_kl: f64,
    objective_non_score_reward: f64,
    objective_rlhf_reward: f64,
}

/// The responses without their padding, and how many values each has.
struct Lengths {
    tokens: Vec<usize>,
    values: Vec<usize>,
}

impl Lengths {
    fn new(golden: &Golden, config: &PpoConfig) -> Self {
        let until_pad = |ids: &Vec<u32>| ids.iter().take_while(|id| **id != golden.pad).count();
        let tokens: Vec<usize> = golden.responses.iter().map(until_pad).collect();
        let values = tokens.iter().map(|length| config.num_values(*length)).collect();
        Self { tokens, values }
    }
}

/// What one case is compared with.
struct Setting<'a> {
    goldens: &'a Goldens,
    golden: &'a Golden,
    case: &'a Case,
    config: PpoConfig,
    temperature: f64,
    lengths: Lengths,
}

/// The first entries of each row, one row behind the other.
fn flat(rows: &[Vec<f32>], lengths: &[usize]) -> Vec<f32> {
    rows.iter().zip(lengths).flat_map(|(row, length)| row[..*length].to_vec()).collect()
}

pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let golden: Golden = goldens.json(replay.file)?;
    for (name, case) in &golden.cases {
        replay.case(name, |checks| compare(checks, goldens, &golden, case));
    }
    Ok(())
}

fn compare(
    checks: &mut Checks,
    goldens: &Goldens,
    golden: &Golden,
    case: &Value,
) -> Result<(), Missed> {
    let mut case = Case::deserialize(case)?;
    // The trainer keeps the division defined at temperature 0.
    let temperature = take_number(&mut case.config, "temperature", 1.0) + 1e-7;
    let mut settings = std::mem::take(&mut case.config);
    let max_completion_length = golden.responses.first().map_or(0, Vec::len);
    settings.insert("max_completion_length".to_owned(), max_completion_length.into());
    let config: PpoConfig = config(settings)?;
    let lengths = Lengths::new(golden, &config);
    let setting = Setting { goldens, golden, case: &case, config, temperature, lengths };
    let experience = check_experience(checks, &setting)?;
    let policy = check_policy(checks, &setting, &experience)?;
    let critic = check_critic(checks, &setting, &experience)?;
    checks.number("loss", policy + critic, case.loss, LOSS);
    Ok(())
}

/// From scores to advantages and returns.
fn check_experience(checks: &mut Checks, setting: &Setting<'_>) -> Result<Experience, Missed> {
    let Setting { golden, case, config, lengths, .. } = setting;
    let is_truncated: Vec<bool> =
        golden.responses.iter().map(|ids| !ids.contains(&golden.eos)).collect();
    let sampled = Sampled {
        lengths: &lengths.tokens,
        scores: &case.scores,
        is_truncated: &is_truncated,
        log_probs: &flat(&case.raw_logprobs, &lengths.tokens),
        reference_log_probs: &flat(&case.raw_ref_logprobs, &lengths.tokens),
        values: &flat(&case.raw_values, &lengths.values),
    };
    let found = config.experience(sampled, config.kl_coef)?;
    let rollout = &case.rollout;
    let expected = flat(&rollout.advantages, &lengths.tokens);
    checks.numbers("advantages", &found.advantages, &expected, ADVANTAGE);
    checks.numbers("returns", &found.returns, &flat(&rollout.returns, &lengths.values), ADVANTAGE);
    checks.number("objective/kl", found.kl, rollout.objective_kl, LOSS);
    let non_score_reward = rollout.objective_non_score_reward;
    checks.number("objective/non_score_reward", found.non_score_reward, non_score_reward, LOSS);
    checks.number("objective/rlhf_reward", found.rlhf_reward, rollout.objective_rlhf_reward, LOSS);
    Ok(found)
}

/// Each query without its padding, with the response.
fn sequences(golden: &Golden, lengths: &Lengths) -> Vec<(Vec<u32>, usize)> {
    let pairs = golden.queries.iter().zip(&golden.responses).zip(&lengths.tokens);
    pairs
        .map(|((query, response), length)| {
            let query: Vec<u32> = query.iter().copied().filter(|id| *id != golden.pad).collect();
            let first = query.len();
            ([query, response[..*length].to_vec()].concat(), first)
        })
        .collect()
}

fn check_policy(
    checks: &mut Checks,
    setting: &Setting<'_>,
    experience: &Experience,
) -> Result<f64, Missed> {
    let Setting { goldens, golden, case, config, temperature, lengths } = setting;
    let decoder: Decoder = goldens.trainable(&golden.policy)?;
    let log_probs =
        scored_row(&sequences(golden, lengths)).scores(&decoder, *temperature, None).log_probs;
    let expected = flat(&case.new_logprobs, &lengths.tokens);
    checks.numbers("log-probabilities", &values(log_probs.clone()), &expected, LOGITS);
    let loss = config.init()?;
    let completion = |length: &usize| PolicyCompletion {
        num_tokens: *length,
        advantage: 0.0,
        is_truncated: false,
    };
    let completions: Vec<PolicyCompletion> = lengths.tokens.iter().map(completion).collect();
    let totals = loss.step_totals(&[&completions]);
    let old = list(&flat(&case.raw_logprobs, &lengths.tokens), &log_probs.device());
    let batch = PolicyBatch::new(log_probs, completions, totals)
        .with_old_log_probs(old)
        .with_token_advantages(experience.advantages.clone());
    let output = loss.forward(batch);
    // The trainer's means of these two are over padding too, where the log-ratio is 0 and the ratio 1.
    let num_positions: usize = golden.responses.iter().map(Vec::len).sum();
    let share = lengths.tokens.iter().sum::<usize>() as f64 / num_positions as f64;
    let metric = |name: &str| metric(&output, name);
    checks.number("loss/policy_avg", metric("loss/policy_avg"), case.pg_loss, LOSS);
    checks.number("policy/clipfrac_avg", metric("policy/clipfrac_avg"), case.pg_clipfrac, LOSS);
    checks.number(
        "policy/approxkl_avg",
        metric("policy/approxkl_avg") * share,
        case.approxkl,
        LOSS,
    );
    let ratio = (metric("val/ratio") - 1.0) * share + 1.0;
    checks.number("val/ratio", ratio, case.ratio_mean, LOSS);
    let gradients = output.loss.backward();
    check_norms(checks, &gradients_of(&decoder, &gradients), &case.policy_grads);
    Ok(output.loss.into_scalar())
}

fn check_critic(
    checks: &mut Checks,
    setting: &Setting<'_>,
    experience: &Experience,
) -> Result<f64, Missed> {
    let Setting { goldens, golden, case, config, lengths, .. } = setting;
    let name = golden.value.split_whitespace().next().unwrap_or_default();
    let device = goldens.device().clone().autodiff();
    let model = load_score_model(&goldens.path(&format!("models/{name}")), &device)?;
    let predicted = predicted(&model, &sequences(golden, lengths), &lengths.values);
    let expected = flat(&case.vpred, &lengths.values);
    checks.numbers("values", &values(predicted.clone()), &expected, LOGITS);
    let old = list(&flat(&case.raw_values, &lengths.values), &device);
    let num_values = lengths.values.iter().sum();
    let batch = ValueBatch::new(predicted, old, list(&experience.returns, &device), num_values);
    let output = config.init()?.forward_values(batch);
    checks.number("loss/value_avg", metric(&output, "loss/value_avg"), case.vf_loss, LOSS);
    checks.number("val/clipfrac_avg", metric(&output, "val/clipfrac_avg"), case.vf_clipfrac, LOSS);
    let gradients = output.loss.backward();
    let norms = ExpectedNorms {
        global: case.value_grad_norm_global,
        by_name: case.value_grad_norms.clone(),
    };
    check_norms(checks, &gradients_of(&model, &gradients), &norms);
    Ok(output.loss.into_scalar())
}

/// What the critic predicts before each token of the responses, and behind the last where it has a value more.
fn predicted(
    model: &ScoreModel,
    sequences: &[(Vec<u32>, usize)],
    num_values: &[usize],
) -> Tensor<1> {
    let ids: Vec<&[u32]> = sequences.iter().map(|(ids, _)| ids.as_slice()).collect();
    let packed = pack(&ids);
    let places = packed.rows.iter().zip(sequences).zip(num_values);
    let places =
        places.flat_map(|((row, (_, first)), count)| row[first - 1..first - 1 + count].to_vec());
    let values = model.values(&packed.tokens, None); // [packed token]
    values.clone().select(0, int_tensor(&places.collect::<Vec<usize>>(), &values.device()))
}

fn metric(output: &LossOutput, name: &str) -> f64 {
    let found = output.metrics.iter().find(|(found, _)| *found == name);
    found.map_or(f64::NAN, |(_, value)| value.clone().into_scalar())
}
