//! The manifest of a run: what was run, by which program, on which files, and how long it took.

use std::collections::BTreeMap;
use std::path::Path;

use forethought_train::hexadecimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::artifact::{self, ArtifactManifest, Ingredients};
use crate::config::PipelineConfig;
use crate::console::Console;
use crate::secret::{redact, redact_words};
use crate::{PipelineError, yaml};

/// The file of a run's manifest.
const FILE: &str = "manifest.json";

/// What a run folder holds, beside the artifacts' own manifests: `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunManifest {
    /// The name of the pipeline.
    pub name: String,
    /// The seed.
    pub seed: u64,
    /// The version of forethought.
    pub version: String,
    /// SHA-256 of the program's file; none in a build for debugging.
    pub executable_sha256: Option<String>,
    /// The command line of the last run, without secrets.
    pub command: Vec<String>,
    /// The command lines that the last one went on from with `--resume`, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_commands: Vec<Vec<String>>,
    /// SHA-256 of the resolved config.
    pub config_sha256: String,
    /// Finished stages in their order.
    pub stages: Vec<StageFacts>,
}

/// What a run says of a finished stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageFacts {
    /// The name of the stage.
    pub name: String,
    /// The id of its artifact.
    pub id: String,
    /// The seed that its random numbers are derived from.
    pub seed: u64,
    /// Seconds of wall-clock time, when it last ran.
    pub seconds: f64,
    /// Whether its artifact was there, so that this run did not make it.
    pub is_reused: bool,
    /// SHA-256 of the files outside the run folder that it read: data, models, prompts.
    pub files: BTreeMap<String, String>,
}

/// Where an artifact of a run comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This run made it.
    Made,
    /// It was there.
    Reused,
}

impl StageFacts {
    pub(crate) fn new(
        artifact: &ArtifactManifest,
        ingredients: &Ingredients<'_>,
        origin: Origin,
    ) -> Self {
        Self {
            name: artifact.stage.clone(),
            id: artifact.id.clone(),
            seed: forethought_seed::Seed::new(ingredients.seed).derive(ingredients.stage).number(),
            seconds: artifact.seconds,
            is_reused: origin == Origin::Reused,
            files: ingredients
                .files
                .iter()
                .map(|(path, hash)| (redact(path), hash.clone()))
                .collect(),
        }
    }
}

impl RunManifest {
    /// The manifest of a run that has finished nothing yet.
    pub(crate) fn new(config: &PipelineConfig) -> Result<Self, PipelineError> {
        let command: Vec<String> =
            std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
        Ok(Self {
            name: config.name.clone(),
            seed: config.seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            executable_sha256: executable_sha256(),
            command: redact_words(&command),
            earlier_commands: Vec::new(),
            config_sha256: hexadecimal(&Sha256::digest(yaml(config)?)),
            stages: Vec::new(),
        })
    }

    /// Keeps the commands of the run that this one goes on with.
    pub(crate) fn go_on(&mut self, root: &Path, console: Console) {
        let path = root.join(FILE);
        if !path.exists() {
            return;
        }
        match artifact::read_json::<Self>(&path) {
            Ok(before) => {
                self.earlier_commands = before.earlier_commands;
                self.earlier_commands.push(before.command);
            }
            Err(error) => {
                console.line(format!("the commands so far cannot be kept: {error}"));
            }
        }
    }

    pub(crate) fn write(&self, root: &Path) -> Result<(), PipelineError> {
        artifact::write_json(&root.join(FILE), self)
    }
}

/// Hashing the large file of a build for debugging, with unoptimised code, would take longer than many runs.
fn executable_sha256() -> Option<String> {
    if cfg!(debug_assertions) {
        return None;
    }
    let path = std::env::current_exe().ok()?;
    artifact::file_facts(&path).ok().map(|facts| facts.sha256)
}
