//! Files that others wrote: only regular ones, only as much of them as can be meant, only those of the folder.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::{Component, Path};

use crate::error::{IoContext, ModelError};

/// Bytes of the largest JSON file that is read.
const MAX_TEXT: u64 = 16 << 20;

/// Endings of files that hold Python objects.
const PICKLES: [&str; 6] = ["bin", "pt", "pth", "ckpt", "pkl", "pickle"];

/// Opens a regular file; a pipe would be waited for, a device has no end.
pub(crate) fn open(path: &Path) -> Result<File, ModelError> {
    if !std::fs::metadata(path).at(path)?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "not a regular file")).at(path);
    }
    File::open(path).at(path)
}

/// The text of a file, unless it is larger than any configuration is.
pub(crate) fn read_text(path: &Path) -> Result<String, ModelError> {
    let file = open(path)?;
    let length = file.metadata().at(path)?.len();
    if MAX_TEXT < length {
        let message = format!("{length} bytes are more than the {MAX_TEXT} that are read");
        return Err(Error::new(ErrorKind::FileTooLarge, message)).at(path);
    }
    let mut text = String::new();
    file.take(MAX_TEXT).read_to_string(&mut text).at(path)?;
    Ok(text)
}

/// Whether a file that a folder names lies inside the folder, symbolic links followed.
///
/// The cache of the Hugging Face hub keeps files in a `blobs` folder beside the `snapshots` that link to them.
pub(crate) fn is_inside(dir: &Path, file: &str) -> Result<bool, ModelError> {
    if !is_plain(file) {
        return Ok(false);
    }
    let path = dir.join(file);
    let (dir, path) = (dir.canonicalize().at(dir)?, path.canonicalize().at(&path)?);
    let snapshots = dir.parent().filter(|parent| parent.ends_with("snapshots"));
    let blobs = snapshots.and_then(Path::parent).map(|repository| repository.join("blobs"));
    Ok(path.starts_with(&dir) || blobs.is_some_and(|blobs| path.starts_with(blobs)))
}

/// Whether a name is a path downwards and nothing else.
pub(crate) fn is_plain(file: &str) -> bool {
    let mut components = Path::new(file).components().peekable();
    components.peek().is_some() && components.all(|part| matches!(part, Component::Normal(_)))
}

/// Refuses a file whose ending says that it is a pickle.
pub(crate) fn refuse_pickle(path: &Path) -> Result<(), ModelError> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some(ending) if PICKLES.contains(&ending) => Err(ModelError::Pickle(path.to_owned())),
        _ => Ok(()),
    }
}

/// Refuses a folder that has pickles where weights are missing; the first by name is in the error.
pub(crate) fn refuse_pickles(dir: &Path) -> Result<(), ModelError> {
    let entries = std::fs::read_dir(dir).at(dir)?.filter_map(Result::ok);
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().try_for_each(|path| refuse_pickle(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_below_the_folder_are_inside() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join("part")).expect("created");
        for file in ["a.safetensors", "part/a.safetensors"] {
            std::fs::write(dir.path().join(file), "").expect("written");
            assert!(is_inside(dir.path(), file).expect("it is there"), "{file}");
        }
        for file in ["../a.safetensors", "/etc/passwd", "a/../../b", "", "./a"] {
            assert!(!is_inside(dir.path(), file).expect("nothing is opened"), "{file}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_leads_out_of_the_folder_only_in_the_cache_of_the_hub() {
        let dir = tempfile::tempdir().expect("a folder");
        let (snapshot, blobs) = (dir.path().join("snapshots/main"), dir.path().join("blobs"));
        std::fs::create_dir_all(&snapshot).expect("created");
        std::fs::create_dir_all(&blobs).expect("created");
        for outside in [blobs.join("1"), dir.path().join("2")] {
            std::fs::write(&outside, "").expect("written");
            let link = snapshot.join(outside.file_name().expect("a name"));
            std::os::unix::fs::symlink(&outside, link).expect("linked");
        }
        assert!(is_inside(&snapshot, "1").expect("it is there"));
        assert!(!is_inside(&snapshot, "2").expect("it is there"));
    }
}
