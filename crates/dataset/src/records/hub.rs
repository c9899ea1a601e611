//! Data sets of the Hugging Face hub.

use std::path::PathBuf;

use forethought_hub::{HubError, HubPath};

use crate::error::DatasetError;

/// Endings of files: a path with one of them that is not there is a slip of the keyboard, and no name on the hub.
const FILES: [&str; 9] =
    [".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".arrow", ".gz", ".zst"];

/// The files of a path on the hub, in the cache; nothing where the path is none.
pub(super) fn files(path: &str) -> Result<Option<Vec<PathBuf>>, DatasetError> {
    let is_scheme = path.starts_with("hf://");
    let is_local = std::path::Path::new(path).exists()
        || FILES.iter().any(|ending| path.ends_with(ending))
        || path.contains(['*', '?', '[']);
    if is_local && !is_scheme {
        return Ok(None);
    }
    let failed = |error| DatasetError::Hub(Box::new(error));
    match HubPath::parse(path).map_err(failed)? {
        Some(path) => fetch(&path).map(Some).map_err(failed),
        None => Ok(None),
    }
}

#[cfg(feature = "hub")]
fn fetch(path: &HubPath) -> Result<Vec<PathBuf>, HubError> {
    let hub = forethought_hub::Hub::from_env()?;
    let fetched = hub.fetch_data(&path.name, path.pattern.as_deref(), &mut |_| {})?;
    Ok(fetched.into_iter().map(|file| file.path).collect())
}

#[cfg(not(feature = "hub"))]
fn fetch(path: &HubPath) -> Result<Vec<PathBuf>, HubError> {
    Err(HubError::WithoutHub(path.name.repository().to_owned()))
}
