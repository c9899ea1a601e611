//! What can stop a pipeline.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use forethought_dataset::DatasetError;
use forethought_rollout::RolloutError;

use crate::config::{ConfigError, Document, Place, StageConfig};

/// A source that does not go with its settings.
#[derive(Debug, thiserror::Error)]
#[error("{}{error}", located(place.as_ref(), key))]
pub struct SourceError {
    /// The path of the setting that would mend it: `stages.0.ingest.sources.1.shape`.
    pub key: String,
    /// Where it stands, or what is nearest to where it would; none where the config came from no document.
    pub place: Option<Place>,
    /// What is wrong.
    pub error: DatasetError,
}

/// What stopped a pipeline.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No pipeline has this name.
    #[error("there is no pipeline file `{name}`; {help}")]
    NoSuchPipeline {
        /// The name as it was given.
        name: String,
        /// Which names there are.
        help: String,
    },
    /// The pipeline has no stage of this name.
    #[error("there is no stage `{name}` in this pipeline; {hint}its stages are {known}")]
    NoSuchStage {
        /// The name as it was given.
        name: String,
        /// The nearest name there is, as a question, or nothing.
        hint: String,
        /// Which stages there are.
        known: String,
    },
    /// The first stage to run stands after the last one.
    #[error("--from {from} stands after --until {until}: no stage would run")]
    NothingSelected {
        /// The stage of `--from`.
        from: String,
        /// The stage of `--until`.
        until: String,
    },
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A JSON value cannot be read or written.
    #[error("{place}: {source}")]
    Json {
        /// The file, with the line where there are several values.
        place: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A manifest is not as it was written.
    #[error(
        "{path} is not what was written: {source}; run the pipeline again, which makes it anew"
    )]
    Seal {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: forethought_train::SealError,
    },
    /// The data cannot be used.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The data cannot be used as the settings of a source say, and other settings would mend it.
    #[error(transparent)]
    Source(Box<SourceError>),
    /// The tokenizer cannot be used.
    #[error(transparent)]
    Tokenize(#[from] forethought_tokenize::TokenizeError),
    /// The model folder cannot be used.
    #[error(transparent)]
    Model(#[from] forethought_model::ModelError),
    /// The answers cannot be sampled.
    #[error(transparent)]
    Rollout(RolloutError),
    /// The teacher cannot be asked.
    #[error(transparent)]
    Teacher(#[from] forethought_teacher::TeacherError),
    /// The server that samples cannot be asked.
    #[error(transparent)]
    Remote(forethought_remote_rollout::RemoteError),
    /// The tokenizer cannot be trained.
    #[error(transparent)]
    Bpe(forethought_tokenize::BpeError),
    /// The adapter does not fit the model.
    #[error(transparent)]
    Lora(#[from] forethought_model::LoraError),
    /// The training failed.
    #[error(transparent)]
    Train(#[from] forethought_train::TrainError),
    /// The work does not fit together; the message says what to do.
    #[error("stage {stage}: {message}")]
    Stage {
        /// The stage that noticed.
        stage: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// The stage left off, for the run is to stop; what it had done is done again later.
    #[error("stopped")]
    Interrupted,
    /// The folder of the run belongs to another process, or cannot be written.
    #[error(transparent)]
    Lock(#[from] forethought_train::LockError),
    /// The asked-for device is not there.
    #[error("device {0}")]
    Device(String),
}

impl From<RolloutError> for PipelineError {
    fn from(error: RolloutError) -> Self {
        match error {
            // Only a signal cancels.
            RolloutError::Cancelled => Self::Interrupted,
            error => Self::Rollout(error),
        }
    }
}

impl From<forethought_tokenize::BpeError> for PipelineError {
    fn from(error: forethought_tokenize::BpeError) -> Self {
        match error {
            // Only a signal makes it unwanted.
            forethought_tokenize::BpeError::LeftOff => Self::Interrupted,
            error => Self::Bpe(error),
        }
    }
}

impl From<forethought_remote_rollout::RemoteError> for PipelineError {
    fn from(error: forethought_remote_rollout::RemoteError) -> Self {
        match error {
            // Only a signal cancels.
            forethought_remote_rollout::RemoteError::Cancelled => Self::Interrupted,
            error => Self::Remote(error),
        }
    }
}

/// Place and key, before what is wrong there.
fn located(place: Option<&Place>, key: &str) -> String {
    place.map_or_else(String::new, |place| format!("{place}: {key}: "))
}

impl PipelineError {
    /// The same with the key of the setting that would mend it, where it is one of the stage at this place.
    pub(crate) fn of_stage(self, index: usize, stage: &StageConfig) -> Self {
        match (self, stage.sources()) {
            (Self::Dataset(error), Some(sources)) => match error.setting() {
                Some(setting) => {
                    let key =
                        format!("stages.{index}.{}.{}{setting}", stage.kind(), sources.section);
                    Self::Source(Box::new(SourceError { key, place: None, error }))
                }
                None => Self::Dataset(error),
            },
            (error, _) => error,
        }
    }

    /// The same with the file and the line of the setting that it is about, if it is about one: of a pipeline, or of a mix.
    #[must_use]
    pub fn in_document(self, document: &Document) -> Self {
        let (key, error) = match self {
            Self::Source(source) => (source.key, source.error),
            Self::Dataset(error) => match error.setting() {
                Some(key) => (key, error),
                None => return Self::Dataset(error),
            },
            error => return error,
        };
        let place = Some(document.place(&key, &error.to_string()));
        Self::Source(Box::new(SourceError { key, place, error }))
    }

    /// What a stage noticed.
    pub(crate) fn stage(stage: &str, message: impl Display) -> Self {
        Self::Stage { stage: stage.to_owned(), message: message.to_string() }
    }

    /// Turns an error of the system into one that names the path.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// Turns an error of JSON into one that names the place.
    pub(crate) fn json(place: impl Display) -> impl FnOnce(serde_json::Error) -> Self {
        move |source| Self::Json { place: place.to_string(), source }
    }

    /// Whether the user has to change a config or a command line, rather than data or files.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Config(_)
            | Self::NoSuchPipeline { .. }
            | Self::NoSuchStage { .. }
            | Self::NothingSelected { .. }
            | Self::Device(_) => true,
            Self::Dataset(error) => error.is_usage(),
            _ => false,
        }
    }
}
