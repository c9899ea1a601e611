//! Losses of TRL with their metrics and the gradients of every parameter of a model.
//!
//! Each method has a file of its own here. What they share: padded lists of ids become [sequences](Padded), a model of
//! the folder gives their log-probabilities, and [`check_loss`] compares a loss and what follows from it.

pub(crate) mod advantages;
mod completions;
pub(crate) mod dpo;
pub(crate) mod grpo;
pub(crate) mod kto;
mod marked;
pub(crate) mod orpo;
pub(crate) mod ppo;
pub(crate) mod reward;
pub(crate) mod rloo;
pub(crate) mod sft;
pub(crate) mod train_sft;

use std::collections::BTreeMap;

use burn::module::Module;
use forethought_objective::LossOutput;
use serde::Deserialize;
use serde_json::Value;

use crate::check::{Checks, LOSS, METRIC, Tolerance};
use crate::goldens::{Goldens, Missed, Tensors};
use crate::gradients::{self, ExpectedNorms};

/// The programs that computed a file.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Versions {
    #[serde(default)]
    trl: String,
}

impl Versions {
    /// Whether the numbers are of the code that TRL had before version 1.
    pub(crate) fn is_old(&self) -> bool {
        self.trl.starts_with("0.")
    }
}

/// What every case of a loss expects.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ExpectedLoss {
    loss: f64,
    #[serde(default)]
    metrics: BTreeMap<String, Value>,
    #[serde(flatten)]
    norms: Option<ExpectedNorms>,
    /// What the loss may be off by.
    #[serde(skip, default = "loss_tolerance")]
    pub(crate) tolerance: Tolerance,
}

fn loss_tolerance() -> Tolerance {
    LOSS
}

/// A padded batch, as the files hold it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Padded {
    input_ids: Vec<Vec<u32>>,
    attention_mask: Vec<Vec<u8>>,
}

impl Padded {
    /// The ids of each row without its padding.
    pub(crate) fn sequences(&self) -> Vec<Vec<u32>> {
        self.unpadded(&self.input_ids)
    }

    /// A list that runs along with the ids, without what stands beside padding.
    pub(crate) fn unpadded<T: Copy>(&self, rows: &[Vec<T>]) -> Vec<Vec<T>> {
        let kept = |(row, mask): (&Vec<T>, &Vec<u8>)| {
            row.iter().zip(mask).filter(|(_, flag)| **flag == 1).map(|(item, _)| *item).collect()
        };
        rows.iter().zip(&self.attention_mask).map(kept).collect()
    }
}

/// Every element of a case's gradients, where the folder has them: `FILE.CASE.grads.safetensors`.
pub(crate) fn elements(
    goldens: &Goldens,
    file: &str,
    case: &str,
) -> Result<Option<Tensors>, Missed> {
    let path = file.replace(".json", &format!(".{case}.grads.safetensors"));
    goldens.path(&path).is_file().then(|| goldens.tensors(&path)).transpose()
}

/// Checks that the loss gives every metric that TRL logged.
pub(crate) fn check_names(checks: &mut Checks, output: &LossOutput, expected: &ExpectedLoss) {
    for name in expected.metrics.keys() {
        let is_given = output.metrics.iter().any(|(found, _)| found == name);
        checks.equal(&format!("metric {name} given"), &is_given, &true);
    }
}

/// Compares a loss, those metrics that both sides have, and the gradient of every parameter of the model.
///
/// A metric of TRL that the loss does not give is compared by the caller or not at all; `metrics` renames none.
pub(crate) fn check_loss<M: Module>(
    checks: &mut Checks,
    model: &M,
    output: LossOutput,
    expected: &ExpectedLoss,
    elements: Option<&Tensors>,
) {
    for (name, value) in output.metrics {
        if let Some(expected) = expected.metrics.get(name).and_then(Value::as_f64) {
            checks.number(name, value.into_scalar::<f64>(), expected, METRIC);
        }
    }
    let gradients = output.loss.backward();
    checks.number("loss", output.loss.into_scalar::<f64>(), expected.loss, expected.tolerance);
    let found = gradients::gradients_of(model, &gradients);
    if let Some(norms) = &expected.norms {
        gradients::check_norms(checks, &found, norms);
    }
    if let Some(elements) = elements {
        gradients::check_elements(checks, &found, elements);
    }
}
