//! Checkpoints: folders that are complete or absent, whose every byte is accounted for.
//!
//! ```text
//! checkpoints/
//!   step-000120/
//!     model.safetensors   what is trained
//!     optimizer.bpk.zst   its moments
//!     state.json          everything else that later steps depend on
//!     manifest.json       written last
//!   step-000090.bad/      found damaged, set aside
//! ```

mod durable;
mod manifest;
mod saved;
mod state;
mod store;

use std::path::PathBuf;

pub(crate) use durable::NotEncoded;
pub use durable::{Replacement, settle_folder, write_file};
pub(crate) use manifest::Identity;
pub use manifest::Origins;
pub use saved::{Saved, saved};
pub use state::{Best, Cursor};
pub(crate) use state::{Guarded, LogMark, RunState};
pub(crate) use store::{Contents, Keep, MODEL, Make, OPTIMIZER, Store};

/// A checkpoint that could not be written, or none that can be resumed from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file could not be written, for example because the disk is full. Older checkpoints are untouched.
    #[error(
        "cannot write {path} (after {bytes} bytes{free}): {source}; older checkpoints are untouched"
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// How much of it was written.
        bytes: u64,
        /// How much room there is, in words, or nothing.
        free: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The disk cannot hold the checkpoints of this run. Nothing was trained.
    #[error(
        "{folder} has too little room: the checkpoints of this run need {needed} bytes, {free} are free; free some, lower save_total_limit, or choose another folder"
    )]
    TooLittleRoom {
        /// The folder of checkpoints.
        folder: PathBuf,
        /// Bytes that they need beyond what is there.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A file or folder could not be accessed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Every checkpoint is damaged. Starting over would lose work, so the user decides.
    #[error(
        "none of the checkpoints in {folder} can be resumed from; start over without resuming, which sets them aside:\n  {}",
        .reports.join("\n  ")
    )]
    AllDamaged {
        /// The folder of checkpoints.
        folder: PathBuf,
        /// Path and damage of each.
        reports: Vec<String>,
    },
    /// The checkpoint is of another run.
    #[error(
        "{path} is of another run; it differs from this one (was -> is) in\n  {}\nresume with what it was written with, start over without resuming (it is set aside then), or start in another folder",
        .differences.join("\n  ")
    )]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// What differs: what it was and what it is.
        differences: Vec<String>,
    },
    /// The checkpoint was written by another version.
    #[error("{path} has format version {found}, this program reads version {expected}")]
    Version {
        /// The checkpoint.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that can be read.
        expected: u32,
    },
    /// A run that is to start afresh would mix its checkpoints with those of another.
    #[error("{folder} already holds a checkpoint of step {step}: resume it, or remove the folder")]
    Exists {
        /// The folder of checkpoints.
        folder: PathBuf,
        /// The newest step.
        step: u64,
    },
    /// The folder of checkpoints leads somewhere else, where they would be written and removed.
    #[error(
        "{folder} is a link to {target}, and checkpoints are not written through links: remove it, or let the folder of the run be one"
    )]
    Link {
        /// The folder of checkpoints.
        folder: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A record is intact but not what the model or its optimiser can use.
    #[error("{path} does not fit this model: {reason}")]
    Unfit {
        /// The file, or the checkpoint's folder.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A record could not be turned into bytes.
    #[error("cannot encode {file}: {reason}; older checkpoints are untouched")]
    Encode {
        /// The file it was for.
        file: &'static str,
        /// Why.
        reason: String,
    },
}
