//! The manifest: what a checkpoint is of, and the length and hash of each of its files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::seal::{FileFacts, SealError, open_sealed, seal};

/// Version of the layout of a checkpoint folder. A reader refuses others.
pub(crate) const FORMAT_VERSION: u32 = 3;

/// What a checkpoint holds. Its presence, intact, is what makes a folder a checkpoint: it is written last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) format_version: u32,
    pub(crate) identity: Identity,
    /// Number of finished optimiser steps.
    pub(crate) step: u64,
    /// The other files of the folder.
    pub(crate) files: BTreeMap<String, FileFacts>,
}

/// Which run a checkpoint belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    /// Stage that trained, e.g. `sft`.
    pub(crate) stage: String,
    /// Hash of everything the run depends on, as its caller computes it.
    pub(crate) config_hash: String,
    /// The same, piece by piece.
    pub(crate) origins: Origins,
}

/// What the result of a run depends on, piece by piece, so that a checkpoint of another run can say in what it differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origins {
    /// Settings: key and value.
    pub config: BTreeMap<String, String>,
    /// Hashes of the data, by file or by what it was made of.
    pub data: BTreeMap<String, String>,
    /// Hashes of the files of the tokenizer.
    pub tokenizer: BTreeMap<String, String>,
    /// Hashes of the files of the model that training starts from.
    pub base_model: BTreeMap<String, String>,
}

impl Identity {
    /// Whether both are of one run. The hash covers every piece; the pieces are there to say in what runs differ, and who
    /// only looks into a run need not know them.
    pub(crate) fn is_same_run(&self, other: &Self) -> bool {
        self.stage == other.stage && self.config_hash == other.config_hash
    }

    /// In what this run differs from the one of a checkpoint, a line each: what, what it was, what it is.
    pub(crate) fn differences(&self, theirs: &Self) -> Vec<String> {
        let pieces = [
            ("config", &theirs.origins.config, &self.origins.config),
            ("data", &theirs.origins.data, &self.origins.data),
            ("tokenizer", &theirs.origins.tokenizer, &self.origins.tokenizer),
            ("base model", &theirs.origins.base_model, &self.origins.base_model),
        ];
        let mut lines: Vec<String> =
            pieces.iter().flat_map(|(what, old, new)| changes(what, old, new)).collect();
        if theirs.stage != self.stage {
            lines.push(format!("stage: {} -> {}", theirs.stage, self.stage));
        }
        if lines.is_empty() && theirs.config_hash != self.config_hash {
            lines.push(format!("config hash: {} -> {}", theirs.config_hash, self.config_hash));
        }
        lines
    }
}

/// The keys with other values, or in one of both only.
fn changes(
    what: &str,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let text = |value: Option<&String>| value.map_or("(nothing)".to_owned(), Clone::clone);
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| format!("{what} {key}: {} -> {}", text(old.get(key)), text(new.get(key))))
        .collect()
}

/// The one field of any version's manifest that says how to read the others.
#[derive(Debug, Deserialize)]
struct Versioned {
    manifest: Version,
}

#[derive(Debug, Deserialize)]
struct Version {
    format_version: u32,
}

/// Why a manifest cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is not what was written.
    Damaged(String),
    /// Another version of this program wrote it.
    OtherVersion(u32),
}

impl From<SealError> for Unreadable {
    fn from(error: SealError) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl Manifest {
    /// The text of `manifest.json`.
    pub(crate) fn seal(&self) -> serde_json::Result<String> {
        seal(self)
    }

    /// Reads what [`seal`](Self::seal) wrote.
    ///
    /// # Errors
    ///
    /// Says what is wrong if the text is anything but that, byte for byte.
    pub(crate) fn open(text: &str) -> Result<Self, Unreadable> {
        let manifest: Self = open_sealed(text).map_err(|error| match error {
            SealError::Parse(_) => other_version(text).unwrap_or_else(|| error.into()),
            SealError::Altered => error.into(),
        })?;
        match manifest.format_version {
            FORMAT_VERSION => Ok(manifest),
            version => Err(Unreadable::OtherVersion(version)),
        }
    }
}

/// Whether what cannot be parsed is of another version, whose fields are others.
fn other_version(text: &str) -> Option<Unreadable> {
    let versioned: Versioned = serde_json::from_str(text).ok()?;
    let version = versioned.manifest.format_version;
    (version != FORMAT_VERSION).then_some(Unreadable::OtherVersion(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn identity(config: &[(&str, &str)], config_hash: &str) -> Identity {
        let origins = Origins { config: map(config), ..Origins::default() };
        Identity { stage: "sft".to_owned(), config_hash: config_hash.to_owned(), origins }
    }

    fn manifest() -> Manifest {
        Manifest {
            format_version: FORMAT_VERSION,
            identity: identity(&[("seed", "7")], "ab12"),
            step: 120,
            files: BTreeMap::from([("model.safetensors".to_owned(), FileFacts::of(b"abc"))]),
        }
    }

    #[test]
    fn a_sealed_manifest_comes_back_equal() {
        let text = manifest().seal().expect("a manifest is JSON");
        assert_eq!(Manifest::open(&text), Ok(manifest()));
    }

    #[test]
    fn a_manifest_of_another_version_is_told_from_a_damaged_one() {
        let other = Manifest { format_version: 1, ..manifest() };
        let text = other.seal().expect("a manifest is JSON");
        assert_eq!(Manifest::open(&text), Err(Unreadable::OtherVersion(1)));
        let unknown = text.replace("\"step\"", "\"steps\"");
        assert_eq!(Manifest::open(&unknown), Err(Unreadable::OtherVersion(1)));
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

    #[test]
    fn every_piece_that_differs_is_listed_with_what_it_was_and_is() {
        let mut theirs = identity(&[("lr", "0.1"), ("seed", "7"), ("old", "x")], "aa");
        theirs.origins.data = map(&[("rows.jsonl", "01")]);
        let mut ours = identity(&[("lr", "0.2"), ("seed", "7")], "bb");
        ours.origins.data = map(&[("rows.jsonl", "02")]);
        ours.origins.tokenizer = map(&[("tokenizer.json", "03")]);
        assert_eq!(
            ours.differences(&theirs),
            [
                "config lr: 0.1 -> 0.2",
                "config old: x -> (nothing)",
                "data rows.jsonl: 01 -> 02",
                "tokenizer tokenizer.json: (nothing) -> 03",
            ]
        );
        let ours = identity(&[("seed", "7")], "bb");
        let theirs = identity(&[("seed", "7")], "aa");
        assert_eq!(ours.differences(&theirs), ["config hash: aa -> bb"]);
        assert!(ours.differences(&ours).is_empty());
    }
}
