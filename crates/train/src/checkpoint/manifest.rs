//! The manifest: what a checkpoint is of, and the length and hash of each of its files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Version of the layout of a checkpoint folder. A reader refuses others.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// What a checkpoint holds. Its presence, intact, is what makes a folder a checkpoint: it is written last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) format_version: u32,
    pub(crate) identity: Identity,
    /// Number of finished optimiser steps.
    pub(crate) step: u64,
    /// Which weights are stored.
    pub(crate) weights: Weights,
    /// State beside the records, by whose it is: text, for a number may change by being written and read.
    pub(crate) state: BTreeMap<String, String>,
    /// The other files of the folder.
    pub(crate) files: BTreeMap<String, FileEntry>,
}

/// Which run a checkpoint belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    /// Stage that trained, e.g. `sft`.
    pub(crate) stage: String,
    /// Hash of everything the run depends on, as its caller computes it.
    pub(crate) config_hash: String,
}

/// Which weights a checkpoint stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Weights {
    /// Every parameter.
    All,
    /// The parameters that are trained; the frozen ones are where the caller loaded them from.
    Trainable,
}

/// Length and hash of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    /// Length in bytes.
    pub(crate) bytes: u64,
    /// SHA-256, 64 hexadecimal digits.
    pub(crate) sha256: String,
}

impl FileEntry {
    pub(crate) fn of(contents: &[u8]) -> Self {
        Self { bytes: contents.len() as u64, sha256: hash(contents) }
    }
}

/// The manifest and its own hash, so that a flipped bit in it is damage too and never another run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    manifest: Manifest,
    sha256: String,
}

impl Manifest {
    /// The text of `manifest.json`.
    pub(crate) fn seal(&self) -> serde_json::Result<String> {
        let sha256 = hash(serde_json::to_string(self)?.as_bytes());
        let sealed = Sealed { manifest: self.clone(), sha256 };
        Ok(serde_json::to_string_pretty(&sealed)? + "\n")
    }

    /// Reads what [`seal`](Self::seal) wrote.
    ///
    /// # Errors
    ///
    /// Says what is wrong if the text is anything but that, byte for byte.
    pub(crate) fn open(text: &str) -> Result<Self, String> {
        let sealed: Sealed =
            serde_json::from_str(text).map_err(|error| format!("cannot be parsed: {error}"))?;
        let expected = sealed.manifest.seal().map_err(|error| error.to_string())?;
        // Sealing again must give the same text, hash included; that refuses even a changed space.
        if expected == text {
            Ok(sealed.manifest)
        } else {
            Err("its hash does not match".to_owned())
        }
    }
}

fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            format_version: FORMAT_VERSION,
            identity: Identity { stage: "sft".to_owned(), config_hash: "ab12".to_owned() },
            step: 120,
            weights: Weights::All,
            state: BTreeMap::new(),
            files: BTreeMap::from([("model.bpk".to_owned(), FileEntry::of(b"abc"))]),
        }
    }

    #[test]
    fn the_hash_of_a_file_is_sha256() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(FileEntry::of(b"abc"), FileEntry { bytes: 3, sha256: expected.to_owned() });
    }

    #[test]
    fn a_sealed_manifest_comes_back_equal() {
        let text = manifest().seal().expect("a manifest is JSON");
        assert_eq!(Manifest::open(&text), Ok(manifest()));
    }

    #[test]
    fn no_flipped_bit_of_a_manifest_goes_unnoticed() {
        let text = manifest().seal().expect("a manifest is JSON");
        for position in 0..text.len() {
            for bit in 0..7 {
                let mut bytes = text.clone().into_bytes();
                bytes[position] ^= 1 << bit;
                let flipped = String::from_utf8(bytes).expect("still ASCII");
                assert!(Manifest::open(&flipped).is_err(), "byte {position}, bit {bit}");
            }
        }
    }
}
