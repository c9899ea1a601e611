//! Hugging Face folders: what is written can be read, and what is wrong is said.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use forethought_model::{Decoder, DecoderConfig, ModelError, TensorProblem, load, save};
use forethought_seed::Seed;
use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tempfile::TempDir;

use crate::{fixtures, load_fixture, logits, tiny_config, values};

const IDS: [u32; 5] = [7, 8, 9, 10, 11];

fn saved(config: &DecoderConfig) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let decoder = Decoder::init(config, Seed::new(3), &Device::flex());
    save(&decoder, dir.path()).expect("it is written");
    dir
}

/// Rewrites the tensors of a saved model: `(shape, bytes)` of each name.
fn rewrite(
    dir: &Path,
    dtype: Dtype,
    change: impl FnOnce(&mut BTreeMap<String, (Vec<usize>, Vec<u8>)>),
) {
    let path = dir.join("model.safetensors");
    let bytes = fs::read(&path).expect("the file is there");
    let file = SafeTensors::deserialize(&bytes).expect("the file is valid");
    let tensors = file
        .iter()
        .map(|(name, view)| (name.to_owned(), (view.shape().to_vec(), view.data().to_vec())));
    let mut tensors: BTreeMap<_, _> = tensors.collect();
    change(&mut tensors);
    let views = tensors.iter().map(|(name, (shape, data))| {
        (
            name,
            TensorView::new(dtype, shape.clone(), data).expect("as many bytes as the shape needs"),
        )
    });
    fs::write(&path, safetensors::serialize(views, None).expect("valid tensors")).expect("written");
}

fn load_error(dir: &Path) -> ModelError {
    load(dir, &Device::flex()).expect_err("the folder is wrong")
}

