//! The stages: each a function from its settings and the artifacts before it to an artifact.

mod annotate;
mod balance;
mod clean;
mod convert;
mod examples;
mod files;
mod ingest;
mod label;
mod links;
mod model;
mod offline;
mod online;
mod pairs;
mod predict;
mod problems;
mod report;
mod score;
mod solve;

use std::path::PathBuf;

use burn::tensor::Device;
use forethought_dataset::{FirstContact, Ledger, Reading, Source};
use forethought_seed::Seed;
use forethought_train::{Origins, Resume, Signal, StopFlag};

pub use annotate::{
    AnnotateStage, FolderTeacher, GivenPart, GivenSource, ListedSource, StepSource, TeacherModel,
    TeacherSource,
};
pub use balance::BalanceStage;
pub use clean::CleanStage;
pub(crate) use clean::SPREAD;
pub use convert::ConvertStage;
pub use examples::ExamplesStage;
pub use files::FileSource;
pub(crate) use files::files_of_sources;
pub use ingest::{IngestStage, Records};
pub use label::LabelStage;
pub(crate) use links::{Before, POLICIES};
use links::{Inputs, SPLITTERS};
pub(crate) use model::{MODEL_FOLDER, files_of};
pub use model::{ModelStage, ScratchModel, TokenizerSource};
pub use offline::{DpoStage, KtoStage, OfflineStage, OrpoStage, RewardStage, SftStage};
pub use online::{
    GrpoStage, LocalRollout, Never, OnlineStage, PpoStage, ReloadEvery, RewardModelSource,
    RlooStage, RolloutSource, ServerRollout,
};
pub use pairs::{ClassSource, PairSource, PairsStage, Spoiling, SpoiltSource};
pub use predict::{Measure, PredictStage};
pub use problems::{AnswerKind, ProblemsStage};
pub use report::ReportStage;
pub use score::ScoreStage;
pub use solve::SolveStage;

use crate::PipelineError;
use crate::artifact::{RunFolder, write_json};
use crate::config::{PipelineConfig, Problem, StageConfig};
use crate::console::Console;
use crate::purpose::Purpose;
use crate::rewards::reward_files;
use crate::secret::redact;

/// The revision of the stages' code; it is raised with every change that can change an artifact.
pub(crate) const REVISION: u32 = 3;

/// What a stage works with.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The name of the stage.
    pub(crate) name: &'a str,
    /// The stages before it.
    pub(crate) before: Before<'a>,
    /// The run folder, for the artifacts of stages before.
    pub(crate) folder: &'a RunFolder,
    /// Where this stage writes its artifact.
    pub(crate) staging: PathBuf,
    /// The seed of this stage.
    pub(crate) seed: Seed,
    /// Where tensors live.
    pub(crate) device: &'a Device,
    /// Further devices on which trainings compute their micro-batches.
    pub(crate) replicas: &'a [Device],
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
    pub(crate) reused: &'a [String],
    /// What the artifact in the making depends on, piece by piece.
    pub(crate) origins: &'a Origins,
    /// What it is run for.
    pub(crate) purpose: Purpose<'a>,
    /// Who reads a parquet or Arrow file of the data first.
    pub(crate) first_contact: &'a FirstContact,
}

impl Context<'_> {
    /// An error if the run is to stop: long work asks between its parts.
    pub(crate) fn check_stop(&self) -> Result<(), PipelineError> {
        match self.stop.signal() {
            Some(_) => Err(PipelineError::Interrupted),
            None => Ok(()),
        }
    }

    /// How the stage reads files of rows.
    pub(crate) fn reading(&self) -> Reading<'_> {
        Reading { stage: self.name, seed: self.seed, contact: self.first_contact }
    }

    /// A file of the stage that splits the questions, such as `train.jsonl`.
    pub(crate) fn split(&self, file: &str) -> PathBuf {
        self.input(self.before.pick(None, &SPLITTERS).unwrap_or(SPLITTERS[0]), file)
    }

    /// A file of an artifact made before.
    pub(crate) fn input(&self, stage: &str, file: &str) -> PathBuf {
        self.folder.artifact(stage).join(file)
    }

    /// Writes the account of the stage's rows, as `ledger.json` and `ledger.parquet`, and shows it. An account whose sums
    /// disagree fails the stage.
    pub(crate) fn book(&self, ledger: &Ledger) -> Result<(), PipelineError> {
        ledger.check()?;
        let ledger = &nameless(ledger);
        write_json(&self.staging.join("ledger.json"), ledger)?;
        ledger.to_rows().write_parquet(&self.staging.join("ledger.parquet"))?;
        self.console.line(ledger.to_table().trim_end());
        Ok(())
    }
}

