//! Times whole steps of training and sampling on the CPU and prints them as one line of JSON.
//!
//! `cargo run --release -p forethought-benches --example cpu -- grpo --shape smollm2`
#![expect(clippy::print_stdout, reason = "printing is its job")]

mod learner;
mod shape;
mod training;
mod work;

use std::error::Error;
use std::path::PathBuf;

use burn::tensor::Device;
use clap::{Parser, ValueEnum};

use shape::Shape;
use work::Work;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What to measure, and on which model.
#[derive(Debug, Parser)]
struct Arguments {
    /// The kind of step.
    work: Work,
    /// A Hugging Face folder; without it, random weights of `--shape`.
    #[arg(long)]
    model: Option<PathBuf>,
    /// The sizes of the model, and of the step.
    #[arg(long, default_value = "smollm2")]
    shape: Shape,
    /// Steps to time, behind one that is not.
    #[arg(long, default_value_t = 3)]
    steps: usize,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    forethought_kernels::memory::keep_freed_memory();
    let arguments = Arguments::parse();
    rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build_global()?;
    let decoder = |device: &Device| match &arguments.model {
        Some(folder) => Ok(forethought_model::load(folder, device)?.decoder),
        None => arguments.shape.decoder(device),
    };
    let seconds = match arguments.work {
        Work::Sample => work::sample(&decoder(&Device::flex())?, arguments.steps)?,
        work => training::time(decoder(&Device::flex().autodiff())?, work, arguments.steps)?,
    };
    let line = serde_json::json!({
        "work": name(&arguments.work),
        "shape": name(&arguments.shape),
        "threads": arguments.threads,
        "seconds": seconds,
        "peak_mib": peak_mib(),
    });
    println!("{line}");
    Ok(())
}

/// The name of a choice on the command line.
fn name(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The most memory the process has held, where the system says so.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib / 1024.0)
}
