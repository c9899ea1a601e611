//! Manifests that know their own hash, and what they say of files.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Length and hash of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileFacts {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

impl FileFacts {
    /// Those of a file with these contents.
    #[must_use]
    pub fn of(contents: &[u8]) -> Self {
        Self { bytes: contents.len() as u64, sha256: hash(contents) }
    }

    /// Those of a file, which is read in pieces.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let mut sum = FileSum::default();
        io::copy(&mut File::open(path)?, &mut sum.beside(&mut io::sink()))?;
        Ok(sum.entry())
    }

    /// What a file that was found in the place of this one shows to be wrong with it, if anything does.
    #[must_use]
    pub fn difference(&self, found: &Self) -> Option<String> {
        match found {
            found if found == self => None,
            found if found.bytes == self.bytes => Some("its SHA-256 does not match".to_owned()),
            found => Some(format!("{} bytes instead of {}", found.bytes, self.bytes)),
        }
    }
}

/// Length and hash of a file that is being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileSum {
    bytes: u64,
    hash: Sha256,
}

impl FileSum {
    /// A writer whose bytes are counted on their way.
    pub(crate) fn beside<'a>(&'a mut self, file: &'a mut dyn Write) -> impl Write + use<'a> {
        Summed { sum: self, file }
    }

    /// The length so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn entry(self) -> FileFacts {
        FileFacts { bytes: self.bytes, sha256: hexadecimal(&self.hash.finalize()) }
    }
}

struct Summed<'a> {
    sum: &'a mut FileSum,
    file: &'a mut dyn Write,
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sum.hash.update(&bytes[..written]);
        self.sum.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A manifest and its own hash, so that a flipped bit in it is damage too and never another manifest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<T> {
    manifest: T,
    sha256: String,
}

/// Why a sealed manifest cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// It is no manifest of this kind.
    #[error("cannot be parsed: {0}")]
    Parse(#[from] serde_json::Error),
    /// It is one, but not as it was written.
    #[error("its hash does not match")]
    Altered,
}

/// The text of a file that holds a manifest and its hash.
///
/// # Errors
///
/// If the manifest is no JSON.
pub fn seal<T: Serialize>(manifest: &T) -> serde_json::Result<String> {
    let sha256 = hash(serde_json::to_string(manifest)?.as_bytes());
    Ok(serde_json::to_string_pretty(&Sealed { manifest, sha256 })? + "\n")
}

/// Reads what [`seal`] wrote.
///
/// # Errors
///
/// Says what is wrong if the text is anything but that, byte for byte.
pub fn open_sealed<T: Serialize + DeserializeOwned>(text: &str) -> Result<T, SealError> {
    let sealed: Sealed<T> = serde_json::from_str(text)?;
    // Sealing again must give the same text, hash included; that refuses even a changed space.
    if seal(&sealed.manifest)? == text { Ok(sealed.manifest) } else { Err(SealError::Altered) }
}

fn hash(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_file_is_sha256() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let facts = FileFacts { bytes: 3, sha256: expected.to_owned() };
        assert_eq!(FileFacts::of(b"abc"), facts);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").expect("written");
        assert_eq!(FileFacts::of_file(&path).expect("it is there"), facts);
    }

    #[test]
    fn a_cut_file_and_a_changed_one_are_told_apart() {
        let facts = FileFacts::of(b"abc");
        assert_eq!(facts.difference(&FileFacts::of(b"abc")), None);
        let difference = |found: &[u8]| facts.difference(&FileFacts::of(found));
        assert_eq!(difference(b"ab").as_deref(), Some("2 bytes instead of 3"));
        assert_eq!(difference(b"abd").as_deref(), Some("its SHA-256 does not match"));
    }

    #[test]
    fn what_is_sealed_comes_back_with_every_digit_of_its_numbers() {
        for seconds in [0.1_f64 + 0.2, 1e-300, 123_456_789.123_456_79] {
            let text = seal(&seconds).expect("JSON");
            assert_eq!(open_sealed::<f64>(&text).expect("intact").to_bits(), seconds.to_bits());
        }
    }
}
