//! Models by their name on the Hugging Face hub, fetched into the cache that Python's `huggingface_hub` uses.

#[cfg(feature = "hub")]
mod fetch;

use std::path::{Path, PathBuf};

#[cfg(feature = "hub")]
use forethought_hub::Hub;
use forethought_hub::HubName;

use crate::error::ModelError;

#[cfg(feature = "hub")]
pub use fetch::fetch_model;

/// The folder of a model: the one of that path, or one of the hub's cache, into which missing files are fetched.
///
/// `HF_HOME` (or `HF_HUB_CACHE`) says where the cache is, `HF_ENDPOINT` where the hub is, `HF_TOKEN` (or the file that
/// `hf auth login` writes) who asks, and `HF_HUB_OFFLINE` that nothing is to be fetched. What is neither a folder nor
/// written like a name of the hub is returned as it is, for the reader to report.
///
/// # Errors
///
/// If the model is not in the cache and cannot be fetched, or the feature `hub` is not compiled in.
pub fn find_model(name: &str) -> Result<PathBuf, ModelError> {
    let path = Path::new(name);
    match name.parse::<HubName>() {
        Ok(hub_name) if !path.exists() => from_hub(&hub_name),
        _ => Ok(path.to_owned()),
    }
}

#[cfg(feature = "hub")]
fn from_hub(name: &HubName) -> Result<PathBuf, ModelError> {
    fetch_model(&Hub::from_env()?, name)
}

#[cfg(not(feature = "hub"))]
fn from_hub(name: &HubName) -> Result<PathBuf, ModelError> {
    Err(forethought_hub::HubError::WithoutHub(name.repository().to_owned()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_comes_before_the_hub_and_other_paths_are_left_to_the_reader() {
        let here = find_model("src/hub").expect("a folder");
        assert_eq!(here, Path::new("src/hub"));
        assert_eq!(find_model("/no/such/folder").expect("no name"), Path::new("/no/such/folder"));
    }
}
