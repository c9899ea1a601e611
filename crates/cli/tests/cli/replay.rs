//! `forethought replay`: a step of a run, computed again to the last bit.

use std::fs;

use forethought_tests::Project;

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
