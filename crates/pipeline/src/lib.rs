//! Pipelines: stages from one YAML file, the artifacts they leave, and the run folder that holds them.
//!
//! A stage is a function from its settings and the artifacts before it to an artifact. The id of an artifact is the
//! hash of all it was made of (settings, input ids, data files, seed, code version), so a stage with nothing changed is
//! skipped, and a changed one takes those after it along.

mod artifact;
mod check;
mod config;
mod console;
mod device;
mod error;
mod examples;
mod harmless;
mod learner;
mod manifest;
mod memory;
mod observed;
mod order;
mod origins;
mod purpose;
mod rebuilt;
mod replay;
mod report;
mod rewards;
mod run;
mod schema;
mod secret;
mod stages;
mod training;
mod tuning;
mod watch;

pub use artifact::{ArtifactManifest, FileFacts, RunFolder};
pub use check::{Checked, check};
pub use config::{
    ConfigError, Document, OverrideError, PipelineConfig, Place, StageConfig, find_pipeline,
};
pub use console::{Bar, Console};
pub use device::{Devices, parse_device, parse_devices};
pub use error::{PipelineError, SourceError};
pub use forethought_dataset::{FirstContact, Format, KnownFiles, Probe, examine};
pub use forethought_train::{Resume, Signal, StopFlag, write_file};
pub use manifest::{RunManifest, StageFacts};
pub use memory::{Machine, MemoryPlan};
pub use rebuilt::Batch;
pub use replay::{Replayed, replay};
pub use report::{render_report, report_json, report_table};
pub use rewards::reward_set;
pub use run::{Outcome, RunOptions, run};
pub use schema::{SchemaOf, schema};
pub use secret::redact;
pub use stages::{
    AnnotateStage, AnswerKind, BalanceStage, ClassSource, CleanStage, ConvertStage, DpoStage,
    ExamplesStage, FileSource, FolderTeacher, GivenPart, GivenSource, GrpoStage, IngestStage,
    KtoStage, LabelStage, ListedSource, LocalRollout, Measure, ModelStage, Never, OfflineStage,
    OnlineStage, OrpoStage, PairSource, PairsStage, PpoStage, PredictStage, ProblemsStage, Records,
    ReloadEvery, ReportStage, RewardModelSource, RewardStage, RlooStage, RolloutSource, ScoreStage,
    ScratchModel, ServerRollout, SftStage, SolveStage, Spoiling, SpoiltSource, StepSource,
    TeacherModel, TeacherSource, TokenizerSource,
};
pub use tuning::Base;
pub use watch::{RunState, SampledCompletion, StageProgress, StageState, WatchedRun};

/// A config as YAML, every value spelt out but secrets.
fn yaml(config: &PipelineConfig) -> Result<String, PipelineError> {
    let mut value =
        serde_json::to_value(config).map_err(PipelineError::json("config.resolved.yaml"))?;
    secret::redact_settings(&mut value);
    let text = serde_yaml::to_string(&value);
    text.map(|text| redact(&text)).map_err(|error| PipelineError::stage("config", error))
}