#[test]
fn a_folder_that_is_written_is_read_bit_by_bit() {
    for tie_word_embeddings in [false, true] {
        let config = DecoderConfig { tie_word_embeddings, ..tiny_config() };
        let dir = saved(&config);
        let loaded = load(dir.path(), &Device::flex()).expect("it is read");
        let decoder = Decoder::init(&config, Seed::new(3), &Device::flex());
        assert_eq!(values(logits(&loaded.decoder, &IDS)), values(logits(&decoder, &IDS)));
        let mut files: Vec<_> = fs::read_dir(dir.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        files.sort();
        assert_eq!(files, ["config.json", "model.safetensors"]);
    }
}

#[test]
fn a_model_of_transformers_comes_back_with_its_names_shapes_and_values() {
    let dir = tempfile::tempdir().expect("a folder");
    save(&load_fixture("tiny-qwen2", &Device::flex()), dir.path()).expect("it is written");
    let read = |dir: &Path| crate::tensors(&dir.join("model.safetensors"));
    assert_eq!(read(dir.path()), read(&fixtures().join("models/tiny-qwen2")));
    let config = crate::json(&dir.path().join("config.json"));
    assert_eq!(config["eos_token_id"], 660);
    assert_eq!(config["rope_theta"], 1_000_000.0);
    assert_eq!(config["architectures"][0], "Qwen2ForCausalLM");
}

#[test]
fn all_differences_are_in_one_message() {
    let dir = saved(&tiny_config());
    rewrite(dir.path(), Dtype::F32, |tensors| {
        tensors.remove("model.norm.weight");
        tensors.insert("extra".to_owned(), (vec![1], vec![0; 4]));
        if let Some((shape, _)) = tensors.get_mut("lm_head.weight") {
            shape.reverse();
        }
        if let Some((_, bytes)) = tensors.get_mut("model.layers.1.self_attn.q_proj.bias") {
            bytes[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
        }
    });
    let message = load_error(dir.path()).to_string();
    let (first, rest) = message.split_once(": ").expect("the folder comes first");
    assert_eq!(Path::new(first), dir.path());
    assert_eq!(
        rest,
        "4 tensors differ from the model:\
         \n  extra [1] is not part of the model\
         \n  lm_head.weight is [16, 40], the model needs [40, 16]\
         \n  model.layers.1.self_attn.q_proj.bias holds NaN at position 2\
         \n  model.norm.weight [16] is missing"
    );
}

#[test]
fn half_precision_is_read_and_other_types_are_refused() {
    let dir = saved(&tiny_config());
    rewrite(dir.path(), Dtype::F16, |tensors| {
        for (_, bytes) in tensors.values_mut() {
            let floats =
                bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            *bytes = floats.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect();
        }
    });
    let half = load(dir.path(), &Device::flex()).expect("it is read").decoder;
    let whole = Decoder::init(&tiny_config(), Seed::new(3), &Device::flex());
    crate::assert_close(&values(half.head()), &values(whole.head()), 1e-3);
    assert_ne!(values(half.head()), values(whole.head()), "the values were rounded");

    let dir = saved(&tiny_config());
    rewrite(dir.path(), Dtype::I32, |_| ());
    let message = load_error(dir.path()).to_string();
    assert!(
        message.contains("lm_head.weight has type I32, supported are F32, F16 and BF16"),
        "{message}"
    );
    assert!(!message.contains("missing"), "{message}");
}

#[test]
fn a_tied_head_may_be_stored_twice_if_it_is_the_embedding() {
    let dir = saved(&DecoderConfig { tie_word_embeddings: true, ..tiny_config() });
    rewrite(dir.path(), Dtype::F32, |tensors| {
        let embedding = tensors["model.embed_tokens.weight"].clone();
        tensors.insert("lm_head.weight".to_owned(), embedding);
    });
    assert!(load(dir.path(), &Device::flex()).is_ok());
    rewrite(dir.path(), Dtype::F32, |tensors| {
        if let Some((_, bytes)) = tensors.get_mut("lm_head.weight") {
            bytes[..4].copy_from_slice(&7f32.to_le_bytes());
        }
    });
    let message = load_error(dir.path()).to_string();
    assert!(message.contains("lm_head.weight differs from the embedding"), "{message}");
}

#[test]
fn shards_are_checked_against_their_index() {
    let dir = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(fixtures().join("models/tiny-qwen2-sharded")).expect("a folder") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), dir.path().join(entry.file_name())).expect("copied");
    }
    let second = dir.path().join("model-00002-of-00002.safetensors");
    let index_path = dir.path().join("model.safetensors.index.json");
    let index = fs::read_to_string(&index_path).expect("the index is there");

    let elsewhere = index.replacen("model-00002-of", "model-00001-of", 1);
    fs::write(&index_path, elsewhere).expect("written");
    let message = load_error(dir.path()).to_string();
    let expected = "is in model-00002-of-00002.safetensors, \
        the index says model-00001-of-00002.safetensors";
    assert!(message.ends_with(expected), "{message}");
    fs::write(&index_path, &index).expect("written");

    fs::copy(dir.path().join("model-00001-of-00002.safetensors"), &second).expect("copied");
    let ModelError::Tensors { problems, .. } = load_error(dir.path()) else { panic!("tensors") };
    let is_duplicate =
        |problem: &&TensorProblem| matches!(problem, TensorProblem::Duplicate { .. });
    assert!(problems.iter().any(|problem| is_duplicate(&problem)), "{problems:?}");
    assert!(problems.iter().any(|problem| matches!(problem, TensorProblem::Missing { .. })));

    fs::remove_file(&second).expect("removed");
    assert!(load_error(dir.path()).to_string().contains("model-00002-of-00002.safetensors"));

    let outside = index.replace("model-00002-of-00002", "../model-00002-of-00002");
    fs::write(&index_path, outside).expect("written");
    let message = load_error(dir.path()).to_string();
    assert!(message.contains("\"../model-00002-of-00002.safetensors\" of tensor"), "{message}");
    assert!(message.ends_with("is not inside the folder"), "{message}");
}

#[test]
fn a_name_that_is_there_twice_is_refused() {
    let dir = saved(&tiny_config());
    let entry = r#""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let header = format!("{{{entry},{entry}}}");
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend([0; 4]);
    fs::write(dir.path().join("model.safetensors"), bytes).expect("written");
    let message = load_error(dir.path()).to_string();
    assert!(message.contains("not a valid safetensors file: a is there twice"), "{message}");
}

#[test]
fn a_missing_or_broken_file_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    assert!(load_error(dir.path()).to_string().contains("config.json: "));
    fs::copy(fixtures().join("models/tiny-qwen2/config.json"), dir.path().join("config.json"))
        .expect("copied");
    assert!(load_error(dir.path()).to_string().contains("neither model.safetensors nor"));
    fs::write(dir.path().join("model.safetensors"), b"short").expect("written");
    assert!(load_error(dir.path()).to_string().contains("model.safetensors: not a valid"));
    fs::write(dir.path().join("config.json"), "{").expect("written");
    assert!(matches!(load_error(dir.path()), ModelError::Json { .. }));
    fs::write(dir.path().join("config.json"), r#"{"model_type": "qwen2"}"#).expect("written");
    let message = load_error(dir.path()).to_string();
    assert!(message.ends_with("config.json: num_attention_heads is missing"), "{message}");
}
