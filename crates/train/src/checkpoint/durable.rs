//! Files and folders that survive a crash: written and synced under another name, then renamed.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::CheckpointError;
use super::manifest::{FileEntry, FileSum};

/// Suffix of a folder that is being written or deleted. Nothing reads such a folder.
pub(crate) const STAGED: &str = ".tmp";

/// What checkpoints ask of a file system, one call at a time: tests stop it between any two.
pub(crate) trait Disk: Debug + Send {
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
    ) -> Result<FileEntry, CheckpointError> {
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
        let parent = target.parent().unwrap_or_else(|| Path::new("."));
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
