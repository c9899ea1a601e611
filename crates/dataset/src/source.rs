//! Which files are read, and as what.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::columns::ColumnMap;
use crate::error::{DatasetError, nearest};

/// How a file holds its records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Whatever the extension says: `.jsonl` and `.ndjson`, `.json`, `.parquet`.
    #[default]
    Auto,
    /// One JSON object a line.
    Jsonl,
    /// One JSON array of objects.
    Json,
    /// Parquet.
    Parquet,
}

impl Format {
    /// The format of a file, never `Auto`.
    pub(crate) fn of(self, path: &Path) -> Result<Self, DatasetError> {
        if self != Self::Auto {
            return Ok(self);
        }
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("jsonl" | "ndjson") => Ok(Self::Jsonl),
            Some("json") => Ok(Self::Json),
            Some("parquet") => Ok(Self::Parquet),
            _ => Err(DatasetError::UnknownFormat(path.to_owned())),
        }
    }
}

/// Files of one format and one record shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A file, a pattern such as `traces/*.parquet`, or a list of either. A path is taken as it stands, that is from
    /// the working directory where it is relative; the files of a pattern are read in the order of their names.
    #[serde(deserialize_with = "one_or_many")]
    #[schemars(with = "AsWritten")]
    pub path: Vec<String>,
    /// The format; by default each file's extension tells it.
    #[serde(default)]
    pub format: Format,
    /// The columns to read; by default recognised from the columns each file has, if they fit exactly one shape.
    #[serde(default)]
    pub columns: Option<ColumnMap>,
}

impl Source {
    /// One file or pattern, its format by the extension, its columns recognised.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: vec![path.into()], format: Format::Auto, columns: None }
    }

    /// The files, each once, in the order they are read.
    ///
    /// # Errors
    ///
    /// If a path names no file or a folder, or a pattern matches nothing.
    pub fn files(&self) -> Result<Vec<PathBuf>, DatasetError> {
        if self.path.is_empty() {
            return Err(DatasetError::NoSources("path"));
        }
        let mut seen = BTreeSet::new();
        let mut files = Vec::new();
        for path in &self.path {
            files.extend(expand(path)?.into_iter().filter(|file| seen.insert(file.clone())));
        }
        Ok(files)
    }
}

/// A path that is there is taken literally, even if its name reads like a pattern.
fn expand(path: &str) -> Result<Vec<PathBuf>, DatasetError> {
    let literal = PathBuf::from(path);
    if literal.is_dir() {
        return Err(DatasetError::Folder(literal));
    }
    if literal.exists() {
        return Ok(vec![literal]);
    }
    if !path.contains(['*', '?', '[']) {
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
        let whole = files(&Source::new(folder.path().display().to_string())).expect_err("a folder");
        assert!(whole.contains("is a folder; name its files"), "{whole}");
    }

    #[test]
    fn the_extension_tells_the_format_unless_the_source_does() {
        let format =
            |name: &str| Format::Auto.of(Path::new(name)).map_err(|error| error.to_string());
        assert_eq!(format("a.JSONL"), Ok(Format::Jsonl));
        assert_eq!(format("a.ndjson"), Ok(Format::Jsonl));
        assert_eq!(format("a.json"), Ok(Format::Json));
        assert_eq!(format("a.parquet"), Ok(Format::Parquet));
        let error = format("a.csv").expect_err("CSV is not read");
        assert!(error.starts_with("a.csv: its extension tells no format"), "{error}");
        assert_eq!(Format::Json.of(Path::new("a.csv")).ok(), Some(Format::Json));
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
        assert!(parse("{path: a, format: csv}").is_err_and(|error| error.contains("`parquet`")));
    }
}
