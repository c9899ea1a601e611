//! Balance: the same number of questions from every class, and two sides that share no question.

use forethought_dataset::{BalanceConfig, Balancer};
use forethought_schema::LabelledQuestion;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{LinePicker, LineReader, write_json};
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
        let labelled = context.input("label", "labelled.jsonl");
        let mut balancer = Balancer::new(context.seed);
        LineReader::<LabelledQuestion>::open(&labelled)?.for_each_chunk(|rows| {
            for row in &rows {
                balancer.tell(row);
            }
            context.check_stop()
        })?;
        let balanced = balancer.draw(&self.0)?;
        let mut lines = LinePicker::open(&labelled)?;
        lines.copy(&balanced.train, &context.staging.join("train.jsonl"))?;
        lines.copy(&balanced.validation, &context.staging.join("validation.jsonl"))?;
        write_json(&context.staging.join("classes.json"), &balanced.classes)?;
        context.book(&balanced.ledger)?;
        Ok(Done::Finished)
    }
}
