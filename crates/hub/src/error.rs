//! What can go wrong with the hub.

use std::path::PathBuf;

use crate::HubName;

/// Why a file of the hub cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// It is not written as one.
    #[error("{0:?} is no name on the hub: owner/name, or owner/name@revision")]
    Name(String),
    /// There is no such folder, and no way to look further.
    #[error(
        "{0}: there is no such file or folder; to look for it on the Hugging Face hub, build with \
         `cargo install --path crates/cli --features hub`"
    )]
    WithoutHub(String),
    /// There is no place for the cache.
    #[error("there is no cache for files of the hub: set HF_HOME")]
    NoCache,
    /// Nothing may be fetched, and the cache lacks a file.
    #[error("HF_HUB_OFFLINE is set and {file} of {name} is not in {}", cache.display())]
    Offline {
        /// The repository.
        name: HubName,
        /// The file.
        file: String,
        /// The cache.
        cache: PathBuf,
    },
    /// The hub knows no data set of this name, or no such revision of it.
    #[error("there is no data set {name} at {endpoint}")]
    NoDataSet {
        /// The data set.
        name: HubName,
        /// Where it was looked for.
        endpoint: String,
    },
    /// The hub has the repository, or says nothing about it, but not the file.
    #[error("{name} has no {file} at {endpoint}")]
    NoFile {
        /// The repository.
        name: HubName,
        /// The file.
        file: String,
        /// Where it was looked for.
        endpoint: String,
    },
    /// The hub refuses.
    #[error(
        "{endpoint} answers {status} for {file} of {name}: there is no such repository, or it needs another token in HF_TOKEN"
    )]
    Refused {
        /// The repository.
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
        /// The repository.
        name: HubName,
        /// The file.
        file: String,
        /// Where from.
        endpoint: String,
        /// What happened.
        message: String,
    },
    /// What was fetched is not what the hub says it is.
    #[error("{file} of {name}: {message}; it was removed, fetch it again")]
    Checksum {
        /// The repository.
        name: HubName,
        /// The file.
        file: String,
        /// The checksum of what came, and the one that was announced.
        message: String,
    },
    /// No file is of a pattern, or none is data.
    #[error("{name} has no file {pattern}; it has: {}", listed(files))]
    NoMatch {
        /// The repository.
        name: HubName,
        /// What was looked for.
        pattern: String,
        /// The files it has.
        files: Vec<String>,
    },
}

/// Files shown of a repository.
const SHOWN: usize = 10;

fn listed(files: &[String]) -> String {
    let shown: Vec<&str> = files.iter().take(SHOWN).map(String::as_str).collect();
    let more = files.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    if shown.is_empty() { "none".to_owned() } else { format!("{}{rest}", shown.join(", ")) }
}
