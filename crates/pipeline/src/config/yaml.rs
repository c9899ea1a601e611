//! YAML into config types, with errors that name file, line, key, what is allowed and the nearest valid name.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::locate::{Locations, MAX_DEPTH};
use super::overrides::{Override, OverrideError};
use super::plain;
use crate::secret::remember;

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
        if let Some(line) = locations.too_deep {
            let message = format!("nested deeper than {MAX_DEPTH} levels at line {line}");
            return Err(ConfigError::Syntax { path: path.to_owned(), message });
        }
        let mut value = plain::parse(text).map_err(|error| ConfigError::Syntax {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        remember(&value);
        let mut applied = Vec::new();
        for text in overrides {
            let one = Override::parse(text)?;
            remember(one.value());
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
        // A list would be taken for the values of the keys in their order.
        if self.value.is_array() {
            return Err(self.error("", "expected keys with values, found a list".to_owned()));
        }
        serde_path_to_error::deserialize(&self.value).map_err(|error| {
            let key = key_path(&error.path().to_string());
            let message = super::suggest::with_nearest_name(&error.into_inner().to_string());
            self.error(&key, message)
        })
    }

    /// The document as it stands, overrides applied.
    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// An error about the value at this path.
    #[must_use]
    pub fn error(&self, key: &str, message: String) -> ConfigError {
        let place = self.place(key, &message);
        let key = if key.is_empty() { "the document".to_owned() } else { key.to_owned() };
        ConfigError::Value { place, key, message }
    }

    /// Where the value at this path was written last. Some values are only known to be wrong somewhere below a path; then the
    /// override is meant that sets something there and says what the message found.
    #[must_use]
    pub fn place(&self, key: &str, message: &str) -> Place {
        let found = found_in(message);
        let is_meant = |one: &&Override| {
            is_below(key, one.path())
                || is_below(one.path(), key)
                    && found.is_some_and(|found| one.text().contains(found))
        };
        match self.overrides.iter().rev().find(is_meant) {
            Some(one) => Place::Override(one.text().to_owned()),
            None => Place::Line(self.path.clone(), self.locations.line(key).unwrap_or(0)),
        }
    }
}

/// Whether a path is another one, or leads through it; every path leads through the root.
pub(super) fn is_below(path: &str, above: &str) -> bool {
    above.is_empty()
        || path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What a message of serde says was found: ``unknown field `rat` ``, `invalid type: string "a"`.
fn found_in(message: &str) -> Option<&str> {
    let start = message.find(['`', '"'])?;
    let quote = message[start..].chars().next()?;
    message[start + 1..].split(quote).next().filter(|found| !found.is_empty())
}

/// `stages[4].sft.rate` and `.` as this module writes paths: `stages.4.sft.rate` and nothing.
pub(super) fn key_path(path: &str) -> String {
    path.replace('[', ".").replace(']', "").trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read is asked")]
    struct Config {
        name: String,
        #[serde(default)]
        steps: Vec<Step>,
        most: Option<f64>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read is asked")]
    struct Step {
        rate: f64,
        #[serde(default)]
        count: u8,
    }

    fn error(text: &str, overrides: &[&str]) -> String {
        let overrides: Vec<String> = overrides.iter().map(|one| (*one).to_owned()).collect();
        let document = Document::parse(Path::new("a.yaml"), text, &overrides);
        let config = document.and_then(|document| document.to_config::<Config>());
        config.expect_err("it is wrong").to_string()
    }

    const GOOD: &str = "name: x\nsteps:\n  - rate: 1\n  - rate: 2\n    count: 3\n";

    #[test]
    fn an_error_names_file_line_key_and_what_is_allowed() {
        assert_eq!(
            error(&GOOD.replace("count", "cuont"), &[]),
            "a.yaml:5: steps.1.cuont: unknown field `cuont`, expected `rate` or `count`; did you mean `count`?"
        );
        assert_eq!(
            error(&GOOD.replace("rate: 1", "rate: fast"), &[]),
            "a.yaml:3: steps.0.rate: invalid type: string \"fast\", expected f64"
        );
        assert_eq!(
            error(&GOOD.replace("count: 3", "count: 300"), &[]),
            "a.yaml:5: steps.1.count: invalid value: integer `300`, expected u8"
        );
    }

    #[test]
    fn what_is_no_finite_number_is_named_and_never_taken_for_nothing() {
        assert_eq!(
            error(&GOOD.replace("rate: 1", "rate: .nan"), &[]),
            "a.yaml:3: steps.0.rate: must be a finite number, found `.nan`"
        );
        // A setting that may be left out.
        assert_eq!(
            error(&format!("most: 1\n{GOOD}"), &["most=-.inf"]),
            "--set most=-.inf: most: must be a finite number, found `-.inf`"
        );
    }

    #[test]
    fn a_missing_key_has_the_line_of_what_should_hold_it() {
        assert_eq!(
            error(&GOOD.replace("rate: 2\n    count", "count"), &[]),
            "a.yaml:4: steps.1: missing field `rate`"
        );
        assert_eq!(error("steps: []\n", &[]), "a.yaml: the document: missing field `name`");
    }

    #[test]
    fn a_repeated_key_has_both_lines() {
        assert_eq!(
            error(&GOOD.replace("count: 3", "rate: 3"), &[]),
            "a.yaml:5: key `steps.1.rate` stands twice, first on line 4; remove one of them"
        );
    }

    #[test]
    fn a_text_that_is_no_yaml_has_the_line_and_column_of_the_fault() {
        let error = error("name: x\nsteps: [\n", &[]);
        assert!(error.starts_with("a.yaml: not valid YAML: "), "{error}");
        assert!(error.contains("line 3 column 1"), "{error}");
    }

    #[test]
    fn a_value_of_the_command_line_is_blamed_as_it_was_typed() {
        assert_eq!(
            error(GOOD, &["name=y", "steps.1.count=300"]),
            "--set steps.1.count=300: steps.1.count: invalid value: integer `300`, expected u8"
        );
        // A value below the one that was set.
        assert_eq!(
            error(GOOD, &["steps=[{rate: a}]"]),
            "--set steps=[{rate: a}]: steps.0.rate: invalid type: string \"a\", expected f64"
        );
        // What was not set keeps its line.
        assert_eq!(
            error(&GOOD.replace("rate: 1", "rate: a"), &["steps.1.count=3"]),
            "a.yaml:3: steps.0.rate: invalid type: string \"a\", expected f64"
        );
    }

    #[test]
    fn an_override_is_blamed_for_what_is_only_known_to_be_wrong_below() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only whether it can be read is asked")]
        struct Config {
            // What is flattened is read later, when the paths below are forgotten.
            #[serde(flatten)]
            rest: Rest,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only whether it can be read is asked")]
        struct Rest {
            sampling: Step,
        }
        let text = "sampling:\n  rate: 1\n";
        let set = |text: &str| vec!["name=x".to_owned(), text.to_owned()];
        for (set, message) in [
            (set("sampling.cuont=1"), "unknown field `cuont`"),
            (set("sampling.rate=fast"), "invalid type: string \"fast\""),
        ] {
            let text = format!("name: y\n{text}");
            let document = Document::parse(Path::new("a.yaml"), &text, &set).expect("YAML");
            let error = document.to_config::<Config>().expect_err("wrong").to_string();
            assert!(error.starts_with(&format!("--set {}: ", set[1])), "{error}");
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn the_last_of_several_overrides_counts_and_is_blamed() {
        assert_eq!(
            error(GOOD, &["steps.0.count=1", "steps.0.count=-1"]),
            "--set steps.0.count=-1: steps.0.count: invalid value: integer `-1`, expected u8"
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let error = Document::read(Path::new("no/such.yaml"), &[]).expect_err("it is not there");
        assert!(error.to_string().starts_with("no/such.yaml: cannot read the file: "), "{error}");
    }

    #[test]
    fn a_document_of_another_kind_is_an_error_of_the_document() {
        assert_eq!(
            error("- 1\n- 2\n", &[]),
            "a.yaml: the document: expected keys with values, found a list"
        );
        assert!(error("", &[]).starts_with("a.yaml: the document: "));
    }
}
