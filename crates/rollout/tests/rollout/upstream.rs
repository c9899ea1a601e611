//! Every model of the reference outputs that are not shipped: run where `FORETHOUGHT_SHARED` names a folder with
//! `goldens/forward` and `goldens/models`; elsewhere a line says that it was skipped.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use forethought_model::{Decoder, load, pack};
use forethought_rollout::{Past, Request, Sampling, distribution, generate};
use forethought_seed::Seed;
use safetensors::SafeTensors;
use serde_json::Value;

/// Below this difference of the two largest logits another order of additions may choose the other token.
const MIN_MARGIN: f64 = 1e-3;

fn goldens() -> Option<PathBuf> {
    let folder = std::env::var_os("FORETHOUGHT_SHARED").map(PathBuf::from);
    if folder.is_none() {
        let line = "skipped the models of other families: FORETHOUGHT_SHARED is not set\n";
        // Not `eprintln`, which the test harness keeps to itself when a test passes.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    folder.map(|folder| folder.join("goldens"))
}

/// A model and what transformers made with it.
struct Case {
    name: String,
    decoder: Decoder,
    json: Value,
    tensors: Vec<u8>,
}

/// The models with plain greedy continuations, by the name of their file.
fn cases(goldens: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(goldens.join("forward")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let model = goldens.join("models").join(&name);
        if path.extension().is_none_or(|end| end != "json") || !model.is_dir() {
            continue;
        }
        let json: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        // bfloat16 rounds so coarsely that greedy tokens of another order of additions differ.
        if json["greedy"].is_null() || name.contains("bf16") {
            continue;
        }
        let decoder = load(&model, &Device::flex()).expect("it loads").decoder;
        let tensors = fs::read(path.with_extension("safetensors")).expect("a file");
        cases.push(Case { name, decoder, json, tensors });
    }
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    cases
}

fn ids(value: &Value) -> Vec<Vec<u32>> {
    serde_json::from_value(value.clone()).expect("lists of ids")
}

#[test]
fn greedy_tokens_of_every_family_equal_transformers() {
    let Some(goldens) = goldens() else { return };
    for Case { name, decoder, json, .. } in cases(&goldens) {
        let prompts = ids(&json["ids"]);
        let request = Request::new(&prompts, Seed::new(0));
        let greedy = Sampling { temperature: 0.0, max_new_tokens: 16, ..Sampling::default() };
        let margins: Vec<f64> =
            serde_json::from_value(json["greedy_min_top2_margin"].clone()).expect("numbers");
        for (key, repetition_penalty) in [("greedy", 1.0), ("greedy_rep1.05", 1.05)] {
            let sampling = Sampling { repetition_penalty, ..greedy.clone() };
            let made = generate(&decoder, &sampling, &request, &mut |_| {}).expect("valid");
            let mut compared = 0;
            for ((one, expected), margin) in made.iter().zip(ids(&json[key])).zip(&margins) {
                if MIN_MARGIN < *margin {
                    // There the ending token stopped it, here nothing does.
                    assert_eq!(one.ids[..expected.len()], expected, "{name}, {key}");
                    compared += 1;
                }
            }
            assert!(0 < compared, "{name}: no prompt has a clear margin");
        }
    }
}

#[test]
fn filtered_distributions_of_every_family_equal_transformers() {
    let Some(goldens) = goldens() else { return };
    let sampling = Sampling {
        temperature: 0.7,
        top_k: 20,
        top_p: 0.8,
        repetition_penalty: 1.05,
        ..Sampling::default()
    };
    let top_k = Sampling { top_p: 1.0, ..sampling.clone() };
    for Case { name, decoder, json, tensors } in cases(&goldens) {
        let file = SafeTensors::deserialize(&tensors).expect("a safetensors file");
        for (index, prompt) in ids(&json["ids"]).iter().enumerate() {
            let last = prompt.len() - 1;
            let hidden = decoder.forward(&pack(&[prompt]).tokens, None).narrow(0, last, 1);
            let logits: Vec<f32> = decoder.logits(hidden).into_data().try_to_vec().expect("f32");
            for (sampling, key) in [(&top_k, "probs_topk"), (&sampling, "probs")] {
                let tensor = file.tensor(&format!("sample.{index}.{key}")).expect("it is there");
                let expected = tensor.data().chunks_exact(4);
                let expected = expected
                    .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
                    .zip(0..)
                    .filter(|(probability, _)| 0.0 < *probability);
                let found = distribution(&logits, Past { seen: prompt, banned: &[] }, sampling);
                let expected: Vec<(f32, u32)> = expected.collect();
                assert_eq!(
                    found.iter().map(|one| one.id).collect::<Vec<_>>(),
                    expected.iter().map(|(_, id)| *id).collect::<Vec<_>>(),
                    "{name}, prompt {index}, {key}"
                );
                for (one, (probability, id)) in found.iter().zip(expected) {
                    let difference = (one.probability - f64::from(probability)).abs();
                    assert!(difference < 2e-5, "{name}, {key}, {id}: {difference}");
                }
            }
        }
    }
}
