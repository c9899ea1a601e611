//! `forethought replay`: a step of a run, computed again to the last bit.

use std::fs;

use forethought_tests::Project;

use crate::signals::signalled;
use crate::{forethought, outcome, pipeline};

#[test]
fn steps_of_a_finished_run_are_the_same_bit_for_bit_and_a_changed_log_is_noticed() {
    let project = Project::new();
    let (code, _, log) = outcome(&mut pipeline(&project, &["--until", "grpo"]));
    assert_eq!(code, Some(0), "{log}");
    let replay = |arguments: &[&str]| {
        let mut command = forethought(&project.path(""));
        outcome(command.args(["replay", "runs/parrots"]).args(arguments))
    };
    let (code, table, error) = replay(&["--step", "4"]);
    assert_eq!(code, Some(0), "{table}{error}");
    assert!(table.contains("sft, step 4, computed from step 0 on"), "{table}");
    assert!(table.contains("every number is the same, bit for bit"), "{table}");

    let (code, table, error) = replay(&["--step", "2", "--stage", "grpo"]);
    assert_eq!(code, Some(0), "{table}{error}");
    assert!(table.contains("training questions [") && table.contains("advantages: "), "{table}");

    let (code, _, error) = replay(&["--step", "2"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("several stages have a step 2; name one with --stage"), "{error}");
    let (_, _, error) = replay(&["--step", "99"]);
    assert!(error.contains("no step 99 was logged; there are sft (steps 1 to 5)"), "{error}");

    let path = project.path("runs/parrots/artifacts/sft/history.jsonl");
    let history = fs::read_to_string(&path).expect("the log");
    let changed = history.replacen("\"loss\":", "\"loss\":1", 1);
    fs::write(&path, changed).expect("written");
    let (code, table, _) = replay(&["--step", "1", "--stage", "sft"]);
    assert_eq!(code, Some(1));
    assert!(table.contains("differs") && table.contains("the step differs"), "{table}");
}

#[test]
fn an_interrupted_stage_is_replayed_from_its_nearest_checkpoint() {
    let project = Project::new();
    let set = ["--until", "sft", "--set", "sft.training.save_steps=1"];
    let (code, _, log) = outcome(&mut pipeline(&project, &set));
    assert_eq!(code, Some(0), "{log}");
    // Put back what an interrupted run would have left: its log and no artifact.
    let run = project.path("runs/parrots");
    fs::create_dir_all(run.join("training/sft")).expect("a folder");
    fs::rename(run.join("artifacts/sft/history.jsonl"), run.join("training/sft/metrics.jsonl"))
        .expect("moved");
    fs::remove_dir_all(run.join("artifacts/sft")).expect("removed");
    let (code, table, error) =
        outcome(forethought(&project.path("")).args(["replay", "runs/parrots", "--step", "3"]));
    assert_eq!(code, Some(0), "{table}{error}");
    assert!(table.contains("sft, step 3, computed from step 0 on"), "{table}");
}

#[test]
fn of_two_logs_a_step_is_compared_with_that_of_the_config_it_is_computed_from() {
    let project = Project::new();
    let run = |set: &str| {
        let mut command = pipeline(&project, &["--until", "sft", "--set", set]);
        command.args(["--set", "sft.training.max_steps=40", "--set", "sft.training.save_steps=2"]);
        command
    };
    let (code, _, log) = outcome(&mut run("sft.max_length=700"));
    assert_eq!(code, Some(0), "{log}");
    let log = project.path("runs/parrots/training/sft/metrics.jsonl");
    let (code, text) = signalled(&mut run("sft.training.weight_decay=0.5"), "-INT", (&log, 6));
    assert_eq!(code, Some(130), "{text}");
    let replay = |step: &str| {
        let mut command = forethought(&project.path(""));
        outcome(command.args(["replay", "runs/parrots", "--step", step]))
    };
    // The artifact of the first run is still there, and of other settings.
    let (code, table, error) = replay("6");
    assert_eq!((code, error.as_str()), (Some(0), ""), "{table}");
    assert!(table.contains("every number is the same, bit for bit"), "{table}");
    assert!(!table.contains("computed from step 0 on"), "it goes on from a checkpoint: {table}");

    // With the first settings the artifact counts again, and the checkpoints are of no use.
    let (code, _, text) = outcome(&mut run("sft.max_length=700"));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("are set aside in ") && text.contains("sft: unchanged"), "{text}");
    let (code, table, error) = replay("6");
    assert_eq!((code, error.as_str()), (Some(0), ""), "{table}");
    assert!(table.contains("computed from step 0 on"), "{table}");
}

/// The steps of which a stage has checkpoints, ascending.
fn kept(project: &Project, stage: &str) -> Vec<u64> {
    let folder = project.path("runs/parrots/training").join(stage).join("checkpoints");
    let names = fs::read_dir(folder).expect("checkpoints").flatten();
    let mut steps: Vec<u64> = names
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("step-")?.parse().ok())
        .collect();
    steps.sort_unstable();
    steps
}

#[test]
fn a_step_is_replayed_from_an_older_checkpoint_where_the_newest_lies_behind_it() {
    let project = Project::new();
    let sets = [
        "sft.training.max_steps=3",
        "grpo.training.max_steps=400",
        "grpo.num_train_epochs=400",
        "grpo.training.save_steps=1",
        "grpo.training.save_total_limit=5",
        "grpo.loss={num_iterations: 2, beta: 0.04}",
    ];
    let mut command = pipeline(&project, &["--until", "grpo"]);
    command.args(sets.into_iter().flat_map(|set| ["--set", set]));
    let log = project.path("runs/parrots/training/grpo/metrics.jsonl");
    let (code, text) = signalled(&mut command, "-INT", (&log, 6));
    assert_eq!(code, Some(130), "{text}");
    let steps = kept(&project, "grpo");
    assert_eq!(steps.len(), 5, "{steps:?}");
    // One of these steps goes on with answers that the checkpoint keeps, the other samples its own.
    for older in &steps[..2] {
        let step = (older + 1).to_string();
        let arguments = ["replay", "runs/parrots", "--stage", "grpo", "--step", &step];
        let (code, table, error) = outcome(forethought(&project.path("")).args(arguments));
        assert_eq!(code, Some(0), "{table}{error}");
        assert!(
            table.contains(&format!("grpo, step {step}, computed from step {older} on")),
            "{table}"
        );
        assert!(table.contains("every number is the same, bit for bit"), "{table}");
    }
}
