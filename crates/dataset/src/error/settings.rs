//! Errors that another setting of a source would mend.

use forethought_preference::RecogniseError;

use super::DatasetError;

impl DatasetError {
    /// The same, as the error of the source at this place, where other settings of the source would mend it.
    #[must_use]
    pub fn of_source(self, index: usize) -> Self {
        match self {
            Self::Source { error, .. } => Self::Source { index, error },
            error if error.key().is_some() => Self::Source { index, error: Box::new(error) },
            error => error,
        }
    }

    /// The setting to change, below those of the mix: `sources.1.shape`. None where the fault is not one of settings.
    #[must_use]
    pub fn setting(&self) -> Option<String> {
        let Self::Source { index, error } = self else { return None };
        Some(format!("sources.{index}.{}", error.key()?))
    }

    /// The setting of a source that is wrong or missing.
    fn key(&self) -> Option<&'static str> {
        match self {
            Self::NoSuchFile { .. }
            | Self::Folder(_)
            | Self::NoMatch(_)
            | Self::Pattern { .. }
            | Self::NamedTwice(_)
            | Self::NotAFile { .. }
            | Self::Hub(_)
            | Self::NoConversion { .. } => Some("path"),
            Self::Splits { .. } => Some("split"),
            // The SHA-1 is one that an index says.
            Self::Configurations { .. }
            | Self::Index { .. }
            | Self::Checksum { algorithm: "SHA-1", .. } => Some("dataset"),
            Self::UnknownFormat(_) | Self::OtherFormat { .. } => Some("format"),
            Self::MissingColumns { .. } => Some("columns"),
            Self::Shape { source, .. } => Some(match **source {
                RecogniseError::NoColumn { .. } | RecogniseError::Parts { .. } => "columns",
                _ => "shape",
            }),
            Self::Checksum { .. } => Some("sha256"),
            Self::Filter { .. } => Some("where"),
            Self::NoSources(field) | Self::Setting { field, .. } => Some(*field),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_settings_of_a_source_would_mend_is_told_with_its_key() {
        let none = || RecogniseError::None { found: Vec::new(), near: Vec::new() };
        let shape = || DatasetError::Shape { path: "a".into(), source: Box::new(none()) };
        assert_eq!(shape().setting(), None, "of no source");
        let error = shape().of_source(1);
        assert_eq!(error.setting().as_deref(), Some("sources.1.shape"));
        assert_eq!(error.to_string(), shape().to_string(), "the words are the same");
        assert_eq!(error.of_source(4).setting().as_deref(), Some("sources.4.shape"));
        let damaged = DatasetError::Parquet { path: "a".into(), message: "cut".to_owned() };
        assert_eq!(damaged.of_source(1).setting(), None, "no setting mends a damaged file");
    }
}
