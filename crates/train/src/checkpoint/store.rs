//! The folder of checkpoints of one run: saving, keeping the newest, and loading the newest that is intact.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use burn::tensor::Bytes;

use super::CheckpointError;
use super::durable::{STAGED, remove_folder, write_folder};
use super::manifest::{FORMAT_VERSION, FileEntry, Identity, Manifest, Weights};

const MANIFEST: &str = "manifest.json";
const MODEL: &str = "model.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const SCHEDULER: &str = "scheduler.bpk";
/// The key of the state of the source of batches.
const SOURCE: &str = "source";
const PREFIX: &str = "step-";
const BAD: &str = "bad";

/// What is stored of a run at one step. The files are Burn's records, in its burnpack format.
#[derive(Debug)]
pub(crate) struct Contents {
    /// Number of finished optimiser steps.
    pub(crate) step: u64,
    /// Which weights `model` holds.
    pub(crate) weights: Weights,
    /// Record of the model.
    pub(crate) model: Bytes,
    /// Record of the optimiser.
    pub(crate) optimizer: Bytes,
    /// Record of the learning rate scheduler.
    pub(crate) scheduler: Bytes,
    /// What the source of batches keeps from step to step.
    pub(crate) source: Option<String>,
}

/// The checkpoints of one run.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    identity: Identity,
    /// Number of checkpoints kept.
    limit: usize,
}

/// The newest checkpoint that is intact, if there is any, and what was found wrong with newer ones.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) contents: Option<Contents>,
    pub(crate) notices: Vec<String>,
}

/// Why a checkpoint cannot be used.
enum Refusal {
    /// It is not what was written: the one before may serve.
    Damaged(String),
    /// It is what was written, but not for this run or this program: no other will do either.
    Final(CheckpointError),
}

impl Store {
    /// The store in `run_folder`, created if it is not there. Folders that a killed process left half written, or half
    /// deleted, are removed.
    pub(crate) fn open(
        run_folder: &Path,
        identity: Identity,
        limit: usize,
    ) -> Result<Self, CheckpointError> {
        let folder = run_folder.join("checkpoints");
        fs::create_dir_all(&folder).map_err(|source| io_error("create", &folder, source))?;
        for name in names(&folder)? {
            if name.starts_with(PREFIX) && name.ends_with(STAGED) {
                let stale = folder.join(name);
                fs::remove_dir_all(&stale).map_err(|source| io_error("remove", &stale, source))?;
            }
        }
        Ok(Self { folder, identity, limit })
    }

    /// Fails if there is a checkpoint: for a run that is to start afresh.
    pub(crate) fn require_empty(&self) -> Result<(), CheckpointError> {
        match self.steps()?.pop() {
            Some(step) => Err(CheckpointError::Exists { folder: self.folder.clone(), step }),
            None => Ok(()),
        }
    }

    /// Writes a checkpoint, then deletes the oldest beyond the limit. Returns what went wrong with the deletion: a
    /// checkpoint too many is no reason to end a run.
    pub(crate) fn save(&self, contents: &Contents) -> Result<Vec<String>, CheckpointError> {
        let files = [
            (MODEL, &contents.model[..]),
            (OPTIMIZER, &contents.optimizer[..]),
            (SCHEDULER, &contents.scheduler[..]),
        ];
        let manifest = Manifest {
            format_version: FORMAT_VERSION,
            identity: self.identity.clone(),
            step: contents.step,
            weights: contents.weights,
            state: contents.source.iter().map(|text| (SOURCE.to_owned(), text.clone())).collect(),
            files: files
                .iter()
                .map(|&(name, bytes)| (name.to_owned(), FileEntry::of(bytes)))
                .collect(),
        };
        let text = manifest.seal().map_err(|error| CheckpointError::Encode {
            file: MANIFEST,
            reason: error.to_string(),
        })?;
        let [model, optimizer, scheduler] = files;
        let all = [model, optimizer, scheduler, (MANIFEST, text.as_bytes())];
        write_folder(&self.path(contents.step), &all)?;
        self.prune()
    }

    /// Loads the newest intact checkpoint. Damaged ones that are newer are set aside and named in the notices.
    ///
    /// If every one is damaged they all stay where they are, so that the next attempt fails in the same way: a run never
    /// starts over by itself.
    pub(crate) fn load_newest(&self) -> Result<Found, CheckpointError> {
        let mut damaged = Vec::new();
        for step in self.steps()?.into_iter().rev() {
            match self.load(step) {
                Ok(contents) => {
                    let notices = self.set_all_aside(damaged)?;
                    return Ok(Found { contents: Some(contents), notices });
                }
                Err(Refusal::Final(error)) => return Err(error),
                Err(Refusal::Damaged(reason)) => damaged.push((step, reason)),
            }
        }
        if damaged.is_empty() {
            return Ok(Found { contents: None, notices: vec![] });
        }
        let describe = |(step, reason)| format!("{}: {reason}", self.path(step).display());
        let reports = damaged.into_iter().map(describe).collect();
        Err(CheckpointError::AllDamaged { folder: self.folder.clone(), reports })
    }

