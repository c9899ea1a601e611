//! What can be wrong with a model folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::config::ConfigError;
use crate::lora::LoraError;
use forethought_hub::HubError;

/// A model folder or an adapter folder that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not the JSON it should be.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// `config.json` lacks a key or describes something that this crate cannot compute.
    #[error("{}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The key and what is wrong with it.
        source: ConfigError,
    },
    /// `adapter_config.json` describes something that this crate cannot compute.
    #[error("{}: {source}", path.display())]
    Adapter {
        /// The file.
        path: PathBuf,
        /// The key and what is wrong with it.
        source: LoraError,
    },
    /// A file is no valid safetensors file.
    #[error("{}: not a valid safetensors file: {message}", path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The folder has neither `model.safetensors` nor an index of shards.
    #[error("{}: neither model.safetensors nor model.safetensors.index.json is there", .0.display())]
    NoWeights(PathBuf),
    /// A model of the Hugging Face hub cannot be had.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// A model was to be written where it is read from.
    #[error("{}: a folder cannot be exported onto itself", .0.display())]
    OntoItself(PathBuf),
    /// Weights in Python's own format.
    #[error("{}: a pickle file can run any code when it is read, so it is never opened: convert it to safetensors", .0.display())]
    Pickle(PathBuf),
    /// A weight is too large for the type that is to be written.
    #[error("{tensor} holds {value} at position {index}, which does not fit {dtype}")]
    DoesNotFit {
        /// The tensor.
        tensor: String,
        /// Position in row-major order.
        index: usize,
        /// The weight, as text.
        value: String,
        /// The type, as `config.json` names it.
        dtype: &'static str,
    },
    /// The index of shards names a file outside the folder.
    #[error("{}: the file {file:?} of tensor {tensor} is not inside the folder", path.display())]
    OutsideFolder {
        /// The index.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// What the index says.
        file: String,
    },
    /// The tensors are not those of the model; all differences at once.
    #[error("{}: {}", dir.display(), list(problems))]
    Tensors {
        /// The folder.
        dir: PathBuf,
        /// Every difference, by name.
        problems: Vec<TensorProblem>,
    },
}

/// One difference between the tensors of a folder and those of its model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorProblem {
    /// The model has it, the folder does not.
    #[error("{name} {shape:?} is missing")]
    Missing {
        /// The tensor.
        name: String,
        /// Its shape in the file.
        shape: Vec<usize>,
    },
    /// The folder has it, the model does not.
    #[error("{name} {shape:?} is not part of the model")]
    Unexpected {
        /// The tensor.
        name: String,
        /// Its shape in the file.
        shape: Vec<usize>,
    },
    /// The shapes differ.
    #[error("{name} is {found:?}, the model needs {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// What the model needs.
        expected: Vec<usize>,
        /// What the file holds.
        found: Vec<usize>,
    },
    /// The type is none of F32, F16 and BF16.
    #[error("{name} has type {found}, supported are F32, F16 and BF16")]
    Type {
        /// The tensor.
        name: String,
        /// What the file holds.
        found: String,
    },
    /// The tensor is there twice.
    #[error("{name} is in {first} and again in {second}")]
    Duplicate {
        /// The tensor.
        name: String,
        /// Where it was found first.
        first: String,
        /// Where it was found again.
        second: String,
    },
    /// The index of shards says that the tensor is elsewhere.
    #[error("{name} is in {found}, the index says {expected}")]
    Misplaced {
        /// The tensor.
        name: String,
        /// The file that the index names.
        expected: String,
        /// The file that holds it.
        found: String,
    },
    /// A weight is infinite or not a number.
    #[error("{name} holds {value} at position {index}")]
    NotFinite {
        /// The tensor.
        name: String,
        /// Position in row-major order.
        index: usize,
        /// The weight, as text.
        value: String,
    },
    /// The head is tied to the embedding, but the file has another one.
    #[error("{name} differs from the embedding, to which tie_word_embeddings ties it")]
    Untied {
        /// The tensor.
        name: String,
    },
}

fn list(problems: &[TensorProblem]) -> String {
    let mut text = match problems.len() {
        1 => "1 tensor differs from the model:".to_owned(),
        count => format!("{count} tensors differ from the model:"),
    };
    for problem in problems {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {problem}");
    }
    text
}

/// Adds the path to an input or output error.
pub(crate) trait IoContext<T> {
    fn at(self, path: &Path) -> Result<T, ModelError>;
}

impl<T> IoContext<T> for std::io::Result<T> {
    fn at(self, path: &Path) -> Result<T, ModelError> {
        self.map_err(|source| ModelError::Io { path: path.to_owned(), source })
    }
}
