//! `forethought check`: whether a pipeline could run, in seconds.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use forethought_pipeline::{Console, check, parse_device, redact};

use crate::commands::{Failure, locate, print, stop_flag};
use crate::examine::first_contact;

/// Checks a pipeline before it runs, and lists every problem at once.
///
/// Reads the config, opens every file, and rehearses the stages on a sample of their data with models of next to no width:
/// tokenizer, chat template, masks, ends of answers, rewards, first batches. Plans the memory of every training and
/// refuses what the machine cannot hold.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  forethought check think
  forethought check my-pipeline.yaml --set sft.max_length=4096

Exit codes: 0 nothing found, 2 problems found, 130 or 143 stopped by SIGINT or SIGTERM.")]
pub(crate) struct Check {
    /// A name in configs/pipelines (think), or the path of a YAML file
    #[arg(value_name = "NAME|FILE")]
    name: String,
    /// Set a value of the file: STAGE.KEY=VALUE, VALUE in YAML; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where the pipeline is to compute: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
}

pub(crate) fn run(arguments: &Check) -> Result<ExitCode, Failure> {
    let device = parse_device(&arguments.device)?;
    let contact = first_contact()?;
    let (file, base): (PathBuf, PathBuf) = locate(&arguments.name)?;
    std::env::set_current_dir(&base).map_err(|error| Failure::Io(base.clone(), error))?;
    let (stop, _) = stop_flag(Console::Silent)?;
    let pipeline = (file.as_path(), arguments.set.as_slice());
    let checked = check(pipeline, (&device, &contact), Console::Silent, &stop);
    for line in checked.plan_lines() {
        print(&redact(&line))?;
    }
    for notice in &checked.notices {
        Console::Stderr.line(format!("note: {}", redact(notice)));
    }
    for problem in &checked.problems {
        Console::Stderr.line(format!("error: {}", redact(problem)));
    }
    if let Some(signal) = stop.signal() {
        Console::Stderr.line(format!("{}: stopped, not everything was looked at", arguments.name));
        return Ok(ExitCode::from(signal.exit_code()));
    }
    match checked.problems.len() {
        0 => {
            let name = redact(&arguments.name);
            print(&format!("{name}: nothing found that would stop it"))?;
            Ok(ExitCode::SUCCESS)
        }
        count => {
            let problems = if count == 1 { "problem" } else { "problems" };
            Console::Stderr.line(format!("{}: {count} {problems}", arguments.name));
            Ok(ExitCode::from(2))
        }
    }
}
