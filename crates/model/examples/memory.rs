//! Peak memory of one training step of an adapter over a base in 32, 8 or 4 bits.
//!
//! `cargo run --release -p forethought-model --example memory -- FOLDER f32|int8|nf4 [TOKENS]`
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use burn::tensor::{Device, Int, Tensor, TensorData};
use forethought_model::{
    Decoder, LoraConfig, ModelError, Quantisation, load, load_quantised, pack,
};
use forethought_seed::Seed;

/// As the binary has it, so that both measure the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sequences of the step.
const SEQUENCES: u32 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, kind, rest @ ..] = arguments.as_slice() else { return usage() };
    let kind = match kind.as_str() {
        "f32" => None,
        "int8" => Some(Quantisation::Int8),
        "nf4" => Some(Quantisation::Nf4),
        _ => return usage(),
    };
    let tokens = match rest.first().map(|tokens| tokens.parse()) {
        None => 256,
        Some(Ok(tokens)) if 2 <= tokens => tokens,
        Some(_) => return usage(),
    };
    match measure(Path::new(folder), kind, tokens) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: memory FOLDER f32|int8|nf4 [TOKENS]");
    ExitCode::from(2)
}

fn measure(folder: &Path, kind: Option<Quantisation>, tokens: u32) -> Result<(), ModelError> {
    let device = Device::flex().autodiff();
    let base = match kind {
        None => load(folder, &device)?.decoder,
        Some(kind) => load_quantised(folder, kind, &device)?.decoder,
    };
    println!("loaded: {}", memory());
    let decoder = base
        .with_lora(&LoraConfig::default(), Seed::new(1), &device)
        .unwrap_or_else(|error| unreachable!("the default configuration fits: {error}"));
    let start = Instant::now();
    let loss = step(&decoder, tokens, &device);
    println!("loss {loss:.4} after {:.2} s: {}", start.elapsed().as_secs_f64(), memory());
    Ok(())
}

/// Forward and backward over two sequences of random tokens, every token scored.
fn step(decoder: &Decoder, length: u32, device: &Device) -> f32 {
    let vocab = u32::try_from(decoder.config().vocab_size).unwrap_or(u32::MAX);
    let token = |index: u32| index.wrapping_mul(2_654_435_761) % vocab;
    let sequence = |first: u32| (first..first + length).map(token).collect::<Vec<u32>>();
    let sequences: Vec<Vec<u32>> = (0..SEQUENCES).map(|index| sequence(index * length)).collect();
    let packed = pack(&sequences.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let hidden = decoder.forward(&packed.tokens, None);
    let (mut before, mut targets) = (Vec::new(), Vec::new());
    for (row, sequence) in packed.rows.iter().zip(&sequences) {
        let before_last = row[..row.len() - 1].iter().copied();
        before.extend(before_last.map(|token| i64::try_from(token).unwrap_or(i64::MAX)));
        targets.extend(sequence[1..].iter().map(|id| i64::from(*id)));
    }
    let list = |values: Vec<i64>| -> Tensor<1, Int> {
        let count = values.len();
        Tensor::from_data(TensorData::new(values, [count]), device)
    };
    let scores = decoder.score(hidden.select(0, list(before)), list(targets), 1.0);
    let loss = scores.log_probs.mean().neg();
    let gradients = loss.backward();
    let loss = loss.into_scalar();
    drop(gradients);
    loss
}

/// Resident memory now and at its peak.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let megabytes = |key: &str| -> f64 {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        let kilobytes = line.trim_matches(|letter: char| !letter.is_ascii_digit()).parse::<f64>();
        kilobytes.unwrap_or(f64::NAN) / 1024.0
    };
    format!("{:.0} MiB resident, peak {:.0} MiB", megabytes("VmRSS:"), megabytes("VmHWM:"))
}
