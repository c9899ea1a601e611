//! `forethought generate`: completions of the prompts of rows.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use forethought_model::{Decoder, DecoderConfig};
use forethought_pipeline::{Document, PipelineError};
use forethought_rollout::{Completion, Request, Sampling, StopCheck, check_prompt};
use forethought_seed::Seed;
use forethought_tokenize::{Encoder, StopStrings};
use serde_json::{Value, json};

use crate::commands::Failure;
use crate::model_folder::ModelFolder;
use crate::prompts::prompt_text;
use crate::rows::{Item, Row, RowError, RowFiles, RowWork, numbers};

/// Samples completions of prompts.
///
/// A row has `prompt` (text, or a list of messages) or `messages`, which the model's chat template renders; `tools` go
/// into the template. It gets `completions`, a list of objects: `text` without special tokens, `ids`, `log_probs` of
/// the ids (in nats, at the temperature, before any filter), and `finished`, which is false where the length ended it.
///
/// The same seed and row give the same completion, whatever the other rows.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct Generate {
    #[command(flatten)]
    model: ModelFolder,
    #[command(flatten)]
    files: RowFiles,
    /// Completions of each prompt
    #[arg(long, value_name = "N", default_value = "1")]
    num_samples: NonZeroUsize,
    /// Seed of every draw
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    sampling: SamplingArguments,
}

const EXAMPLES: &str = "\
Examples:
  forethought generate models/qwen --input questions.jsonl --output answers.jsonl
      One sampled completion of at most 20 tokens for each row's prompt or messages.

  forethought generate models/qwen --input q.jsonl --output a.jsonl --temperature 0 --max-new-tokens 256
      The most likely token each time, up to 256 of them.

  echo '{\"prompt\": \"2 + 2 =\"}' | forethought generate models/qwen --num-samples 4 --seed 7 --top-p 0.9
      Four completions of a row from a pipe.

  forethought generate models/qwen --adapter runs/lora --config sampling.yaml --stop '</answer>' --input q.jsonl
      With an adapter, the sampling of a YAML file (temperature: 0.7, ...), and a text that ends a completion.

Exit codes: 0 done, 1 failed, 2 bad usage or config.";

/// How tokens are drawn: a file, and options that go before it.
#[derive(Clone, Debug, Args)]
struct SamplingArguments {
    /// A YAML file with the options below as keys, with _ for -; the options go before it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Divides the logits; 0 takes the most likely token [default: 1]
    #[arg(long)]
    temperature: Option<f64>,
    /// Keep the K most likely tokens; 0 keeps all [default: 0]
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Keep the fewest most likely tokens that hold this probability [default: 1]
    #[arg(long, value_name = "P")]
    top_p: Option<f64>,
    /// Keep tokens at least this share as likely as the most likely one [default: 0]
    #[arg(long, value_name = "P")]
    min_p: Option<f64>,
    /// Make tokens that occurred before less likely; 1 does not [default: 1]
    #[arg(long, value_name = "FACTOR")]
    repetition_penalty: Option<f64>,
    /// Tokens of the longest completion [default: 20]
    #[arg(long, value_name = "N")]
    max_new_tokens: Option<usize>,
    /// Tokens before which no ending token is drawn [default: 0]
    #[arg(long, value_name = "N")]
    min_new_tokens: Option<usize>,
    /// A text that ends a completion and stays part of it; may be given several times
    #[arg(long = "stop", value_name = "TEXT")]
    stop_strings: Vec<String>,
}

