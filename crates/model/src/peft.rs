//! Adapter folders in PEFT's format: `adapter_config.json` and `adapter_model.safetensors`.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use serde_json::{Map, Value};

use crate::attach::{Factors, Selection};
use crate::decoder::{Decoder, HEAD};
use crate::error::{IoContext, ModelError};
use crate::lora::LoraConfig;
use crate::parameters::{file_shapes, replace, some_file_tensors};
use crate::peft_config::{AdapterTask, from_json, to_json};
use crate::reading::read_text;
use crate::score_model::ScoreModel;
use crate::staged::write_file;
use crate::weights::{Collected, HostTensor, encode, transpose};

const CONFIG_FILE: &str = "adapter_config.json";
const WEIGHTS_FILE: &str = "adapter_model.safetensors";
const PREFIX: &str = "base_model.model.";
const HEAD_WEIGHT: &str = "base_model.model.lm_head.base_layer.weight";
const HEAD_PARAMETER: &str = "lm_head.weight";

/// Name of a score head in a model, and in the file of an adapter.
const SCORE_WEIGHT: &str = "base_model.model.score.weight";

/// Writes the adapter of a decoder, and the modules that are saved beside it.
///
/// # Errors
///
/// If a file cannot be written.
///
/// # Panics
///
/// If the decoder has no adapter.
pub fn save_adapter(decoder: &Decoder, dir: &Path) -> Result<(), ModelError> {
    write(decoder, &adapter_tensors(decoder), AdapterTask::CausalLm, dir)
}

/// Writes the adapter of a score model with its head, as PEFT writes that of a `SEQ_CLS` model.
///
/// # Errors
///
/// If a file cannot be written.
///
/// # Panics
///
/// If the decoder has no adapter.
pub fn save_score_adapter(model: &ScoreModel, dir: &Path) -> Result<(), ModelError> {
    let mut tensors = adapter_tensors(model.decoder());
    tensors.insert(SCORE_WEIGHT.to_owned(), HostTensor::read(model.head()));
    write(model.decoder(), &tensors, AdapterTask::SequenceClassification, dir)
}

fn write(
    decoder: &Decoder,
    tensors: &BTreeMap<String, HostTensor>,
    task: AdapterTask,
    dir: &Path,
) -> Result<(), ModelError> {
    let Some(config) = decoder.lora() else { panic!("the decoder has no adapter") };
    std::fs::create_dir_all(dir).at(dir)?;
    let path = dir.join(WEIGHTS_FILE);
    let bytes = encode(tensors)
        .map_err(|message| ModelError::Safetensors { path: path.clone(), message })?;
    write_file(&path, &bytes)?;
    let adapted: Vec<String> = decoder.adapters().map(|(module, ..)| module).collect();
    let text = format!("{:#}\n", to_json(config, &adapted, task));
    write_file(&dir.join(CONFIG_FILE), text.as_bytes())
}

/// Attaches the adapter of a folder to a decoder; only the adapter and the modules saved beside it are trained from here
/// on.
///
/// # Errors
///
/// If a file cannot be read, if the adapter is of a kind that this crate cannot compute, or if its tensors do not fit
/// the decoder (all differences in one error).
pub fn load_adapter(decoder: Decoder, dir: &Path, device: &Device) -> Result<Decoder, ModelError> {
    let stored = Stored::open(&decoder, AdapterTask::CausalLm, dir)?;
    let shapes = stored.shapes(&decoder);
    let tensors = read_tensors(&shapes, dir)?;
    Ok(stored.attach(decoder, &tensors, device))
}

/// Attaches the adapter of a folder to a score model and takes over its head; they are trained from here on.
///
/// # Errors
///
/// As [`load_adapter`].
pub fn load_score_adapter(
    model: ScoreModel,
    dir: &Path,
    device: &Device,
) -> Result<ScoreModel, ModelError> {
    let stored = Stored::open(model.decoder(), AdapterTask::SequenceClassification, dir)?;
    let mut shapes = stored.shapes(model.decoder());
    shapes.insert(SCORE_WEIGHT.to_owned(), vec![1, model.config().hidden_size]);
    let mut tensors = read_tensors(&shapes, dir)?;
    let score = tensors.remove(SCORE_WEIGHT);
    let model = model.map_decoder(|decoder| stored.attach(decoder, &tensors, device));
    Ok(match score {
        Some(score) => model.with_head(score.values, device),
        None => model,
    })
}

/// An adapter folder whose configuration was read, and what it selects of a model.
struct Stored {
    config: LoraConfig,
    selection: Selection,
}

