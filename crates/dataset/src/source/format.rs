//! How files hold their records, and what their names say about it.

use std::path::Path;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::DatasetError;

/// How a file holds its records.
///
/// Text may be compressed with gzip or zstd: the first bytes of the file say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Whatever the extension says: `.jsonl` and `.ndjson`, `.json`, `.csv`, `.tsv`, `.parquet`, `.arrow`, `.feather`
    /// and `.ipc`; text also with `.gz` or `.zst` after it. A `.json` whose first line is a whole object is read as
    /// JSON lines.
    #[default]
    Auto,
    /// One JSON object a line.
    Jsonl,
    /// One JSON array of objects.
    Json,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// Parquet.
    Parquet,
    /// Arrow IPC, as a file or as a stream, as `datasets` saves it.
    Arrow,
}

impl Format {
    /// The format of a file, never `Auto`.
    pub(crate) fn of(self, path: &Path) -> Result<Self, DatasetError> {
        if self != Self::Auto {
            return Ok(self);
        }
        Self::told_by(path).ok_or_else(|| DatasetError::UnknownFormat(path.to_owned()))
    }

    /// The format that the extension tells.
    pub(super) fn told_by(path: &Path) -> Option<Self> {
        let extension = |path: &Path| Some(path.extension()?.to_str()?.to_ascii_lowercase());
        let last = extension(path)?;
        if matches!(last.as_str(), "gz" | "zst") {
            let inner = extension(Path::new(path.file_stem()?))?;
            return Self::of_extension(&inner).filter(|format| format.is_text());
        }
        Self::of_extension(&last)
    }

    fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "parquet" => Some(Self::Parquet),
            "arrow" | "feather" | "ipc" => Some(Self::Arrow),
            _ => None,
        }
    }

    /// Its name, as YAML writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    /// Whether it is text, which may be compressed as a whole.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Jsonl | Self::Json | Self::Csv | Self::Tsv)
    }
}

/// A name that no format has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no format is called `{0}`; there are auto, jsonl, json, csv, tsv, parquet, arrow")]
pub struct UnknownFormatName(String);

impl FromStr for Format {
    type Err = UnknownFormatName;

    fn from_str(name: &str) -> Result<Self, UnknownFormatName> {
        let all =
            [Self::Auto, Self::Jsonl, Self::Json, Self::Csv, Self::Tsv, Self::Parquet, Self::Arrow];
        let found = all.into_iter().find(|format| format.as_str() == name);
        found.ok_or_else(|| UnknownFormatName(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_tells_the_format_unless_the_source_does() {
        let format =
            |name: &str| Format::Auto.of(Path::new(name)).map_err(|error| error.to_string());
        assert_eq!(format("a.JSONL"), Ok(Format::Jsonl));
        assert_eq!(format("a.ndjson"), Ok(Format::Jsonl));
        assert_eq!(format("a.json.gz"), Ok(Format::Json));
        assert_eq!(format("a.b.csv.zst"), Ok(Format::Csv));
        assert_eq!(format("a.tsv"), Ok(Format::Tsv));
        assert_eq!(format("a.parquet"), Ok(Format::Parquet));
        assert_eq!(format("data-00000-of-00001.arrow"), Ok(Format::Arrow));
        for name in ["a.txt", "a.parquet.gz", "a.gz", "a"] {
            let error = format(name).expect_err("no format");
            assert!(
                error.starts_with(&format!("{name}: its extension tells no format")),
                "{error}"
            );
        }
        assert_eq!(Format::Json.of(Path::new("a.csv")).ok(), Some(Format::Json));
    }
}
