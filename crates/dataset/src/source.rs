//! Paths into files, and what is known of a file without looking into its rows.

mod folder;
mod format;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserializer, de};
use sha1::Sha1;
use sha2::{Digest, Sha256};

pub(crate) use folder::{of_split, split_of};
pub use format::{Format, UnknownFormatName};

use crate::error::{DatasetError, nearest};

/// The files of a path: a file, a pattern, or a folder, of one split where one is asked for.
///
/// A path that is there is taken literally, even if its name reads like a pattern.
pub(crate) fn expand(path: &str, split: Option<&str>) -> Result<Vec<PathBuf>, DatasetError> {
    let literal = PathBuf::from(path);
    if literal.is_dir() {
        return folder::files(&literal, split);
    }
    let files = if is_there(&literal)? { vec![literal] } else { matches(path)? };
    match split {
        None => Ok(files),
        Some(_) => folder::of_split(path, files, Path::new(""), split),
    }
}

/// Whether there is a file; an error where there is something else.
fn is_there(path: &Path) -> Result<bool, DatasetError> {
    let not = |message: String| Err(DatasetError::NotAFile { path: path.to_owned(), message });
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(true),
        Ok(_) => not(ONCE.to_owned()),
        Err(_) if path == Path::new("-") => not(ONCE.to_owned()),
        Err(error) if path.is_symlink() => not(format!("this link leads to no file: {error}")),
        Err(_) => Ok(false),
    }
}

/// What is wrong with pipes.
const ONCE: &str =
    "rows are read several times, which a pipe or a device cannot be; write them to a file first";

/// What a file is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Sha1,
    Sha256,
}

/// Compares a file with the hash it should have.
pub(crate) fn verify(
    path: &Path,
    algorithm: Algorithm,
    expected: &str,
) -> Result<(), DatasetError> {
    let (name, found) = match algorithm {
        Algorithm::Sha1 => ("SHA-1", hashed::<Sha1>(path)),
        Algorithm::Sha256 => ("SHA-256", hashed::<Sha256>(path)),
    };
    let found = found.map_err(|source| DatasetError::read(path, source))?;
    if found.eq_ignore_ascii_case(expected.trim()) {
        return Ok(());
    }
    let (path, expected) = (path.to_owned(), expected.to_owned());
    Err(DatasetError::Checksum { path, algorithm: name, found, expected })
}

/// The files that a pattern matches.
fn matches(path: &str) -> Result<Vec<PathBuf>, DatasetError> {
    if !path.contains(['*', '?', '[']) {
        let literal = PathBuf::from(path);
        let nearest = nearest_file(&literal);
        return Err(DatasetError::NoSuchFile { path: literal, nearest });
    }
    let invalid = |message: &str| DatasetError::Pattern {
        pattern: path.to_owned(),
        message: message.to_owned(),
    };
    let matches = glob::glob(path).map_err(|error| invalid(error.msg))?;
    let files: Vec<PathBuf> =
        matches.filter_map(Result::ok).filter(|file| file.is_file()).collect();
    if files.is_empty() { Err(DatasetError::NoMatch(path.to_owned())) } else { Ok(files) }
}

/// The SHA-256 of a file.
pub(crate) fn sha256(path: &Path) -> std::io::Result<String> {
    hashed::<Sha256>(path)
}

/// The hash of a file, read in pieces, in hexadecimal.
fn hashed<D: Digest>(path: &Path) -> std::io::Result<String> {
    let (mut hasher, mut buffer) = (D::new(), vec![0; 1 << 16]);
    let mut file = File::open(path)?;
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..length]);
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The file in the same folder whose name is most like the missing one.
pub(crate) fn nearest_file(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let names: Vec<String> = names.filter(|other| other != name).collect();
    nearest(name, names.iter().map(String::as_str))
}

pub(crate) fn one_or_many<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(OneOrMany)
}

/// What the schema says of one text or several: the visitor below reads both forms.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "a schema is made of the type, and no value")]
pub(crate) enum AsWritten {
    One(String),
    Several(Vec<String>),
}

/// A visitor rather than an untagged enum, whose errors would not say what was found.
struct OneOrMany;

impl<'de> de::Visitor<'de> for OneOrMany {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a path, a pattern, or a list of them")
    }

    fn visit_str<E: de::Error>(self, path: &str) -> Result<Vec<String>, E> {
        Ok(vec![path.to_owned()])
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut paths: A) -> Result<Vec<String>, A::Error> {
        let mut list = Vec::new();
        while let Some(path) = paths.next_element()? {
            list.push(path);
        }
        Ok(list)
    }
}
