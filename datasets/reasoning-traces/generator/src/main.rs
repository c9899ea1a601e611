//! Writes the shipped reasoning traces and step solutions.

use std::error::Error;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use forethought_reasoning_traces::{NUM_PROBLEMS, generate, write, write_solutions};
use forethought_seed::Seed;

/// Writes synthetic problems with the thinking of their solvers as parquet files, the same ones for the same seed.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder to write to; it is made if it is not there.
    #[arg(long)]
    out: PathBuf,
    /// The seed; the shipped files have 7.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// What is written.
    #[arg(long, default_value = "traces")]
    kind: Kind,
}

/// What can be written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Problems with the thinking of their solvers: `datasets/reasoning-traces`.
    Traces,
    /// The shorter ones of the same problems with their steps numbered: `datasets/step-solutions`.
    Solutions,
}

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { out, seed, kind } = Arguments::parse();
    std::fs::create_dir_all(&out)?;
    let problems = generate(Seed::new(seed), NUM_PROBLEMS);
    let paths = match kind {
        Kind::Traces => write(&problems, &out)?,
        Kind::Solutions => vec![write_solutions(&problems, &out)?],
    };
    for path in paths {
        println!("wrote {}", path.display());
    }
    Ok(())
}
