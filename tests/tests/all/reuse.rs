//! What is made again and what is not: artifacts by content, `--from`, `--until`, seeds.

use std::time::{Duration, Instant};

use forethought_pipeline::{ArtifactManifest, Outcome, RunManifest};
use forethought_tests::Project;

use crate::attempt::{Attempt, Finished, STAGES};

/// The model of a training stage, its answers, and the split it saw.
const RESULTS: [&str; 6] = [
    "sft/model/model.safetensors",
    "grpo/model/model.safetensors",
    "model/model/tokenizer.json",
    "predict/sft.jsonl",
    "predict/grpo.jsonl",
    "balance/train.jsonl",
];

#[test]
fn a_second_run_makes_nothing_again_and_takes_less_than_five_seconds() {
    let project = Project::new();
    let before = Attempt::new(&project, "run").finish().made();
    let started = Instant::now();
    let again = Attempt::new(&project, "run").finish();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(again.made_since(&before), [""; 0]);
}

#[test]
fn a_changed_value_takes_along_the_stages_that_depend_on_it_and_no_other() {
    let project = Project::new();
    let run = |set: &str, until: &str| Attempt::new(&project, "run").set(set).until(until).finish();
    let mut before = run("seed=7", "convert").made();
    let mut made = |set: &str| {
        let run = run(set, "convert");
        let stages = run.made_since(&before);
        before = run.made();
        stages
    };
    assert_eq!(made("seed=7"), [""; 0]);
    assert_eq!(made("balance.max_train=48"), ["balance", "convert"]);
    assert_eq!(made("label.class_width=24"), ["label", "balance", "convert"]);
    assert_eq!(made("seed=8"), STAGES[..5]);
    // Back again: only the newest artifact of a stage is kept.
    assert_eq!(made("seed=7"), STAGES[..5]);

    project.write("prompt.txt", "Say a number.\n");
    assert_eq!(made("seed=7"), ["convert"]);
    let lines =
        String::from_utf8(crate::attempt::read(&project.path("traces.jsonl"))).expect("UTF-8");
    project.write("traces.jsonl", lines.replacen("It is done", "Done", 1));
    assert_eq!(made("seed=7"), STAGES[..5]);
    project.write("architecture.yaml", forethought_tests::ARCHITECTURE.replace("512", "600"));
    assert_eq!(made("seed=7"), ["model", "label", "balance", "convert"]);
}

#[test]
fn a_damaged_artifact_is_made_again_and_what_did_not_change_by_it_stays() {
    let project = Project::new();
    let run = Attempt::new(&project, "run").until("convert").finish();
    let before = run.made();
    let labels = run.artifact("label/labelled.jsonl");
    let whole = run.bytes("label/labelled.jsonl");
    std::fs::write(&labels, &whole[..whole.len() / 2]).expect("cut");
    let run = Attempt::new(&project, "run").until("convert").finish();
    assert_eq!(run.made_since(&before), ["label"]);
    assert_eq!(run.bytes("label/labelled.jsonl"), whole);
}

#[test]
fn an_artifact_whose_own_manifest_is_damaged_is_made_again_and_not_taken_for_another() {
    let project = Project::new();
    let run = Attempt::new(&project, "run").until("convert").finish();
    let before = run.made();
    let path = run.artifact("label/artifact.json");
    let text = String::from_utf8(run.bytes("label/artifact.json")).expect("UTF-8");
    // Still JSON, and still of the stage.
    std::fs::write(&path, text.replacen("\"bytes\": ", "\"bytes\": 1", 1)).expect("changed");
    assert_ne!(run.bytes("label/artifact.json"), text.as_bytes());
    let error = ArtifactManifest::read(&run.artifact("label"));
    let error = error.expect_err("it is not what was written").to_string();
    assert!(error.contains("label/artifact.json is not what was written: its hash"), "{error}");
    let run = Attempt::new(&project, "run").until("convert").finish();
    assert_eq!(run.made_since(&before), ["label"]);
}

#[test]
fn until_stops_after_its_stage_and_from_makes_its_stage_and_those_after_it_again() {
    let project = Project::new();
    let run = Attempt::new(&project, "run").until("balance").finish();
    let before = run.made();
    assert_eq!(before.keys().collect::<Vec<_>>(), ["balance", "ingest", "label", "model"]);
    let manifest: RunManifest = run.json("manifest.json");
    assert_eq!(manifest.stages.last().map(|stage| stage.name.as_str()), Some("balance"));

    let run = Attempt::new(&project, "run").from("label").until("convert").finish();
    assert_eq!(run.made_since(&before), ["label", "balance", "convert"]);
    let id = |stage: &str| run.made()[stage].1.id.clone();
    assert_eq!(id("label"), before["label"].1.id, "the same work has the same id");
}

