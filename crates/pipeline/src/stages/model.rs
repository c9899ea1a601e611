//! Model: the folder training starts from, given or made.

use std::fs;
use std::path::{Path, PathBuf};

use burn::module::Module as _;
use forethought_model::{Decoder, DecoderConfig, inspect, load, read_config, save};
use forethought_schema::{Problem as Exercise, PromptCompletion, Trace};
use forethought_tokenize::{BpeConfig, Encoder, train_bpe_while};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ingest::PROBLEMS;
use super::links::Inputs;
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{read_json, read_lines, write_json};
use crate::config::{Document, Problem};
use crate::examples::turns;
use crate::memory::require_weights;
use crate::training::problem;

/// Settings of the model stage: a model folder, or a model made from scratch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelStage {
    /// A Hugging Face folder: config.json, safetensors, tokenizer.json.
    Folder(PathBuf),
    /// A model with random weights.
    Scratch(ScratchModel),
}

/// A model made from scratch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScratchModel {
    /// A YAML file with the sizes of the decoder, e.g. `configs/models/tiny.yaml`.
    pub architecture: PathBuf,
    /// Where its tokenizer comes from.
    pub tokenizer: TokenizerSource,
}

/// Where the tokenizer of a model made from scratch comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenizerSource {
    /// A folder with tokenizer.json.
    Folder(PathBuf),
    /// Byte-pair encoding trained on what was ingested, or on the examples of problems made before.
    Train(BpeConfig),
}

/// The file that says where the model folder lies.
const POINTER: &str = "model.json";
/// The name of the model folder that a stage writes into its artifact.
pub(crate) const MODEL_FOLDER: &str = "model";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pointer {
    /// A given folder; none where the artifact holds the model itself.
    folder: Option<PathBuf>,
}

impl ModelStage {
    /// Only a tokenizer that is trained needs texts.
    pub(super) fn inputs<'a>(&'a self, inputs: Inputs<'a>) -> Result<Inputs<'a>, Problem> {
        match self {
            Self::Scratch(ScratchModel { tokenizer: TokenizerSource::Train(_), .. }) => {
                Ok(inputs.need(&["ingest"])?.nearest(&["problems"]))
            }
            _ => Ok(inputs),
        }
    }

    pub(crate) fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Scratch(ScratchModel { tokenizer: TokenizerSource::Train(bpe), .. }) => {
                let error = bpe.validate().err();
                let section = "scratch.tokenizer.train";
                error.map(|error| problem(section, &error.to_string())).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        match self {
            Self::Folder(folder) => files_of(folder),
            Self::Scratch(scratch) => {
                let mut files = match &scratch.tokenizer {
                    TokenizerSource::Folder(folder) => files_of(folder)?,
                    TokenizerSource::Train(_) => Vec::new(),
                };
                files.push(scratch.architecture.clone());
                Ok(files)
            }
        }
    }

    /// Writes `model.json`, and the folder `model` where the model is made here.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        if context.purpose.is_check() {
            return self.rehearse(context);
        }
        let pointer = match self {
            Self::Folder(folder) => {
                check_folder(folder, context)?;
                Pointer { folder: Some(folder.clone()) }
            }
            Self::Scratch(scratch) => {
                scratch.make(context)?;
                Pointer { folder: None }
            }
        };
        write_json(&context.staging.join(POINTER), &pointer)?;
        Ok(Done::Finished)
    }

    /// Writes a model of the same form and next to no width, with the tokenizer, and the architecture that it stands for.
    fn rehearse(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let (encoder, config) = match self {
            Self::Folder(folder) => {
                let config = inspect(folder, context.device)?;
                let encoder = Encoder::open(folder)?;
                require_rows(folder, encoder.vocab_size(), config.vocab_size)?;
                (encoder, config)
            }
            Self::Scratch(scratch) => {
                let encoder = scratch.encoder(context)?;
                let config = scratch.config(&encoder)?;
                (encoder, config)
            }
        };
        let narrow = DecoderConfig {
            hidden_size: 8,
            intermediate_size: 8,
            num_attention_heads: 2,
            num_key_value_heads: 1,
            head_dim: Some(4),
            ..config.clone()
        };
        let folder = context.staging.join(MODEL_FOLDER);
        encoder.save(&folder)?;
        save(&Decoder::init(&narrow, context.seed, context.device), &folder)?;
        write_json(&context.staging.join(ARCHITECTURE), &config)?;
        write_json(&context.staging.join(POINTER), &Pointer { folder: None })?;
        Ok(Done::Finished)
    }
}

/// In a check, the architecture that the narrow model stands for.
const ARCHITECTURE: &str = "architecture.json";
/// Texts that a check trains a tokenizer on: questions, thoughts and answers.
const CHECKED_TEXTS: usize = 3001;

/// The architecture of the model in a folder; in a check, of the one that it stands for.
pub(crate) fn architecture(
    context: &Context<'_>,
    folder: &Path,
) -> Result<DecoderConfig, PipelineError> {
    if context.purpose.is_check() {
        return read_json(&context.input("model", ARCHITECTURE));
    }
    Ok(read_config(folder)?)
}

