//! Logits, log-probabilities, hidden states, greedy tokens and filtered distributions of transformers.

mod sampling;
mod scores;

use burn::tensor::{FloatDType, Tensor};
use forethought_model::{Decoder, ScoredRow, load_adapter, pack};
use serde::Deserialize;

use crate::Replay;
use crate::check::{BF16_LOGITS, Checks, LOGITS, Tolerance};
use crate::goldens::{Goldens, Missed, Tensors};

/// The JSON half of a file of forward passes.
#[derive(Debug, Deserialize)]
struct Forward {
    /// The file's own name if there is none.
    model: Option<String>,
    pad_id: Option<u32>,
    ids: Vec<Vec<u32>>,
    #[serde(flatten)]
    scores: scores::Expected,
    #[serde(flatten)]
    sampling: sampling::Expected,
}

/// The sequences of a file, the model they went through, and what came out there.
struct Passes<'a> {
    decoder: &'a Decoder,
    sequences: &'a [Vec<u32>],
    tensors: &'a Tensors,
    tolerance: Tolerance,
    /// What ends a greedy continuation.
    eos_ids: Vec<u32>,
    /// What stands after its end in a batch.
    pad_id: Option<u32>,
}

pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let golden: Forward = goldens.json(replay.file)?;
    let name = golden.model.unwrap_or_else(|| stem(replay.file).to_owned());
    let name = model_folder(goldens, &name)?;
    if golden.scores.are_there() {
        replay.case("scores", |checks| golden.scores.compare(checks, goldens, &name, &golden.ids));
        return Ok(());
    }
    let tensors = goldens.tensors(&replay.file.replace(".json", ".safetensors"))?;
    let computed_in = computed_in(goldens, replay.file, &name)?;
    let passes = Passes {
        decoder: &decoder(goldens, &name)?.cast(computed_in),
        sequences: &golden.ids,
        tensors: &tensors,
        tolerance: if computed_in == FloatDType::BF16 { BF16_LOGITS } else { LOGITS },
        eos_ids: goldens
            .encoder(&name)
            .map_or_else(|_| Vec::new(), |encoder| encoder.eos_ids().to_vec()),
        pad_id: golden.pad_id,
    };
    replay.case("unpadded", |checks| {
        passes.unpadded(checks);
        Ok(())
    });
    for side in ["left", "right"] {
        if tensors.contains_key(&format!("{side}.logits")) {
            replay.case(side, |checks| passes.padded(checks, side));
        }
    }
    sampling::run(replay, &passes, &golden.sampling);
    Ok(())
}

/// The name of a file without its folder and ending.
fn stem(file: &str) -> &str {
    let name = file.rsplit_once('/').map_or(file, |(_, name)| name);
    name.strip_suffix(".json").unwrap_or(name)
}

/// The model whose folder has the longest beginning of a name: what follows says how it was computed.
fn model_folder(goldens: &Goldens, name: &str) -> Result<String, Missed> {
    let models = goldens.models()?;
    let fits = models.into_iter().filter(|model| name.starts_with(model.as_str()));
    Ok(fits.max_by_key(String::len).unwrap_or_else(|| name.to_owned()))
}

/// A model of the folder, or one of its adapters (`adapter-NAME`) on its base, live or folded in (`merged-NAME`).
fn decoder(goldens: &Goldens, name: &str) -> Result<Decoder, Missed> {
    let adapter = name.strip_prefix("adapter-").or_else(|| name.strip_prefix("merged-"));
    let Some(adapter) = adapter.filter(|_| !goldens.path(&format!("models/{name}")).is_dir())
    else {
        return goldens.decoder(name);
    };
    let folder = format!("lora/{adapter}");
    let config: serde_json::Value = goldens.json(&format!("{folder}/adapter_config.json"))?;
    let base = base(goldens, config["base_model_name_or_path"].as_str().unwrap_or_default());
    let decoder = goldens.load(&base, goldens.device())?;
    let adapted = load_adapter(decoder, &goldens.path(&folder), goldens.device())?;
    Ok(if name.starts_with("merged-") { adapted.merge() } else { adapted })
}

/// The base of an adapter: a path within the folder, or the model of the folder that is called as the last part of
/// whatever path or hub name PEFT wrote down.
fn base(goldens: &Goldens, written: &str) -> String {
    let is_here = !written.starts_with('/') && goldens.path(written).join("config.json").is_file();
    if is_here {
        return written.to_owned();
    }
    let name = written.trim_end_matches('/');
    format!("models/{}", name.rsplit_once('/').map_or(name, |(_, name)| name))
}

/// The precision that a model's states were computed in: that of its weights, unless the name of the file says that they
/// were widened.
fn computed_in(goldens: &Goldens, file: &str, model: &str) -> Result<FloatDType, Missed> {
    let config = format!("models/{model}/config.json");
    if file.contains("fp32-compute") || !goldens.path(&config).is_file() {
        return Ok(FloatDType::F32);
    }
    let config: serde_json::Value = goldens.json(&config)?;
    let dtype = config.get("dtype").or_else(|| config.get("torch_dtype"));
    match dtype.and_then(serde_json::Value::as_str) {
        None | Some("float32") => Ok(FloatDType::F32),
        Some("bfloat16") => Ok(FloatDType::BF16),
        Some(other) => {
            Err(Missed::NotRun(format!("models that compute in {other} are not offered")))
        }
    }
}

impl Passes<'_> {
    /// Each sequence alone.
    fn unpadded(&self, checks: &mut Checks) {
        for (index, ids) in self.sequences.iter().enumerate() {
            let mut compare = |name: &str, found: Vec<f32>| {
                if let Some((_, expected)) = self.tensors.get(&format!("unpadded.{index}.{name}")) {
                    checks.numbers(name, &found, expected, self.tolerance);
                }
            };
            let hidden = self.decoder.hidden_states(&pack(&[ids]).tokens);
            for (layer, states) in hidden.iter().enumerate() {
                compare(&format!("hidden.{layer}"), values(states.clone()));
            }
            compare("logits", values(logits(self.decoder, ids)));
            let scores = ScoredRow::new(&[(ids, 1)]).scores(self.decoder, 1.0, None);
            compare("logprobs", values(scores.log_probs));
        }
    }

    /// A padded batch, of which the rows that are no padding are compared.
    fn padded(&self, checks: &mut Checks, side: &str) -> Result<(), Missed> {
        let what = format!("{side}.logits");
        let (shape, expected) = &self.tensors[&what];
        let &[_, length, vocab] = shape.as_slice() else {
            return Err(Missed::Failed(format!("{what} has the shape {shape:?}")));
        };
        // The sequences share one packed row, as they share a batch there.
        let sequences: Vec<&[u32]> = self.sequences.iter().map(Vec::as_slice).collect();
        let packed = pack(&sequences);
        let found = values(self.decoder.logits(self.decoder.forward(&packed.tokens, None)));
        for (index, places) in packed.rows.iter().enumerate() {
            let offset = if side == "left" { length - places.len() } else { 0 };
            for (token, &place) in places.iter().enumerate() {
                let start = (index * length + offset + token) * vocab;
                let expected = &expected[start..start + vocab];
                let found = &found[place * vocab..(place + 1) * vocab];
                checks.numbers(&what, found, expected, self.tolerance);
            }
        }
        Ok(())
    }
}

/// The logits after every token of a sequence, `[token, vocab]`.
fn logits(decoder: &Decoder, ids: &[u32]) -> Tensor<2> {
    decoder.logits(decoder.forward(&pack(&[ids]).tokens, None))
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
