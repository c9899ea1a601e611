//! Pairs: completions of which one is preferred, made or read.

mod classes;
mod spoilt;

use std::path::PathBuf;

use forethought_dataset::Ledger;
use forethought_preference::BORDER;
use forethought_schema::{Example, PreferencePair, Record, RecordKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use classes::ClassSource;
pub use spoilt::{Spoiling, SpoiltSource};

use super::files::{FileSource, default_ratio, is_validation, ratio_problem};
use super::links::Inputs;
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{LineWriter, write_json};
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

/// The pairs of both sides of the split, written as they are made.
struct PairWriter {
    train: LineWriter,
    validation: LineWriter,
    num_train: usize,
    /// The kind of each validation pair; empty where there are no kinds.
    kinds: Vec<String>,
    /// What became of what they were made of.
    ledger: Ledger,
}

impl PairWriter {
    fn create(context: &Context<'_>) -> Result<Self, PipelineError> {
        let writer = |split: &str| LineWriter::create(&context.staging.join(split));
        Ok(Self {
            train: writer("train.jsonl")?,
            validation: writer("validation.jsonl")?,
            num_train: 0,
            kinds: Vec::new(),
            ledger: Ledger::new(context.name),
        })
    }

    fn train(&mut self, pair: &PreferencePair) -> Result<(), PipelineError> {
        self.num_train += 1;
        self.train.write(pair)
    }

    fn validation(&mut self, pair: &PreferencePair) -> Result<(), PipelineError> {
        self.validation.write(pair)
    }

    /// The number of pairs to train on, the kinds of the others, and the account.
    fn finish(self) -> Result<(usize, Vec<String>, Ledger), PipelineError> {
        self.train.finish()?;
        self.validation.finish()?;
        Ok((self.num_train, self.kinds, self.ledger))
    }
}

/// The pairs of files are written as they are read; labelled completions of one prompt become pairs, too.
fn write_files(
    source: &FileSource,
    context: &Context<'_>,
) -> Result<(usize, Vec<String>, Ledger), PipelineError> {
    let pair = |example: &Example| match &example.record {
        Record::Preference(pair) => Some((pair.clone(), example.border.map(|_| BORDER))),
        _ => None,
    };
    let written = source.write(context, Some(RecordKind::Preference), pair)?;
    Ok((written.num_train, Vec::new(), written.ledger))
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
            PairSource::Files(source) => source.problems("source.files"),
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
        let (num_train, kinds, ledger) = match &self.source {
            PairSource::Classes(source) => source.write(context)?,
            PairSource::Spoilt(source) => source.write(context)?,
            PairSource::Files(source) => write_files(source, context)?,
        };
        if num_train == 0 {
            let message = format!("no pair is left\n{}", ledger.to_table());
            return Err(PipelineError::stage(context.name, message));
        }
        write_json(&context.staging.join(KINDS), &kinds)?;
        context.book(&ledger)?;
        Ok(Done::Finished)
    }
}