impl ScratchModel {
    fn make(&self, context: &Context<'_>) -> Result<(), PipelineError> {
        let folder = context.staging.join(MODEL_FOLDER);
        let encoder = self.encoder(context)?;
        encoder.save(&folder)?;
        let config = self.config(&encoder)?;
        require_weights(context, &config)?;
        let decoder = Decoder::init(&config, context.seed, context.device);
        context.console.line(format!(
            "      {} parameters, vocabulary of {}",
            decoder.num_params(),
            encoder.vocab_size()
        ));
        Ok(save(&decoder, &folder)?)
    }

    /// The architecture, with as many rows as the tokenizer has tokens.
    fn config(&self, encoder: &Encoder) -> Result<DecoderConfig, PipelineError> {
        let document = Document::read(&self.architecture, &[])?;
        let mut config: DecoderConfig = document.to_config()?;
        config.vocab_size = encoder.vocab_size();
        config.validate().map_err(|error| {
            let (key, message) = problem("", &error.to_string());
            document.error(&key, message)
        })?;
        Ok(config)
    }

    fn encoder(&self, context: &Context<'_>) -> Result<Encoder, PipelineError> {
        match &self.tokenizer {
            TokenizerSource::Folder(folder) => Ok(Encoder::open(folder)?),
            TokenizerSource::Train(bpe) => {
                let mut texts = texts(context)?;
                if context.purpose.is_check() {
                    let step = texts.len().div_ceil(CHECKED_TEXTS).max(1);
                    texts = texts.into_iter().step_by(step).collect();
                }
                Ok(train_bpe_while(&texts, bpe, &|| !context.stop.is_raised())?)
            }
        }
    }
}

/// What a tokenizer is trained on: the examples of problems where they are made before it, else what was ingested.
fn texts(context: &Context<'_>) -> Result<Vec<String>, PipelineError> {
    if let Some(stage) = context.before.pick(None, &["problems"]) {
        let examples: Vec<PromptCompletion> = read_lines(&context.input(stage, "train.jsonl"))?;
        let texts = examples.into_iter().flat_map(|one| {
            let turns = turns(&one.prompt).into_iter().map(|turn| turn.content);
            turns.chain([one.completion]).collect::<Vec<_>>()
        });
        return Ok(texts.collect());
    }
    if context.input("ingest", PROBLEMS).is_file() {
        let problems: Vec<Exercise> = read_lines(&context.input("ingest", PROBLEMS))?;
        let texts = problems
            .into_iter()
            .flat_map(|one| [Some(one.problem), one.solution, one.answer].into_iter().flatten());
        return Ok(texts.collect());
    }
    let traces: Vec<Trace> = read_lines(&context.input("ingest", "traces.jsonl"))?;
    Ok(traces.into_iter().flat_map(|one| [one.question, one.thinking, one.answer]).collect())
}

/// What is wrong with a given folder is said before anything is counted or trained.
fn check_folder(folder: &Path, context: &Context<'_>) -> Result<(), PipelineError> {
    let num_tokens = Encoder::open(folder)?.vocab_size();
    require_weights(context, &read_config(folder)?)?;
    let num_rows = load(folder, context.device)?.config.vocab_size;
    require_rows(folder, num_tokens, num_rows)
}

/// A tokenizer may have fewer tokens than the embedding has rows, and not more.
fn require_rows(folder: &Path, num_tokens: usize, num_rows: usize) -> Result<(), PipelineError> {
    if num_tokens <= num_rows {
        return Ok(());
    }
    let message = format!(
        "{}: the tokenizer has {num_tokens} tokens, the model's embedding {num_rows} rows; they are not of one model",
        folder.display()
    );
    Err(PipelineError::stage("model", message))
}

/// The files of a model or tokenizer folder, sorted.
pub(crate) fn files_of(folder: &Path) -> Result<Vec<PathBuf>, PipelineError> {
    let entries = fs::read_dir(folder).map_err(PipelineError::io(folder))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(PipelineError::io(folder))?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The folder of the model that training starts from.
pub(crate) fn base_folder(context: &Context<'_>) -> Result<PathBuf, PipelineError> {
    let artifact = context.folder.artifact("model");
    let pointer: Pointer = read_json(&artifact.join(POINTER))?;
    Ok(pointer.folder.unwrap_or_else(|| artifact.join(MODEL_FOLDER)))
}

/// The folder of the tokenizer: that of the model training starts from.
pub(crate) fn tokenizer_folder(context: &Context<'_>) -> Result<PathBuf, PipelineError> {
    base_folder(context)
}

/// The folder of the model of a training stage, or of the model that training starts from.
pub(crate) fn model_folder(
    context: &Context<'_>,
    stage: Option<&str>,
) -> Result<PathBuf, PipelineError> {
    stage.map_or_else(|| base_folder(context), |stage| Ok(context.input(stage, MODEL_FOLDER)))
}
