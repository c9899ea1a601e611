//! `forethought export`: a model folder for transformers, vLLM and llama.cpp's converter.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use forethought_model::{WeightType, export};
use forethought_pipeline::{Console, PipelineError, parse_device};

use crate::commands::Failure;
use crate::model_folder::model_dir;

/// Writes a model folder with weights of another type or in shards of another size.
///
/// Names, shapes and configuration are those of Hugging Face, so that transformers, vLLM and the converter of llama.cpp
/// read the folder. Generation configuration, tokenizer and chat template come along byte for byte.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  forethought export runs/think/artifacts/sft/model exported --dtype bf16
      Half the size; what vLLM expects.

  forethought export models/smollm2 exported --max-shard-size 500MB
      Several files and an index, in the type that the weights have now.

Exit codes: 0 done, 1 failed, 2 bad usage.")]
pub(crate) struct Export {
    /// The model folder to read, or owner/name@revision on the Hugging Face hub
    #[arg(value_name = "MODEL", value_parser = model_dir)]
    model: PathBuf,
    /// The folder to write; weights in it are replaced
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// Type of the weights [default: what the config.json of MODEL says, or f32]
    #[arg(long, value_enum)]
    dtype: Option<Type>,
    /// Most bytes of weights in one file: a number with B, KB, MB, GB, KiB, MiB or GiB
    #[arg(long, value_name = "SIZE", default_value = "5GB", value_parser = parse_size)]
    max_shard_size: u64,
}

/// The types by the names that the field uses.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Type {
    /// 32-bit floats
    F32,
    /// 16-bit floats with the range of 32-bit ones
    Bf16,
    /// 16-bit floats with more precision and less range
    F16,
}

impl From<Type> for WeightType {
    fn from(name: Type) -> Self {
        match name {
            Type::F32 => Self::F32,
            Type::Bf16 => Self::Bf16,
            Type::F16 => Self::F16,
        }
    }
}

pub(crate) fn run(arguments: &Export) -> Result<ExitCode, Failure> {
    let Export { model, out, dtype, max_shard_size } = arguments;
    let device = parse_device("cpu")?;
    export(model, out, dtype.map(WeightType::from), *max_shard_size, &device)
        .map_err(PipelineError::from)?;
    Console::Stderr.line(format!("model: {}", out.display()));
    Ok(ExitCode::SUCCESS)
}

/// Units by their ending, the longer ones first.
const UNITS: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

fn parse_size(text: &str) -> Result<u64, String> {
    let split = UNITS.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, *size)));
    let (number, unit) = split.unwrap_or((text, 1));
    let size = number.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match size {
        Some(size) if 0 < size => Ok(size),
        _ => Err("a size is a whole number above 0 with a unit such as MB, GB or GiB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_decimal_and_binary_units() {
        let cases =
            [("5GB", 5_000_000_000), ("2GiB", 2 << 30), ("300 KB", 300_000), ("7B", 7), ("8", 8)];
        for (text, size) in cases {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        for text in ["", "0", "GB", "1.5GB", "-1", "99999999999999999999", "9999999999999999GB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
