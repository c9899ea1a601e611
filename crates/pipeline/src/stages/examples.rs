//! Examples: files of a user's own into what fine-tuning reads.

use std::path::PathBuf;

use forethought_schema::RecordKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::files::FileSource;
use super::{Context, Done};
use crate::PipelineError;
use crate::config::Problem;

/// Settings of the examples stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExamplesStage {
    /// What the stage is called, for several of its kind in one pipeline. Default: its kind.
    #[serde(default)]
    pub name: Option<String>,
    /// The files. Prompts with completions, conversations and texts are for `sft`, labelled completions for `kto`.
    pub files: FileSource,
    /// What the rows become. Default: what the files hold.
    #[serde(default)]
    pub kind: Option<RecordKind>,
}

impl ExamplesStage {
    pub(super) fn problems(&self) -> Vec<Problem> {
        self.files.problems("files")
    }

    pub(super) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        self.files.files()
    }

    /// Writes `train.jsonl` and `validation.jsonl`, one example a line, and `ledger.json`.
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let split =
            self.files.write(context, self.kind, |example| Some((example.clone(), None)))?;
        if split.num_train == 0 {
            let message = format!("no example is left\n{}", split.ledger.to_table());
            return Err(PipelineError::stage(context.name, message));
        }
        context.book(&split.ledger)?;
        Ok(Done::Finished)
    }
}
