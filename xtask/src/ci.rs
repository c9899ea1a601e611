//! `cargo xtask ci`: every check, cheapest first, with its time, and a summary that says what was skipped and why.

mod options;
mod readme;
mod steps;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::workspace::Workspace;
use options::{Options, Request};
use steps::{STEPS, Step};

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    /// Done, with something left out that the reader must know.
    PassedWithout(String),
    Skipped(String),
    Failed(String),
    /// An earlier step failed.
    NotRun,
}

/// A step with its outcome and the time it took.
#[derive(Debug)]
struct Record {
    name: &'static str,
    outcome: Outcome,
    time: Duration,
}

/// Runs the steps that the arguments select.
pub(crate) fn main(workspace: &Workspace, arguments: &[String]) -> ExitCode {
    let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
    match options::parse(arguments, &names) {
        Ok(Request::Help) => {
            print!("{}", usage());
            ExitCode::SUCCESS
        }
        Ok(Request::Run(options)) => {
            let records = run_all(workspace, &options);
            print!("\n{}", summary(&records));
            let is_failed = |record: &Record| matches!(record.outcome, Outcome::Failed(_));
            if records.iter().any(is_failed) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("error: {error}\n\n{}", usage());
            ExitCode::from(crate::BAD_USAGE)
        }
    }
}

/// Runs the selected steps in order; after a failure the rest is not run, unless the user wants it.
fn run_all(workspace: &Workspace, options: &Options) -> Vec<Record> {
    let mut records = Vec::new();
    let mut is_stopped = false;
    for step in STEPS.iter().filter(|step| options.selects(step.name)) {
        let record = if is_stopped {
            Record { name: step.name, outcome: Outcome::NotRun, time: Duration::ZERO }
        } else {
            run_one(workspace, step)
        };
        is_stopped |= matches!(record.outcome, Outcome::Failed(_)) && !options.keeps_going;
        records.push(record);
    }
    records
}

/// Runs one step between two lines that name it.
fn run_one(workspace: &Workspace, step: &Step) -> Record {
    println!("\n== {}: {}", step.name, step.what);
    let start = Instant::now();
    let outcome = (step.run)(workspace).unwrap_or_else(Outcome::Failed);
    let time = start.elapsed();
    println!("== {}: {} ({})", step.name, describe(&outcome), seconds(time));
    Record { name: step.name, outcome, time }
}

/// An outcome in words.
fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => "passed".into(),
        Outcome::PassedWithout(what) => format!("passed; {what}"),
        Outcome::Skipped(why) => format!("skipped: {why}"),
        Outcome::Failed(why) => format!("FAILED: {why}"),
        Outcome::NotRun => "not run".into(),
    }
}

/// One line for each step, and the sum of the times.
fn summary(records: &[Record]) -> String {
    let width = records.iter().map(|record| record.name.len()).max().unwrap_or(0);
    let line = |Record { name, outcome, time }: &Record| {
        format!("  {name:width$}  {:>9}  {}\n", seconds(*time), describe(outcome))
    };
    let lines: String = records.iter().map(line).collect();
    let total = seconds(records.iter().map(|record| record.time).sum());
    format!("summary\n{lines}  {:width$}  {total:>9}\n", "all")
}

/// A time, as long as it needs to be.
fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

/// How to call it, and the steps.
fn usage() -> String {
    let steps = STEPS.iter().map(|step| format!("  {:9} {}\n", step.name, step.what));
    format!(
        "usage: cargo xtask ci [--only STEP]... [--skip STEP]... [--keep-going]\n\n\
         Stops at the first failure, unless --keep-going is given.\n\n\
         steps, in this order\n{}",
        steps.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_every_step_its_time_and_why_it_was_skipped() {
        let record =
            |name, outcome, millis| Record { name, outcome, time: Duration::from_millis(millis) };
        let records = [
            record("fmt", Outcome::Passed, 400),
            record("clippy", Outcome::Failed("`cargo clippy` failed".into()), 61_000),
            record("test", Outcome::NotRun, 0),
            record("cuda", Outcome::Skipped("no such feature".into()), 0),
        ];
        let expected = "summary
  fmt         0.4 s  passed
  clippy  1 min 01 s  FAILED: `cargo clippy` failed
  test        0.0 s  not run
  cuda        0.0 s  skipped: no such feature
  all     1 min 01 s
";
        assert_eq!(summary(&records), expected);
    }

    #[test]
    fn the_help_lists_every_step() {
        assert!(STEPS.iter().all(|step| usage().contains(step.what)));
    }
}
