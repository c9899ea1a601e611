//! What ends the work with a teacher.

use forethought_endpoint::{EndpointError, KeptError};

/// What ended the work. Answers that came before are in the cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TeacherError {
    /// A setting of the sampling out of its range.
    #[error("{field} must be {rule}, got {found}")]
    Setting {
        /// The name of the setting.
        field: &'static str,
        /// What it has to fulfil.
        rule: &'static str,
        /// The value it has.
        found: String,
    },
    /// The address cannot be asked.
    #[error(transparent)]
    Address(#[from] EndpointError),
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
    #[error(transparent)]
    Cache(#[from] KeptError),
}
