//! Hugging Face model folders that are read: `config.json` and safetensors files, single or sharded.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use forethought_kernels::Quantisation;

use crate::config::DecoderConfig;
use crate::decoder::Decoder;
use crate::error::{ModelError, TensorProblem};
use crate::family::Task;
use crate::hf_config::{CONFIG_FILE, read_config};
use crate::parameters::{file_shapes, fill, is_transposed};
use crate::reading::refuse_pickles;
use crate::score_model::{SCORE, ScoreModel};
use crate::unsupported::refuse_architecture;
use crate::weights::{Collected, HostTensor, ShardIndex, transpose};

pub(crate) const WEIGHTS_FILE: &str = "model.safetensors";
pub(crate) const INDEX_FILE: &str = "model.safetensors.index.json";
const HEAD: &str = "lm_head.weight";
const EMBEDDING: &str = "model.embed_tokens.weight";

/// A decoder and the configuration it was made from.
#[derive(Clone, Debug)]
pub struct LoadedModel {
    /// What `config.json` says.
    pub config: DecoderConfig,
    /// The decoder, its weights as 32-bit floats.
    pub decoder: Decoder,
}

/// Reads a model folder. Weights may be F32, F16 or BF16, in `model.safetensors` or in the shards of an index.
///
/// # Errors
///
/// If a file cannot be read, if the configuration is not supported, or if the tensors are not exactly those of the
/// model (then all differences are in one error), or a weight is not finite.
pub fn load(dir: &Path, device: &Device) -> Result<LoadedModel, ModelError> {
    load_as(dir, None, device)
}

/// Reads a model folder and stores the weights of its layers in few bits, as
/// [`Decoder::quantise`] does, one after the other.
///
/// # Errors
///
/// As [`load`].
pub fn load_quantised(
    dir: &Path,
    quantisation: Quantisation,
    device: &Device,
) -> Result<LoadedModel, ModelError> {
    load_as(dir, Some(quantisation), device)
}

/// Checks a model folder without reading its weights: configuration, files, names, shapes and types of all tensors.
///
/// # Errors
///
/// As [`load`], but for weights that are not finite.
pub fn inspect(dir: &Path, device: &Device) -> Result<DecoderConfig, ModelError> {
    let config = read_config_of(dir, Task::CausalLm)?;
    let mut collected = open_weights(dir)?;
    if config.tie_word_embeddings {
        drop_tied_head(&mut collected)?;
    }
    let unfilled = Decoder::unfilled(&config, device);
    collected.check_shapes(&BTreeMap::from_iter(file_shapes(&unfilled)));
    collected.check(dir)?;
    Ok(config)
}

fn load_as(
    dir: &Path,
    quantisation: Option<Quantisation>,
    device: &Device,
) -> Result<LoadedModel, ModelError> {
    let config = read_config_of(dir, Task::CausalLm)?;
    let unfilled = Decoder::unfilled(&config, device);
    let mut collected = open_weights(dir)?;
    if config.tie_word_embeddings {
        drop_tied_head(&mut collected)?;
    }
    collected.check_shapes(&BTreeMap::from_iter(file_shapes(&unfilled)));
    let decoder = read_decoder(unfilled, &mut collected, dir, device, quantisation)?;
    Ok(LoadedModel { config, decoder })
}

/// Reads the folder of a reward model or value function: transformers' `ForSequenceClassification` with one label.
///
/// # Errors
///
/// As [`load`].
pub fn load_score_model(dir: &Path, device: &Device) -> Result<ScoreModel, ModelError> {
    let config = read_config_of(dir, Task::SequenceClassification)?;
    let unfilled = Decoder::unfilled(&config, device).without_head();
    let mut collected = open_weights(dir)?;
    let mut shapes = BTreeMap::from_iter(file_shapes(&unfilled));
    shapes.insert(SCORE.to_owned(), vec![1, config.hidden_size]);
    collected.check_shapes(&shapes);
    collected.check(dir)?;
    let score = collected.read(SCORE)?;
    let decoder = read_decoder(unfilled, &mut collected, dir, device, None)?;
    let score = score.unwrap_or_else(|| unreachable!("{SCORE} was checked to be there"));
    Ok(ScoreModel::new(decoder, score.values, device))
}

fn read_config_of(dir: &Path, task: Task) -> Result<DecoderConfig, ModelError> {
    let config = read_config(dir)?;
    refuse_architecture(&config.other, config.model_type, task)
        .map_err(|source| ModelError::Config { path: dir.join(CONFIG_FILE), source })?;
    Ok(config)
}

/// Fills a decoder with tensors whose shapes were checked, one after the other.
fn read_decoder(
    unfilled: Decoder,
    collected: &mut Collected,
    dir: &Path,
    device: &Device,
    quantisation: Option<Quantisation>,
) -> Result<Decoder, ModelError> {
    collected.check(dir)?;
    let mut reader = Reader { collected, result: Ok(()) };
    let unfilled = match quantisation {
        None => unfilled,
        Some(quantisation) => {
            unfilled.map_projections(|name, linear| match reader.read(&format!("{name}.weight")) {
                Some(rows) => linear.with_quantised(&rows.values, quantisation),
                None => linear,
            })
        }
    };
    let decoder = fill(unfilled, device, |name, shape| match reader.read(name) {
        Some(tensor) if is_transposed(name) => transpose(&tensor).values,
        Some(tensor) => tensor.values,
        // The decoder is dropped with the error.
        None => vec![0.0; shape.iter().product()],
    });
    reader.result?;
    collected.check(dir)?;
    Ok(match quantisation {
        None => decoder,
        Some(quantisation) => decoder.quantise(quantisation),
    })
}

/// Reads tensors until one cannot be read.
struct Reader<'a> {
    collected: &'a mut Collected,
    result: Result<(), ModelError>,
}

impl Reader<'_> {
    fn read(&mut self, name: &str) -> Option<HostTensor> {
        self.result.as_ref().ok()?;
        match self.collected.read(name) {
            Ok(tensor) => tensor,
            Err(error) => {
                self.result = Err(error);
                None
            }
        }
    }
}

fn open_weights(dir: &Path) -> Result<Collected, ModelError> {
    let mut collected = Collected::default();
    if dir.join(WEIGHTS_FILE).exists() {
        collected.read_file(dir, WEIGHTS_FILE)?;
        return Ok(collected);
    }
    if !dir.join(INDEX_FILE).exists() {
        refuse_pickles(dir)?;
        return Err(ModelError::NoWeights(dir.to_owned()));
    }
    let index = ShardIndex::read(dir, INDEX_FILE)?;
    for file in index.files() {
        collected.read_file(dir, file)?;
    }
    collected.check_places(&index.weight_map);
    Ok(collected)
}

/// Some folders store the tied head a second time. That is fine as long as it is the embedding.
fn drop_tied_head(collected: &mut Collected) -> Result<(), ModelError> {
    if collected.shape(HEAD).is_none() || collected.shape(HEAD) != collected.shape(EMBEDDING) {
        return Ok(());
    }
    let head = collected.take(HEAD)?;
    if head != collected.read(EMBEDDING)? {
        collected.note(TensorProblem::Untied { name: HEAD.to_owned() });
    }
    Ok(())
}
