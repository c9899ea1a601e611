//! `forethought completions`: what a shell needs to complete commands and options.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory as _};
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
    generate(arguments.shell, &mut shown(&Arguments::command()), "forethought", &mut script);
    match std::io::stdout().write_all(&script) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Io("standard output".into(), error))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// The command without those of its commands that are hidden: they are for this program itself, and shells would offer them.
fn shown(whole: &Command) -> Command {
    let seen = whole.get_subcommands().filter(|one| !one.is_hide_set()).cloned();
    Command::new("forethought")
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments().cloned())
        .subcommands(seen)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_is_told_of_every_command_but_the_hidden_ones() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            generate(*shell, &mut shown(&Arguments::command()), "forethought", &mut script);
            let script = String::from_utf8(script).expect("UTF-8");
            assert!(!script.contains("examine"), "{shell}");
            for one in Arguments::command().get_subcommands().filter(|one| !one.is_hide_set()) {
                assert!(script.contains(one.get_name()), "{shell}: {}", one.get_name());
            }
            assert!(script.contains("resume") && script.contains("version"), "{shell}");
        }
    }
}
