//! Writes the shipped reasoning traces.

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use forethought_reasoning_traces::{NUM_PROBLEMS, generate, write};
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
}

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { out, seed } = Arguments::parse();
    std::fs::create_dir_all(&out)?;
    for path in write(&generate(Seed::new(seed), NUM_PROBLEMS), &out)? {
        println!("wrote {}", path.display());
    }
    Ok(())
}