#[test]
fn from_and_until_must_name_stages_of_the_pipeline() {
    let project = Project::new();
    for attempt in
        [Attempt::new(&project, "run").from("stf"), Attempt::new(&project, "run").until("stf")]
    {
        let error = attempt.run().expect_err("there is no such stage");
        assert!(error.is_usage(), "exit code 2");
        let text = error.to_string();
        assert!(text.contains("`stf`"), "{text}");
        assert!(STAGES.iter().all(|stage| text.contains(stage)), "{text}");
    }
    assert!(!project.path("run/artifacts").exists(), "nothing was begun");
}

#[test]
fn one_seed_gives_the_same_bits_in_another_folder_and_another_seed_gives_others() {
    let project = Project::new();
    let first = Attempt::new(&project, "first").finish();
    let second = Attempt::new(&project, "second").finish();
    for result in RESULTS {
        assert!(first.bytes(result) == second.bytes(result), "{result} differs");
    }
    let other = Attempt::new(&project, "other").set("seed=8").finish();
    for result in RESULTS.iter().filter(|result| !result.contains("tokenizer")) {
        assert!(first.bytes(result) != other.bytes(result), "{result} is the same");
    }
    assert!(first.bytes(RESULTS[2]) == other.bytes(RESULTS[2]), "a tokenizer is not drawn");
}

#[test]
fn a_changed_training_takes_along_what_comes_after_it() {
    let project = Project::new();
    let before = Attempt::new(&project, "run").finish().made();
    let run = Attempt::new(&project, "run").set("sft.training.weight_decay=0.1").finish();
    assert_eq!(run.made_since(&before), ["sft", "grpo", "predict", "report"]);
    let before = run.made();
    let run = Attempt::new(&project, "run").set("sft.training.weight_decay=0.1");
    let run = run.set("predict.sampling.temperature=0.3").finish();
    assert_eq!(run.made_since(&before), ["predict", "report"]);
}

/// Loss and gradient norm of every step.
fn curve(run: &Finished, stage: &str) -> Vec<[f64; 2]> {
    let history: Vec<serde_json::Value> = run.rows(&format!("{stage}/history.jsonl"));
    let number = |step: &serde_json::Value, key: &str| step[key].as_f64().expect("a number");
    history.iter().map(|step| ["loss", "grad_norm"].map(|key| number(step, key))).collect()
}

#[track_caller]
fn assert_near(left: [f64; 2], right: [f64; 2]) {
    for (left, right) in left.into_iter().zip(right) {
        assert!((left - right).abs() < 1e-4 * right.abs().max(1e-2), "{left} and {right}");
    }
}

#[test]
fn micro_batches_bound_memory_and_change_no_update() {
    let project = Project::new();
    let run = |folder: &str, [sft, accumulation, grpo]: [usize; 3]| {
        Attempt::new(&project, folder)
            .set(format!("sft.per_device_train_batch_size={sft}"))
            .set(format!("sft.gradient_accumulation_steps={accumulation}"))
            .set(format!("grpo.prompts_per_micro_batch={grpo}"))
            .set("grpo.loss.beta=0.04")
            .until("grpo")
            .finish()
    };
    let whole = run("whole", [8, 1, 4]);
    let parts = run("parts", [2, 4, 1]);
    for (whole, parts) in curve(&whole, "sft").into_iter().zip(curve(&parts, "sft")) {
        assert_near(parts, whole);
    }
    // Later steps may differ: weights that differ in their last bits can sample another token.
    let first = curve(&whole, "grpo")[0];
    assert_near(curve(&parts, "grpo")[0], first);
    assert!(first[1] > 0.0, "a gradient of 0 would show nothing");
}

#[test]
fn a_pipeline_without_training_reports_on_the_model_as_it_came() {
    let project = Project::new();
    let text = project.pipeline_with("name: parrots", "name: untrained");
    let (start, rest) = text.split_once("  - sft:").expect("an sft stage");
    let (_, end) = rest.split_once("  - predict:").expect("a predict stage");
    project.write("pipeline.yaml", format!("{start}  - predict:{end}"));
    let run = Attempt::new(&project, "run").finish();
    let report: serde_json::Value = run.json("report.json");
    let names = report["entries"].as_array().expect("entries").iter().map(|entry| &entry["name"]);
    assert!(names.into_iter().any(|name| name == "as it came"));
    assert!(run.artifact("predict/base.jsonl").is_file());
    assert_eq!(Attempt::new(&project, "run").run().expect("nothing to do"), Outcome::Finished);
}
