//! `forethought logprobs`: the log-probability of every token of given sequences.

use std::process::ExitCode;

use clap::Args;
use forethought_model::DecoderConfig;
use forethought_pipeline::PipelineError;
use forethought_rollout::{Given, check_given, given_log_probs};
use forethought_tokenize::Encoder;

use crate::commands::Failure;
use crate::model_folder::ModelFolder;
use crate::prompts::prompt_text;
use crate::rows::{Row, RowError, RowFiles, RowWork, numbers};

/// Computes the log-probability of every token of given sequences.
///
/// A row has `ids`, or `prompt` (text, or a list of messages) or `messages`, and `completion`. It gets `log_probs`, in
/// nats: of `ids[1]` and all after it, or of the tokens of the completion. There prompt and completion are encoded as
/// one text, and the completion begins with the first token that the prompt alone does not have; nothing is put behind
/// it, so a completion that shall end must say so (`"4<|im_end|>"`).
#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct Logprobs {
    #[command(flatten)]
    model: ModelFolder,
    #[command(flatten)]
    files: RowFiles,
    /// Divides the logits; greater than 0
    #[arg(long, default_value_t = 1.0)]
    temperature: f64,
}

const EXAMPLES: &str = "\
Examples:
  forethought logprobs models/qwen --input answers.jsonl --output scored.jsonl
      What the model thinks of each row's completion, token by token.

  echo '{\"ids\": [9707, 11, 1879]}' | forethought logprobs models/qwen
      Of ids: two numbers, for the second and the third.

  forethought logprobs models/qwen --adapter runs/lora --temperature 0.7 --input answers.jsonl
      With an adapter, at the temperature that the completions were sampled with.

Exit codes: 0 done, 1 failed, 2 bad usage or config.";

/// Rows at a time.
const ROWS_PER_CHUNK: usize = 64;

/// A sequence and the index of its first scored token.
struct Sequence {
    ids: Vec<u32>,
    start: usize,
}

/// `forethought logprobs`
pub(crate) fn run(arguments: &Logprobs) -> Result<ExitCode, Failure> {
    let temperature = arguments.temperature;
    if !(temperature.is_finite() && 0.0 < temperature) {
        let text = format!("--temperature must be finite and greater than 0, got {temperature}");
        return Err(Failure::Usage(text));
    }
    let (encoder, config) = arguments.model.describe()?;
    let parse = |row: &Row| {
        arguments.files.spare(row, &["log_probs"])?;
        sequence(row, &encoder, &config)
    };
    let rows = RowWork::check(&arguments.files, &parse)?;
    let decoder = arguments.model.load()?;
    rows.run("scoring tokens", ROWS_PER_CHUNK, &mut |items, _| {
        let given: Vec<Given<'_>> = items
            .iter()
            .map(|item| Given { ids: &item.value.ids, start: item.value.start })
            .collect();
        let scored = given_log_probs(&decoder, &given, temperature).map_err(PipelineError::from)?;
        for (item, log_probs) in items.iter_mut().zip(scored) {
            item.row.set("log_probs", numbers(&log_probs));
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The sequence of a row, which the model can read.
fn sequence(row: &Row, encoder: &Encoder, config: &DecoderConfig) -> Result<Sequence, RowError> {
    let (field, sequence) = if row.value("ids").is_some() {
        if row.value("completion").is_some() {
            let reason = "the row has a completion, too, and only one of them can be meant";
            return Err(row.refused("ids", reason));
        }
        ("ids", Sequence { ids: row.ids("ids")?, start: 1 })
    } else {
        ("completion", completed(row, encoder)?)
    };
    check_given(&sequence.ids, config).map_err(|error| row.refused(field, error))?;
    Ok(sequence)
}

fn completed(row: &Row, encoder: &Encoder) -> Result<Sequence, RowError> {
    let (field, prompt) = prompt_text(row, encoder)?;
    let whole = format!("{prompt}{}", row.text("completion")?);
    let encode = |text| encoder.encode(text).map_err(|error| row.refused(field, error));
    let (prompt, ids) = (encode(&prompt)?, encode(&whole)?);
    let start = prompt.iter().zip(&ids).take_while(|(left, right)| left == right).count();
    if start == 0 && !ids.is_empty() {
        let reason = "the first token of a text has nothing before it and cannot be scored";
        return Err(row.refused(field, format!("starts no sequence: {reason}")));
    }
    Ok(Sequence { ids, start })
}