/// The account without the secrets that the names of its files may hold.
fn nameless(ledger: &Ledger) -> Ledger {
    let mut ledger = ledger.clone();
    for entry in &mut ledger.entries {
        entry.file = redact(&entry.file);
        entry.about = redact(&entry.about);
        entry.row_errors.iter_mut().for_each(|error| error.file = redact(&error.file));
    }
    ledger
}

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Its artifact is complete.
    Finished,
    /// A signal stopped its training after this step.
    Interrupted { step: u64, signal: Signal },
}

/// Sources of a stage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    /// The path of keys above them, below that of the stage: `files.`, or nothing.
    pub(crate) section: &'static str,
    pub(crate) list: &'a [Source],
}

impl StageConfig {
    /// The kind of the stage, as YAML writes it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ingest(_) => "ingest",
            Self::Model(_) => "model",
            Self::Label(_) => "label",
            Self::Balance(_) => "balance",
            Self::Annotate(_) => "annotate",
            Self::Clean(_) => "clean",
            Self::Convert(_) => "convert",
            Self::Examples(_) => "examples",
            Self::Pairs(_) => "pairs",
            Self::Problems(_) => "problems",
            Self::Sft(_) => "sft",
            Self::Dpo(_) => "dpo",
            Self::Kto(_) => "kto",
            Self::Orpo(_) => "orpo",
            Self::Reward(_) => "reward",
            Self::Grpo(_) => "grpo",
            Self::Rloo(_) => "rloo",
            Self::Ppo(_) => "ppo",
            Self::Predict(_) => "predict",
            Self::Score(_) => "score",
            Self::Solve(_) => "solve",
            Self::Report(_) => "report",
        }
    }

    /// The name of the stage: its own, or its kind.
    #[must_use]
    pub fn name(&self) -> &str {
        self.branch().0.unwrap_or_else(|| self.kind())
    }

    /// The name that the stage has of its own, and the stage that it says to start from.
    pub(crate) fn branch(&self) -> (Option<&str>, Option<&str>) {
        let (name, from) = match self {
            Self::Examples(stage) => (&stage.name, &None),
            Self::Pairs(stage) => (&stage.name, &None),
            Self::Sft(stage) => (&stage.name, &stage.from),
            Self::Dpo(stage) => (&stage.name, &stage.from),
            Self::Kto(stage) => (&stage.name, &stage.from),
            Self::Orpo(stage) => (&stage.name, &stage.from),
            Self::Reward(stage) => (&stage.name, &stage.from),
            Self::Grpo(stage) => (&stage.name, &stage.from),
            Self::Rloo(stage) => (&stage.name, &stage.from),
            Self::Ppo(stage) => (&stage.name, &stage.from),
            Self::Score(stage) => (&stage.name, &stage.from),
            _ => (&None, &None),
        };
        (name.as_deref(), from.as_deref())
    }

    /// The questions that the stage must have to take a step.
    pub(crate) fn needed_at_once(&self) -> usize {
        match self {
            Self::Grpo(stage) => stage.needed_at_once(&stage.loss),
            Self::Rloo(stage) => stage.needed_at_once(&stage.loss),
            Self::Ppo(stage) => stage.needed_at_once(&stage.loss),
            _ => 0,
        }
    }

    /// The names of the stages whose artifacts this one reads; a problem if one of them is not there.
    pub(crate) fn inputs<'a>(&'a self, before: Before<'a>) -> Result<Vec<&'a str>, Problem> {
        let inputs = Inputs::new(self.name(), before);
        let inputs = match self {
            Self::Ingest(_) | Self::Examples(_) => inputs,
            Self::Model(stage) => stage.inputs(inputs)?,
            Self::Label(_) => inputs.need(&["ingest", "model"])?,
            Self::Balance(_) => inputs.need(&["label"])?,
            Self::Annotate(_) | Self::Problems(_) => inputs.need(&["ingest"])?,
            Self::Clean(_) => inputs.need(&["annotate"])?,
            Self::Convert(_) => inputs.split()?,
            Self::Pairs(stage) => stage.inputs(inputs)?,
            Self::Sft(stage) => stage.inputs(&stage.loss, inputs)?,
            Self::Dpo(stage) => stage.inputs(&stage.loss, inputs)?,
            Self::Kto(stage) => stage.inputs(&stage.loss, inputs)?,
            Self::Orpo(stage) => stage.inputs(&stage.loss, inputs)?,
            Self::Reward(stage) => stage.inputs(&stage.loss, inputs)?,
            Self::Grpo(stage) => stage.inputs(inputs)?,
            Self::Rloo(stage) => stage.inputs(inputs)?,
            Self::Ppo(stage) => stage.inputs(inputs)?,
            Self::Predict(stage) => stage.inputs(inputs)?,
            Self::Score(stage) => stage.inputs(inputs)?,
            Self::Solve(stage) => stage.inputs(inputs)?,
            Self::Report(_) => ReportStage::inputs(inputs)?,
        };
        Ok(inputs.names())
    }

    /// Values that are out of range.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Ingest(stage) => stage.problems(),
            Self::Model(stage) => stage.problems(),
            Self::Label(_) | Self::Convert(_) => Vec::new(),
            Self::Balance(stage) => stage.problems(),
            Self::Annotate(stage) => stage.problems(),
            Self::Clean(stage) => stage.problems(),
            Self::Examples(stage) => stage.problems(),
            Self::Pairs(stage) => stage.problems(),
            Self::Problems(stage) => stage.problems(),
            Self::Sft(stage) => stage.problems(&stage.loss),
            Self::Dpo(stage) => stage.problems(&stage.loss),
            Self::Kto(stage) => stage.problems(&stage.loss),
            Self::Orpo(stage) => stage.problems(&stage.loss),
            Self::Reward(stage) => stage.problems(&stage.loss),
            Self::Grpo(stage) => stage.problems(&stage.loss),
            Self::Rloo(stage) => stage.problems(&stage.loss),
            Self::Ppo(stage) => stage.problems(&stage.loss),
            Self::Predict(stage) => stage.problems(),
            Self::Score(stage) => stage.problems(),
            Self::Solve(stage) => stage.problems(),
            Self::Report(stage) => stage.problems(),
        }
    }

    /// The files of rows that it reads from outside the run folder, if it does.
    pub(crate) fn sources(&self) -> Option<Sources<'_>> {
        let (section, list) = match self {
            Self::Ingest(stage) => ("", &stage.sources),
            Self::Examples(stage) => ("files.", &stage.files.sources),
            Self::Pairs(PairsStage { source: PairSource::Files(files), .. }) => {
                ("source.files.", &files.sources)
            }
            _ => return None,
        };
        Some(Sources { section, list })
    }

    /// The files outside the run folder that the stage reads.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        match self {
            Self::Ingest(stage) => stage.files(),
            Self::Model(stage) => stage.files(),
            Self::Annotate(stage) => stage.files(),
            Self::Convert(stage) => Ok(vec![stage.prompt.clone()]),
            Self::Examples(stage) => stage.files(),
            Self::Pairs(stage) => stage.files(),
            Self::Problems(stage) => Ok(stage.files()),
            Self::Solve(stage) => stage.files(),
            Self::Grpo(stage) => reward_files(&stage.rewards),
            Self::Rloo(stage) => reward_files(&stage.rewards),
            Self::Ppo(stage) => reward_files(&stage.rewards),
            Self::Predict(stage) => {
                let measure = stage.measure.as_ref();
                measure.map_or_else(|| Ok(Vec::new()), |measure| reward_files(&measure.rewards))
            }
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
            Self::Annotate(stage) => stage.run(context),
            Self::Clean(stage) => stage.run(context),
            Self::Convert(stage) => stage.run(context),
            Self::Examples(stage) => stage.run(context),
            Self::Pairs(stage) => stage.run(context),
            Self::Problems(stage) => stage.run(context),
            Self::Sft(stage) => stage.run(&stage.loss, context),
            Self::Dpo(stage) => stage.run(&stage.loss, context),
            Self::Kto(stage) => stage.run(&stage.loss, context),
            Self::Orpo(stage) => stage.run(&stage.loss, context),
            Self::Reward(stage) => stage.run(&stage.loss, context),
            Self::Grpo(stage) => stage.run(&stage.loss, context),
            Self::Rloo(stage) => stage.run(&stage.loss, context),
            Self::Ppo(stage) => stage.run(&stage.loss, context),
            Self::Predict(stage) => stage.run(context),
            Self::Score(stage) => stage.run(context),
            Self::Solve(stage) => stage.run(context),
            Self::Report(stage) => stage.run(context),
        }
    }
}