impl SamplingArguments {
    /// The sampling that file and options say, checked.
    fn resolve(&self) -> Result<Sampling, Failure> {
        let mut sampling = match &self.config {
            Some(path) => Document::read(path, &[])
                .and_then(|document| document.to_config::<Sampling>())
                .map_err(PipelineError::from)?,
            None => Sampling::default(),
        };
        let set = |field: &mut f64, value: Option<f64>| *field = value.unwrap_or(*field);
        set(&mut sampling.temperature, self.temperature);
        set(&mut sampling.top_p, self.top_p);
        set(&mut sampling.min_p, self.min_p);
        set(&mut sampling.repetition_penalty, self.repetition_penalty);
        let set = |field: &mut usize, value: Option<usize>| *field = value.unwrap_or(*field);
        set(&mut sampling.top_k, self.top_k);
        set(&mut sampling.max_new_tokens, self.max_new_tokens);
        set(&mut sampling.min_new_tokens, self.min_new_tokens);
        if !self.stop_strings.is_empty() {
            sampling.stop_strings.clone_from(&self.stop_strings);
        }
        sampling.validate().map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(sampling)
    }
}

/// Samples at a time; each has a row of logits.
const SAMPLES_PER_CHUNK: usize = 64;

/// `forethought generate`
pub(crate) fn run(arguments: &Generate) -> Result<ExitCode, Failure> {
    let sampling = arguments.sampling.resolve()?;
    let (encoder, config) = arguments.model.describe()?;
    let parse = |row: &Row| {
        arguments.files.spare(row, &["completions"])?;
        prompt(row, &encoder, &config, &sampling)
    };
    let rows = RowWork::check(&arguments.files, &parse)?;
    let decoder = arguments.model.load()?;
    let generator = Generator { arguments, sampling: &sampling, encoder: &encoder, decoder };
    let mut num_before = 0;
    let chunk_size = (SAMPLES_PER_CHUNK / arguments.num_samples.get()).max(1);
    rows.run("completing prompts", chunk_size, &mut |items, progress| {
        generator.complete(items, num_before, progress)?;
        num_before += items.len() as u64;
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The ids of a row's prompt, which the model can continue.
fn prompt(
    row: &Row,
    encoder: &Encoder,
    config: &DecoderConfig,
    sampling: &Sampling,
) -> Result<Vec<u32>, RowError> {
    let (field, text) = prompt_text(row, encoder)?;
    let ids = encoder.encode(&text).map_err(|error| row.refused(field, error))?;
    check_prompt(&ids, config, sampling).map_err(|error| row.refused(field, error))?;
    Ok(ids)
}

struct Generator<'a> {
    arguments: &'a Generate,
    sampling: &'a Sampling,
    encoder: &'a Encoder,
    decoder: Decoder,
}

impl Generator<'_> {
    /// Completes the prompts of a chunk, before which there were `num_before` rows.
    fn complete(
        &self,
        items: &mut [Item<Vec<u32>>],
        num_before: u64,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(), Failure> {
        let num_samples = self.arguments.num_samples.get();
        let prompts: Vec<Vec<u32>> =
            items.iter_mut().map(|item| std::mem::take(&mut item.value)).collect();
        let stop_strings = StopStrings::new(self.encoder, &self.sampling.stop_strings);
        let stop = |ids: &[u32]| stop_strings.ends(ids).map_err(|error| error.to_string());
        let request = Request {
            samples_per_prompt: num_samples,
            eos_ids: self.encoder.eos_ids(),
            first_prompt: num_before,
            stop: Some(StopCheck(&stop)),
            ..Request::new(&prompts, Seed::new(self.arguments.seed))
        };
        let mut show = |seen: forethought_rollout::Progress| {
            progress(seen.num_completed / num_samples);
        };
        let completions =
            forethought_rollout::generate(&self.decoder, self.sampling, &request, &mut show)
                .map_err(PipelineError::from)?;
        for (item, samples) in items.iter_mut().zip(completions.chunks(num_samples)) {
            let shown: Result<Vec<Value>, Failure> =
                samples.iter().map(|sample| self.show(sample)).collect();
            item.row.set("completions", shown?.into());
        }
        Ok(())
    }

    fn show(&self, completion: &Completion) -> Result<Value, Failure> {
        let text = self.encoder.decode(&completion.ids).map_err(PipelineError::from)?;
        Ok(json!({
            "text": text,
            "ids": completion.ids,
            "log_probs": numbers(&completion.log_probs),
            "finished": completion.is_finished,
        }))
    }
}
