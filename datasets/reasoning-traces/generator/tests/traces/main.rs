//! What the shipped data promise: the files are what the generator writes, and lengths follow from structure alone.

mod baselines;
mod files;
mod solutions;
mod spread;

use std::sync::LazyLock;

use forethought_reasoning_traces::{NUM_PROBLEMS, Problem, generate};
use forethought_seed::Seed;

/// The problems of the shipped files.
static PROBLEMS: LazyLock<Vec<Problem>> = LazyLock::new(|| generate(Seed::new(7), NUM_PROBLEMS));
