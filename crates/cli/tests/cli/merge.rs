//! `forethought merge` on a small model folder.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use forethought_tests::{Project, repository};

use crate::{forethought, outcome};

fn fixture(name: &str) -> PathBuf {
    repository().join("crates/model/tests/fixtures").join(name)
}

/// Exit code, standard output and standard error of a merge of `models/tiny-qwen2`.
fn merge(project: &Project, adapter: &str, rest: &[&str]) -> (Option<i32>, String, String) {
    let mut command = forethought(&project.path(""));
    command.arg("merge").arg(fixture("models/tiny-qwen2")).args(["--adapter", adapter]);
    outcome(command.args(rest))
}

/// The number behind `largest difference of a logit: `.
fn difference(text: &str) -> f32 {
    let rest = text.strip_prefix("largest difference of a logit: ").expect("it is printed");
    let (number, _) = rest.split_once(", of logits up to ").expect("and so is the scale");
    number.parse().expect("a number")
}

#[test]
fn a_merged_folder_is_verified_and_has_no_adapter_left() {
    let project = Project::new();
    for name in ["lora", "dora"] {
        let adapter = fixture("adapters").join(name);
        let adapter = adapter.to_str().expect("UTF-8");
        let (code, text, log) = merge(&project, adapter, &["--out", name, "--verify"]);
        assert_eq!(code, Some(0), "{log}");
        assert!(difference(&text) < 1e-4, "{text}");
        let files = fs::read_dir(project.path(name)).expect("it is there");
        let mut files: Vec<_> =
            files.map(|file| file.expect("an entry").file_name().into_string()).collect();
        files.sort();
        let names = ["config.json", "model.safetensors"].map(|name| Ok(name.to_owned()));
        assert_eq!(files, names);
        // Another seed compares other tokens.
        let out = format!("{name}-again");
        let (_, other, _) = merge(&project, adapter, &["--out", &out, "--verify", "--seed", "7"]);
        assert_ne!(other, text);
    }
}

#[test]
fn rounding_is_printed_but_not_judged() {
    let project = Project::new();
    let adapter = fixture("adapters/lora");
    let rest = ["--out", "out", "--verify", "--dtype", "bf16"];
    let (code, text, log) = merge(&project, adapter.to_str().expect("UTF-8"), &rest);
    assert_eq!(code, Some(0), "{log}");
    assert!(1e-4 < difference(&text), "{text}");
}

/// An adapter so strong that the folded weights are infinite.
#[test]
fn a_merge_that_fails_leaves_nothing() {
    let project = Project::new();
    let source = fixture("adapters/lora");
    let config = fs::read_to_string(source.join("adapter_config.json")).expect("the fixture");
    let config = config.replace("\"lora_alpha\": 16", "\"lora_alpha\": 1e300");
    fs::create_dir(project.path("strong")).expect("a folder");
    project.write("strong/adapter_config.json", config);
    let weights = "adapter_model.safetensors";
    project.write(&format!("strong/{weights}"), fs::read(source.join(weights)).expect("there"));
    let before = entries(&project);
    let (code, text, log) = merge(&project, "strong", &["--out", "out", "--verify"]);
    assert_eq!(code, Some(1), "{text}{log}");
    assert_eq!(entries(&project), before);
}

fn entries(project: &Project) -> Vec<OsString> {
    let entries = fs::read_dir(project.path("")).expect("a folder");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    names
}

#[test]
fn an_output_that_is_there_and_an_adapter_that_is_not_are_refused() {
    let project = Project::new();
    fs::create_dir(project.path("out")).expect("a folder");
    project.write("out/kept", "");
    let adapter = fixture("adapters/lora");
    let (code, _, log) = merge(&project, adapter.to_str().expect("UTF-8"), &["--out", "out"]);
    assert_eq!(code, Some(2));
    assert!(log.contains("--out: out is there already and not empty"), "{log}");
    let (code, _, log) = merge(&project, "absent", &["--out", "new"]);
    assert_eq!(code, Some(1));
    assert!(log.contains("adapter_config.json"), "{log}");
    assert!(!project.path("new").exists());
}
