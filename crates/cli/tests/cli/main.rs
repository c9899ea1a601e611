//! The command as a shell sees it: exit codes, what it prints, signals, threads.

mod check;
mod commands;
mod dashboard;
mod data;
mod data_files;
mod exit_codes;
mod export;
mod generate;
mod help;
#[cfg(feature = "hub")]
mod hub;
#[cfg(feature = "hub")]
#[allow(dead_code, reason = "one server for the tests of several crates")]
#[path = "../../../hub/tests/support/server.rs"]
mod hub_server;
mod logprobs;
mod merge;
mod overwrite;
mod owner;
mod replay;
mod reward;
mod rows;
mod score;
mod secrets;
mod signals;
mod untrusted;
mod verify;
mod watch;

use std::path::Path;
use std::process::{Command, Output};

use forethought_tests::Project;

/// The command, in a folder of its own.
fn forethought(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forethought"));
    // What tests have read is no business of the user's cache.
    command.current_dir(folder).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// `forethought pipeline` with the project's pipeline and these further arguments.
fn pipeline(project: &Project, arguments: &[&str]) -> Command {
    let mut command = forethought(&project.path(""));
    command.args(["pipeline", "pipeline.yaml"]).args(arguments);
    command
}

/// Exit code, standard output and standard error of a command.
fn outcome(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the command runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// Says what a test leaves out, and why.
fn skipped(why: &str) {
    // Not `eprintln`, which the test harness keeps to itself when a test passes.
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("skipped: {why}\n"));
}
