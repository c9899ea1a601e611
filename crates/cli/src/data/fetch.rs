//! `forethought data fetch`: data sets of the Hugging Face hub into its cache.

use std::process::ExitCode;

use clap::Args;
use forethought_dataset::DatasetError;
use forethought_hub::{HubError, HubPath};

use crate::commands::Failure;

/// Fetches the files of a data set into the cache that Python's `datasets` and `huggingface_hub` use.
///
/// The paths of the files are printed. A download that broke off goes on where it stopped, and every file is compared
/// with the checksum that the hub states. With `HF_HUB_OFFLINE=1` nothing is fetched, and files that are not in the cache are
/// named. `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT` and `HF_TOKEN` mean what they mean to Python.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  forethought data fetch openai/gsm8k
      Every file that holds rows, as the branch main has it now.

  forethought data fetch hf://datasets/openai/gsm8k@main/main/train-*.parquet
      Some of the files of a revision.

  forethought data fetch openai/gsm8k --include 'main/*.parquet'
      The same with a pattern of its own.

The names can stand wherever a data file can: forethought data inspect openai/gsm8k. The binary needs the feature hub
(cargo install --features hub).

Exit codes: 0 done, 1 failed, 2 bad usage or config.")]
pub(crate) struct Fetch {
    /// `owner/name`, `owner/name@revision`, or `hf://datasets/owner/name@revision/pattern`
    #[arg(value_name = "NAME")]
    name: String,
    /// Fetch the files of this pattern only
    #[arg(long, value_name = "PATTERN")]
    include: Option<String>,
}

/// `forethought data fetch`
pub(crate) fn run(arguments: &Fetch) -> Result<ExitCode, Failure> {
    let path = HubPath::parse(&arguments.name).map_err(hub)?;
    let path = path.ok_or_else(|| hub(HubError::Name(arguments.name.clone())))?;
    let pattern = arguments.include.as_deref().or(path.pattern.as_deref());
    fetch(&path, pattern)?;
    Ok(ExitCode::SUCCESS)
}

fn hub(error: HubError) -> Failure {
    DatasetError::Hub(Box::new(error)).into()
}

#[cfg(feature = "hub")]
fn fetch(path: &HubPath, pattern: Option<&str>) -> Result<(), Failure> {
    use forethought_pipeline::Console;

    let hub_of_environment = forethought_hub::Hub::from_env().map_err(hub)?;
    let mut say = |file: &forethought_hub::FetchedFile| {
        let how = if file.was_cached { "was in the cache" } else { "fetched, checksum agrees" };
        Console::Stderr.line(format!("{}: {how}", file.name));
    };
    let files = hub_of_environment.fetch_data(&path.name, pattern, &mut say).map_err(hub)?;
    let paths: Vec<String> = files.iter().map(|file| file.path.display().to_string()).collect();
    crate::commands::print(&paths.join("\n"))
}

#[cfg(not(feature = "hub"))]
fn fetch(path: &HubPath, _pattern: Option<&str>) -> Result<(), Failure> {
    Err(hub(HubError::WithoutHub(path.name.repository().to_owned())))
}
