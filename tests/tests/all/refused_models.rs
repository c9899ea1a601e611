//! Model folders that are not what they say: every difference in one message, before anything is trained.

use std::fs;

use forethought_tests::Project;
use forethought_tokenize::{BpeConfig, train_bpe};
use serde_json::Value;

use crate::attempt::read;
use crate::lora::{model_folder, on_folder};

/// Rewrites the header of the folder's safetensors file, which leaves the data as they are.
fn with_header(project: &Project, change: impl FnOnce(&mut serde_json::Map<String, Value>)) {
    let path = project.path("base/model.safetensors");
    let bytes = read(&path);
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
    let end = 8 + usize::try_from(length).expect("a header");
    let mut header: Value = serde_json::from_slice(&bytes[8..end]).expect("a header");
    change(header.as_object_mut().expect("an object"));
    let mut header = header.to_string().into_bytes();
    while !header.len().is_multiple_of(8) {
        header.push(b' ');
    }
    let length = (header.len() as u64).to_le_bytes();
    fs::write(&path, [&length[..], &header, &bytes[end..]].concat()).expect("written");
}

#[test]
fn missing_extra_and_misshapen_tensors_are_all_in_one_message() {
    let project = Project::new();
    let folder = model_folder(&project);
    with_header(&project, |header| {
        let norm = header.remove("model.norm.weight").expect("a norm");
        header.insert("model.nrom.weight".to_owned(), norm);
        let name = "model.layers.1.mlp.up_proj.weight";
        header[name]["shape"] = serde_json::json!([32, 64]);
    });
    let error = on_folder(&project, &folder).error();
    let mut found: Vec<&str> = error.lines().collect();
    assert_eq!(found.remove(0), format!("{}: 3 tensors differ from the model:", folder.display()));
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "  model.layers.1.mlp.up_proj.weight is [32, 64], the model needs [64, 32]",
            "  model.norm.weight [32] is missing",
            "  model.nrom.weight [32] is not part of the model",
        ]
    );
    assert!(!project.path("run/artifacts/label").exists(), "it is said before tokens are counted");
}

#[test]
fn a_folder_without_its_parts_names_what_is_missing() {
    let project = Project::new();
    let folder = model_folder(&project);
    for (file, part) in [
        ("model.safetensors", "model.safetensors"),
        ("config.json", "config.json"),
        ("tokenizer.json", "tokenizer.json"),
    ] {
        let kept = project.path("kept");
        fs::rename(folder.join(file), &kept).expect("moved away");
        let error = on_folder(&project, &folder).until("model").error();
        assert!(error.contains(&folder.display().to_string()) && error.contains(part), "{error}");
        fs::rename(&kept, folder.join(file)).expect("moved back");
    }
    on_folder(&project, &folder).until("model").finish();
    let error = on_folder(&project, &project.path("bsae")).until("model").error();
    assert!(error.contains(&project.path("bsae").display().to_string()), "{error}");
}

#[test]
fn a_truncated_weights_file_is_an_error_with_its_path() {
    let project = Project::new();
    let folder = model_folder(&project);
    let path = folder.join("model.safetensors");
    let bytes = read(&path);
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("cut");
    let error = on_folder(&project, &folder).until("model").error();
    let start = format!("{}: not a valid safetensors file:", path.display());
    assert!(error.starts_with(&start), "{error}");
}

#[test]
fn a_model_of_another_kind_is_refused_with_what_is_supported() {
    let project = Project::new();
    let folder = model_folder(&project);
    let path = folder.join("config.json");
    let mut config: Value = serde_json::from_slice(&read(&path)).expect("JSON");
    config["model_type"] = "mamba".into();
    fs::write(&path, config.to_string()).expect("written");
    let error = on_folder(&project, &folder).until("model").error();
    assert!(error.starts_with(&format!("{}: ", path.display())), "{error}");
    assert!(error.contains("mamba") && error.contains("qwen2"), "{error}");
}

#[test]
fn a_smaller_vocabulary_than_the_tokenizer_has_is_refused() {
    let project = Project::new();
    let folder = model_folder(&project);
    let special_tokens = (0..60).map(|number| format!("<{number}>")).collect();
    let config = BpeConfig { special_tokens, ..BpeConfig::new(360) };
    let larger = train_bpe(&["tick"], &config).expect("a tokenizer");
    larger.save(&folder).expect("written over the other");
    let error = on_folder(&project, &folder).error();
    let expected = format!("stage model: {}: the tokenizer has ", folder.display());
    assert!(error.starts_with(&expected) && error.contains("embedding 300 rows"), "{error}");
}
