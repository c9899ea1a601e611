//! Ingest: files of thinking traces into records, with a ledger of every row.

use std::path::PathBuf;

use forethought_dataset::{Source, Unfinished, read_traces};
use serde::{Deserialize, Serialize};

use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{write_json, write_lines};
use crate::config::Problem;

/// Settings of the ingest stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestStage {
    /// The files, each with the columns its records have.
    pub sources: Vec<Source>,
    /// What happens to traces without `</think>`, whose length is only a lower bound. Default `drop`.
    #[serde(default)]
    pub unfinished: Unfinished,
}

impl IngestStage {
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let is_empty = self.sources.is_empty();
        let message = "name at least one file, e.g. --set 'ingest.sources=[{path: traces.jsonl}]'";
        is_empty.then(|| ("sources".to_owned(), message.to_owned())).into_iter().collect()
    }

    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        let mut files = Vec::new();
        for source in &self.sources {
            files.extend(source.files()?);
        }
        Ok(files)
    }

    /// Writes `traces.jsonl` and `ledger.json`.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let ingested = read_traces(&self.sources, self.unfinished)?;
        write_json(&context.staging.join("ledger.json"), &ingested.ledger)?;
        write_lines(&context.staging.join("traces.jsonl"), &ingested.traces)?;
        context.console.line(ingested.ledger.to_table());
        Ok(Done::Finished)
    }
}
