//! The files of a source: as they stand, from an index of LLaMA-Factory, or from the hub.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use forethought_preference::{DatasetEntry, DatasetInfo, Layout, Recognised};
use forethought_schema::RecordKind;
use serde_json::Value;

use super::Source;
use crate::error::{DatasetError, nearest};
use crate::source::expand;

/// The name of LLaMA-Factory's index.
const INDEX: &str = "dataset_info.json";

/// A file to read, and what an index says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The file.
    pub path: PathBuf,
    /// The layout, where an index says it.
    pub layout: Option<Layout>,
    /// Its SHA-1 in hexadecimal, where an index says it.
    pub sha1: Option<String>,
    /// How many rows of the data set are drawn, where an index says it.
    pub num_samples: Option<u64>,
}

impl SourceFile {
    pub(super) fn layout(
        &self,
        (source, wanted): (&Source, Option<RecordKind>),
        columns: &[String],
        sample: &[Value],
    ) -> Result<Recognised, DatasetError> {
        let shape =
            |source| DatasetError::Shape { path: self.path.clone(), source: Box::new(source) };
        let Some(layout) = &self.layout else {
            return source.declared().resolve_for(wanted, columns, sample).map_err(shape);
        };
        let required: Vec<&str> = layout.required().collect();
        crate::error::require_columns(&self.path, &required, columns)?;
        let drawn = |number| format!("; so many rows are drawn of it: {number}");
        let drawn = self.num_samples.map_or_else(String::new, drawn);
        let why = format!("as {INDEX} says{drawn}");
        Ok(Recognised { layout: layout.clone(), why, others: Vec::new() })
    }
}

/// The files of a source, each once, in the order they are read.
///
/// # Errors
///
/// If a path names no file, a pattern matches nothing, an index has no such data set or is none, or a data set of the hub
/// cannot be had.
pub fn find_files(source: &Source) -> Result<Vec<SourceFile>, DatasetError> {
    if source.path.is_empty() {
        return Err(DatasetError::NoSources("path"));
    }
    let (mut seen, mut files) = (BTreeSet::new(), Vec::new());
    for path in &source.path {
        let found = files_of(path, source)?;
        files.extend(found.into_iter().filter(|file| seen.insert(file.path.clone())));
    }
    check_hash(source, files.len())?;
    Ok(files)
}

fn files_of(path: &str, source: &Source) -> Result<Vec<SourceFile>, DatasetError> {
    if is_index(path) {
        return of_index(Path::new(path), source.dataset.as_deref());
    }
    let plain = |path| SourceFile { path, layout: None, sha1: None, num_samples: None };
    if let Some(fetched) = super::hub::files(path, source)? {
        return Ok(fetched.into_iter().map(plain).collect());
    }
    if source.dataset.is_some() {
        let rule = format!("left out unless path is a {INDEX} or a name on the hub");
        return Err(DatasetError::Setting { field: "dataset", rule, found: path.to_owned() });
    }
    let files = expand(path, source.split.as_deref())?;
    Ok(files.into_iter().map(plain).collect())
}

/// A hash is of one file.
fn check_hash(source: &Source, num_files: usize) -> Result<(), DatasetError> {
    let Some(hash) = source.sha256.as_ref().filter(|_| num_files > 1) else { return Ok(()) };
    let rule = format!("the hash of one file, but the source has {num_files} files");
    Err(DatasetError::Setting { field: "sha256", rule, found: hash.clone() })
}

fn is_index(path: &str) -> bool {
    let path = Path::new(path);
    path.file_name().is_some_and(|name| name == INDEX) && path.exists()
}

/// How many rows are drawn of a source, where an index says it.
pub(crate) fn num_samples(source: &Source) -> Result<Option<u64>, DatasetError> {
    for path in source.path.iter().filter(|path| is_index(path)) {
        let files = of_index(Path::new(path), source.dataset.as_deref())?;
        let Some(number) = files.into_iter().find_map(|file| file.num_samples) else { continue };
        if source.path.len() > 1 {
            let rule = format!("the {INDEX} alone, whose entry draws {number} rows");
            let found = source.path.join(", ");
            return Err(DatasetError::Setting { field: "path", rule, found });
        }
        return Ok(Some(number));
    }
    Ok(None)
}

