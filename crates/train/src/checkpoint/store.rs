//! The folder of checkpoints of one run: saving, keeping the newest, and loading the newest that is intact.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::CheckpointError;
use super::durable::{Disk, OsDisk, STAGED, Staged, remove_folder};
use super::manifest::{FORMAT_VERSION, Identity, Manifest, Unreadable};
use super::saved::{FOLDER, MANIFEST, PREFIX, folder_name, names, newest, steps};
use super::state::RunState;
use crate::seal::FileFacts;

/// What is trained, as safetensors.
pub(crate) const MODEL: &str = "model.safetensors";
/// The optimiser's state: Burn's record, packed.
pub(crate) const OPTIMIZER: &str = "optimizer.bpk.zst";
const STATE: &str = "state.json";
const BAD: &str = "bad";

/// What is stored of a run at one step.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) model: Vec<u8>,
    pub(crate) optimizer: Vec<u8>,
    pub(crate) state: RunState,
}

/// The checkpoints of one run.
#[derive(Debug)]
pub(crate) struct Store {
    disk: Box<dyn Disk>,
    folder: PathBuf,
    identity: Identity,
    keep: Keep,
}

/// Which checkpoints are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    /// How many, the newest.
    pub(crate) limit: usize,
    /// Where a run may go back: the newest checkpoint whose step is a multiple of this stays too. A signal writes others,
    /// and a run that was interrupted must go back where one that was not would.
    pub(crate) anchor: Option<u64>,
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

/// Writes the contents of a file when its turn has come, a piece at a time, so that little of it is held. What cannot be
/// encoded is a [`NotEncoded`].
pub(crate) type Make<'a> = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + 'a>;

impl Store {
    /// The store in `run_folder`, created if it is not there. Folders that a killed process left half written, or half
    /// deleted, are removed.
    pub(crate) fn open(
        run_folder: &Path,
        identity: Identity,
        keep: Keep,
    ) -> Result<Self, CheckpointError> {
        Self::on(Box::new(OsDisk), run_folder, identity, keep)
    }

    fn on(
        disk: Box<dyn Disk>,
        run_folder: &Path,
        identity: Identity,
        keep: Keep,
    ) -> Result<Self, CheckpointError> {
        let folder = run_folder.join(FOLDER);
        if let Ok(target) = fs::read_link(&folder) {
            return Err(CheckpointError::Link { folder, target });
        }
        disk.create_folder(&folder).map_err(|source| io_error("create", &folder, source))?;
        for name in names(&folder)? {
            if name.starts_with(PREFIX) && name.ends_with(STAGED) {
                let stale = folder.join(name);
                disk.remove_folder(&stale).map_err(|source| io_error("remove", &stale, source))?;
            }
        }
        Ok(Self { disk, folder, identity, keep })
    }

    /// Fails if the newest checkpoint in `run_folder` that can be read is of another run. Of models that are yet to be made
    /// nothing is known then: what `ours` does not name is not compared.
    pub(crate) fn require_same(run_folder: &Path, ours: &Identity) -> Result<(), CheckpointError> {
        let folder = run_folder.join(FOLDER);
        if !folder.is_dir() {
            return Ok(());
        }
        let Some((step, mut theirs)) = newest(&folder, &steps(&folder)?) else { return Ok(()) };
        if ours.is_same_run(&theirs) {
            return Ok(());
        }
        theirs.origins.tokenizer.retain(|key, _| ours.origins.tokenizer.contains_key(key));
        theirs.origins.base_model.retain(|key, _| ours.origins.base_model.contains_key(key));
        let differences = ours.differences(&theirs);
        Err(CheckpointError::OtherRun { path: folder.join(folder_name(step)), differences })
    }

    /// Fails if there is a checkpoint: for a run that is to start afresh.
    pub(crate) fn require_empty(&self) -> Result<(), CheckpointError> {
        match self.steps()?.pop() {
            Some(step) => Err(CheckpointError::Exists { folder: self.folder.clone(), step }),
            None => Ok(()),
        }
    }

    /// Fails if the disk cannot take all the checkpoints that are kept, and one more while it is written, each of at most
    /// so many bytes.
    pub(crate) fn require_room(&self, checkpoint_bytes: u64) -> Result<(), CheckpointError> {
        let limit = self.keep.limit + usize::from(self.keep.anchor.is_some());
        let kept = self.steps()?.len().min(limit);
        let missing = (limit - kept) as u64 + 1;
        let needed = checkpoint_bytes.saturating_mul(missing);
        let folder = self.folder.clone();
        match fs4::available_space(&folder) {
            Ok(free) if free < needed => {
                Err(CheckpointError::TooLittleRoom { folder, needed, free })
            }
            // A file system that does not say how full it is will say so when it is written to.
            _ => Ok(()),
        }
    }

