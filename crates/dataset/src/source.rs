//! Which files are read, and as what.

mod folder;
mod format;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use sha2::{Digest, Sha256};

pub use format::{Format, UnknownFormatName};

use crate::columns::ColumnMap;
use crate::error::{DatasetError, nearest};

/// Files of one format and one record shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A file, a pattern such as `traces/*.parquet`, a folder, or a list of these. A path is taken as it stands, that
    /// is from the working directory where it is relative; the files of a pattern are read in the order of their names.
    ///
    /// A folder is one that `datasets` saved (`save_to_disk`, with or without splits), or one of data files, which are
    /// looked for three folders deep.
    #[serde(deserialize_with = "one_or_many")]
    #[schemars(with = "AsWritten")]
    pub path: Vec<String>,
    /// The format; by default each file's extension tells it.
    #[serde(default)]
    pub format: Format,
    /// The columns to read; by default recognised from the columns each file has, if they fit exactly one shape.
    #[serde(default)]
    pub columns: Option<ColumnMap>,
    /// The split to read, such as `train`; needed where a folder holds several. Splits are told by what `datasets` saved
    /// with the folder, else by the names of folders and files as `datasets` reads them (`train`, `valid`, `dev`,
    /// `test`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// The SHA-256 of the file, in hexadecimal, where it is known. A file with another one is not read. For a source of
    /// one file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Source {
    /// One file or pattern, its format by the extension, its columns recognised.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: vec![path.into()],
            format: Format::Auto,
            columns: None,
            split: None,
            sha256: None,
        }
    }

    /// The files, each once, in the order they are read.
    ///
    /// # Errors
    ///
    /// If a path names no file or a folder without data, a pattern matches nothing, or it is not clear which split is
    /// meant.
    pub fn files(&self) -> Result<Vec<PathBuf>, DatasetError> {
        if self.path.is_empty() {
            return Err(DatasetError::NoSources("path"));
        }
        let mut seen = BTreeSet::new();
        let mut files = Vec::new();
        for path in &self.path {
            files.extend(self.expand(path)?.into_iter().filter(|file| seen.insert(file.clone())));
        }
        self.check_hash(&files)?;
        Ok(files)
    }

    /// A hash is of one file.
    fn check_hash(&self, files: &[PathBuf]) -> Result<(), DatasetError> {
        let (Some(hash), [_, _, ..]) = (&self.sha256, files) else { return Ok(()) };
        let rule = format!("the hash of one file, but the source has {} files", files.len());
        Err(DatasetError::Setting { field: "sha256", rule, found: hash.clone() })
    }

    /// Compares a file with the hash it should have.
    pub(crate) fn verify(&self, path: &Path) -> Result<(), DatasetError> {
        let Some(expected) = &self.sha256 else { return Ok(()) };
        let found = sha256(path).map_err(|source| DatasetError::read(path, source))?;
        if found.eq_ignore_ascii_case(expected) {
            return Ok(());
        }
        Err(DatasetError::Checksum { path: path.to_owned(), found, expected: expected.clone() })
    }

    /// A path that is there is taken literally, even if its name reads like a pattern.
    fn expand(&self, path: &str) -> Result<Vec<PathBuf>, DatasetError> {
        let literal = PathBuf::from(path);
        let split = self.split.as_deref();
        if literal.is_dir() {
            return folder::files(&literal, split);
        }
        let files = if literal.exists() { vec![literal] } else { matches(path)? };
        match split {
            None => Ok(files),
            Some(_) => folder::of_split(path, files, Path::new(""), split),
        }
    }
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

/// The SHA-256 of a file, read in pieces, in hexadecimal.
fn sha256(path: &Path) -> std::io::Result<String> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
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
    let names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    nearest(name, names.iter().map(String::as_str))
}

pub(crate) fn one_or_many<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(OneOrMany("a path, a pattern, or a list of them"))
}

/// What the schema says of one text or several: the visitor below reads both forms.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "a schema is made of the type, and no value")]
pub(crate) enum AsWritten {
    One(String),
    Several(Vec<String>),
}

/// A visitor rather than an untagged enum, whose errors would not say what was found. It says what is expected.
pub(crate) struct OneOrMany(pub(crate) &'static str);

impl<'de> de::Visitor<'de> for OneOrMany {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn files(source: &Source) -> Result<Vec<String>, String> {
        let name = |file: PathBuf| file.file_name().expect("a file").to_string_lossy().into_owned();
        source
            .files()
            .map(|files| files.into_iter().map(name).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_path_is_a_file_a_pattern_or_a_list() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["b.json", "a.json", "c[1].jsonl"] {
            std::fs::write(folder.path().join(name), "").expect("it can be written");
        }
        let path = |name: &str| folder.path().join(name).display().to_string();
        assert_eq!(files(&Source::new(path("*.json"))), Ok(vec!["a.json".into(), "b.json".into()]));
        assert_eq!(files(&Source::new(path("c[1].jsonl"))), Ok(vec!["c[1].jsonl".into()]));
        let list = Source { path: vec![path("b.json"), path("*.json")], ..Source::new("") };
        assert_eq!(files(&list), Ok(vec!["b.json".into(), "a.json".into()]));

        let misspelt = files(&Source::new(path("aa.json"))).expect_err("no such file");
        assert!(misspelt.ends_with("aa.json: no such file (did you mean `a.json`?)"), "{misspelt}");
        let unmatched = files(&Source::new(path("*.parquet"))).expect_err("no match");
        assert!(unmatched.ends_with("*.parquet: no file matches this pattern"), "{unmatched}");
        let whole = files(&Source::new(folder.path().display().to_string()));
        assert_eq!(whole, Ok(vec!["a.json".into(), "b.json".into(), "c[1].jsonl".into()]));
    }

    #[test]
    fn yaml_is_strict() {
        let parse = |yaml: &str| {
            serde_yaml::from_str::<Source>(yaml)
                .map_err(|error: serde_yaml::Error| error.to_string())
        };
        let source = parse("{path: [a.json, b], format: jsonl, columns: {messages: m}}");
        assert_eq!(source.expect("it is whole").path, ["a.json", "b"]);
        assert_eq!(parse("path: a.json"), Ok(Source::new("a.json")));
        assert!(parse("{path: a, colums: {}}").is_err_and(|error| error.contains("colums")));
        let number = parse("path: 3").expect_err("a number is no path");
        assert!(number.contains("expected a path, a pattern, or a list of them"), "{number}");
        assert!(parse("{path: a, format: csv}").is_ok());
        assert!(parse("{path: a, format: xml}").is_err_and(|error| error.contains("`parquet`")));
    }
}
