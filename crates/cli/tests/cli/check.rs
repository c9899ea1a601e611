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
        assert!(line.contains("weights") && line.contains("optimiser"), "{line}");
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
    // What sft would have trained is stood in for.
    assert!(error.contains("stage grpo: ") && error.contains("max_prompt_length"), "{error}");
}

#[test]
fn the_default_pipeline_has_no_problems() {
    let (code, plan, error) = outcome(forethought(&repository()).args(["check", "think"]));
    assert_eq!(code, Some(0), "{error}");
    assert!(plan.contains("sft: ") && plan.contains("grpo: "), "{plan}");
}

#[test]
fn problems_of_config_files_rows_and_lengths_are_listed_in_one_go() {
    let project = Project::new();
    let text = project.pipeline_with("learning_rate", "learning_rat");
    let sources = "traces.jsonl'\n        - path: broken.jsonl\n        - path: absent.jsonl\n      on_bad_row: error";
    let text = text.replacen("traces.jsonl'", sources, 1);
    assert!(text.contains("broken.jsonl"), "{text}");
    let row = r#"{"prompt": "Parrot?", "completion": "<think>\\ntick\\n</think>\\nDone."}"#;
    project.write("broken.jsonl", format!("{row}\n{{\"prompt\": 1\n{row}\n[]\n"));
    project.write("wrong.yaml", text);
    let arguments = [
        "check",
        "wrong.yaml",
        "--set",
        "sft.max_length=12",
        "--set",
        "grpo.max_prompt_length=5",
        "--set",
        "predict.sampling.top_p=7",
    ];
    let (code, _, error) = outcome(forethought(&project.path("")).args(arguments));
    assert_eq!(code, Some(2), "{error}");
    for part in [
        "wrong.yaml:28: stages.5.sft.training.learning_rat: unknown field",
        "--set predict.sampling.top_p=7: stages.7.predict.sampling.top_p",
        "absent.jsonl",
        "broken.jsonl:2:",
        "broken.jsonl:4:",
        "stage sft: example 1: an example has 78 tokens, allowed are 12",
        "max_prompt_length = 5 tokens; raise it",
        "note: sft was looked at without what is refused in it",
    ] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
}
