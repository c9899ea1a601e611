//! Keys and passwords never reach a log, a manifest, a report or an error.

use std::fs;
use std::path::Path;

use forethought_tests::Project;

use crate::{outcome, pipeline};

/// What must be found nowhere.
const CANARY: &str = "canary";

/// Files below a folder that hold the canary.
fn leaks(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(leaks(&path));
        } else {
            let bytes = fs::read(&path).expect("a file");
            if bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[test]
fn a_token_of_the_environment_and_of_an_address_is_in_nothing_that_a_run_leaves() {
    let project = Project::new();
    // A file whose name is an address with a password, as a mounted bucket has them.
    let folder = project.path("https:/user:canary-password@host");
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(project.path("prompt.txt"), folder.join("prompt.txt")).expect("a copy");
    let set = "convert.prompt=https://user:canary-password@host/prompt.txt";
    let mut command = pipeline(&project, &["--out", "out/canary-token-in-a-path", "--set", set]);
    command.args(["--set", "sft.training.max_steps=2", "--set", "grpo.training.max_steps=1"]);
    command.env("HF_TOKEN", "canary-token-in-a-path");
    let (code, output, log) = outcome(&mut command);
    assert_eq!(code, Some(0), "{log}");
    assert!(!output.contains(CANARY) && !log.contains(CANARY), "{log}\n{output}");
    let run = project.path("out/canary-token-in-a-path");
    assert!(run.join("report.html").is_file());
    assert_eq!(leaks(&run), Vec::<String>::new());
}

#[test]
fn errors_show_no_token() {
    let project = Project::new();
    let cases = [
        "model={folder: 'https://user:canary-password@host/a?token=canary-password'}",
        "ingest.sources.0.path=/nowhere/canary-of-the-environment.jsonl",
        "ingest.hf_token=canary-password",
        "sft.training.learning_rate='https://me:canary-password@host'",
    ];
    for set in cases {
        let mut command = pipeline(&project, &["--out", "out", "--set", set]);
        let (code, output, log) = outcome(command.env("HF_TOKEN", "canary-of-the-environment"));
        assert!(code.is_some_and(|code| code != 0), "{log}");
        assert!(!output.contains(CANARY) && !log.contains(CANARY), "{log}");
    }
}

#[test]
fn a_checkpoint_of_an_interrupted_run_shows_no_token() {
    let project = Project::new();
    let text = project.pipeline_with("prompt.txt", "canary-of-the-environment.txt");
    fs::copy(project.path("prompt.txt"), project.path("canary-of-the-environment.txt"))
        .expect("a copy");
    project.write("pipeline.yaml", text);
    // Ended by its loss at the second step, after a checkpoint of the first.
    let arguments = [
        "--out",
        "out",
        "--set",
        "sft.training.learning_rate=1e30",
        "--set",
        "sft.training.save_steps=1",
    ];
    let (code, _, log) =
        outcome(pipeline(&project, &arguments).env("HF_TOKEN", "canary-of-the-environment"));
    assert_eq!(code, Some(1), "{log}");
    assert!(!log.contains(CANARY), "{log}");
    let out = project.path("out");
    assert!(out.join("training/sft/checkpoints/step-000001/manifest.json").is_file(), "{log}");
    assert_eq!(leaks(&out), Vec::<String>::new());
}
