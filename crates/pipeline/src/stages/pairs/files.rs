//! Pairs from files, in the shapes of other programs.

use std::path::{Path, PathBuf};

use forethought_dataset::{Format, Ledger, LedgerEntry, Source, read_objects};
use forethought_preference::PairShape;
use forethought_schema::PreferencePair;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Made, default_ratio, is_validation, ratio_problem};
use crate::PipelineError;
use crate::config::Problem;
use crate::stages::Context;

/// Pairs from files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSource {
    /// A file, or a pattern such as `pairs/*.jsonl`: JSON lines, JSON or parquet, by the extension.
    pub path: String,
    /// How rows hold pairs: `triple` (question, chosen, rejected), `cvalues` (prompt, `pos_resp`, `neg_resp`), `trl` or
    /// `llama_factory`.
    pub shape: PairShape,
    /// Share of the prompts that is kept for validation: above 0 and below 1. All pairs of one prompt are on one side.
    /// Default 0.1.
    #[serde(default = "default_ratio")]
    pub validation_ratio: f64,
}

impl FileSource {
    pub(super) fn problems(&self) -> Vec<Problem> {
        ratio_problem(self.validation_ratio, "source.files.validation_ratio").into_iter().collect()
    }

    pub(super) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        Ok(Source::new(self.path.clone()).files()?)
    }

    pub(super) fn make(&self, context: &Context<'_>) -> Result<Made, PipelineError> {
        let mut made = Made::new(context.name);
        for path in self.files()? {
            self.read(&path, context, &mut made)?;
        }
        Ok(made)
    }

    fn read(
        &self,
        path: &Path,
        context: &Context<'_>,
        made: &mut Made,
    ) -> Result<(), PipelineError> {
        let mut ledger = Ledger::new(context.name);
        let name = path.display().to_string();
        let entry = ledger.entry(&name);
        for row in read_objects(path, Format::Auto)? {
            entry.count_read(1);
            let pair = row
                .value
                .map_err(|_| "not JSON")
                .and_then(|value| self.shape.read(&value).map_err(|fault| fault.reason()));
            match pair {
                Ok(pair) => self.take(pair, context, (entry, made)),
                Err(reason) => entry.drop_row(row.number, reason),
            }
        }
        made.ledger.entries.extend(ledger.entries);
        Ok(())
    }

    /// The side of a pair follows from its prompt.
    fn take(
        &self,
        pair: PreferencePair,
        context: &Context<'_>,
        (entry, made): (&mut LedgerEntry, &mut Made),
    ) {
        let prompt = serde_json::to_string(&pair.prompt).unwrap_or_default();
        if is_validation(context.seed, &prompt, self.validation_ratio) {
            entry.keep("validation");
            made.validation.push(pair);
        } else {
            entry.keep("train");
            made.train.push(pair);
        }
    }
}
