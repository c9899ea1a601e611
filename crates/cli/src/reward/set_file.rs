//! The functions that a command is asked to use: one by its name, or those of a file.

use std::path::{Path, PathBuf};

use clap::Args;
use forethought_pipeline::{Document, PipelineError, StopFlag, parse_device, reward_set};
use forethought_reward::{RewardConfig, RewardSet};
use serde::Deserialize;

use crate::commands::Failure;

/// Which functions.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SetSource {
    /// A YAML file with `rewards`, a list as in a pipeline, and perhaps `max_unjudged_share`
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    /// One function with its default settings
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// What a file of functions holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetConfig {
    /// The functions with their weights.
    rewards: Vec<RewardConfig>,
    /// The largest share of completions that a function may leave unjudged. Default 1: any.
    #[serde(default = "any")]
    pub(crate) max_unjudged_share: f64,
    /// The file, if they are from one.
    #[serde(skip)]
    path: Option<PathBuf>,
}

fn any() -> f64 {
    1.0
}

impl SetSource {
    /// The functions and their settings.
    pub(crate) fn config(&self) -> Result<SetConfig, Failure> {
        match (&self.set, &self.name) {
            (Some(path), _) => SetConfig::read(path),
            (None, name) => {
                let reward = RewardConfig::named(name.as_deref().unwrap_or_default());
                let rewards = vec![reward.map_err(|error| Failure::Usage(error.to_string()))?];
                Ok(SetConfig { rewards, max_unjudged_share: any(), path: None })
            }
        }
    }
}

impl SetConfig {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let document = Document::read(path, &[]).map_err(PipelineError::from)?;
        let config: Self = document.to_config().map_err(PipelineError::from)?;
        let share = config.max_unjudged_share;
        if !(0.0..=1.0).contains(&share) {
            let message = format!("must be from 0 to 1, got {share}");
            return Err(PipelineError::from(document.error("max_unjudged_share", message)).into());
        }
        Ok(Self { path: Some(path.to_owned()), ..config })
    }

    /// Builds the functions; models are computed on the device of this name.
    pub(crate) fn open(&self, device: &str) -> Result<RewardSet, Failure> {
        let named = |error: String| match &self.path {
            Some(path) => format!("{}: rewards: {error}", path.display()),
            None => error,
        };
        let set = reward_set(&self.rewards, &parse_device(device)?, &StopFlag::new());
        set.map_err(|error| Failure::Usage(named(error)))
    }
}
