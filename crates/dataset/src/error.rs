//! What can be wrong with files and settings, each error with the path and the place in it.

mod settings;
mod words;

use std::path::{Path, PathBuf};

use forethought_preference::RecogniseError;

pub(crate) use words::{hint, listed, nearest, require_columns};
use words::{quoted, wanted_part};

use crate::rows::RowError;

/// The extensions that tell a format.
pub(crate) const EXTENSIONS: &str = ".jsonl, .ndjson, .json, .csv, .tsv, each also with .gz or .zst; .parquet, .arrow, .feather, .ipc";

/// Why a data set could not be read, written, balanced or split.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// A path that names nothing.
    #[error("{}: no such file{}", path.display(), hint(nearest.as_deref()))]
    NoSuchFile {
        /// The path as it was given.
        path: PathBuf,
        /// The file of that folder whose name is most like it.
        nearest: Option<String>,
    },
    /// Something that rows cannot be read from: a link to nowhere, a pipe, a device.
    #[error("{}: {message}", path.display())]
    NotAFile {
        /// The path as it was given.
        path: PathBuf,
        /// What it is, and what to do.
        message: String,
    },
    /// A file of another format than its name or the source says.
    #[error("{}: {message}", path.display())]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        message: String,
    },
    /// A folder without data.
    #[error("{}: this folder holds no data file ({})", .0.display(), EXTENSIONS)]
    Folder(PathBuf),
    /// A file of a folder that says what the folder holds, and does not, or not what is there.
    #[error("{}: {message}", path.display())]
    FolderIndex {
        /// The file: `state.json` or `dataset_dict.json`.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// Several splits of which one must be chosen, or one that is not there.
    #[error("{path}: {}", wanted_part(wanted.as_deref(), found, ("split", "split")))]
    Splits {
        /// The path as it was given.
        path: String,
        /// The split that was asked for.
        wanted: Option<String>,
        /// The splits there are.
        found: Vec<String>,
    },
    /// Several configurations of a data set of which one must be chosen, or one that is not there.
    #[error("{path}: {}", wanted_part(wanted.as_deref(), found, ("configuration", "dataset")))]
    Configurations {
        /// The name of the data set as it was given.
        path: String,
        /// The configuration that was asked for.
        wanted: Option<String>,
        /// The configurations there are.
        found: Vec<String>,
    },
    /// A pattern that no file matches.
    #[error("{0}: no file matches this pattern")]
    NoMatch(String),
    /// A pattern that is none.
    #[error("{pattern}: not a valid pattern: {message}")]
    Pattern {
        /// The pattern as it was given.
        pattern: String,
        /// What is wrong with it.
        message: String,
    },
    /// A list of sources, or of one source's paths, that is empty.
    #[error("no files to read: {0} is empty")]
    NoSources(&'static str),
    /// One file in two sources, so that its rows would count twice.
    #[error("{}: named by two sources, so its rows would count twice", .0.display())]
    NamedTwice(PathBuf),
    /// A file whose name does not tell its format.
    #[error(
        "{}: its extension tells no format ({EXTENSIONS}); set `format`",
        .0.display()
    )]
    UnknownFormat(PathBuf),
    /// Reading failed.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Writing failed.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is no parquet, truncated, corrupt, or uses what polars does not know.
    #[error("{}: {message}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A file of delimited text that cannot be read to its end.
    #[error("{}:{line}: {message}", path.display())]
    Delimited {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong there.
        message: String,
    },
    /// An Arrow file that is none, is truncated or corrupt, or holds what is not read.
    #[error("{}: {message}", path.display())]
    Arrow {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A file that another process could not read, or did not survive.
    #[error("{}: {message}", path.display())]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A file that is not the one it is said to be.
    #[error(
        "{}: its {algorithm} is {found}, expected {expected}: it was changed or damaged",
        path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Which hash it is.
        algorithm: &'static str,
        /// The hash it has, in hexadecimal.
        found: String,
        /// The hash it should have.
        expected: String,
    },
    /// A row that could not be read, where that is not to be passed over.
    #[error("{0}")]
    BadRow(Box<RowError>),
    /// A JSON file that cannot be read to its end.
    #[error("{}:{line}:{column}: not valid JSON: {message}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The byte in the line, counted from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// Columns that no row of the file has.
    #[error(
        "{}: no column {}{}; it has: {}",
        path.display(), quoted(missing), hint(nearest.as_deref()), listed(found)
    )]
    MissingColumns {
        /// The file.
        path: PathBuf,
        /// The columns that were asked for and are not there.
        missing: Vec<String>,
        /// The column of the file whose name is most like the first of them.
        nearest: Option<String>,
        /// The columns of the file.
        found: Vec<String>,
    },
    /// A column of another type.
    #[error("{}: column `{column}` should be {expected}, found {found}", path.display())]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The type it has.
        found: String,
        /// The type it should have.
        expected: &'static str,
    },
    /// A file whose rows have no shape, or another than was declared.
    #[error("{}: {source}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: Box<RecogniseError>,
    },
    /// An index of data sets that leads nowhere.
    #[error("{}: {message}", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A data set of the hub that cannot be had.
    #[error(transparent)]
    Hub(Box<forethought_hub::HubError>),
    /// A condition on rows that is none, or that cannot be applied to a file.
    #[error("where `{expression}`: {message}")]
    Filter {
        /// The condition as it was given.
        expression: String,
        /// What is wrong with it.
        message: String,
    },
    /// Records that cannot become what they shall be.
    #[error("{file}: holds {from} records, of which no {to} can be made")]
    NoConversion {
        /// The file.
        file: String,
        /// What it holds.
        from: &'static str,
        /// What it should hold.
        to: &'static str,
    },
    /// Files that hold different records.
    #[error(
        "{file} holds {first} records and {other} {second} records; say what they shall become"
    )]
    Kinds {
        /// What a file holds.
        first: &'static str,
        /// The file.
        file: String,
        /// What another holds.
        second: &'static str,
        /// The other file.
        other: String,
    },
    /// Every row was dropped, or there was none.
    #[error("no {record} is left of what was read:\n{table}")]
    NothingLeft {
        /// What the rows should have been: `trace` or `problem`.
        record: &'static str,
        /// The ledger, as text: what was read and why it was dropped.
        table: String,
    },
    /// A setting out of its range.
    #[error("{field} must be {rule}, got {found}")]
    Setting {
        /// The name of the setting.
        field: &'static str,
        /// What it has to fulfil.
        rule: String,
        /// The value it has.
        found: String,
    },
    /// The settings of balancing leave nothing for training or for validation.
    #[error("nothing is left for {split}: {reason}\n{table}")]
    EmptySplit {
        /// `training` or `validation`.
        split: &'static str,
        /// Why, and what to change.
        reason: String,
        /// The ledger, as text.
        table: String,
    },
    /// A source that cannot be read as its settings say, or whose settings do not say enough.
    #[error("{error}")]
    Source {
        /// The place of the source among the sources, from 0.
        index: usize,
        /// What is wrong with it.
        error: Box<DatasetError>,
    },
    /// A ledger whose sums are wrong: a fault of the program, not of the data.
    #[error("the ledger of {stage} does not account for {from}: {fault}")]
    Unaccounted {
        /// The stage.
        stage: String,
        /// The file the rows come from.
        from: String,
        /// Which sum is wrong.
        fault: String,
    },
}

impl DatasetError {
    /// Whether a setting has to be changed, rather than data or files.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Source { error, .. } => error.is_usage(),
            error => matches!(error, Self::Setting { .. } | Self::NoSources(_)),
        }
    }

    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn other_format(path: &Path, message: impl Into<String>) -> Self {
        Self::OtherFormat { path: path.to_owned(), message: message.into() }
    }

    pub(crate) fn write(path: &Path, source: std::io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }
}
