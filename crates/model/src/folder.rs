//! Hugging Face model folders: `config.json` and safetensors files, single or sharded.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use burn::tensor::Device;

use crate::config::DecoderConfig;
use crate::decoder::Decoder;
use crate::error::{IoContext, ModelError, TensorProblem};
use crate::hf_config::{CONFIG_FILE, read_config, write_config};
use crate::parameters::{file_shapes, file_tensors, fill, is_transposed};
use crate::weights::{Collected, ShardIndex, encode, transpose};

const WEIGHTS_FILE: &str = "model.safetensors";
const INDEX_FILE: &str = "model.safetensors.index.json";
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
    let config = read_config(dir)?;
    let unfilled = Decoder::unfilled(&config, device);
    let mut collected = read_weights(dir)?;
    if config.tie_word_embeddings {
        drop_tied_head(&mut collected);
    }
    collected.check_shapes(&file_shapes(&unfilled));
    let mut tensors = collected.finish(dir)?;
    let decoder = fill(unfilled, device, |name, _| {
        let tensor =
            tensors.remove(name).unwrap_or_else(|| unreachable!("{name} was checked to be there"));
        if is_transposed(name) { transpose(&tensor).values } else { tensor.values }
    });
    Ok(LoadedModel { config, decoder })
}

/// Writes a model folder: `config.json` and `model.safetensors` with 32-bit weights under Hugging Face's names. An
/// adapter is folded into the weights that are written.
///
/// Each file is written beside its place, synchronised and then renamed, and `config.json` comes last: a folder that
/// has one is whole. Other files of the folder, such as the tokenizer's, are left alone.
///
/// # Errors
///
/// If a file cannot be written.
pub fn save(decoder: &Decoder, dir: &Path) -> Result<(), ModelError> {
    std::fs::create_dir_all(dir).at(dir)?;
    let config_path = dir.join(CONFIG_FILE);
    if config_path.exists() {
        std::fs::remove_file(&config_path).at(&config_path)?;
    }
    let path = dir.join(WEIGHTS_FILE);
    let bytes = encode(&file_tensors(&decoder.clone().merge()))
        .map_err(|message| ModelError::Safetensors { path: path.clone(), message })?;
    write_file(&path, &bytes)?;
    write_config(decoder.config(), dir)
}

fn read_weights(dir: &Path) -> Result<Collected, ModelError> {
    let mut collected = Collected::default();
    if dir.join(WEIGHTS_FILE).exists() {
        collected.read_file(dir, WEIGHTS_FILE)?;
        return Ok(collected);
    }
    let index_path = dir.join(INDEX_FILE);
    if !index_path.exists() {
        return Err(ModelError::NoWeights(dir.to_owned()));
    }
    let index = ShardIndex::read(&index_path)?;
    for file in index.files() {
        collected.read_file(dir, file)?;
    }
    collected.check_places(&index.weight_map);
    Ok(collected)
}

/// Some folders store the tied head a second time. That is fine as long as it is the embedding.
fn drop_tied_head(collected: &mut Collected) {
    let Some(head) = collected.tensors.remove(HEAD) else { return };
    if collected.tensors.get(EMBEDDING).is_some_and(|embedding| *embedding != head) {
        collected.problems.push(TensorProblem::Untied { name: HEAD.to_owned() });
    }
}

/// Writes a file so that at its place there is the old one or the whole new one.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let mut staged = path.as_os_str().to_owned();
    staged.push(format!(".partial-{}", std::process::id()));
    let staged = Path::new(&staged);
    let mut file = File::create(staged).at(staged)?;
    file.write_all(bytes).at(staged)?;
    file.sync_all().at(staged)?;
    std::fs::rename(staged, path).at(path)
}
