//! Ingest: files into records, with a ledger of every row.

use std::path::{Path, PathBuf};

use forethought_dataset::{
    ColumnMap, DatasetError, Ledger, OnBadRow, ReadOptions, Source, Unfinished, for_each_problem,
    for_each_trace,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::LineWriter;
use crate::config::Problem;
use crate::secret::redact;

/// The file of problems in the artifact.
pub(crate) const PROBLEMS: &str = "problems.jsonl";

/// Settings of the ingest stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IngestStage {
    /// What the rows are: `traces` of thinking, or `problems` with solutions and answers. Default `traces`.
    #[serde(default, skip_serializing_if = "Records::are_traces")]
    pub records: Records,
    /// The files, each with the columns its records have.
    pub sources: Vec<Source>,
    /// What happens to traces without `</think>`, whose length is only a lower bound. Default `drop`.
    #[serde(default)]
    pub unfinished: Unfinished,
    /// What happens to a row that cannot be read: `skip` counts it in the ledger, `error` ends the run. Default `skip`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_bad_row: OnBadRow,
}

/// An option of later date than the first artifacts: it is part of an id only where it is used.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_default(on_bad_row: &OnBadRow) -> bool {
    *on_bad_row == OnBadRow::default()
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

impl Records {
    /// An option of later date than the first artifacts: it is part of an id only where it is used.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn are_traces(&self) -> bool {
        *self == Self::Traces
    }
}

impl IngestStage {
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let of = |key: String, message: &str| (key, message.to_owned());
        if self.sources.is_empty() {
            let message =
                "name at least one file, e.g. --set 'ingest.sources=[{path: traces.jsonl}]'";
            return vec![of("sources".to_owned(), message)];
        }
        let has_no_trace = |source: &Source| {
            matches!(source.columns, Some(ColumnMap::Problem { solution: None, .. }))
        };
        let sources = self.sources.iter().enumerate();
        let wrong = sources.filter(|(_, one)| self.records == Records::Traces && has_no_trace(one));
        let message = "names no column that could hold a trace; for problems with answers set `records: problems`";
        wrong.map(|(index, _)| of(format!("sources[{index}].columns"), message)).collect()
    }

    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        let mut files = Vec::new();
        for source in &self.sources {
            files.extend(source.files()?);
        }
        Ok(files)
    }

    /// Writes `traces.jsonl` or `problems.jsonl`, row by row, and the ledger.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let options = ReadOptions {
            first_contact: context.first_contact.clone(),
            on_bad_row: self.on_bad_row,
        };
        let mut names = Names::default();
        let ledger = match self.records {
            Records::Traces => {
                let path = context.staging.join("traces.jsonl");
                streamed(&path, |sink| {
                    for_each_trace(&self.sources, self.unfinished, &options, |mut trace| {
                        trace.file = names.of(&trace.file);
                        sink(&trace)
                    })
                })?
            }
            Records::Problems => streamed(&context.staging.join(PROBLEMS), |sink| {
                for_each_problem(&self.sources, &options, |mut problem| {
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
