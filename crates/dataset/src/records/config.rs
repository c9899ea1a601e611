//! What a config says about files of rows.

use std::collections::BTreeMap;

use forethought_preference::{Declared, Part, Shape, Tags};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::source::{AsWritten, Format, one_or_many};

/// Files of rows in one shape, and which of the rows are taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A file, a pattern such as `pairs/*.jsonl`, a folder, or a list of these; `owner/name`, perhaps with `@revision`, for a
    /// data set of the hub; or the `dataset_info.json` of LLaMA-Factory.
    ///
    /// A path is taken as it stands, that is from the working directory where it is relative; the files of a pattern are
    /// read in the order of their names. A folder is one that `datasets` saved (`save_to_disk`, with or without splits), or
    /// one of data files, which are looked for three folders deep.
    #[serde(deserialize_with = "one_or_many")]
    #[schemars(with = "AsWritten")]
    pub path: Vec<String>,
    /// The format. Default: each file's extension tells it.
    #[serde(default)]
    pub format: Format,
    /// The split to read, such as `train`; needed where a folder or a data set of the hub holds several. Splits are told by
    /// what `datasets` saved with the folder, else by the names of folders and files as `datasets` reads them (`train`,
    /// `valid`, `dev`, `test`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// The data set of a `dataset_info.json`, or the configuration of a data set of the hub (a folder in it). Default: the
    /// only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The SHA-256 of the file, in hexadecimal, where it is known. A file with another one is not read. For a source of
    /// one file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The shape of the rows. Default: the one that the columns tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// The column of each part that has not its usual name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub columns: BTreeMap<Part, String>,
    /// The words of turns, under the keys of LLaMA-Factory's `tags`. Default: those of the shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// Rows are taken where this expression of polars' SQL is true, over the columns of the file:
    /// `length(prompt) < 500 AND score > 0.5`. It judges each row by itself. Default: all.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// At most so many rows, drawn by the seed. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<usize>,
    /// The share of these rows in a mix, beside the weights of the other sources; all sources have one, or none. Default:
    /// every row is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

impl Source {
    /// One file or pattern, its shape recognised.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: vec![path.into()], ..Self::default() }
    }

    /// What is declared about the layout of the rows.
    #[must_use]
    pub fn declared(&self) -> Declared {
        let (columns, tags) = (self.columns.clone(), self.tags.clone());
        Declared { shape: self.shape, columns, tags }
    }
}
