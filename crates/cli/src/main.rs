//! The `forethought` command: post-training of small language models, from one YAML file to one report.

mod arguments;
mod check;
mod commands;
mod completions;
mod data;
mod examine;
mod export;
mod generate;
mod logprobs;
mod merge;
mod model_folder;
mod parity;
mod prompts;
mod replay;
mod reward;
mod rows;
mod schema;
mod score;
mod verify;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command};

/// Burn frees and allocates a buffer for every tensor; mimalloc keeps freed pages, the system's allocator returns them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    forethought_kernels::memory::keep_freed_memory();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return commands::misused(&error),
    };
    let result = match arguments.command {
        Command::Pipeline(pipeline) => commands::pipeline(&pipeline),
        Command::Data(arguments) => data::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Logprobs(arguments) => logprobs::run(&arguments),
        Command::Score(arguments) => score::run(&arguments),
        Command::Reward(arguments) => reward::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Evaluate(run) => commands::evaluate(&run),
        Command::Report(run) => commands::report(&run),
        Command::Merge(merge) => merge::run(&merge),
        Command::Export(export) => export::run(&export),
        Command::Parity(parity) => parity::run(&parity),
        Command::Check(arguments) => check::run(&arguments),
        Command::Watch(arguments) => watch::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Examine(arguments) => examine::run(&arguments),
    };
    result.unwrap_or_else(commands::Failure::show)
}