    /// The folder of the checkpoint of this step.
    pub(crate) fn path(&self, step: u64) -> PathBuf {
        self.folder.join(folder_name(step))
    }

    /// The steps of which there is a folder that looks like a checkpoint, ascending.
    fn steps(&self) -> Result<Vec<u64>, CheckpointError> {
        let mut steps: Vec<u64> = names(&self.folder)?
            .iter()
            .filter_map(|name| {
                let step = name.strip_prefix(PREFIX)?.parse().ok()?;
                (*name == folder_name(step)).then_some(step)
            })
            .collect();
        steps.sort_unstable();
        Ok(steps)
    }

    fn prune(&self) -> Result<Vec<String>, CheckpointError> {
        let steps = self.steps()?;
        let old = &steps[..steps.len().saturating_sub(self.limit)];
        let failed = old.iter().filter_map(|&step| {
            let path = self.path(step);
            let error = remove_folder(&path).err()?;
            Some(format!("cannot remove the old checkpoint {}: {error}", path.display()))
        });
        Ok(failed.collect())
    }

    fn load(&self, step: u64) -> Result<Contents, Refusal> {
        let folder = self.path(step);
        let text = String::from_utf8(read(&folder.join(MANIFEST))?)
            .map_err(|_| Refusal::Damaged(format!("{MANIFEST} is not UTF-8")))?;
        let manifest = Manifest::open(&text)
            .map_err(|reason| Refusal::Damaged(format!("{MANIFEST}: {reason}")))?;
        self.check(&folder, step, &manifest)?;
        let file = |name| read_checked(&folder, name, &manifest);
        Ok(Contents {
            step,
            weights: manifest.weights,
            model: Bytes::from_bytes_vec(file(MODEL)?),
            optimizer: Bytes::from_bytes_vec(file(OPTIMIZER)?),
            scheduler: Bytes::from_bytes_vec(file(SCHEDULER)?),
            source: manifest.state.get(SOURCE).cloned(),
        })
    }

    fn check(&self, folder: &Path, step: u64, manifest: &Manifest) -> Result<(), Refusal> {
        let path = || folder.to_owned();
        if manifest.format_version != FORMAT_VERSION {
            let found = manifest.format_version;
            let expected = FORMAT_VERSION;
            return Err(Refusal::Final(CheckpointError::Version { path: path(), found, expected }));
        }
        if manifest.step != step {
            let reason = format!("{MANIFEST} is of step {}", manifest.step);
            return Err(Refusal::Damaged(reason));
        }
        let (theirs, ours) = (&manifest.identity, &self.identity);
        for (what, found, expected) in [
            ("stage", &theirs.stage, &ours.stage),
            ("config hash", &theirs.config_hash, &ours.config_hash),
        ] {
            if found != expected {
                let (found, expected) = (found.clone(), expected.clone());
                let error = CheckpointError::OtherRun { path: path(), what, found, expected };
                return Err(Refusal::Final(error));
            }
        }
        Ok(())
    }

    /// Renames damaged checkpoints, so that their steps are free and they stay for inspection.
    fn set_all_aside(&self, damaged: Vec<(u64, String)>) -> Result<Vec<String>, CheckpointError> {
        let set_aside = |(step, reason)| {
            let aside = self.set_aside(step)?;
            let (path, aside) = (self.path(step), aside.display().to_string());
            Ok(format!("{} is damaged ({reason}), set aside as {aside}", path.display()))
        };
        damaged.into_iter().map(set_aside).collect()
    }

    fn set_aside(&self, step: u64) -> Result<PathBuf, CheckpointError> {
        let path = self.path(step);
        let mut aside = path.with_added_extension(BAD);
        let mut attempt = 1;
        while aside.exists() {
            attempt += 1;
            aside = path.with_added_extension(format!("{BAD}-{attempt}"));
        }
        fs::rename(&path, &aside).map_err(|source| io_error("set aside", &path, source))?;
        Ok(aside)
    }
}

fn folder_name(step: u64) -> String {
    format!("{PREFIX}{step:06}")
}

fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => Refusal::Final(io_error("read", path, error)),
        _ => Refusal::Damaged(format!("cannot read {}: {error}", path.display())),
    })
}

fn read_checked(folder: &Path, name: &str, manifest: &Manifest) -> Result<Vec<u8>, Refusal> {
    let damaged = |reason: &str| Refusal::Damaged(format!("{name}: {reason}"));
    let expected = manifest.files.get(name).ok_or_else(|| damaged("not in the manifest"))?;
    let contents = read(&folder.join(name))?;
    if contents.len() as u64 != expected.bytes {
        let (found, expected) = (contents.len(), expected.bytes);
        return Err(damaged(&format!("{found} bytes instead of {expected}")));
    }
    if FileEntry::of(&contents) != *expected {
        return Err(damaged("its SHA-256 does not match"));
    }
    Ok(contents)
}

fn names(folder: &Path) -> Result<Vec<String>, CheckpointError> {
    let list = || -> io::Result<Vec<String>> {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    list().map_err(|source| io_error("list", folder, source))
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> CheckpointError {
    CheckpointError::Io { action, path: path.to_owned(), source }
}
