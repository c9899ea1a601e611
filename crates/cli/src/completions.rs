//! `forethought completions`: what a shell needs to complete commands and options.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use crate::arguments::Arguments;
use crate::commands::Failure;

/// Prints the completion script of a shell.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  forethought completions bash > ~/.local/share/bash-completion/completions/forethought
  forethought completions zsh > ~/.zfunc/_forethought
  forethought completions fish > ~/.config/fish/completions/forethought.fish")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Completions) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut Arguments::command(), "forethought", &mut script);
    match std::io::stdout().write_all(&script) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Io("standard output".into(), error))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
