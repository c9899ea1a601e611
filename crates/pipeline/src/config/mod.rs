//! The configuration of a pipeline: a name, a seed, and a list of stages.

mod locate;
mod overrides;
mod plain;
mod problems;
mod suggest;
mod yaml;

use std::path::{Path, PathBuf};

use forethought_evaluate::Target;
use schemars::JsonSchema;

use serde::de::value::MapDeserializer;
use serde::{Deserialize, Serialize};

use crate::stages::{
    AnnotateStage, BalanceStage, Before, CleanStage, ConvertStage, DpoStage, ExamplesStage,
    GrpoStage, IngestStage, KtoStage, LabelStage, ModelStage, OrpoStage, PairsStage, PpoStage,
    PredictStage, ProblemsStage, ReportStage, RewardStage, RlooStage, ScoreStage, SftStage,
    SolveStage,
};

pub use overrides::OverrideError;
pub(crate) use problems::Examined;
pub(crate) use suggest::nearest;
pub use yaml::{ConfigError, Document, Place};

/// A pipeline: what `configs/pipelines/NAME.yaml` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PipelineConfig {
    /// The name of the pipeline; its run folder is `runs/NAME` unless another is given.
    pub name: String,
    /// The number every random draw is derived from. Default 42, the seed of the source pipeline.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// The stages, in the order they run; each reads the artifacts of stages before it.
    pub stages: Vec<StageConfig>,
}

fn default_seed() -> u64 {
    42
}

/// One stage and its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageConfig {
    /// Reads thinking traces.
    Ingest(IngestStage),
    /// Loads a model folder, or trains a tokenizer and draws the weights of a small model.
    Model(ModelStage),
    /// Counts thinking tokens and gives each question its class.
    Label(LabelStage),
    /// Balances the classes and splits by question.
    Balance(BalanceStage),
    /// Finds in how many steps each problem is solved.
    Annotate(AnnotateStage),
    /// Leaves out what has no number of steps or one far from the others, and splits by question.
    Clean(CleanStage),
    /// Writes the examples that training reads.
    Convert(ConvertStage),
    /// Reads examples of a user's own.
    Examples(ExamplesStage),
    /// Makes or reads pairs of completions of which one is preferred.
    Pairs(PairsStage),
    /// Keeps the problems whose answers can be read, splits them, and asks them as conversations.
    Problems(ProblemsStage),
    /// Fine-tunes on the answers.
    Sft(Box<SftStage>),
    /// Learns from pairs, against a frozen reference.
    Dpo(Box<DpoStage>),
    /// Learns from completions that are called desirable or not.
    Kto(Box<KtoStage>),
    /// Learns from pairs, without a reference.
    Orpo(Box<OrpoStage>),
    /// Trains a model that scores completions, from pairs.
    Reward(Box<RewardStage>),
    /// Improves the model by the reward of its own answers.
    Grpo(Box<GrpoStage>),
    /// As GRPO, with the other answers as the measure of each.
    Rloo(Box<RlooStage>),
    /// Improves the model by the reward of its own answers, with a critic as their measure.
    Ppo(Box<PpoStage>),
    /// Answers the validation questions.
    Predict(PredictStage),
    /// Scores the validation pairs with a reward model.
    Score(ScoreStage),
    /// Answers the validation problems several times each and judges the answers.
    Solve(SolveStage),
    /// Compares the models with each other and with baselines.
    Report(ReportStage),
}

/// What an empty map makes: unlike a plain default, every value that follows from others is filled in.
///
/// # Panics
///
/// If the type has keys that must be given.
pub(crate) fn of_nothing<'de, T: Deserialize<'de>>() -> T {
    let nothing = std::iter::empty::<(&str, &str)>();
    let nothing = MapDeserializer::<_, serde::de::value::Error>::new(nothing);
    T::deserialize(nothing).unwrap_or_else(|error| panic!("a loss without settings: {error}"))
}

/// A value that is out of range: its key below the stage, and what is allowed.
pub(crate) type Problem = (String, String);

