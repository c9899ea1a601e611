//! Clean: questions whose number of steps is missing or far from the others are left out, the rest is split.

use forethought_dataset::{CleanConfig, Cleaner};
use forethought_schema::AnnotatedQuestion;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::annotate::ANNOTATED;
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{LinePicker, LineReader, LineWriter, write_json};
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
        let annotated = context.input("annotate", ANNOTATED);
        let mut cleaner = Cleaner::new(context.seed);
        LineReader::<AnnotatedQuestion>::open(&annotated)?.for_each_chunk(|rows| {
            for row in &rows {
                cleaner.tell(row);
            }
            context.check_stop()
        })?;
        let cleaned = cleaner.draw(&self.0)?;
        let mut lines = LinePicker::open(&annotated)?;
        for (name, places) in
            [("train.jsonl", &cleaned.train), ("validation.jsonl", &cleaned.validation)]
        {
            let mut split = LineWriter::create(&context.staging.join(name))?;
            for place in places {
                // Rows without a number of steps are in no split.
                if let Some(row) = lines.value::<AnnotatedQuestion>(*place)?.labelled() {
                    split.write(&row)?;
                }
            }
            split.finish()?;
        }
        write_json(&context.staging.join("classes.json"), &cleaned.classes)?;
        write_json(&context.staging.join(SPREAD), &cleaned.spread)?;
        context.book(&cleaned.ledger)?;
        Ok(Done::Finished)
    }
}
