//! The files of a source: as they stand, from an index of LLaMA-Factory, or from the hub.

use std::path::{Path, PathBuf};

use forethought_preference::{DatasetEntry, DatasetInfo, Layout, Recognised};
use serde_json::Value;

use super::RecordSource;
use crate::error::{DatasetError, nearest};
use crate::source::Source;

/// The name of LLaMA-Factory's index.
const INDEX: &str = "dataset_info.json";

/// A file to read, and the layout that an index says it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The file.
    pub path: PathBuf,
    /// The layout, where an index says it.
    pub layout: Option<Layout>,
}

impl SourceFile {
    pub(super) fn layout(
        &self,
        source: &RecordSource,
        columns: &[String],
        sample: &[Value],
    ) -> Result<Recognised, DatasetError> {
        let shape =
            |source| DatasetError::Shape { path: self.path.clone(), source: Box::new(source) };
        let Some(layout) = &self.layout else {
            return source.declared().resolve(columns, sample).map_err(shape);
        };
        let required: Vec<&str> = layout.required().collect();
        crate::error::require_columns(&self.path, &required, columns)?;
        let why = format!("as {INDEX} says");
        Ok(Recognised { layout: layout.clone(), why, others: Vec::new() })
    }
}

/// The files of a source, each once, in the order they are read.
///
/// # Errors
///
/// If a path names no file, a pattern matches nothing, an index has no such data set or is none, or a data set of the hub
/// cannot be had.
pub fn find_files(source: &RecordSource) -> Result<Vec<SourceFile>, DatasetError> {
    let mut files = Vec::new();
    for path in &source.path {
        if Path::new(path).file_name().is_some_and(|name| name == INDEX) && Path::new(path).exists()
        {
            files.extend(of_index(Path::new(path), source.dataset.as_deref())?);
            continue;
        }
        if source.dataset.is_some() {
            let (field, found) = ("dataset", path.clone());
            let rule = format!("left out unless path is a {INDEX}");
            return Err(DatasetError::Setting { field, rule, found });
        }
        if let Some(fetched) = super::hub::files(path)? {
            files.extend(fetched.into_iter().map(|path| SourceFile { path, layout: None }));
            continue;
        }
        let split = source.split.clone();
        let one = Source { format: source.format, split, ..Source::new(path.clone()) };
        let file = |path| SourceFile { path, layout: None };
        files.extend(one.files()?.into_iter().map(file));
    }
    Ok(files)
}

/// The file of a data set of LLaMA-Factory's index.
fn of_index(index: &Path, name: Option<&str>) -> Result<Vec<SourceFile>, DatasetError> {
    let bad = |message: String| DatasetError::Index { path: index.to_owned(), message };
    let text =
        std::fs::read_to_string(index).map_err(|source| DatasetError::read(index, source))?;
    let info: DatasetInfo = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    let names: Vec<&str> = info.keys().map(String::as_str).collect();
    let name = match (name, names.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, several) => {
            let message = format!("set `dataset` to one of: {}", several.join(", "));
            return Err(bad(message));
        }
    };
    let entry = info.get(name).ok_or_else(|| {
        let hint = crate::error::hint(nearest(name, names.iter().copied()).as_deref());
        bad(format!("no data set `{name}`{hint}; there are: {}", names.join(", ")))
    })?;
    of_entry(index, entry).map_err(|error| match error {
        Fault::Message(message) => bad(format!("{name}: {message}")),
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
    let source = Source::new(path.display().to_string());
    let files = source.files().map_err(Fault::Files)?;
    Ok(files.into_iter().map(|path| SourceFile { path, layout: Some(layout.clone()) }).collect())
}
