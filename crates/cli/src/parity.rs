//! `forethought parity`: golden cases of the Python stack, replayed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use forethought_parity::{Case, replay};
use forethought_pipeline::parse_device;

use crate::commands::{Failure, print};

/// Replays golden cases and prints the largest error of each beside its tolerance; exit code 1 if any is beyond it.
///
/// The folder holds JSON files of cases (`forward/`, `losses/`, `chat_templates.json`, …) and the models they were
/// computed with in `models/`. Files of an unknown kind, and cases that ask for what is not offered, are listed as not
/// run.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  forethought parity goldens
  forethought parity goldens --only forward --only sft
  forethought parity goldens --failures

Exit codes: 0 all agree, 1 some do not, 2 bad usage or no cases.")]
pub(crate) struct Parity {
    /// The folder of golden cases
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Replay the files of this kind only; may be given several times
    #[arg(long, value_name = "KIND")]
    only: Vec<String>,
    /// Print only the cases that do not agree, and the summary
    #[arg(long)]
    failures: bool,
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
}

pub(crate) fn run(arguments: &Parity) -> Result<ExitCode, Failure> {
    let device = parse_device(&arguments.device)?;
    let mut shown = Ok(());
    let mut show = |case: &Case| {
        if shown.is_ok() && (!arguments.failures || case.is_failure()) {
            shown = print(&case.to_string());
        }
    };
    let summary =
        replay(&arguments.folder, &device, &arguments.only, &mut show).map_err(Failure::Parity)?;
    shown?;
    print(&summary.to_string())?;
    Ok(if summary.num_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