    /// Writes a checkpoint, then deletes the oldest beyond the limit. Returns what went wrong with the deletion: a
    /// checkpoint too many is no reason to end a run.
    ///
    /// One of the same step is replaced only by a run that went back before it.
    pub(crate) fn save(
        &self,
        state: &RunState,
        model: Make<'_>,
        optimizer: Make<'_>,
    ) -> Result<Vec<String>, CheckpointError> {
        let target = self.path(state.step);
        if target.exists() {
            remove_folder(&*self.disk, &target)
                .map_err(|source| io_error("replace", &target, source))?;
        }
        let staged = Staged::create(&*self.disk, &target)?;
        let files = [
            (MODEL.to_owned(), add(&staged, MODEL, model)?),
            (OPTIMIZER.to_owned(), add(&staged, OPTIMIZER, optimizer)?),
            (STATE.to_owned(), add(&staged, STATE, all_of(encode(STATE, state)?))?),
        ];
        let manifest = Manifest {
            format_version: FORMAT_VERSION,
            identity: self.identity.clone(),
            step: state.step,
            files: files.into(),
        };
        let text = manifest.seal().map_err(|error| not_encoded(MANIFEST, &error))?;
        add(&staged, MANIFEST, all_of(text.into_bytes()))?;
        staged.settle()?;
        self.prune()
    }

    /// Loads the newest intact checkpoint. Damaged ones that are newer are set aside and named in the notices.
    ///
    /// If every one is damaged they all stay where they are, so that the next attempt fails in the same way: a run never
    /// starts over by itself.
    pub(crate) fn load_newest(&self) -> Result<Found, CheckpointError> {
        self.load_first_of(self.steps()?)
    }

    /// Loads the newest intact checkpoint that a run may go back to.
    pub(crate) fn load_anchor(&self) -> Result<Found, CheckpointError> {
        let mut steps = self.steps()?;
        steps.retain(|step| self.is_anchor(*step));
        self.load_first_of(steps)
    }

    fn is_anchor(&self, step: u64) -> bool {
        self.keep.anchor.is_some_and(|period| step.is_multiple_of(period))
    }

    /// Loads the last of some checkpoints, which stand in ascending order, or the intact one before.
    fn load_first_of(&self, steps: Vec<u64>) -> Result<Found, CheckpointError> {
        let mut damaged = Vec::new();
        for step in steps.into_iter().rev() {
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

    fn steps(&self) -> Result<Vec<u64>, CheckpointError> {
        steps(&self.folder)
    }

    fn prune(&self) -> Result<Vec<String>, CheckpointError> {
        let steps = self.steps()?;
        let old = &steps[..steps.len().saturating_sub(self.keep.limit)];
        let anchor = steps.iter().copied().rfind(|step| self.is_anchor(*step));
        let old = old.iter().filter(|step| Some(**step) != anchor);
        let failed = old.filter_map(|&step| {
            let path = self.path(step);
            let error = remove_folder(&*self.disk, &path).err()?;
            Some(format!("cannot remove the old checkpoint {}: {error}", path.display()))
        });
        Ok(failed.collect())
    }

    fn load(&self, step: u64) -> Result<Contents, Refusal> {
        let folder = self.path(step);
        let text = String::from_utf8(read(&folder.join(MANIFEST))?)
            .map_err(|_| Refusal::Damaged(format!("{MANIFEST} is not UTF-8")))?;
        let manifest = Manifest::open(&text).map_err(|why| match why {
            Unreadable::Damaged(reason) => Refusal::Damaged(format!("{MANIFEST}: {reason}")),
            Unreadable::OtherVersion(found) => Refusal::Final(CheckpointError::Version {
                path: folder.clone(),
                found,
                expected: FORMAT_VERSION,
            }),
        })?;
        self.check(&folder, step, &manifest)?;
        let file = |name| read_checked(&folder, name, &manifest);
        let state: RunState = serde_json::from_slice(&file(STATE)?)
            .map_err(|error| Refusal::Final(unfit(&folder.join(STATE), &error)))?;
        Ok(Contents { model: file(MODEL)?, optimizer: file(OPTIMIZER)?, state })
    }

    fn check(&self, folder: &Path, step: u64, manifest: &Manifest) -> Result<(), Refusal> {
        if manifest.step != step {
            let reason = format!("{MANIFEST} is of step {}", manifest.step);
            return Err(Refusal::Damaged(reason));
        }
        if self.identity.is_same_run(&manifest.identity) {
            return Ok(());
        }
        let differences = self.identity.differences(&manifest.identity);
        let path = folder.to_owned();
        Err(Refusal::Final(CheckpointError::OtherRun { path, differences }))
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
        self.disk.rename(&path, &aside).map_err(|source| io_error("set aside", &path, source))?;
        Ok(aside)
    }
}

/// Writes a file of a checkpoint.
fn add(
    staged: &Staged<'_>,
    name: &'static str,
    make: Make<'_>,
) -> Result<FileFacts, CheckpointError> {
    let mut make = Some(make);
    staged.add(name, &mut |file| make.take().map_or(Ok(()), |make| make(file)))
}

/// Contents that are there.
fn all_of(contents: Vec<u8>) -> Make<'static> {
    Box::new(move |file| file.write_all(&contents))
}

fn encode<T: serde::Serialize>(file: &'static str, value: &T) -> Result<Vec<u8>, CheckpointError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| not_encoded(file, &error))?;
    text.push(b'\n');
    Ok(text)
}

fn not_encoded(file: &'static str, error: &serde_json::Error) -> CheckpointError {
    CheckpointError::Encode { file, reason: error.to_string() }
}

fn unfit(path: &Path, error: &serde_json::Error) -> CheckpointError {
    CheckpointError::Unfit { path: path.to_owned(), reason: error.to_string() }
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
    match expected.difference(&FileFacts::of(&contents)) {
        Some(difference) => Err(damaged(&difference)),
        None => Ok(contents),
    }
}

pub(super) fn io_error(action: &'static str, path: &Path, source: io::Error) -> CheckpointError {
    CheckpointError::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
