//! What there is to see of a run while it lasts and afterwards. Everything is read from its folder; nothing is written.

use std::fs;
use std::path::{Path, PathBuf};

use forethought_dataset::{ColumnType, FirstContact, Table};
use forethought_train::{RunLock, StepRecord};
use serde::Serialize;

use crate::PipelineError;
use crate::artifact::{self, RunFolder, read_json};
use crate::config::{PipelineConfig, StageConfig};
use crate::manifest::{RunManifest, StageFacts};
use crate::secret::redact;
use crate::training::HISTORY;

/// A run whose folder is looked at.
#[derive(Clone, Debug)]
pub struct WatchedRun {
    folder: RunFolder,
    contact: FirstContact,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunState {
    /// The name of the pipeline.
    pub name: String,
    /// Whether a process works in the folder.
    pub is_running: bool,
    /// Its stages in their order.
    pub stages: Vec<StageState>,
    /// The files of sampled completions by name, the oldest first.
    pub completions: Vec<String>,
}

/// How far a stage is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageState {
    /// Its name.
    pub name: String,
    /// How far.
    pub state: StageProgress,
    /// Seconds it took, when it is done.
    pub seconds: Option<f64>,
    /// Optimiser steps that are logged.
    pub num_steps: u64,
}

/// What a stage is doing, or has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StageProgress {
    /// Its artifact is there, and of this run.
    Done,
    /// A process works on it.
    Running,
    /// It was begun, and nobody works on it any more: a signal, a kill or an error ended the run.
    Interrupted,
    /// Its artifact is that of an earlier run in the folder.
    Older,
    /// It was not begun.
    Waiting,
}

/// A sampled completion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SampledCompletion {
    /// What was asked.
    pub prompt: String,
    /// What came.
    pub completion: String,
    /// What it was worth.
    pub reward: Option<f64>,
    /// Its advantage.
    pub advantage: Option<f64>,
}

/// Rows of a file of completions that are shown.
const SHOWN: usize = 200;

impl WatchedRun {
    /// The run in this folder, and who reads its parquet files first.
    ///
    /// # Errors
    ///
    /// If the folder holds no run.
    pub fn open(root: &Path, contact: FirstContact) -> Result<Self, PipelineError> {
        let run = Self { folder: RunFolder::new(root.to_owned()), contact };
        run.config()?;
        Ok(run)
    }

    fn config(&self) -> Result<PipelineConfig, PipelineError> {
        Ok(PipelineConfig::read(&self.folder.root().join("config.resolved.yaml"), &[])?)
    }

    /// How far it is.
    ///
    /// # Errors
    ///
    /// If its config cannot be read.
    pub fn state(&self) -> Result<RunState, PipelineError> {
        let config = self.config()?;
        let root = self.folder.root();
        let is_running = RunLock::is_held(root);
        // A run writes its manifest when it begins, and again after each stage.
        let manifest: Option<RunManifest> = read_json(&root.join("manifest.json")).ok();
        let finished = manifest.map_or_else(Vec::new, |manifest| manifest.stages);
        let mut stages: Vec<StageState> =
            config.stages.iter().map(|stage| self.stage(stage, &finished)).collect();
        // Stages run in their order: what was begun behind the first of these was begun by an earlier run.
        let begun = stages.iter_mut().find(|stage| stage.state == StageProgress::Interrupted);
        if let Some(stage) = begun.filter(|_| is_running) {
            stage.state = StageProgress::Running;
        }
        let mut completions: Vec<String> = names(&self.completions_folder());
        completions.retain(|name| name.ends_with(".parquet"));
        Ok(RunState { name: redact(&config.name), is_running, stages, completions })
    }

    /// How far a stage is if nobody works in the folder.
    fn stage(&self, stage: &StageConfig, finished: &[StageFacts]) -> StageState {
        let name = stage.name().to_owned();
        let done = finished.iter().find(|one| one.name == name);
        let is_begun = self.folder.staging(&name).is_dir();
        let is_there = self.folder.artifact(&name).join(artifact::MANIFEST).is_file();
        let state = match done {
            Some(_) => StageProgress::Done,
            None if is_begun => StageProgress::Interrupted,
            None if is_there => StageProgress::Older,
            None => StageProgress::Waiting,
        };
        let seconds = done.map(|one| one.seconds);
        let num_steps = self.records(&name).last().map_or(0, |record| record.step);
        StageState { name, state, seconds, num_steps }
    }

    /// What a stage logged after this step; nothing of a stage that there is not.
    #[must_use]
    pub fn steps(&self, stage: &str, after: u64) -> Vec<StepRecord> {
        let is_known = self
            .config()
            .is_ok_and(|config| config.stages.iter().any(|known| known.name() == stage));
        if !is_known {
            return Vec::new();
        }
        let mut records = self.records(stage);
        records.retain(|record| record.step > after);
        records
    }

    /// The log of a stage: while it trains it grows, so that a line at its end may be cut.
    fn records(&self, stage: &str) -> Vec<StepRecord> {
        let running = self.folder.training(stage).join("metrics.jsonl");
        let done = self.folder.artifact(stage).join(HISTORY);
        let path = if running.is_file() { running } else { done };
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn completions_folder(&self) -> PathBuf {
        self.folder.completions()
    }

    /// The first rows of a file of completions; none if there is no such file, or it is being written.
    #[must_use]
    pub fn completions(&self, name: &str) -> Vec<SampledCompletion> {
        // Only what the folder lists is opened, so that no name leads out of it.
        if !names(&self.completions_folder()).iter().any(|known| known == name) {
            return Vec::new();
        }
        let columns = [
            ("prompt", ColumnType::Text),
            ("completion", ColumnType::Text),
            ("reward", ColumnType::Float),
            ("advantage", ColumnType::Float),
        ];
        let path = self.completions_folder().join(name);
        let table = Table::read_parquet(&self.contact, &path, &columns);
        let Ok(table) = table else { return Vec::new() };
        let text = |column: &str, row: usize| {
            redact(table.texts(column)[row].as_deref().unwrap_or_default())
        };
        let row = |row: usize| SampledCompletion {
            prompt: text("prompt", row),
            completion: text("completion", row),
            reward: table.floats("reward")[row],
            advantage: table.floats("advantage")[row],
        };
        (0..table.num_rows().min(SHOWN)).map(row).collect()
    }
}

/// The names in a folder, in their order; none where it is not there.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
