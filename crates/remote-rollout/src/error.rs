//! Why a server cannot sample.

use forethought_endpoint::EndpointError;

/// Why a server cannot sample.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The address cannot be asked.
    #[error(transparent)]
    Address(#[from] EndpointError),
    /// A setting that this server cannot follow.
    #[error("{field}: {message}")]
    Unsupported {
        /// The setting.
        field: &'static str,
        /// What the server cannot do, and what to do instead.
        message: String,
    },
    /// The server did not answer, or with something else, and trying again does not help.
    #[error("{url}: {message}")]
    Server {
        /// The address.
        url: String,
        /// What happened and what to do.
        message: String,
    },
    /// The server has no model or adapter of this name.
    #[error("{url}: there is no model `{model}`: {message}")]
    NoModel {
        /// The address.
        url: String,
        /// The name of the model.
        model: String,
        /// What the server said.
        message: String,
    },
    /// The server's answer to a question is not a completion that can be learnt from.
    #[error("{url}: the completion of question {question}: {message}")]
    Answer {
        /// The address.
        url: String,
        /// The place of the question, from 0.
        question: usize,
        /// What is wrong with it.
        message: String,
    },
    /// An answer could not be kept.
    #[error("{0}")]
    Keeping(String),
    /// Who asked no longer wants an answer.
    #[error("the sampling was cancelled")]
    Cancelled,
}
