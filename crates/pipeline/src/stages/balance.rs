//! Balance: the same number of questions from every class, and two sides that share no question.

use forethought_dataset::{BalanceConfig, balance};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{read_lines, write_json, write_lines};
use crate::config::Problem;
use crate::training::problem;

/// Settings of the balance stage: those of [`forethought_dataset::BalanceConfig`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct BalanceStage(pub BalanceConfig);

impl BalanceStage {
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let error = self.0.check().err();
        error.map(|error| problem("", &error.to_string())).into_iter().collect()
    }

    /// Writes `train.jsonl`, `validation.jsonl`, `classes.json` and `ledger.json`.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let labelled = read_lines(&context.input("label", "labelled.jsonl"))?;
        let balanced = balance(labelled, &self.0, context.seed)?;
        write_lines(&context.staging.join("train.jsonl"), &balanced.train)?;
        write_lines(&context.staging.join("validation.jsonl"), &balanced.validation)?;
        write_json(&context.staging.join("classes.json"), &balanced.classes)?;
        context.book(&balanced.ledger)?;
        Ok(Done::Finished)
    }
}
