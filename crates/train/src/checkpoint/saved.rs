//! Which checkpoints are in the folder of a run, by their names and manifests alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::CheckpointError;
use super::manifest::{Identity, Manifest};
use super::store::io_error;

/// The folder of checkpoints in that of a run.
pub(super) const FOLDER: &str = "checkpoints";
/// The file that makes a folder a checkpoint.
pub(super) const MANIFEST: &str = "manifest.json";
/// What the names of checkpoints begin with.
pub(super) const PREFIX: &str = "step-";

/// The checkpoints in the folder of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    folder: PathBuf,
    /// The steps of which there is one, whole or not, ascending.
    pub steps: Vec<u64>,
    /// The hash of the run that they are of, by the newest manifest that can be read.
    pub config_hash: Option<String>,
}

/// The checkpoints in the folder of a run; none where there is no such folder.
///
/// # Errors
///
/// If a folder that is there cannot be listed.
pub fn saved(run_folder: &Path) -> Result<Saved, CheckpointError> {
    let folder = run_folder.join(FOLDER);
    if !folder.is_dir() {
        return Ok(Saved::default());
    }
    let steps = steps(&folder)?;
    let config_hash = newest(&folder, &steps).map(|(_, identity)| identity.config_hash);
    Ok(Saved { folder, steps, config_hash })
}

impl Saved {
    /// The folder of the checkpoint of this step.
    #[must_use]
    pub fn path(&self, step: u64) -> PathBuf {
        self.folder.join(folder_name(step))
    }
}

/// The steps of which there is a folder that looks like a checkpoint, ascending.
pub(super) fn steps(folder: &Path) -> Result<Vec<u64>, CheckpointError> {
    let mut steps: Vec<u64> = names(folder)?
        .iter()
        .filter_map(|name| {
            let step = name.strip_prefix(PREFIX)?.parse().ok()?;
            (*name == folder_name(step)).then_some(step)
        })
        .collect();
    steps.sort_unstable();
    Ok(steps)
}

/// The newest of these checkpoints whose manifest can be read, and what it is of.
pub(super) fn newest(folder: &Path, steps: &[u64]) -> Option<(u64, Identity)> {
    steps.iter().rev().find_map(|&step| {
        let text = fs::read_to_string(folder.join(folder_name(step)).join(MANIFEST)).ok()?;
        Some((step, Manifest::open(&text).ok()?.identity))
    })
}

pub(super) fn folder_name(step: u64) -> String {
    format!("{PREFIX}{step:06}")
}

pub(super) fn names(folder: &Path) -> Result<Vec<String>, CheckpointError> {
    let list = || -> io::Result<Vec<String>> {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    list().map_err(|source| io_error("list", folder, source))
}
