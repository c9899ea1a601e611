//! A Hugging Face folder, trained by low-rank adapters.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use forethought_model::{Decoder, DecoderConfig, load, load_adapter, save};
use forethought_pipeline::{Outcome, Signal, parse_device};
use forethought_seed::Seed;
use forethought_tests::{Project, lines};
use forethought_tokenize::{BpeConfig, Encoder, train_bpe};

use crate::attempt::{Attempt, Finished, read};
use crate::interrupt::stopped_after_two_steps;

/// Writes a model folder into the project, as a user would bring one.
pub(crate) fn model_folder(project: &Project) -> PathBuf {
    let texts: Vec<String> = lines().iter().map(forethought_tests::Line::json).collect();
    let encoder = train_bpe(&texts, &BpeConfig::new(300)).expect("a tokenizer");
    let config = DecoderConfig {
        vocab_size: encoder.vocab_size(),
        hidden_size: 32,
        intermediate_size: 64,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        max_position_embeddings: 512,
        tie_word_embeddings: true,
        ..DecoderConfig::default()
    };
    let folder = project.path("base");
    encoder.save(&folder).expect("a tokenizer folder");
    let decoder = Decoder::init(&config, Seed::new(3), &parse_device("cpu").expect("the CPU"));
    save(&decoder, &folder).expect("a model folder");
    folder
}

/// The project's pipeline on a folder.
pub(crate) fn on_folder(project: &Project, folder: &Path) -> Attempt {
    Attempt::new(project, "run").set(format!("model={{folder: '{}'}}", folder.display()))
}

fn adapted(project: &Project, folder: &Path) -> Attempt {
    on_folder(project, folder)
        .set("sft.lora={rank: 4, alpha: 8, dropout: 0.1, target_modules: [q_proj, v_proj]}")
        .set("sft.training.learning_rate=1e-2")
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    paths.map(|path| (path.clone(), read(&path))).collect()
}

/// The tensors of a safetensors file: name and shape.
fn tensors(path: &Path) -> BTreeMap<String, Vec<usize>> {
    let bytes = read(path);
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
    let end = 8 + usize::try_from(length).expect("a header");
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..end]).expect("a header");
    let tensors = header.as_object().expect("an object").iter();
    let tensors = tensors.filter(|(name, _)| *name != "__metadata__");
    tensors
        .map(|(name, one)| {
            (name.clone(), serde_json::from_value(one["shape"].clone()).expect("a shape"))
        })
        .collect()
}

#[test]
fn an_adapter_is_trained_saved_and_folded_in_while_the_folder_it_started_from_stays() {
    let project = Project::new();
    let base = model_folder(&project);
    let before = files(&base);
    let run = adapted(&project, &base).finish();
    assert_eq!(files(&base), before, "the given folder is only read");
    assert!(!run.artifact("model/model").exists(), "a given model is not copied");

    let adapter = tensors(&run.artifact("sft/adapter/adapter_model.safetensors"));
    // Two factors of two projections of two layers.
    assert_eq!(adapter.len(), 8);
    assert_eq!(adapter["base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight"], [4, 32]);
    assert_eq!(adapter["base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight"], [16, 4]);
    let merged = run.artifact("sft/model");
    assert_eq!(
        tensors(&merged.join("model.safetensors")),
        tensors(&base.join("model.safetensors"))
    );
    Encoder::open(&merged).expect("the tokenizer goes along");
    the_merged_model_is_the_base_with_the_adapter(&base, &run);
    let model = run.bytes("sft/model/model.safetensors");
    assert!(model != before[&base.join("model.safetensors")], "training moved the weights");
}

fn the_merged_model_is_the_base_with_the_adapter(base: &Path, run: &Finished) {
    let device = parse_device("cpu").expect("the CPU");
    let decoder = load(base, &device).expect("a model folder").decoder;
    let adapted = load_adapter(decoder, &run.artifact("sft/adapter"), &device).expect("an adapter");
    let again = run.folder.join("merged-again");
    save(&adapted, &again).expect("written");
    let again = read(&again.join("model.safetensors"));
    assert!(again == run.bytes("sft/model/model.safetensors"), "folding in gives the same bits");
}

#[test]
fn checkpoints_hold_the_adapter_and_not_the_base() {
    let project = Project::new();
    let base = model_folder(&project);
    let folder = project.path("run");
    let long = || {
        let run = adapted(&project, &base).set("sft.training.max_steps=40");
        run.set("sft.num_train_epochs=9").until("sft")
    };
    let log = folder.join("training/sft/metrics.jsonl");
    let outcome = stopped_after_two_steps(long(), &log);
    let Outcome::Interrupted { step: Some(step), signal: Signal::Interrupt, .. } = outcome else {
        panic!("{outcome:?}")
    };
    let checkpoint = folder.join(format!("training/sft/checkpoints/step-{step:06}"));
    let size = |path: PathBuf| {
        fs::metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).len()
    };
    let weights = size(base.join("model.safetensors"));
    assert!(4 * size(checkpoint.join("model.safetensors")) < weights, "what is trained");
    assert!(4 * size(checkpoint.join("optimizer.bpk.zst")) < weights, "its moments");

    let resumed = long().resumed().finish().bytes("sft/model/model.safetensors");
    let straight = long().from("sft").finish().bytes("sft/model/model.safetensors");
    assert!(resumed == straight, "dropout is drawn by step, not by what was drawn before");
}

/// Bytes of all files of a folder.
fn bytes_of(folder: &Path) -> usize {
    files(folder).values().map(Vec::len).sum()
}

#[test]
fn a_checkpoint_of_an_adapter_is_smaller_than_three_times_what_is_trained() {
    let project = Project::new();
    let base = model_folder(&project);
    // Of fewer weights the headers of the files would count.
    let run = on_folder(&project, &base)
        .set("sft.lora={rank: 64, alpha: 128, target_modules: [all-linear]}")
        .set("sft.training.max_steps=40")
        .set("sft.num_train_epochs=9");
    let training = project.path("run/training/sft");
    let outcome = stopped_after_two_steps(run.until("sft"), &training.join("metrics.jsonl"));
    let Outcome::Interrupted { step: Some(step), .. } = outcome else { panic!("{outcome:?}") };
    let checkpoint = training.join(format!("checkpoints/step-{step:06}"));
    let shapes = tensors(&checkpoint.join("model.safetensors"));
    let num_trained: usize = shapes.values().map(|shape| shape.iter().product::<usize>()).sum();
    let (trained, all) = (4 * num_trained, bytes_of(&checkpoint));
    assert!(200_000 < trained, "{trained} bytes are trained");
    assert!(all < 3 * trained, "{all} bytes for {trained} that are trained");
}

#[test]
fn an_adapter_that_does_not_fit_is_refused_with_its_key() {
    let project = Project::new();
    let base = model_folder(&project);
    let error = on_folder(&project, &base).set("sft.lora={rank: 0}").error();
    assert_eq!(
        error,
        "--set sft.lora={rank: 0}: stages.5.sft.lora.rank: rank must be at least 1, got 0"
    );
    let error = on_folder(&project, &base).set("sft.lora={target_modules: [c_attn]}").error();
    assert!(
        error.contains("\"c_attn\" is no module of the model; its linear layers are q_proj"),
        "{error}"
    );
}
