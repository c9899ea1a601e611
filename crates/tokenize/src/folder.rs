//! The files of a tokenizer, read once and written back as they were.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::TokenizeError;

pub(crate) const TOKENIZER: &str = "tokenizer.json";
pub(crate) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
pub(crate) const CHAT_TEMPLATE: &str = "chat_template.jinja";
pub(crate) const GENERATION_CONFIG: &str = "generation_config.json";
pub(crate) const SPECIAL_TOKENS_MAP: &str = "special_tokens_map.json";

/// Longest `tokenizer.json`, in bytes; the longest of the known ones are near 40 MB.
const MAX_TOKENIZER: u64 = 128 << 20;
/// Longest of the other files, in bytes; the known ones stay below 2 MB.
const MAX_OTHER: u64 = 16 << 20;

const OPTIONAL: [&str; 4] =
    [TOKENIZER_CONFIG, CHAT_TEMPLATE, GENERATION_CONFIG, SPECIAL_TOKENS_MAP];

/// The bytes of a tokenizer's files by name, and where they came from.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    files: BTreeMap<&'static str, Vec<u8>>,
}

impl Folder {
    /// A folder that is not on disk yet; `path` is what errors call it.
    pub(crate) fn new(path: &Path, files: BTreeMap<&'static str, Vec<u8>>) -> Self {
        Self { path: path.to_path_buf(), files }
    }

    pub(crate) fn read(path: &Path) -> Result<Self, TokenizeError> {
        let expected = "tokenizer.json (and, if it has them, tokenizer_config.json, \
                        chat_template.jinja, generation_config.json, special_tokens_map.json)";
        let missing = || TokenizeError::Missing { path: path.join(TOKENIZER), expected };
        let mut files =
            BTreeMap::from([(TOKENIZER, read_if_there(path, TOKENIZER)?.ok_or_else(missing)?)]);
        for name in OPTIONAL {
            if let Some(bytes) = read_if_there(path, name)? {
                files.insert(name, bytes);
            }
        }
        Ok(Self::new(path, files))
    }

    /// Writes every file under a temporary name and renames it, so that a reader sees the old file or the new one.
    pub(crate) fn write(&self, path: &Path) -> Result<(), TokenizeError> {
        fs::create_dir_all(path)
            .map_err(|source| TokenizeError::Write { path: path.to_path_buf(), source })?;
        for (name, bytes) in &self.files {
            replace(path, name, bytes)
                .map_err(|source| TokenizeError::Write { path: path.join(name), source })?;
        }
        Ok(())
    }

    pub(crate) fn bytes(&self, name: &str) -> &[u8] {
        self.files.get(name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, TokenizeError> {
        let decode = |bytes: &Vec<u8>| {
            String::from_utf8(bytes.clone())
                .map_err(|error| self.malformed(name, format!("is not UTF-8: {error}")))
        };
        self.files.get(name).map(decode).transpose()
    }

    pub(crate) fn json(&self, name: &str) -> Result<Option<Value>, TokenizeError> {
        let parse = |bytes: &Vec<u8>| {
            serde_json::from_slice(bytes)
                .map_err(|error| self.malformed(name, format!("is not JSON: {error}")))
        };
        self.files.get(name).map(parse).transpose()
    }

    pub(crate) fn malformed(&self, name: &str, reason: String) -> TokenizeError {
        TokenizeError::Malformed { path: self.path.join(name), reason }
    }
}

fn read_if_there(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, TokenizeError> {
    let path = folder.join(name);
    let limit = if name == TOKENIZER { MAX_TOKENIZER } else { MAX_OTHER };
    let mut bytes = Vec::new();
    // A file that is none, such as a pipe, would never come to its end.
    let read = match fs::metadata(&path) {
        Ok(facts) if !facts.is_file() => Err(io::Error::other("it is not a file")),
        Ok(_) => File::open(&path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)),
        Err(error) => Err(error),
    };
    match read {
        Ok(_) if limit < bytes.len() as u64 => {
            let reason = format!("is longer than {limit} bytes");
            Err(TokenizeError::Malformed { path, reason })
        }
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TokenizeError::Read { path, source }),
    }
}

fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let partial = folder.join(format!(".{name}.{}.partial", std::process::id()));
    let written = write_through(&partial, bytes)
        .and_then(|()| fs::rename(&partial, folder.join(name)))
        .and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        // What is left of a failed write is of no use; the error that matters is the one above.
        let _ = fs::remove_file(&partial);
    }
    written
}

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
