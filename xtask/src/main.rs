//! `cargo xtask`: hands commands to the `forethought` binary, and runs the developer's checks.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod bench;
mod ci;
mod dispatch;
mod features;
mod finding;
mod interop;
mod layers;
mod tidy;
mod workspace;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use finding::Finding;
use workspace::Workspace;

const USAGE: &str = "\
cargo xtask: one door to everything in this workspace

usage: cargo xtask COMMAND [ARGUMENTS]

commands of the forethought binary (built in release mode when needed, then run where you stand)
  pipeline   run the stages of a pipeline: data, training, predictions, report
  evaluate   the metrics of a run
  report     the HTML page of a run
  ...        whatever `cargo xtask help` lists; `cargo xtask COMMAND --help` teaches each

  With `--device cuda` the binary is built with its `cuda` feature, and where data or a model on the
  hub is named (owner/name), with `hub`.

tasks for developers
  ci         every check, cheapest first; `cargo xtask ci --help` lists the steps
  tidy       the rules of docs/style.md that no other tool knows
  layers     who may depend on whom
  interop    what forethought writes, read by transformers and PEFT (needs a Python that has them)
  bench      whole steps timed beside transformers and TRL; `cargo xtask bench --help`

examples
  cargo xtask pipeline think                          train and evaluate on the shipped data
  cargo xtask pipeline think --set seed=7 --out runs/seed-7
  cargo xtask pipeline --help
  cargo xtask ci --only clippy --only test
";

/// Exit code of a command that nobody could understand.
const BAD_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let command = arguments.first().map(|word| word.to_string_lossy().into_owned());
    match command.as_deref() {
        None => {
            eprint!("{USAGE}");
            ExitCode::from(BAD_USAGE)
        }
        Some("-h" | "--help") => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Some(task @ ("ci" | "tidy" | "layers" | "interop" | "bench")) => {
            develop(task, &arguments[1..])
        }
        Some(_) => settle(Workspace::locate().and_then(|at| dispatch::run(&at, &arguments))),
    }
}

/// Runs one of the developer's tasks.
fn develop(task: &str, arguments: &[OsString]) -> ExitCode {
    let words: Vec<String> =
        arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let workspace = match Workspace::locate() {
        Ok(workspace) => workspace,
        Err(error) => return settle(Err(error)),
    };
    match task {
        "ci" => ci::main(&workspace, &words),
        "bench" => bench::main(&workspace, &words),
        _ if !words.is_empty() => {
            eprintln!("error: `cargo xtask {task}` takes no arguments, got `{}`", words.join(" "));
            ExitCode::from(BAD_USAGE)
        }
        "interop" => settle(interop::compare(&workspace).map(report)),
        "tidy" => settle(tidy::check(&workspace).and_then(|found| judge(task, &found))),
        _ => settle(layers::check(&workspace).and_then(|found| judge(task, &found))),
    }
}

/// Says whether there was anything to compare with.
fn report(compared: interop::Compared) -> ExitCode {
    match compared {
        interop::Compared::All => println!("interop: all folders agree"),
        interop::Compared::AllBut(why) => println!("interop: all agree; not read: {why}"),
        interop::Compared::Skipped(why) => println!("skipped: {why}"),
    }
    ExitCode::SUCCESS
}

/// Prints the findings of a task; any finding fails it.
fn judge(task: &str, findings: &[Finding]) -> Result<ExitCode, String> {
    for finding in findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("{task}: nothing to say");
            Ok(ExitCode::SUCCESS)
        }
        count => Err(format!("{task}: {count} finding(s)")),
    }
}

/// Turns an error into a message and an exit code.
fn settle(result: Result<ExitCode, String>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
