//! Files and folders that survive a crash: written and synced under another name, then renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::CheckpointError;

/// Suffix of a folder that is being written or deleted. Nothing reads such a folder.
pub(crate) const STAGED: &str = ".tmp";

/// Writes `files` (name and contents, in this order) as the folder `target`, which must not exist.
///
/// Whatever interrupts it, `target` is absent or complete: the files are synced, then the folder that lists them, then
/// it is renamed, then the parent that lists it is synced.
pub(crate) fn write_folder(target: &Path, files: &[(&str, &[u8])]) -> Result<(), CheckpointError> {
    let staged = staged_name(target);
    let written = stage(&staged, files).and_then(|()| {
        fs::rename(&staged, target).map_err(|source| fail("rename", &staged, source))
    });
    if written.is_err() {
        // What could be written is of no use, and on a full disk its space is needed.
        let _ = fs::remove_dir_all(&staged);
    }
    written?;
    sync_folder(target.parent().unwrap_or_else(|| Path::new(".")))
}

/// Deletes the folder. A kill in the middle leaves a staged name, not half a checkpoint.
pub(crate) fn remove_folder(folder: &Path) -> io::Result<()> {
    let doomed = staged_name(folder);
    fs::rename(folder, &doomed)?;
    fs::remove_dir_all(&doomed)
}

fn staged_name(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(STAGED);
    PathBuf::from(name)
}

fn stage(staged: &Path, files: &[(&str, &[u8])]) -> Result<(), CheckpointError> {
    fs::create_dir_all(staged).map_err(|source| fail("create", staged, source))?;
    for (name, contents) in files {
        let path = staged.join(name);
        write_file(&path, contents).map_err(|source| CheckpointError::Write {
            path,
            bytes: contents.len(),
            source,
        })?;
    }
    sync_folder(staged)
}

fn write_file(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

fn sync_folder(folder: &Path) -> Result<(), CheckpointError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| fail("sync", folder, source))
}

fn fail(action: &'static str, path: &Path, source: io::Error) -> CheckpointError {
    CheckpointError::Io { action, path: path.to_owned(), source }
}
