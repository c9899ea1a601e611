//! Files that are written beside their place and renamed when they are whole.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{IoContext, ModelError};

/// A file on its way. Dropped before [`Self::finish`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Staged {
    file: Option<BufWriter<File>>,
    beside: PathBuf,
    path: PathBuf,
}

impl Staged {
    pub(crate) fn create(path: &Path) -> Result<Self, ModelError> {
        let mut staged = path.as_os_str().to_owned();
        staged.push(format!(".partial-{}", std::process::id()));
        let staged = PathBuf::from(staged);
        let file = Some(BufWriter::new(File::create(&staged).at(&staged)?));
        Ok(Self { file, beside: staged, path: path.to_owned() })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        match &mut self.file {
            Some(file) => file.write_all(bytes).at(&self.beside),
            None => Ok(()),
        }
    }

    /// Synchronises the file and puts it in its place.
    pub(crate) fn finish(mut self) -> Result<(), ModelError> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let done = file.flush().and_then(|()| file.get_ref().sync_all());
        let done = done.and_then(|()| std::fs::rename(&self.beside, &self.path));
        if done.is_err() {
            // The first error is the one to report.
            let _ = std::fs::remove_file(&self.beside);
        }
        done.at(&self.path)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // There is nobody left to tell.
            let _ = std::fs::remove_file(&self.beside);
        }
    }
}

/// Writes a file so that at its place there is the old one or the whole new one.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let mut file = Staged::create(path)?;
    file.write(bytes)?;
    file.finish()
}
