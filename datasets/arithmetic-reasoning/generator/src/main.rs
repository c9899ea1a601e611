//! Writes the shipped arithmetic problems.

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use forethought_arithmetic_reasoning::{FILE, NUM_PROBLEMS, generate, to_lines};
use forethought_seed::Seed;

/// Writes small word problems with worked solutions as JSON lines, the same ones for the same seed.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder to write to; it is made if it is not there.
    #[arg(long)]
    out: PathBuf,
    /// The seed; the shipped file has 11.
    #[arg(long, default_value_t = 11)]
    seed: u64,
}

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { out, seed } = Arguments::parse();
    std::fs::create_dir_all(&out)?;
    let path = out.join(FILE);
    std::fs::write(&path, to_lines(&generate(Seed::new(seed), NUM_PROBLEMS))?)?;
    println!("wrote {}", path.display());
    Ok(())
}
