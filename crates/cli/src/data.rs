//! `forethought data`: what files hold, and conversions between the shapes that programs keep rows in.

mod convert;
mod fetch;
mod inspect;
mod marked;
mod sources;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use forethought_dataset::DatasetError;
use forethought_pipeline::PipelineError;

use crate::commands::Failure;

/// Looks into files of rows and converts them.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  forethought data inspect pairs.jsonl
  forethought data help convert

Each command has examples of its own.")]
pub(crate) struct Data {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    /// Say what files hold: their shape and why, counts, lengths, duplicates, sample rows
    Inspect(inspect::Inspect),
    /// Write the rows of files in another shape, and say what is lost
    Convert(convert::Convert),
    /// Fetch a data set of the Hugging Face hub into its cache
    Fetch(fetch::Fetch),
}

/// `forethought data`
pub(crate) fn run(arguments: &Data) -> Result<ExitCode, Failure> {
    match &arguments.command {
        DataCommand::Inspect(arguments) => inspect::run(arguments),
        DataCommand::Convert(arguments) => convert::run(arguments),
        DataCommand::Fetch(arguments) => fetch::run(arguments),
    }
}

impl From<DatasetError> for Failure {
    fn from(error: DatasetError) -> Self {
        Self::Pipeline(PipelineError::from(error))
    }
}
