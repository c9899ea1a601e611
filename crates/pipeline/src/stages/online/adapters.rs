//! The states of an adapter that a server samples with: saved as PEFT folders, named by their content, loaded when needed.

use std::fs;
use std::path::{Path, PathBuf};

use forethought_model::{Decoder, save_adapter};
use forethought_remote_rollout::{RemoteError, RolloutServer};
use forethought_train::{BatchError, hexadecimal, settle_folder};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::PipelineError;

/// A state of the adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Current {
    /// The optimiser steps behind it.
    pub(super) step: u64,
    /// The SHA-256 of its files.
    pub(super) hash: String,
}

impl Current {
    fn folder(&self) -> String {
        format!("step-{:06}-{}", self.step, &self.hash[..16])
    }
}

/// The states of an adapter.
#[derive(Debug)]
pub(super) struct Adapters {
    /// The steps after which a state is replaced.
    pub(super) every: u64,
    /// What its name in the server begins with.
    pub(super) prefix: String,
    pub(super) folder: PathBuf,
    pub(super) folder_on_server: Option<String>,
    /// States that are so many steps older than the current one are needed by no checkpoint any more.
    pub(super) kept_steps: u64,
    pub(super) current: Option<Current>,
    /// The name of the state that was loaded last.
    pub(super) loaded: Option<String>,
}

impl Adapters {
    /// Saves the adapter as it is now, if the current state is too old. Whether the current state was lost, so that it had
    /// to be replaced before its time.
    pub(super) fn refresh(&mut self, step: u64, policy: &Decoder) -> Result<bool, BatchError> {
        let due = |current: &Current| self.every <= step.saturating_sub(current.step);
        let is_lost = self
            .current
            .as_ref()
            .is_some_and(|one| !due(one) && !self.folder.join(one.folder()).is_dir());
        if self.current.as_ref().is_some_and(|one| !due(one)) && !is_lost {
            return Ok(false);
        }
        self.current = Some(self.save(step, policy)?);
        self.forget_old(step)?;
        Ok(is_lost)
    }

    /// Steps behind the current state.
    pub(super) fn step(&self) -> u64 {
        self.current.as_ref().map_or(0, |current| current.step)
    }

    /// What the current state is called in the server.
    pub(super) fn name(&self) -> String {
        let hash = self.current.as_ref().map_or("", |current| &current.hash[..16]);
        format!("{}-{hash}", self.prefix)
    }

    /// Makes the server have the current state, and forget the one before.
    pub(super) fn load(
        &mut self,
        server: &RolloutServer,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), RemoteError> {
        let name = self.name();
        let Some(current) = &self.current else { return Ok(()) };
        if self.loaded.as_ref() == Some(&name) {
            return Ok(());
        }
        let path = match &self.folder_on_server {
            Some(folder) => format!("{}/{}", folder.trim_end_matches('/'), current.folder()),
            None => self.folder.join(current.folder()).to_string_lossy().into_owned(),
        };
        server.load_adapter(&name, &path, stop)?;
        match self.loaded.replace(name) {
            Some(before) => server.unload_adapter(&before, stop),
            None => Ok(()),
        }
    }

    fn save(&self, step: u64, policy: &Decoder) -> Result<Current, BatchError> {
        let part = self.folder.join(".part");
        if part.exists() {
            fs::remove_dir_all(&part).map_err(PipelineError::io(&part))?;
        }
        save_adapter(policy, &part)?;
        let current = Current { step, hash: hash(&part)? };
        let target = self.folder.join(current.folder());
        settle_folder(&part, &target).map_err(PipelineError::io(&target))?;
        Ok(current)
    }

    fn forget_old(&self, step: u64) -> Result<(), BatchError> {
        let entries = fs::read_dir(&self.folder).map_err(PipelineError::io(&self.folder))?;
        let own = self.current.as_ref().map(Current::folder);
        for entry in entries {
            let path = entry.map_err(PipelineError::io(&self.folder))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let of_step = name.strip_prefix("step-").and_then(|rest| rest.split_once('-'));
            let of_step = of_step.and_then(|(number, _)| number.parse::<u64>().ok());
            let is_old = of_step.is_some_and(|one| one.saturating_add(self.kept_steps) < step);
            if is_old && own.as_deref() != Some(name) {
                fs::remove_dir_all(&path).map_err(PipelineError::io(&path))?;
            }
        }
        Ok(())
    }
}

/// The SHA-256 of the files of a folder, by their names.
fn hash(folder: &Path) -> Result<String, BatchError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(PipelineError::io(folder))? {
        paths.push(entry.map_err(PipelineError::io(folder))?.path());
    }
    paths.sort();
    let mut hasher = Sha256::new();
    for path in paths {
        let bytes = fs::read(&path).map_err(PipelineError::io(&path))?;
        hasher.update(path.file_name().unwrap_or_default().to_string_lossy().as_bytes());
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    Ok(hexadecimal(&hasher.finalize()))
}
