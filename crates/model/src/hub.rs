//! Models by their name on the Hugging Face hub, fetched into the cache that Python's `huggingface_hub` uses.

#[cfg(feature = "hub")]
mod fetch;
#[cfg(feature = "hub")]
mod variables;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::ModelError;

#[cfg(feature = "hub")]
pub use variables::Hub;

/// A repository of the hub: `owner/name`, and behind an `@` a branch, tag or commit (`main` if there is none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubName {
    repository: String,
    revision: String,
}

impl HubName {
    /// `owner/name`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Branch, tag or commit.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }
}

impl fmt::Display for HubName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.repository, self.revision)
    }
}

impl FromStr for HubName {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self, HubError> {
        let (repository, revision) = text.split_once('@').unwrap_or((text, "main"));
        let parts: Vec<&str> = repository.split('/').collect();
        let is_valid = parts.len() == 2
            && parts.iter().all(|part| is_word(part))
            && revision.split('/').all(is_word);
        if !is_valid {
            return Err(HubError::Name(text.to_owned()));
        }
        Ok(Self { repository: repository.to_owned(), revision: revision.to_owned() })
    }
}

/// Names become folders of the cache, so none may lead elsewhere.
fn is_word(part: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !part.is_empty() && !part.starts_with('.') && !part.contains("..") && part.bytes().all(is_plain)
}

/// Why a model of the hub cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// It is not written as one.
    #[error("{0:?} is no name on the hub: owner/name, or owner/name@revision")]
    Name(String),
    /// There is no such folder, and no way to look further.
    #[error(
        "{0}: there is no such folder; to look for it on the Hugging Face hub, build with --features hub"
    )]
    WithoutHub(String),
    /// There is no place for the cache.
    #[error("there is no cache for models of the hub: set HF_HOME")]
    NoCache,
    /// Nothing may be fetched, and the cache lacks a file.
    #[error("HF_HUB_OFFLINE is set and {file} of {name} is not in {}", cache.display())]
    Offline {
        /// The model.
        name: HubName,
        /// The file.
        file: String,
        /// The cache.
        cache: PathBuf,
    },
    /// The hub has the model, or says nothing about it, but not the file.
    #[error("{name} has no {file} at {endpoint}")]
    NoFile {
        /// The model.
        name: HubName,
        /// The file.
        file: String,
        /// Where it was looked for.
        endpoint: String,
    },
    /// The hub refuses.
    #[error(
        "{endpoint} answers {status} for {file} of {name}: there is no such model, or it needs another token in HF_TOKEN"
    )]
    Refused {
        /// The model.
        name: HubName,
        /// The file.
        file: String,
        /// Who refuses.
        endpoint: String,
        /// The status of HTTP.
        status: u16,
    },
    /// The hub cannot be reached, or answers something else.
    #[error("{file} of {name} cannot be fetched from {endpoint}: {message}")]
    Fetch {
        /// The model.
        name: HubName,
        /// The file.
        file: String,
        /// Where from.
        endpoint: String,
        /// What happened.
        message: String,
    },
}

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
    Hub::from_env()?.fetch(name)
}

#[cfg(not(feature = "hub"))]
fn from_hub(name: &HubName) -> Result<PathBuf, ModelError> {
    Err(HubError::WithoutHub(name.repository().to_owned()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_owner_a_name_and_a_revision_and_leads_nowhere_else() {
        let parse = |text: &str| text.parse::<HubName>().map(|name| name.to_string());
        assert_eq!(parse("Qwen/Qwen2.5-0.5B").expect("valid"), "Qwen/Qwen2.5-0.5B@main");
        assert_eq!(parse("a/b@refs/pr/1").expect("valid"), "a/b@refs/pr/1");
        for text in ["gpt2", "a/b/c", "../b", "a/..", "a/b@..", "a/b@", "/b", "a b/c", "a/b@x/../y"]
        {
            let message = parse(text).expect_err(text).to_string();
            assert_eq!(
                message,
                format!("{text:?} is no name on the hub: owner/name, or owner/name@revision")
            );
        }
    }

    #[test]
    fn a_folder_comes_before_the_hub_and_other_paths_are_left_to_the_reader() {
        let here = find_model("src/hub").expect("a folder");
        assert_eq!(here, Path::new("src/hub"));
        assert_eq!(find_model("/no/such/folder").expect("no name"), Path::new("/no/such/folder"));
    }
}
