//! YAML into config types, with errors that name file, line, key, what is allowed and the nearest valid name.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::locate::Locations;
use super::overrides::{Override, OverrideError};

/// Something in a configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: cannot read the file: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not YAML.
    #[error("{path}: not valid YAML: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What the parser said, with line and column.
        message: String,
    },
    /// A key stands twice.
    #[error("{place}: key `{key}` stands twice, first on line {first}; remove one of them")]
    Duplicate {
        /// File and line of the second occurrence.
        place: Place,
        /// The path of the key.
        key: String,
        /// The line of the first occurrence.
        first: usize,
    },
    /// A key is unknown or missing, or its value has the wrong type or is out of range.
    #[error("{place}: {key}: {message}")]
    Value {
        /// File and line.
        place: Place,
        /// The path of the key.
        key: String,
        /// What was found and what is allowed.
        message: String,
    },
    /// An override of the command line cannot be applied.
    #[error(transparent)]
    Override(#[from] OverrideError),
}

/// Where a value was written: a line of a file, or an override of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of a file; 0 stands for the file as a whole.
    Line(PathBuf, usize),
    /// A `--set` of the command line.
    Override(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(path, 0) => write!(formatter, "{}", path.display()),
            Self::Line(path, line) => write!(formatter, "{}:{line}", path.display()),
            Self::Override(text) => write!(formatter, "--set {text}"),
        }
    }
}

/// A parsed document that still knows where each of its values was written.
#[derive(Debug)]
pub struct Document {
    path: PathBuf,
    locations: Locations,
    overrides: Vec<Override>,
    value: Value,
}

impl Document {
    /// Reads a file and applies overrides to it, in order.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not YAML, repeats a key, or an override names no place in it.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &text, overrides)
    }

    /// Parses a text as [`Document::read`] parses a file.
    ///
    /// # Errors
    ///
    /// As [`Document::read`], without the reading.
    pub fn parse(path: &Path, text: &str, overrides: &[String]) -> Result<Self, ConfigError> {
        let locations = Locations::of(text);
        if let Some((key, first, line)) = locations.duplicates.first() {
            let place = Place::Line(path.to_owned(), *line);
            return Err(ConfigError::Duplicate { place, key: key.clone(), first: *first });
        }
        let mut value: Value = serde_yaml::from_str(text).map_err(|error| ConfigError::Syntax {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        let mut applied = Vec::new();
        for text in overrides {
            let one = Override::parse(text)?;
            applied.push(one.apply(&mut value)?);
        }
        Ok(Self { path: path.to_owned(), locations, overrides: applied, value })
    }

    /// Turns the document into a config.
    ///
    /// # Errors
    ///
    /// If a key is unknown or missing or a value has the wrong type.
    pub fn to_config<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(&self.value).map_err(|error| {
            let key = key_path(&error.path().to_string());
            let message = super::suggest::with_nearest_name(&error.into_inner().to_string());
            self.error(&key, message)
        })
    }

    /// An error about the value at this path.
    #[must_use]
    pub fn error(&self, key: &str, message: String) -> ConfigError {
        let key = if key.is_empty() { "the document".to_owned() } else { key.to_owned() };
        ConfigError::Value { place: self.place(&key), key, message }
    }

    /// Where the value at this path was written last.
    fn place(&self, key: &str) -> Place {
        let covers =
            |one: &&Override| key == one.path() || key.starts_with(&format!("{}.", one.path()));
        match self.overrides.iter().rev().find(covers) {
            Some(one) => Place::Override(one.text().to_owned()),
            None => Place::Line(self.path.clone(), self.locations.line(key).unwrap_or(0)),
        }
    }
}

/// `stages[4].sft.rate` and `.` as this module writes paths: `stages.4.sft.rate` and nothing.
fn key_path(path: &str) -> String {
    if path == "." { String::new() } else { path.replace('[', ".").replace(']', "") }
}
