//! `forethought merge`: folds an adapter into the weights of its model.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use forethought_model::{
    Decoder, LogitDifference, ModelError, SaveOptions, WeightType, load, load_adapter,
    logit_difference, save_with,
};
use forethought_pipeline::{Console, PipelineError, parse_device};
use forethought_seed::Seed;

use crate::commands::{Failure, print};
use crate::export::Type;
use crate::model_folder::model_dir;

/// What `--verify` allows with 32-bit weights, as a share of the largest logit.
const TOLERANCE: f32 = 1e-4;

/// Folds an adapter into the weights of its model and writes a Hugging Face folder.
///
/// The folder has the configuration, tokenizer and chat template of the model. With --verify it is read again and
/// compared with the model and the adapter beside each other, on random tokens.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  forethought merge models/qwen --adapter runs/think/artifacts/sft/adapter --out models/qwen-think
  forethought merge models/qwen --adapter runs/lora --out merged --verify
      Prints the largest difference of a logit; above 1e-4 of the largest logit nothing is kept and the exit code is 1.

  forethought merge models/qwen --adapter runs/lora --out merged --dtype bf16 --verify
      Half the size. The difference is that of rounding to 8 bits, so it is printed but not judged.

Exit codes: 0 done, 1 failed or too far off, 2 bad usage.")]
pub(crate) struct Merge {
    /// The model folder, or owner/name@revision on the Hugging Face hub
    #[arg(value_name = "DIR", value_parser = model_dir)]
    model: PathBuf,
    /// The adapter folder, as PEFT writes it
    #[arg(long, value_name = "DIR")]
    adapter: PathBuf,
    /// The folder to write; it must be empty or not there yet
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Compare the logits of the written model with those of model and adapter
    #[arg(long)]
    verify: bool,
    /// The type of the written weights
    #[arg(long, value_enum, default_value = "f32")]
    dtype: Type,
    /// Seed of the random tokens
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
}

pub(crate) fn run(arguments: &Merge) -> Result<ExitCode, Failure> {
    let device = parse_device(&arguments.device)?;
    if is_taken(&arguments.out) {
        let text = format!("--out: {} is there already and not empty", arguments.out.display());
        return Err(Failure::Usage(text));
    }
    let base = load(&arguments.model, &device).map_err(failed)?.decoder;
    let adapted = load_adapter(base, &arguments.adapter, &device).map_err(failed)?;
    // What is there under its final name is whole and, if asked for, verified.
    let staged = staged(&arguments.out);
    let result = write(arguments, &adapted, &staged);
    match result {
        Ok(ExitCode::SUCCESS) => {
            std::fs::rename(&staged, &arguments.out)
                .map_err(|error| Failure::Io(arguments.out.clone(), error))?;
            Console::Stderr.line(format!("model: {}", arguments.out.display()));
        }
        // What is left over is reported by the failure that led here.
        _ => drop(std::fs::remove_dir_all(&staged)),
    }
    result
}

/// Whether there is something that must not be replaced.
fn is_taken(out: &Path) -> bool {
    std::fs::read_dir(out).map_or_else(|_| out.exists(), |mut entries| entries.next().is_some())
}

/// Writes the folder, and compares what was written.
fn write(arguments: &Merge, adapted: &Decoder, staged: &Path) -> Result<ExitCode, Failure> {
    let dtype = WeightType::from(arguments.dtype);
    let companions = Some(arguments.model.clone());
    let options = SaveOptions { dtype, companions, ..SaveOptions::default() };
    save_with(adapted, staged, &options).map_err(failed)?;
    if !arguments.verify {
        return Ok(ExitCode::SUCCESS);
    }
    let merged = load(staged, &adapted.device()).map_err(failed)?.decoder;
    let difference = logit_difference(adapted, &merged, Seed::new(arguments.seed));
    let LogitDifference { largest, scale } = difference;
    print(&format!("largest difference of a logit: {largest:e}, of logits up to {scale}"))?;
    judge(dtype, difference)?;
    Ok(ExitCode::SUCCESS)
}

/// A folder beside the final one, so that renaming it crosses no file system.
fn staged(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    name.into()
}

/// Only 32-bit weights have to agree: others are rounded.
fn judge(dtype: WeightType, difference: LogitDifference) -> Result<(), Failure> {
    if dtype != WeightType::F32 || difference.relative() <= TOLERANCE {
        return Ok(());
    }
    let LogitDifference { largest, scale } = difference;
    let text = format!(
        "the logits of the merged model differ by {largest:e}; of logits up to {scale}, {:e} is allowed",
        TOLERANCE * scale.max(1.0)
    );
    Err(Failure::Disagreement(text))
}

fn failed(error: ModelError) -> Failure {
    Failure::Pipeline(PipelineError::from(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_above_the_tolerance_is_a_failure_of_32_bit_weights() {
        let judge = |dtype, largest, scale| judge(dtype, LogitDifference { largest, scale });
        assert!(judge(WeightType::F32, 1e-4, 0.5).is_ok());
        assert!(judge(WeightType::F32, 3e-3, 33.0).is_ok());
        assert!(judge(WeightType::Bf16, 0.1, 1.0).is_ok());
        for (largest, scale) in
            [(1.1e-4, 0.5), (3.4e-3, 33.0), (f32::INFINITY, 1.0), (f32::NAN, 1.0)]
        {
            let failure = judge(WeightType::F32, largest, scale);
            assert!(matches!(failure, Err(Failure::Disagreement(_))), "{largest}");
        }
    }
}
