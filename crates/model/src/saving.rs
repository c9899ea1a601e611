//! Model folders that are written: weights, configuration, and the files that are carried over from another folder.

use std::path::{Path, PathBuf};

use burn::tensor::Device;

use crate::decoder::Decoder;
use crate::error::{IoContext, ModelError};
use crate::family::Task;
use crate::folder::{load, load_score_model};
use crate::hf_config::{CONFIG_FILE, read_config, write_config_of};
use crate::parameters::{file_shapes, visit_file_tensors};
use crate::score_model::{SCORE, ScoreModel};
use crate::shards::ShardWriter;
use crate::staged::write_file;
use crate::unsupported::task;
use crate::weight_type::WeightType;
use crate::weights::HostTensor;

/// What belongs to a model beside weights and configuration, as transformers names it.
pub(crate) const COMPANIONS: [&str; 10] = [
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "chat_template.json",
];

/// How a model folder is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveOptions {
    /// The type of the weights. Default: 32-bit floats, so that nothing is lost.
    pub dtype: WeightType,
    /// Bytes of weights in one file, at most, unless one tensor is larger. Default: 5 GB (transformers 4).
    pub max_shard_bytes: u64,
    /// A folder whose generation configuration, tokenizer and chat template are copied, byte for byte. Default: none.
    pub companions: Option<PathBuf>,
}

impl Default for SaveOptions {
    fn default() -> Self {
        Self { dtype: WeightType::F32, max_shard_bytes: 5_000_000_000, companions: None }
    }
}

/// Writes a model folder with [default options](SaveOptions): `config.json` and `model.safetensors` with 32-bit weights
/// under Hugging Face's names. An adapter is folded into the weights that are written.
///
/// # Errors
///
/// As [`save_with`].
pub fn save(decoder: &Decoder, dir: &Path) -> Result<(), ModelError> {
    save_with(decoder, dir, &SaveOptions::default())
}

/// Writes a model folder. An adapter is folded into the weights that are written.
///
/// Each file is written beside its place, synchronised and then renamed, and `config.json` comes last: a folder that
/// has one is whole. Weights that the folder held before are removed; other files are left alone.
///
/// # Errors
///
/// If a file cannot be read or written, or a weight does not fit its type.
pub fn save_with(decoder: &Decoder, dir: &Path, options: &SaveOptions) -> Result<(), ModelError> {
    write_folder(&Contents { decoder, score: None }, dir, options)
}

/// Writes the folder of a score model, which transformers reads as `ForSequenceClassification` with one label. As
/// [`save_with`] in all else.
///
/// # Errors
///
/// As [`save_with`].
pub fn save_score_model(
    model: &ScoreModel,
    dir: &Path,
    options: &SaveOptions,
) -> Result<(), ModelError> {
    let score = Some(HostTensor::read(model.head()));
    write_folder(&Contents { decoder: model.decoder(), score }, dir, options)
}

/// Writes the model of one folder to another, decoder or score model, with the files that belong to it. The type of the
/// weights is that of the options, or else the one that the folder's `config.json` names.
///
/// # Errors
///
/// As [`load`] and [`save_with`], and if both folders are one.
pub fn export(
    from: &Path,
    to: &Path,
    dtype: Option<WeightType>,
    max_shard_bytes: u64,
    device: &Device,
) -> Result<(), ModelError> {
    if is_same(from, to)? {
        return Err(ModelError::OntoItself(to.to_owned()));
    }
    let config = read_config(from)?;
    let options = SaveOptions {
        dtype: dtype.or(config.weight_type()).unwrap_or_default(),
        max_shard_bytes,
        companions: Some(from.to_owned()),
    };
    match task(&config.other, config.model_type) {
        Task::CausalLm => save_with(&load(from, device)?.decoder, to, &options),
        Task::SequenceClassification => {
            save_score_model(&load_score_model(from, device)?, to, &options)
        }
    }
}

/// Whether two folders are one; the second need not be there.
fn is_same(one: &Path, other: &Path) -> Result<bool, ModelError> {
    Ok(other.exists() && one.canonicalize().at(one)? == other.canonicalize().at(other)?)
}

/// What is in a folder.
struct Contents<'a> {
    decoder: &'a Decoder,
    score: Option<HostTensor>,
}

fn write_folder(
    contents: &Contents<'_>,
    dir: &Path,
    options: &SaveOptions,
) -> Result<(), ModelError> {
    std::fs::create_dir_all(dir).at(dir)?;
    let config_path = dir.join(CONFIG_FILE);
    if config_path.exists() {
        std::fs::remove_file(&config_path).at(&config_path)?;
    }
    write_weights(contents, dir, options)?;
    if let Some(source) = &options.companions {
        copy_companions(source, dir)?;
    }
    let task = match contents.score {
        None => Task::CausalLm,
        Some(_) => Task::SequenceClassification,
    };
    write_config_of(contents.decoder.config(), task, options.dtype, dir)
}

fn write_weights(
    contents: &Contents<'_>,
    dir: &Path,
    options: &SaveOptions,
) -> Result<(), ModelError> {
    let decoder = contents.decoder.clone().merge();
    let mut shapes = file_shapes(&decoder);
    let score = contents.score.as_ref();
    shapes.extend(score.map(|score| (SCORE.to_owned(), score.shape.clone())));
    let mut writer = ShardWriter::new(dir, &shapes, options.dtype, options.max_shard_bytes);
    let mut result = Ok(());
    visit_file_tensors(&decoder, |name, tensor| {
        if result.is_ok() {
            result = writer.push(name, &tensor());
        }
    });
    result?;
    if let Some(score) = score {
        writer.push(SCORE, score)?;
    }
    writer.finish()
}

fn copy_companions(source: &Path, dir: &Path) -> Result<(), ModelError> {
    if is_same(source, dir)? {
        return Ok(());
    }
    for file in COMPANIONS {
        let path = source.join(file);
        if path.is_file() {
            write_file(&dir.join(file), &std::fs::read(&path).at(&path)?)?;
        }
    }
    Ok(())
}
