//! Pairs: completions of which one is preferred, made or read.

mod classes;
mod files;
mod spoilt;

use std::path::PathBuf;

use forethought_dataset::Ledger;
use forethought_schema::PreferencePair;
use forethought_seed::Seed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use classes::ClassSource;
pub use files::FileSource;
pub use spoilt::{Spoiling, SpoiltSource};

use super::links::Inputs;
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{write_json, write_lines};
use crate::config::Problem;

/// The kind of each validation pair, in the artifact of a pairs stage.
pub(crate) const KINDS: &str = "validation.kinds.json";

/// Settings of the pairs stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairsStage {
    /// What the stage is called, for several of its kind in one pipeline. Default: its kind.
    #[serde(default)]
    pub name: Option<String>,
    /// Where the pairs come from.
    pub source: PairSource,
}

/// Where pairs come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairSource {
    /// The true class of each question beside a wrong one.
    Classes(ClassSource),
    /// The answer of each ingested trace beside a spoilt one.
    Spoilt(SpoiltSource),
    /// Files of pairs.
    Files(FileSource),
}

/// The pairs of both sides of the split, and what became of what they were made of.
#[derive(Debug)]
struct Made {
    train: Vec<PreferencePair>,
    validation: Vec<PreferencePair>,
    /// The kind of each validation pair; empty where there are no kinds.
    kinds: Vec<String>,
    ledger: Ledger,
}

impl Made {
    fn new(stage: &str) -> Self {
        let (train, validation, kinds) = (Vec::new(), Vec::new(), Vec::new());
        Self { train, validation, kinds, ledger: Ledger::new(stage) }
    }
}

fn default_ratio() -> f64 {
    0.1
}

/// Whether what belongs to a prompt is kept for validation: it follows from the seed and the prompt.
fn is_validation(seed: Seed, prompt: &str, ratio: f64) -> bool {
    let key = seed.key("validation", prompt.as_bytes());
    (key >> 11) as f64 / (1_u64 << 53) as f64 <= ratio
}

fn ratio_problem(ratio: f64, key: &str) -> Option<Problem> {
    let message = format!("validation_ratio must be above 0 and below 1, got {ratio}");
    (!(0.0 < ratio && ratio < 1.0)).then(|| (key.to_owned(), message))
}

impl PairsStage {
    pub(super) fn inputs<'a>(&'a self, inputs: Inputs<'a>) -> Result<Inputs<'a>, Problem> {
        match &self.source {
            PairSource::Classes(_) => inputs.split()?.need(&["convert"]),
            PairSource::Spoilt(_) => inputs.need(&["ingest"]),
            PairSource::Files(_) => Ok(inputs),
        }
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        match &self.source {
            PairSource::Classes(source) => source.problems(),
            PairSource::Spoilt(source) => source.problems(),
            PairSource::Files(source) => source.problems(),
        }
    }

    pub(super) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        match &self.source {
            PairSource::Files(source) => source.files(),
            PairSource::Classes(_) | PairSource::Spoilt(_) => Ok(Vec::new()),
        }
    }

    /// Writes `train.jsonl` and `validation.jsonl`, one pair a line, the kinds of the latter, and `ledger.json`.
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let made = match &self.source {
            PairSource::Classes(source) => source.make(context)?,
            PairSource::Spoilt(source) => source.make(context)?,
            PairSource::Files(source) => source.make(context)?,
        };
        made.ledger.check()?;
        if made.train.is_empty() {
            let message = format!("no pair is left\n{}", made.ledger.to_table());
            return Err(PipelineError::stage(context.name, message));
        }
        write_lines(&context.staging.join("train.jsonl"), &made.train)?;
        write_lines(&context.staging.join("validation.jsonl"), &made.validation)?;
        write_json(&context.staging.join(KINDS), &made.kinds)?;
        write_json(&context.staging.join("ledger.json"), &made.ledger)?;
        context.console.line(made.ledger.to_table());
        Ok(Done::Finished)
    }
}
