//! `forethought check`: every problem at once, and nothing left behind.

use forethought_tests::{Project, repository};

use crate::{forethought, outcome};

#[test]
fn a_pipeline_that_could_run_has_its_memory_planned_and_leaves_nothing_behind() {
    let project = Project::new();
    let (code, plan, error) =
        outcome(forethought(&project.path("")).args(["check", "pipeline.yaml"]));
    assert_eq!(code, Some(0), "{error}");
    for stage in ["sft: ", "grpo: "] {
        let line = plan.lines().find(|line| line.starts_with(stage)).expect(stage);
        assert!(line.contains("optimiser") && line.contains("activations"), "{line}");
    }
    assert!(plan.contains("pipeline.yaml: nothing found that would stop it"), "{plan}");
    assert!(!project.path("runs").exists(), "a check is no run");
}

#[test]
fn every_problem_of_a_config_is_listed_and_ends_with_2() {
    let project = Project::new();
    let text = project.pipeline_with("learning_rate", "learning_rat");
    let text = text.replacen("min_count: 20", "min_cuont: 20", 1);
    let text = text.replacen("num_generations: 4", "num_generations: 1", 1);
    project.write("wrong.yaml", text.replacen("traces.jsonl", "tracse.jsonl", 1));
    let (code, _, error) = outcome(forethought(&project.path("")).args(["check", "wrong.yaml"]));
    assert_eq!(code, Some(2));
    for part in [
        "did you mean `learning_rate`?",
        "did you mean `min_count`?",
        "num_generations: must be at least 2, got 1",
        "did you mean `traces.jsonl`?",
        "wrong.yaml: 4 problems",
    ] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
}

#[test]
fn what_only_the_data_shows_is_listed_too() {
    let project = Project::new();
    let arguments = [
        "check",
        "pipeline.yaml",
        "--set",
        "sft.max_length=12",
        "--set",
        "grpo.max_prompt_length=5",
    ];
    let (code, _, error) = outcome(forethought(&project.path("")).args(arguments));
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("stage sft: ") && error.contains("max_length"), "{error}");
    assert!(error.contains("note: grpo was not looked at: sft has to be right first"), "{error}");
}

#[test]
fn the_default_pipeline_has_no_problems() {
    let (code, plan, error) = outcome(forethought(&repository()).args(["check", "think"]));
    assert_eq!(code, Some(0), "{error}");
    assert!(plan.contains("sft: ") && plan.contains("grpo: "), "{plan}");
}
