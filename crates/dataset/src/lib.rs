//! Files into records with a ledger of every row's fate; classes, balance and splits.
//!
//! A [`MixConfig`] names files in JSON, CSV, parquet and Arrow, or on the hub, whose rows have one of the shapes that
//! `forethought-preference` knows, and says which of the rows are taken. [`mix`] makes examples of them, [`read_traces`]
//! thinking traces, and [`read_problems`] problems with solutions and answers. [`think_class`] turns
//! the length of a thinking into its class; [`balance`] makes a training split with the same number of examples of every
//! class, and a validation split that shares no question with it. Each accounts for every row in a [`Ledger`]: nothing
//! is dropped in silence. [`Table`] writes and reads small parquet files; polars stays behind it.
//!
//! The rules are in `docs/algorithms/dataset.md`.
//!
//! ```
//! use forethought_dataset::{FirstContact, MixConfig, Reading, Source, Unfinished, read_traces};
//! use forethought_seed::Seed;
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("traces.jsonl");
//! let finished = r#"{"prompt": "2 + 2?", "completion": "<think>\n2 + 2 = 4\n</think>\nFour."}"#;
//! let cut_off = r#"{"prompt": "3 + 3?", "completion": "<think>\nWell, 3"}"#;
//! std::fs::write(&path, format!("{finished}\n{cut_off}\n"))?;
//!
//! let config = MixConfig::of(vec![Source::new(path.display().to_string())]);
//! let reading = Reading { stage: "ingest", seed: Seed::new(42), contact: &FirstContact::Here };
//! let ingested = read_traces(&config, Unfinished::Drop, reading)?;
//! assert_eq!(ingested.traces.len(), 1);
//! assert_eq!(ingested.traces[0].thinking, "2 + 2 = 4");
//! assert_eq!(ingested.ledger.entries[0].dropped["unfinished"].rows, [2]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arrow_file;
mod balance;
mod classes;
mod clean;
mod error;
mod filter;
mod goal;
mod guard;
mod ingest;
mod known;
mod ledger;
mod mix;
mod names;
mod objects;
mod parquet_file;
mod probe;
mod problems;
mod question;
mod records;
mod rows;
mod source;
mod spool;
mod steps;
mod table;
mod thinking;

pub use balance::{
    BalanceConfig, Balanced, Balancer, ClassCount, ClassFate, Drawn, Overflow, ShareOf,
    ValidationConfig, balance,
};
pub use classes::think_class;
pub use clean::{CleanConfig, Cleaned, Cleaner, DrawnClean, Spread, clean};
pub use error::DatasetError;
pub use ingest::{Ingested, Unfinished, for_each_trace, read_traces};
pub use known::KnownFiles;
pub use ledger::{Ledger, LedgerEntry, Rows};
pub use mix::{
    Deduplicate, DuplicateBy, MixConfig, MixOrder, Mixed, Mixing, NearDuplicates, Reading, RowFate,
    count_duplicates, mix, prompt_of,
};
pub use objects::{ObjectRow, for_each_object, read_objects};
pub use probe::{FirstContact, Probe, examine};
pub use problems::{Problems, for_each_problem, read_problems};
pub use question::Fingerprint;
pub use records::{
    ExampleRow, ExampleRows, Examples, FileLayout, OnBadRow, Source, SourceFile, find_files,
    read_examples,
};
pub use rows::{ClassNames, Json, Row, RowError, RowFile, RowProblem, RowUnit, Selection};
pub use source::{Format, UnknownFormatName};
pub use steps::{listed_steps, told_steps};
pub use table::{Column, ColumnType, RowsAsParquet, Table};
pub use thinking::{Thinking, ThinkingNote, split_thinking};
