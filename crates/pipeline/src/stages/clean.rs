//! Clean: questions whose number of steps is missing or far from the others are left out, the rest is split.

use forethought_dataset::{CleanConfig, clean};
use forethought_schema::AnnotatedQuestion;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::annotate::ANNOTATED;
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{read_lines, write_json, write_lines};
use crate::config::Problem;
use crate::training::problem;

/// The file of mean and deviation in the artifact.
pub(crate) const SPREAD: &str = "spread.json";

/// Settings of the clean stage: those of [`forethought_dataset::CleanConfig`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CleanStage(pub CleanConfig);

impl CleanStage {
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let error = self.0.check().err();
        error.map(|error| problem("", &error.to_string())).into_iter().collect()
    }

    /// Writes `train.jsonl`, `validation.jsonl`, `classes.json`, `spread.json` and `ledger.json`.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let annotated: Vec<AnnotatedQuestion> = read_lines(&context.input("annotate", ANNOTATED))?;
        let cleaned = clean(&annotated, &self.0, context.seed)?;
        write_lines(&context.staging.join("train.jsonl"), &cleaned.train)?;
        write_lines(&context.staging.join("validation.jsonl"), &cleaned.validation)?;
        write_json(&context.staging.join("classes.json"), &cleaned.classes)?;
        write_json(&context.staging.join(SPREAD), &cleaned.spread)?;
        context.book(&cleaned.ledger)?;
        Ok(Done::Finished)
    }
}