/// The files of a data set of LLaMA-Factory's index.
fn of_index(index: &Path, name: Option<&str>) -> Result<Vec<SourceFile>, DatasetError> {
    let bad = |message: String| DatasetError::Index { path: index.to_owned(), message };
    let text =
        std::fs::read_to_string(index).map_err(|source| DatasetError::read(index, source))?;
    let info = DatasetInfo::parse(&text).map_err(|error| bad(error.to_string()))?;
    let names: Vec<&str> = info.names().collect();
    let name = match (name, names.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, []) => return Err(bad("it has no data set".to_owned())),
        (None, several) => {
            let message = format!("set `dataset` to one of: {}", several.join(", "));
            return Err(bad(message));
        }
    };
    let of_name = |message: String| bad(format!("{name}: {message}"));
    let entry = info.entry(name).map_err(|error| of_name(error.to_string()))?;
    let entry = entry.ok_or_else(|| {
        let hint = crate::error::hint(nearest(name, names.iter().copied()).as_deref());
        bad(format!("no data set `{name}`{hint}; there are: {}", names.join(", ")))
    })?;
    of_entry(index, &entry).map_err(|error| match error {
        Fault::Message(message) => of_name(message),
        Fault::Files(error) => error,
    })
}

enum Fault {
    Message(String),
    Files(DatasetError),
}

fn of_entry(index: &Path, entry: &DatasetEntry) -> Result<Vec<SourceFile>, Fault> {
    let layout = entry.layout().map_err(|error| Fault::Message(error.to_string()))?;
    let Some(file) = &entry.file_name else {
        let message = match &entry.hf_hub_url {
            Some(url) => format!("it is `{url}` on the hub; fetch it and name its files"),
            None => "it has no `file_name`".to_owned(),
        };
        return Err(Fault::Message(message));
    };
    let path = index.with_file_name(file);
    if !path.exists() {
        let nearest = crate::source::nearest_file(&path);
        let hint = crate::error::hint(nearest.as_deref());
        return Err(Fault::Message(format!("its file {} is not there{hint}", path.display())));
    }
    let files = expand(&path.display().to_string(), None).map_err(Fault::Files)?;
    if entry.file_sha1.is_some() && files.len() > 1 {
        let message = format!("`file_sha1` is of one file, but {file} holds {}", files.len());
        return Err(Fault::Message(message));
    }
    if entry.num_samples == Some(0) {
        return Err(Fault::Message("`num_samples` must be at least 1, got 0".to_owned()));
    }
    let file = |path| SourceFile {
        path,
        layout: Some(layout.clone()),
        sha1: entry.file_sha1.clone(),
        num_samples: entry.num_samples,
    };
    Ok(files.into_iter().map(file).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(source: &Source) -> Result<Vec<String>, String> {
        let name = |file: SourceFile| {
            file.path.file_name().expect("a file").to_string_lossy().into_owned()
        };
        find_files(source)
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
        let list = Source { path: vec![path("b.json"), path("*.json")], ..Source::default() };
        assert_eq!(files(&list), Ok(vec!["b.json".into(), "a.json".into()]));

        let misspelt = files(&Source::new(path("aa.json"))).expect_err("no such file");
        assert!(misspelt.ends_with("aa.json: no such file (did you mean `a.json`?)"), "{misspelt}");
        let unmatched = files(&Source::new(path("*.parquet"))).expect_err("no match");
        assert!(unmatched.ends_with("*.parquet: no file matches this pattern"), "{unmatched}");
        let whole = files(&Source::new(folder.path().display().to_string()));
        assert_eq!(whole, Ok(vec!["a.json".into(), "b.json".into(), "c[1].jsonl".into()]));
        assert_eq!(files(&Source::default()), Err("no files to read: path is empty".to_owned()));
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
        let part = parse("{path: a, columns: {promt: b}}").expect_err("no such part");
        assert!(part.contains("unknown variant `promt`"), "{part}");
    }
}
