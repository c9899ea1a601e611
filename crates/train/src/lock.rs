//! The lock of a folder: one process at a time works in it, and the file says which.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

const FILE: &str = "run.lock";
/// How often a lock is tried again, and how long after.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(5);

/// A folder that belongs to this process until the lock is dropped.
///
/// The operating system holds the lock, not the file: when the process ends, however it ends, the folder is free again. The
/// file stays, with the number of the last process.
#[derive(Debug)]
pub struct RunLock {
    /// Open while the lock is held.
    _file: File,
}

/// A folder that cannot be worked in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process works in it.
    #[error(
        "{folder} belongs to {} that is running; stop it, wait for it, or choose another folder",
        owner(*pid)
    )]
    Held {
        /// The folder.
        folder: PathBuf,
        /// The number of the process, where its file says it.
        pid: Option<u32>,
    },
    /// The lock cannot be taken: the folder is read-only, full, or not one's own.
    #[error("cannot write {path}: {source}; the folder of a run must be writable")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn owner(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("the process {pid}"))
}

impl RunLock {
    /// Takes the folder, which exists.
    ///
    /// # Errors
    ///
    /// If another process has it, or the folder cannot be written.
    pub fn acquire(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(FILE);
        let failed = |source| LockError::Io { path: path.clone(), source };
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failed)?;
        match patiently(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { folder: folder.to_owned(), pid: pid(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Also finds a full disk, before anything is computed.
        sign(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }

    /// Whether a process works in the folder. Nothing is written, and a folder without a lock file is free.
    #[must_use]
    pub fn is_held(folder: &Path) -> bool {
        let Ok(file) = File::open(folder.join(FILE)) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

/// Takes the lock. Whoever only looks whether a folder is taken ([`RunLock::is_held`]) has it for a moment.
fn patiently(file: &File) -> Result<(), TryLockError> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            other => return other,
        }
    }
    file.try_lock()
}

/// The number in the file; none while its owner is about to write it.
fn pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_at_a_time_and_is_free_after_it() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!RunLock::is_held(folder.path()));
        let first = RunLock::acquire(folder.path()).expect("a free folder");
        assert!(RunLock::is_held(folder.path()));
        let error = RunLock::acquire(folder.path()).expect_err("taken").to_string();
        let pid = std::process::id();
        assert!(
            error.contains(&format!(" belongs to the process {pid} that is running")),
            "{error}"
        );
        drop(first);
        assert!(!RunLock::is_held(folder.path()), "the file stays, the lock does not");
        RunLock::acquire(folder.path()).expect("free again");
    }

    #[test]
    fn what_a_dead_process_left_is_taken_over() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(FILE), "4194304000\n").expect("a file");
        let _lock = RunLock::acquire(folder.path()).expect("nobody holds it");
        let text = std::fs::read_to_string(folder.path().join(FILE)).expect("the file");
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = RunLock::acquire(&folder.path().join("no")).expect_err("no folder");
        assert!(error.to_string().contains("no/run.lock: No such file"), "{error}");
    }
}
