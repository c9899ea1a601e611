//! `forethought examine`: reads a file that nobody has vouched for in a process that may die of it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use forethought_pipeline::{FirstContact, Format, KnownFiles, Probe, examine};

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

/// This program, started anew for each file that it has not read to its end before.
pub(crate) fn first_contact() -> Result<FirstContact, Failure> {
    let program =
        std::env::current_exe().map_err(|error| Failure::Io("this program".into(), error))?;
    let known = known_list().map_or_else(KnownFiles::default, KnownFiles::kept_in);
    Ok(FirstContact::Child(Probe::new(program, [NAME.into()]).with_known(Arc::new(known))))
}

/// Where the hashes of files are kept that were read: `forethought/examined` in the user's cache.
fn known_list() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = folder("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(Path::new(&folder("HOME")?).join(".cache")))?;
    Some(cache.join("forethought").join("examined"))
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
