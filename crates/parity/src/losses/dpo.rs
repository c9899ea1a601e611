//! TRL's `DPOTrainer`: one batch of pairs, the chosen completions first.

use std::collections::BTreeMap;

use forethought_dpo::DpoConfig;
use forethought_model::ScoredRow;
use forethought_objective::{PairLengths, PreferenceBatch, PreferenceLoss as _, PreferenceTotals};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::marked::{Marked, constants};
use super::{ExpectedLoss, Padded, Versions, check_loss};
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
    #[serde(default)]
    versions: Versions,
    inputs: Inputs,
    #[serde(default)]
    logps: LogProbs,
    cases: Option<BTreeMap<String, Value>>,
    #[serde(flatten)]
    single: Option<Case>,
}

/// Pairs as the trainer's collator hands them over, the chosen completions first or apart.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Inputs {
    /// Since TRL 1.
    Joined {
        #[serde(flatten)]
        batch: Padded,
        completion_mask: Vec<Vec<u8>>,
    },
    /// Before TRL 1: prompts, and both sides without them, each padded for itself.
    Apart(Box<Apart>),
}

#[derive(Debug, Deserialize)]
struct Apart {
    prompt_input_ids: Vec<Vec<u32>>,
    prompt_attention_mask: Vec<Vec<u8>>,
    chosen_input_ids: Vec<Vec<u32>>,
    chosen_attention_mask: Vec<Vec<u8>>,
    rejected_input_ids: Vec<Vec<u32>>,
    rejected_attention_mask: Vec<Vec<u8>>,
}

impl Inputs {
    /// All chosen completions after their prompts, then all rejected ones; the completions are scored.
    fn row(&self) -> ScoredRow {
        match self {
            Self::Joined { batch, completion_mask } => batch.row(completion_mask, |mask| mask == 1),
            Self::Apart(apart) => {
                let sequences = apart.sequences();
                let parts: Vec<(&[u32], usize)> =
                    sequences.iter().map(|(ids, start)| (ids.as_slice(), *start)).collect();
                ScoredRow::new(&parts)
            }
        }
    }
}

impl Apart {
    /// Prompts with their completions, and where those start.
    fn sequences(&self) -> Vec<(Vec<u32>, usize)> {
        let unpadded = |input_ids: &[Vec<u32>], attention_mask: &[Vec<u8>]| {
            let (input_ids, attention_mask) = (input_ids.to_vec(), attention_mask.to_vec());
            Padded { input_ids, attention_mask }.sequences()
        };
        let prompts = unpadded(&self.prompt_input_ids, &self.prompt_attention_mask);
        let chosen = unpadded(&self.chosen_input_ids, &self.chosen_attention_mask);
        let rejected = unpadded(&self.rejected_input_ids, &self.rejected_attention_mask);
        let joined = |(prompt, completion): (&Vec<u32>, &Vec<u32>)| {
            ([prompt.as_slice(), completion].concat(), prompt.len())
        };
        let chosen = prompts.iter().zip(&chosen).map(joined);
        chosen.chain(prompts.iter().zip(&rejected).map(joined)).collect()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LogProbs {
    policy_completion_logps_sum: Vec<f32>,
    ref_completion_logps_sum: Vec<f32>,
}

#[derive(Clone, Debug, Deserialize)]
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
    if !golden.logps.policy_completion_logps_sum.is_empty() {
        replay.case("logps", |checks| compare_log_probs(checks, goldens, &golden));
    }
    if let Some(case) = golden.single.as_ref().filter(|_| golden.cases.is_none()) {
        replay.case("", |checks| compare(checks, goldens, &golden, case, None));
    }
    for (name, case) in golden.cases.iter().flatten() {
        if case.get("loss").is_none() {
            replay.not_run(name, "the case has no loss");
            continue;
        }
        let elements = super::elements(goldens, replay.file, name)?;
        replay.case(name, |checks| {
            compare(checks, goldens, &golden, &Case::deserialize(case)?, elements.as_ref())
        });
    }
    Ok(())
}

/// Gives a case the semantics of the older code, and leaves out what of it is not reproduced on purpose.
fn make_old(case: &mut Case) -> Result<(), Missed> {
    let faults = [
        ("ld_alpha", "before TRL 1 the shared length counted from the start of the prompt"),
        ("use_weighting", "before TRL 1 the sums of squared probabilities stood one token off"),
    ];
    if let Some((_, fault)) = faults.iter().find(|(name, _)| case.config.contains_key(*name)) {
        return Err(Missed::NotRun((*fault).to_owned()));
    }
    // Its rewards were weighted sums over a list of losses, and 0 for `sft`; its logits were averaged over other rows.
    let is_plain =
        case.config.get("loss_type").is_none_or(|name| name.is_string() && name != "sft");
    let is_same =
        |name: &str| !name.starts_with("logits/") && (is_plain || !name.starts_with("rewards/"));
    case.expected.metrics.retain(|name, _| is_same(name));
    case.config.insert("semantics".to_owned(), json!("trl-0.15"));
    Ok(())
}

/// Sums over completions under both policies.
fn compare_log_probs(
    checks: &mut Checks,
    goldens: &Goldens,
    golden: &Golden,
) -> Result<(), Missed> {
    let expected = &golden.logps;
    let row = golden.inputs.row();
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
    let mut case = case.clone();
    if golden.versions.is_old() {
        make_old(&mut case)?;
    }
    let loss = DpoConfig::deserialize(Value::Object(case.config))?.init()?;
    let decoder = goldens.trainable(&golden.policy)?;
    let row = golden.inputs.row();
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