impl Stored {
    fn open(decoder: &Decoder, task: AdapterTask, dir: &Path) -> Result<Self, ModelError> {
        let path = dir.join(CONFIG_FILE);
        let object = serde_json::from_str::<Map<String, Value>>(&read_text(&path)?)
            .map_err(|source| ModelError::Json { path: path.clone(), source })?;
        let invalid = |source| ModelError::Adapter { path: path.clone(), source };
        let config = from_json(&object, task).map_err(invalid)?;
        let selection = decoder.select(&config).map_err(invalid)?;
        Ok(Self { config, selection })
    }

    /// The tensors that the folder has to hold.
    fn shapes(&self, decoder: &Decoder) -> BTreeMap<String, Vec<usize>> {
        let mut shapes = BTreeMap::new();
        for (module, [inputs, outputs]) in decoder.linear_layers() {
            if !self.selection.adapted.contains(&module) {
                continue;
            }
            shapes.insert(tensor_name(&module, A), vec![self.config.rank, inputs]);
            shapes.insert(tensor_name(&module, B), vec![outputs, self.config.rank]);
            if self.config.use_dora {
                shapes.insert(tensor_name(&module, MAGNITUDE), vec![outputs]);
            }
            if module == HEAD {
                // PEFT writes the whole head beside an adapter of it; others do not.
                shapes.insert(HEAD_WEIGHT.to_owned(), vec![outputs, inputs]);
            }
        }
        let whole = file_shapes(decoder).into_iter();
        let whole = whole.filter(|(name, _)| self.selection.saves(name));
        shapes.extend(whole.map(|(name, shape)| (format!("{PREFIX}{name}"), shape)));
        shapes
    }

    fn attach(
        &self,
        decoder: Decoder,
        tensors: &BTreeMap<String, HostTensor>,
        device: &Device,
    ) -> Decoder {
        let saved = tensors.iter().filter_map(|(name, tensor)| {
            let name = name.strip_prefix(PREFIX)?;
            self.selection.saves(name).then(|| (name.to_owned(), tensor.clone()))
        });
        let head = tensors.get(HEAD_WEIGHT).map(|head| (HEAD_PARAMETER.to_owned(), head.clone()));
        let saved: BTreeMap<_, _> = saved.chain(head).collect();
        let values = |module: &str, part| transpose(&tensors[&tensor_name(module, part)]).values;
        let factors = |module: &str, _| Factors {
            a: values(module, A),
            b: values(module, B),
            magnitude: tensors.get(&tensor_name(module, MAGNITUDE)).map(|m| m.values.clone()),
        };
        let decoder = replace(decoder, device, &saved);
        decoder.attach(&self.config, &self.selection, device, factors)
    }
}

/// The tensors of an adapter folder, if they have these shapes.
fn read_tensors(
    shapes: &BTreeMap<String, Vec<usize>>,
    dir: &Path,
) -> Result<BTreeMap<String, HostTensor>, ModelError> {
    let mut collected = Collected::default();
    collected.read_file(dir, WEIGHTS_FILE)?;
    let mut shapes = shapes.clone();
    if collected.shape(HEAD_WEIGHT).is_none() {
        shapes.remove(HEAD_WEIGHT);
    }
    collected.check_shapes(&shapes);
    collected.finish(dir)
}

const A: &str = "lora_A.weight";
const B: &str = "lora_B.weight";
const MAGNITUDE: &str = "lora_magnitude_vector";

fn tensor_name(module: &str, part: &str) -> String {
    format!("{PREFIX}{module}.{part}")
}

/// Both factors of every adapted layer, `[rank, in]` and `[out, rank]` as in PEFT's files, its magnitudes, and the
/// modules that are trained whole.
fn adapter_tensors(decoder: &Decoder) -> BTreeMap<String, HostTensor> {
    let mut tensors = BTreeMap::new();
    for (module, adapter, _) in decoder.adapters() {
        for (part, factor) in [(A, &adapter.a), (B, &adapter.b)] {
            let tensor = transpose(&HostTensor::read(factor.val()));
            tensors.insert(tensor_name(&module, part), tensor);
        }
        if let Some(magnitude) = &adapter.magnitude {
            let tensor = HostTensor::read(magnitude.val());
            tensors.insert(tensor_name(&module, MAGNITUDE), tensor);
        }
    }
    let names = decoder.lora().map(|config| config.modules_to_save.as_slice()).unwrap_or_default();
    let whole = some_file_tensors(decoder, |parameter| is_saved(names, parameter));
    tensors.extend(whole.into_iter().map(|(name, tensor)| (format!("{PREFIX}{name}"), tensor)));
    tensors
}

/// Whether one of the modules around a parameter ends with one of the names.
fn is_saved(names: &[String], parameter: &str) -> bool {
    let mut modules = parameter.match_indices('.').map(|(end, _)| &parameter[..end]);
    modules.any(|module| names.iter().any(|name| module.ends_with(name.as_str())))
}
