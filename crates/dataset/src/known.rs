//! Files that were read to their end before, by their hashes.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Hashes of files that need no first contact: they were read whole before, or written here.
///
/// They may be kept in a file, one SHA-256 a line. That it cannot be read or written costs time and nothing else.
#[derive(Debug, Default)]
pub struct KnownFiles {
    list: Option<PathBuf>,
    hashes: Mutex<BTreeSet<String>>,
}

impl KnownFiles {
    /// Those of a file, into which others are written too.
    #[must_use]
    pub fn kept_in(list: PathBuf) -> Self {
        let text = std::fs::read_to_string(&list).unwrap_or_default();
        let is_hash =
            |line: &&str| line.len() == 64 && line.bytes().all(|one| one.is_ascii_hexdigit());
        let hashes = text.lines().filter(is_hash).map(str::to_owned).collect();
        Self { list: Some(list), hashes: Mutex::new(hashes) }
    }

    /// Whether a file of this hash is known.
    #[must_use]
    pub fn has(&self, hash: &str) -> bool {
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner).contains(hash)
    }

    /// Adds the hash of a file, in lower case.
    pub fn add(&self, hash: &str) {
        let is_new =
            self.hashes.lock().unwrap_or_else(PoisonError::into_inner).insert(hash.to_owned());
        if let Some(list) = self.list.as_deref().filter(|_| is_new) {
            // A list that cannot be kept costs another look at the file.
            let _ = append(list, hash);
        }
    }
}

/// One write for each line: lines of several processes do not mix.
fn append(list: &Path, hash: &str) -> std::io::Result<()> {
    if let Some(folder) = list.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(list)?;
    file.write_all(format!("{hash}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_known_to_the_next_process_and_what_is_none_is_passed_over() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let list = folder.path().join("cache/examined");
        let (one, other) = ("a".repeat(64), "b".repeat(64));
        let known = KnownFiles::kept_in(list.clone());
        assert!(!known.has(&one));
        known.add(&one);
        known.add(&one);
        assert!(known.has(&one));
        let text = std::fs::read_to_string(&list).expect("it was written");
        assert_eq!(text, format!("{one}\n"));
        std::fs::write(&list, format!("{one}\nnonsense\n{}", &other[1..])).expect("written");
        let next = KnownFiles::kept_in(list);
        assert_eq!((next.has(&one), next.has(&other), next.has("nonsense")), (true, false, false));
    }
}