impl PipelineConfig {
    /// Reads a pipeline file, applies `--set` overrides, and checks every value.
    ///
    /// # Errors
    ///
    /// If the file is unreadable or a key or value is wrong; the error names file, line and key.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, ConfigError> {
        Self::from_document(&Document::read(path, overrides)?)
    }

    /// Turns a document into a pipeline and checks every value.
    ///
    /// # Errors
    ///
    /// As [`PipelineConfig::read`], without the reading.
    pub fn from_document(document: &Document) -> Result<Self, ConfigError> {
        let config: Self = document.to_config()?;
        if let Some(message) = secret_in_name(&config.name) {
            return Err(document.error("name", message));
        }
        for (index, stage) in config.stages.iter().enumerate() {
            let problems = stage.problems().into_iter().chain(config.misplaced(index));
            if let Some((below, message)) = problems.into_iter().next() {
                let key = format!("stages.{index}.{}.{below}", stage.kind());
                return Err(document.error(key.trim_end_matches('.'), message));
            }
        }
        if config.stages.is_empty() {
            return Err(document.error("stages", "a pipeline has at least one stage".into()));
        }
        Ok(config)
    }

    /// Why the stage at this place cannot run there.
    fn misplaced(&self, index: usize) -> Option<Problem> {
        let (stage, before) = (&self.stages[index], &self.stages[..index]);
        let name = stage.name();
        let is_plain = |one: char| one.is_ascii_alphanumeric() || one == '-' || one == '_';
        if name.is_empty() || !name.chars().all(is_plain) {
            let message = format!("must be of letters, digits, `-` and `_`, got `{name}`");
            return Some(("name".to_owned(), message));
        }
        if let Some(message) = secret_in_name(name) {
            return Some(("name".to_owned(), message));
        }
        if before.iter().any(|one| one.name() == name) {
            let message = format!("the stage `{name}` stands twice");
            return Some((String::new(), message));
        }
        stage.inputs(Before(before)).err()
    }

    /// What the pipeline predicts: steps where it annotates them, else thinking tokens in the classes of its label stage,
    /// of 25 where it has none.
    pub(crate) fn target(&self) -> Target {
        let of = |stage: &StageConfig| match stage {
            StageConfig::Annotate(_) => Some(Target::steps()),
            StageConfig::Label(label) => Some(Target::thinking_tokens(label.class_width.get())),
            _ => None,
        };
        self.stages.iter().find_map(of).unwrap_or_else(|| Target::thinking_tokens(25))
    }
}

/// Names stand in folders, in logs and in reports, where nothing can be taken out of them any more.
fn secret_in_name(name: &str) -> Option<String> {
    let is_secret = crate::redact(name) != name;
    let message = "holds a secret, such as the value of an environment variable; names stand in folders, logs and reports, so \
                   choose another";
    is_secret.then(|| message.to_owned())
}

/// Finds the file of a pipeline: a path, or the name of a file in `configs/pipelines/` here or in a folder above.
///
/// Returns the file and the folder where the relative paths in it start.
///
/// # Errors
///
/// If there is no such file; the error lists the names there are.
pub fn find_pipeline(name: &str, here: &Path) -> Result<(PathBuf, PathBuf), crate::PipelineError> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok((path.to_owned(), here.to_owned()));
    }
    for root in here.ancestors() {
        let folder = root.join("configs").join("pipelines");
        let file = folder.join(format!("{name}.yaml"));
        if file.is_file() {
            return Ok((file, root.to_owned()));
        }
        if folder.is_dir() {
            let help = known_names(&folder, name);
            return Err(crate::PipelineError::NoSuchPipeline { name: name.to_owned(), help });
        }
    }
    let help = "give the path of a YAML file, or run where configs/pipelines/ is".to_owned();
    Err(crate::PipelineError::NoSuchPipeline { name: name.to_owned(), help })
}

fn known_names(folder: &Path, name: &str) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    let listed = format!("{} holds {}", folder.display(), names.join(", "));
    match nearest(name, names.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean `{nearest}`? {listed}"),
        None => listed,
    }
}
