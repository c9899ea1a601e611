//! Ingest: files of any shape into traces or problems, with a ledger of every row.

use std::path::{Path, PathBuf};

use forethought_dataset::{
    DatasetError, Ledger, MixConfig, Unfinished, for_each_problem, for_each_trace, mix_settings,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::files::{mix_files, mix_problems};
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::LineWriter;
use crate::config::Problem;
use crate::secret::redact;

/// The file of problems in the artifact.
pub(crate) const PROBLEMS: &str = "problems.jsonl";

mix_settings! {
    /// Settings of the ingest stage. Rows that hold a prompt and its completion, a conversation, or a problem can be traces
    /// and problems.
    pub struct IngestStage {
        /// What is made of the rows: `traces` of thinking, or `problems` with solutions and answers. Default `traces`.
        #[serde(default)]
        pub records: Records,
        ..
        /// What happens to traces without `</think>`, whose length is only a lower bound. Default `drop`.
        #[serde(default)]
        pub unfinished: Unfinished,
    }
}

/// What the rows of the files are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Records {
    /// A question with the thinking and the answer of a model.
    #[default]
    Traces,
    /// A problem with its solution, its answer, or both.
    Problems,
}

impl IngestStage {
    pub(crate) fn problems(&self) -> Vec<Problem> {
        if self.sources.is_empty() {
            let message =
                "name at least one file, e.g. --set 'ingest.sources=[{path: traces.jsonl}]'";
            return vec![("sources".to_owned(), message.to_owned())];
        }
        mix_problems(&MixConfig::from(self), "")
    }

    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        mix_files(&self.sources)
    }

    /// Writes `traces.jsonl` or `problems.jsonl`, and the ledger. Rows go through one by one, unless some are chosen among
    /// all of them.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let (mix, reading) = (MixConfig::from(self), context.reading());
        let mut names = Names::default();
        let ledger = match self.records {
            Records::Traces => streamed(&context.staging.join("traces.jsonl"), |sink| {
                for_each_trace(&mix, self.unfinished, reading, |mut trace| {
                    trace.file = names.of(&trace.file);
                    sink(&trace)
                })
            })?,
            Records::Problems => streamed(&context.staging.join(PROBLEMS), |sink| {
                for_each_problem(&mix, reading, |mut problem| {
                    problem.file = names.of(&problem.file);
                    sink(&problem)
                })
            })?,
        };
        context.book(&ledger)?;
        Ok(Done::Finished)
    }
}

/// Names of files without the secrets in them; rows of one file come one after the other.
#[derive(Debug, Default)]
struct Names {
    last: String,
    shown: String,
}

impl Names {
    fn of(&mut self, file: &str) -> String {
        if self.last != file {
            file.clone_into(&mut self.last);
            self.shown = redact(file);
        }
        self.shown.clone()
    }
}

/// Writes each record as it is read: memory is bounded by a row or a batch.
fn streamed<T: Serialize>(
    path: &Path,
    read: impl FnOnce(&mut dyn FnMut(&T) -> Result<(), DatasetError>) -> Result<Ledger, DatasetError>,
) -> Result<Ledger, PipelineError> {
    let mut writer = LineWriter::create(path)?;
    let mut failed = None;
    let ledger = read(&mut |record| {
        writer.write(record).map_err(|error| {
            let source = std::io::Error::other(error.to_string());
            failed = Some(error);
            DatasetError::Write { path: path.to_owned(), source }
        })
    });
    if let Some(error) = failed {
        return Err(error);
    }
    writer.finish()?;
    Ok(ledger?)
}
