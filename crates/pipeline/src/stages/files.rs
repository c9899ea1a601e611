//! Files of a user's own: rows of any shape, mixed, and split by what is to be completed.

use std::path::PathBuf;

use forethought_dataset::{
    Deduplicate, Ledger, MixConfig, MixOrder, Mixing, RecordSource, find_files, mix, prompt_of,
};
use forethought_schema::{Example, Record, RecordKind};
use forethought_seed::Seed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Context;
use crate::PipelineError;
use crate::config::Problem;
use crate::training::problem;

/// Files of examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSource {
    /// The files, each with the shape of its rows where the columns do not tell it.
    pub sources: Vec<RecordSource>,
    /// At most so many rows of all sources. Default: no limit.
    #[serde(default)]
    pub max_rows: Option<usize>,
    /// Which rows count as the same and are taken once. Default: none.
    #[serde(default)]
    pub deduplicate: Option<Deduplicate>,
    /// The order of the rows. Default `as_read`; training shuffles anyway.
    #[serde(default)]
    pub order: MixOrder,
    /// Share of the prompts that is kept for validation: above 0 and below 1. All rows of one prompt are on one side.
    /// Default 0.1.
    #[serde(default = "default_ratio")]
    pub validation_ratio: f64,
}

pub(super) fn default_ratio() -> f64 {
    0.1
}

/// Whether what belongs to a prompt is kept for validation: it follows from the seed and the prompt.
pub(super) fn is_validation(seed: Seed, prompt: &str, ratio: f64) -> bool {
    let key = seed.key("validation", prompt.as_bytes());
    (key >> 11) as f64 / (1_u64 << 53) as f64 <= ratio
}

pub(super) fn ratio_problem(ratio: f64, key: &str) -> Option<Problem> {
    let message = format!("validation_ratio must be above 0 and below 1, got {ratio}");
    (!(0.0 < ratio && ratio < 1.0)).then(|| (key.to_owned(), message))
}

/// The examples of both sides of the split, and what became of every row.
#[derive(Debug)]
pub(super) struct SplitExamples {
    pub(super) train: Vec<Example>,
    pub(super) validation: Vec<Example>,
    pub(super) ledger: Ledger,
}

impl FileSource {
    fn mix(&self) -> MixConfig {
        MixConfig {
            sources: self.sources.clone(),
            max_rows: self.max_rows,
            deduplicate: self.deduplicate.clone(),
            order: self.order,
        }
    }

    /// Problems of the settings, below the key under which they stand.
    pub(super) fn problems(&self, section: &str) -> Vec<Problem> {
        let ratio = ratio_problem(self.validation_ratio, &format!("{section}.validation_ratio"));
        let mix = self.mix().check().err();
        ratio.into_iter().chain(mix.map(|error| problem(section, &error.to_string()))).collect()
    }

    pub(super) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        let mut files = Vec::new();
        for source in &self.sources {
            files.extend(find_files(source)?.into_iter().map(|file| file.path));
        }
        Ok(files)
    }

    /// The examples of all files; of this kind where one is asked for.
    pub(super) fn read(
        &self,
        context: &Context<'_>,
        kind: Option<RecordKind>,
    ) -> Result<SplitExamples, PipelineError> {
        let side = |example: &Example| {
            let is_held_out = is_validation(context.seed, &key(example), self.validation_ratio);
            if is_held_out { "validation" } else { "train" }
        };
        let mixing = Mixing { stage: context.name, kind, kept_as: Some(&side), seed: context.seed };
        let mixed = mix(&self.mix(), mixing)?;
        let examples = mixed.rows.into_iter().map(|row| row.example);
        let (train, validation) = examples.partition(|example| side(example) == "train");
        Ok(SplitExamples { train, validation, ledger: mixed.ledger })
    }
}

/// What decides on which side an example is: its prompt, or all of a text.
fn key(example: &Example) -> String {
    match (&example.record, prompt_of(&example.record)) {
        (Record::Text(text), _) => text.clone(),
        (_, prompt) => serde_json::to_string(&prompt).unwrap_or_default(),
    }
}
