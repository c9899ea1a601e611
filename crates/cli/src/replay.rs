//! `forethought replay`: an optimiser step of a run, computed again.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use forethought_pipeline::{Console, PipelineError, Replayed, parse_device, redact, replay};

use crate::commands::{Failure, print, stop_flag};
use crate::examine::first_contact;

/// Computes an optimiser step of a run again and compares it with the log.
///
/// Prints what the step was made of, its advantages, and every number beside the logged one. It goes on from the nearest
/// checkpoint before the step that is kept; a finished stage keeps none, and is computed again from its start. The run
/// folder is only read; the files that its config names have to be where they were. On the CPU every number is the same,
/// bit for bit.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  forethought replay runs/think --step 3 --stage grpo
  forethought replay runs/think --step 700

Exit codes: 0 every number is the same, 1 some differ or the step cannot be computed again, 130 or 143 stopped by SIGINT or
SIGTERM.")]
pub(crate) struct Replay {
    /// The run folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The step, counted from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    step: u64,
    /// The stage; may be left out where only one has such a step
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
}

pub(crate) fn run(arguments: &Replay) -> Result<ExitCode, Failure> {
    let device = parse_device(&arguments.device)?;
    let run = std::path::absolute(&arguments.run)
        .map_err(|error| Failure::Io(arguments.run.clone(), error))?;
    let (machine, (stop, _)) = ((&device, &first_contact()?), stop_flag(Console::Silent)?);
    let step = (arguments.stage.as_deref(), arguments.step);
    let replayed = match (replay(&run, step, machine, &stop), stop.signal()) {
        (Err(PipelineError::Interrupted), Some(signal)) => {
            Console::Stderr.line("stopped before the step was computed again");
            return Ok(ExitCode::from(signal.exit_code()));
        }
        (replayed, _) => replayed?,
    };
    for notice in &replayed.notices {
        Console::Stderr.line(format!("note: {notice}"));
    }
    print(&redact(&table(&replayed)))?;
    Ok(if replayed.is_same() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn table(replayed: &Replayed) -> String {
    let Replayed { stage, batch, logged, from_step, .. } = replayed;
    let mut text = format!(
        "{stage}, step {}, computed from step {from_step} on\n{}\n{} micro-batches, {} tokens read, {} scored\n",
        logged.step, batch.description, batch.num_micro_batches, batch.num_tokens, batch.num_scored
    );
    if !batch.advantages.is_empty() {
        let shown: Vec<String> =
            batch.advantages.iter().map(|advantage| format!("{advantage:.4}")).collect();
        let _ = writeln!(text, "advantages: {}", shown.join(" "));
    }
    let _ = writeln!(text, "\n{:<44} {:>22} {:>22}", "", "logged", "computed");
    for (name, logged, rebuilt) in replayed.numbers() {
        let (found, mark) = match rebuilt {
            Some(value) if value.to_bits() == (logged + 0.0).to_bits() => (value.to_string(), ""),
            Some(value) => (value.to_string(), "  differs"),
            None => ("–".to_owned(), "  missing"),
        };
        let _ = writeln!(text, "{name:<44} {logged:>22} {found:>22}{mark}");
    }
    let verdict = if replayed.is_same() {
        "every number is the same, bit for bit"
    } else {
        "the step differs"
    };
    text + verdict
}
