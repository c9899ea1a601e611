//! `forethought examine`: reads a file that nobody has vouched for in a process that may die of it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use forethought_pipeline::{FirstContact, Format, Probe, examine};

use crate::commands::{Failure, print};

/// The name of the command.
const NAME: &str = "examine";

/// Reads a parquet or Arrow file to its end with a limit of memory. Other commands start this one before they read such a
/// file themselves.
#[derive(Debug, Args)]
pub(crate) struct Examine {
    /// How the file holds its rows
    format: Format,
    /// The file
    path: PathBuf,
}

/// This program, started anew for each file.
pub(crate) fn first_contact() -> Result<FirstContact, Failure> {
    let program =
        std::env::current_exe().map_err(|error| Failure::Io("this program".into(), error))?;
    Ok(FirstContact::Child(Probe::new(program, [NAME.into()])))
}

/// What is wrong goes to standard output, where the parent reads it.
pub(crate) fn run(arguments: &Examine) -> Result<ExitCode, Failure> {
    match examine(&arguments.path, arguments.format) {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(message) => {
            print(&message)?;
            Ok(ExitCode::FAILURE)
        }
    }
}
