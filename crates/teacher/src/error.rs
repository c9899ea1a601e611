//! What ends the work with a teacher.

use std::path::{Path, PathBuf};

/// What ended the work. Answers that came before are in the cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TeacherError {
    /// A setting out of its range.
    #[error("{field} must be {rule}, got {found}")]
    Setting {
        /// The name of the setting.
        field: &'static str,
        /// What it has to fulfil.
        rule: &'static str,
        /// The value it has.
        found: String,
    },
    /// The variable that should hold the key does not.
    #[error("the environment variable {0} holds no API key; set it, or leave out api_key_env")]
    NoKey(String),
    /// The address needs TLS, which is not compiled in.
    #[error("{0}: https needs a binary built with the cargo feature `tls`")]
    NoTls(String),
    /// The endpoint did not answer, or not as an endpoint of this kind does, and trying again does not help.
    #[error("{url}: {message}")]
    Endpoint {
        /// The address.
        url: String,
        /// What happened and what to do.
        message: String,
    },
    /// The endpoint refuses every prompt.
    #[error(
        "{url}: refused the first {count} prompts, none was answered; the last refusal: {message}"
    )]
    AllRefused {
        /// The address.
        url: String,
        /// How many.
        count: usize,
        /// What it said.
        message: String,
    },
    /// The file of answers cannot be read or written.
    #[error("{}: {source}", path.display())]
    Cache {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl TeacherError {
    pub(crate) fn cache(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Cache { path: path.to_owned(), source }
    }
}
