//! The stages: each a function from its settings and the artifacts before it to an artifact.

mod balance;
mod convert;
mod grpo;
mod ingest;
mod label;
mod model;
mod predict;
mod report;
mod sft;

use std::path::PathBuf;

use burn::tensor::Device;
use forethought_seed::Seed;
use forethought_train::{Resume, Signal, StopFlag};

pub use balance::BalanceStage;
pub use convert::ConvertStage;
pub use grpo::GrpoStage;
pub use ingest::IngestStage;
pub use label::LabelStage;
pub(crate) use model::MODEL_FOLDER;
pub use model::{ModelStage, ScratchModel, TokenizerSource};
pub use predict::PredictStage;
pub use report::ReportStage;
pub use sft::SftStage;

use crate::PipelineError;
use crate::artifact::RunFolder;
use crate::config::{PipelineConfig, Problem, StageConfig};
use crate::console::Console;

/// The revision of the stages' code; it is raised with every change that can change an artifact.
pub(crate) const REVISION: u32 = 1;

/// What a stage works with.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The run folder, for the artifacts of stages before.
    pub(crate) folder: &'a RunFolder,
    /// Where this stage writes its artifact.
    pub(crate) staging: PathBuf,
    /// The seed of this stage.
    pub(crate) seed: Seed,
    /// Where tensors live.
    pub(crate) device: &'a Device,
    /// Raised by SIGINT and SIGTERM.
    pub(crate) stop: &'a StopFlag,
    /// Whether an interrupted training goes on or starts anew.
    pub(crate) resume: Resume,
    /// Where progress is shown.
    pub(crate) console: Console,
    /// The id of the artifact in the making.
    pub(crate) id: &'a str,
    /// The whole pipeline.
    pub(crate) config: &'a PipelineConfig,
    /// The stages of this run whose artifacts were there.
    pub(crate) reused: &'a [&'static str],
}

impl Context<'_> {
    /// A file of an artifact made before.
    pub(crate) fn input(&self, stage: &str, file: &str) -> PathBuf {
        self.folder.artifact(stage).join(file)
    }
}

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Its artifact is complete.
    Finished,
    /// A signal stopped its training after this step.
    Interrupted { step: u64, signal: Signal },
}

impl StageConfig {
    /// The name of the stage, as YAML writes it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ingest(_) => "ingest",
            Self::Model(_) => "model",
            Self::Label(_) => "label",
            Self::Balance(_) => "balance",
            Self::Convert(_) => "convert",
            Self::Sft(_) => "sft",
            Self::Grpo(_) => "grpo",
            Self::Predict(_) => "predict",
            Self::Report(_) => "report",
        }
    }

    /// The stages that must stand before this one.
    pub(crate) fn requires(&self) -> &'static [&'static str] {
        match self {
            Self::Ingest(_) => &[],
            Self::Model(_) => &["ingest"],
            Self::Label(_) => &["ingest", "model"],
            Self::Balance(_) => &["label"],
            Self::Convert(_) => &["balance"],
            Self::Sft(_) => &["model", "convert"],
            Self::Grpo(_) | Self::Predict(_) => &["model", "balance", "convert"],
            Self::Report(_) => &["ingest", "label", "balance", "predict"],
        }
    }

    /// The stages whose artifacts this one reads where they are there.
    pub(crate) fn inputs(&self) -> Vec<&'static str> {
        let optional: &[&str] = match self {
            Self::Grpo(_) => &["sft"],
            Self::Predict(_) | Self::Report(_) => &["sft", "grpo"],
            _ => &[],
        };
        [self.requires(), optional].concat()
    }

    /// Values that are out of range.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Ingest(stage) => stage.problems(),
            Self::Model(stage) => stage.problems(),
            Self::Label(_) | Self::Convert(_) => Vec::new(),
            Self::Balance(stage) => stage.problems(),
            Self::Sft(stage) => stage.problems(),
            Self::Grpo(stage) => stage.problems(),
            Self::Predict(stage) => stage.problems(),
            Self::Report(stage) => stage.problems(),
        }
    }

    /// The files outside the run folder that the stage reads.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        match self {
            Self::Ingest(stage) => stage.files(),
            Self::Model(stage) => stage.files(),
            Self::Convert(stage) => Ok(vec![stage.prompt.clone()]),
            _ => Ok(Vec::new()),
        }
    }

    /// Makes the artifact.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        match self {
            Self::Ingest(stage) => stage.run(context),
            Self::Model(stage) => stage.run(context),
            Self::Label(stage) => stage.run(context),
            Self::Balance(stage) => stage.run(context),
            Self::Convert(stage) => stage.run(context),
            Self::Sft(stage) => stage.run(context),
            Self::Grpo(stage) => stage.run(context),
            Self::Predict(stage) => stage.run(context),
            Self::Report(stage) => stage.run(context),
        }
    }
}
