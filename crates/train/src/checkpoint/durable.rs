//! Files and folders that survive a crash: written and synced under another name, then renamed.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::CheckpointError;
use crate::seal::{FileFacts, FileSum};

/// Suffix of a folder that is being written or deleted. Nothing reads such a folder.
pub(crate) const STAGED: &str = ".tmp";

/// What checkpoints ask of a file system, one call at a time: tests stop it between any two.
pub(crate) trait Disk: Debug + Send + Sync {
    /// Makes a folder, and those above it.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes a file and fills it; what is in it may be lost when the power fails.
    fn write(&self, path: &Path, fill: &mut Fill<'_>) -> io::Result<()>;
    /// Waits until a file, or the names in a folder, would survive a loss of power.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Gives a file or folder another name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a folder with all that is in it.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
}

/// Writes the contents of a file, a piece at a time.
pub(crate) type Fill<'a> = dyn FnMut(&mut dyn Write) -> io::Result<()> + 'a;

/// The file system of the machine.
#[derive(Debug)]
pub(crate) struct OsDisk;

impl Disk for OsDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn write(&self, path: &Path, fill: &mut Fill<'_>) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        fill(&mut file)?;
        file.flush()
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// A file on the way to its place, where there is what was there before or all of the new one, whatever interrupts it. It is
/// written under another name beside its place, synced, renamed, and the folder that lists it is synced. Dropped before that,
/// it leaves what was there.
#[derive(Debug)]
pub struct Replacement {
    disk: &'static dyn Disk,
    staged: PathBuf,
    target: PathBuf,
    is_settled: bool,
}

impl Replacement {
    /// A file that is to become `target`.
    #[must_use]
    pub fn of(target: &Path) -> Self {
        Self::on(&OsDisk, target)
    }

    pub(crate) fn on(disk: &'static dyn Disk, target: &Path) -> Self {
        Self { disk, staged: staged_name(target), target: target.to_owned(), is_settled: false }
    }

    /// Where it is to be written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.staged
    }

    /// Writes it, a piece at a time.
    pub(crate) fn fill(self, fill: &mut Fill<'_>) -> io::Result<()> {
        self.disk.write(&self.staged, fill)?;
        self.settle()
    }

    /// Gives the file, which is written, its name.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn settle(mut self) -> io::Result<()> {
        self.disk.sync(&self.staged)?;
        self.disk.rename(&self.staged, &self.target)?;
        self.is_settled = true;
        self.disk.sync(parent(&self.target))
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.is_settled {
            // The error that matters is the one that kept it from its place.
            let _ = self.disk.remove_file(&self.staged);
        }
    }
}

/// Writes a file as a [`Replacement`] of what is there.
///
/// # Errors
///
/// If the system refuses; what was there is there then.
pub fn write_file(path: &Path, contents: &[u8]) -> io::Result<()> {
    Replacement::of(path).fill(&mut |file| file.write_all(contents))
}

/// Gives a folder, which is written, the place of what is there, which goes: whatever is in it would survive a loss of power
/// before it has its name, and the name after this.
///
/// # Errors
///
/// If the system refuses.
pub fn settle_folder(staged: &Path, target: &Path) -> io::Result<()> {
    settle_folder_on(&OsDisk, staged, target)
}

pub(crate) fn settle_folder_on(disk: &dyn Disk, staged: &Path, target: &Path) -> io::Result<()> {
    sync_all(disk, staged)?;
    if target.exists() {
        disk.remove_folder(target)?;
    }
    disk.rename(staged, target)?;
    disk.sync(parent(target))
}

/// Waits until a folder with all that is in it would survive a loss of power.
fn sync_all(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { sync_all(disk, &path)? } else { disk.sync(&path)? }
    }
    disk.sync(folder)
}

/// The folder that lists a file.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Why the contents of a file cannot be made, on the way through what writes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotEncoded(pub(crate) String);

impl NotEncoded {
    pub(crate) fn error(reason: &impl ToString) -> io::Error {
        io::Error::other(Self(reason.to_string()))
    }

    fn of(error: &io::Error) -> Option<String> {
        error.get_ref()?.downcast_ref::<Self>().map(|Self(reason)| reason.clone())
    }
}

/// A folder in the making. Whatever interrupts it, its target is absent or complete: the files are synced, then the folder
/// that lists them, then it is renamed, then the parent that lists it is synced. Dropped before, it leaves nothing.
#[derive(Debug)]
pub(crate) struct Staged<'a> {
    disk: &'a dyn Disk,
    /// Where the files are until all are there.
    place: PathBuf,
    target: PathBuf,
    is_settled: bool,
}

impl<'a> Staged<'a> {
    /// A folder that is to become `target`, which must not exist.
    pub(crate) fn create(disk: &'a dyn Disk, target: &Path) -> Result<Self, CheckpointError> {
        let place = staged_name(target);
        disk.create_folder(&place).map_err(|source| fail("create", &place, source))?;
        Ok(Self { disk, place, target: target.to_owned(), is_settled: false })
    }

    /// Writes one file. What cannot be encoded is told from what cannot be written by [`NotEncoded`].
    pub(crate) fn add(
        &self,
        name: &'static str,
        fill: &mut Fill<'_>,
    ) -> Result<FileFacts, CheckpointError> {
        let path = self.place.join(name);
        let mut sum = FileSum::default();
        let written = self.disk.write(&path, &mut |file| fill(&mut sum.beside(file)));
        let written = written.and_then(|()| self.disk.sync(&path));
        written.map_err(|source| {
            if let Some(reason) = NotEncoded::of(&source) {
                return CheckpointError::Encode { file: name, reason };
            }
            let free = fs4::available_space(&self.place).ok();
            let free = free.map_or_else(String::new, |free| format!(", {free} are free"));
            CheckpointError::Write { path, bytes: sum.bytes(), free, source }
        })?;
        Ok(sum.entry())
    }

    /// Gives the folder its name.
    pub(crate) fn settle(mut self) -> Result<(), CheckpointError> {
        let Self { disk, place, target, .. } = &self;
        disk.sync(place).map_err(|source| fail("sync", place, source))?;
        disk.rename(place, target).map_err(|source| fail("rename", place, source))?;
        let parent = parent(target);
        let synced = disk.sync(parent).map_err(|source| fail("sync", parent, source));
        self.is_settled = true;
        synced
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if !self.is_settled {
            // What could be written is of no use, and on a full disk its space is needed.
            let _ = self.disk.remove_folder(&self.place);
        }
    }
}

/// Deletes the folder. A kill in the middle leaves a staged name, not half a checkpoint.
pub(crate) fn remove_folder(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    let doomed = staged_name(folder);
    disk.rename(folder, &doomed)?;
    disk.remove_folder(&doomed)
}

fn staged_name(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(STAGED);
    PathBuf::from(name)
}

fn fail(action: &'static str, path: &Path, source: io::Error) -> CheckpointError {
    CheckpointError::Io { action, path: path.to_owned(), source }
}
