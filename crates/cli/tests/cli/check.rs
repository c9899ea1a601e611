//! `forethought check`: every problem at once, and nothing left behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use forethought_tests::{Project, repository};

use crate::signals::{SLOW, send};
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
fn a_reward_that_is_0_for_all_that_fine_tuning_teaches_is_noticed() {
    let project = Project::new();
    let noticed = |rewards: &str| {
        let rewards = format!("grpo.rewards=[{rewards}]");
        let arguments = ["check", "pipeline.yaml", "--set", &rewards];
        let (code, _, error) = outcome(forethought(&project.path("")).args(arguments));
        assert_eq!(code, Some(0), "{error}");
        error
    };
    // Fine-tuning teaches classes: a number, and no tags.
    let error =
        noticed("{tiered: 12/6/3}, format, {repetition_penalty: {ngram_size: 2, max_penalty: -1}}");
    let notes: Vec<&str> = error.lines().filter(|line| line.contains("is 0 for every")).collect();
    let [note] = &notes[..] else { panic!("{error}") };
    assert!(note.starts_with("note: stage grpo: the reward format is 0 for every completion that sft teaches, of 8 looked at ("), "{note}");
    assert!(note.ends_with("), such as \"1\""), "{note}");
    assert!(!noticed("{tiered: 12/6/3}").contains("is 0 for every"));
}

/// Pipelines on files that are not shipped: their name, what is read, and the model folder they start from, if they do.
const ABSENT: [(&str, &str, Option<&str>); 6] = [
    ("reason-gsm8k", "data/gsm8k/*.jsonl", Some("models/SmolLM2-135M-Instruct")),
    ("step-files", "problems.jsonl", None),
    ("think-am", "data/am-deepseek-r1-distilled/*.jsonl", Some("models/Qwen2-0.5B-Instruct")),
    ("think-files", "traces.jsonl", None),
    ("think-magpie", "data/magpie-reasoning-v1-150k/*.parquet", Some("models/Qwen2-0.5B-Instruct")),
    (
        "think-titanium",
        "data/titanium2.1-deepseek-r1/*.parquet",
        Some("models/Qwen2-0.5B-Instruct"),
    ),
];

/// What a check says of a pipeline whose files are not there, and nothing else.
fn absence(name: &str, data: &str, model: Option<&str>) -> Vec<String> {
    let how = if data.contains('*') { "no file matches this pattern" } else { "no such file" };
    let text = fs::read_to_string(repository().join(name)).expect("a pipeline");
    let is_named = |line: &str| !line.trim_start().starts_with('#') && line.contains(data);
    let line = text.lines().position(is_named).expect("it is named") + 1;
    let place = format!("{name}:{line}: stages.0.ingest.sources.0.path");
    let mut problems = vec![format!("error: {place}: {data}: {how}")];
    for path in
        model.into_iter().flat_map(|model| [model.to_owned(), format!("{model}/config.json")])
    {
        problems
            .push(format!("error: stage model: {path}: No such file or directory (os error 2)"));
    }
    problems
}

/// The pipelines that come with the project, as files below its root.
fn shipped() -> Vec<String> {
    let mut names = Vec::new();
    for folder in ["configs/pipelines", "configs/ci"] {
        for entry in fs::read_dir(repository().join(folder)).expect("a folder").flatten() {
            let name = entry.file_name().into_string().expect("UTF-8");
            if name.strip_suffix(".yaml").is_some() {
                names.push(format!("{folder}/{name}"));
            }
        }
    }
    names.sort();
    names
}

#[test]
fn files_of_no_shape_are_told_with_the_line_of_their_source_by_a_run_and_by_a_check() {
    let project = Project::new();
    project.write("odd.jsonl", "{\"asked\": \"a\", \"told\": \"b\"}\n");
    let sources = "traces.jsonl'\n        - path: odd.jsonl";
    project.write("odd.yaml", project.pipeline_with("traces.jsonl'", sources));
    let place = "odd.yaml:7: stages.0.ingest.sources.1.shape: odd.jsonl: no shape fits the columns asked, told";
    for (command, code) in [("pipeline", 1), ("check", 2)] {
        let (found, _, error) = outcome(forethought(&project.path("")).args([command, "odd.yaml"]));
        assert_eq!(found, Some(code), "{error}");
        assert!(error.contains(place), "{command}: {error}");
    }
    let files = "examples: {files: {sources: [{path: odd.jsonl}]}}";
    project.write("files.yaml", format!("name: x\nstages:\n  - {files}\n"));
    let (_, _, error) = outcome(forethought(&project.path("")).args(["pipeline", "files.yaml"]));
    let place = "files.yaml:3: stages.0.examples.files.sources.0.shape: odd.jsonl: no shape fits";
    assert!(error.contains(place), "{error}");
    // A damaged file is no fault of a setting.
    project.write("odd.jsonl", "[\n");
    let (_, _, error) = outcome(forethought(&project.path("")).args(["pipeline", "files.yaml"]));
    assert!(!error.contains("files.yaml:3"), "{error}");
}

#[test]
fn every_pipeline_that_comes_with_the_project_is_right_but_for_files_that_do_not_come_with_it() {
    let names = shipped();
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        let (code, plan, error) = outcome(forethought(&repository()).args(["check", &name]));
        let stem = Path::new(&name).file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let problems: Vec<&str> =
            error.lines().filter(|line| line.starts_with("error: ")).collect();
        match ABSENT.iter().find(|(absent, ..)| *absent == stem) {
            None => {
                assert_eq!(code, Some(0), "{name}: {error}");
                assert!(problems.is_empty() && plan.contains(" of memory: "), "{name}: {plan}");
            }
            Some((_, data, model)) => {
                assert_eq!(code, Some(2), "{name}: {error}");
                assert_eq!(problems, absence(&name, data, *model), "{name}");
            }
        }
    }
}

#[test]
fn a_metric_that_no_step_logs_is_a_problem_with_those_that_there_are() {
    let project = Project::new();
    let arguments = [
        "check",
        "pipeline.yaml",
        "--set",
        "sft.training.metric_for_best_model=mean_token_acuracy",
        "--set",
        "grpo.training.metric_for_best_model=reward",
    ];
    let (code, _, error) = outcome(forethought(&project.path("")).args(arguments));
    assert_eq!(code, Some(2), "{error}");
    let problems: Vec<&str> = error.lines().filter(|line| line.starts_with("error: ")).collect();
    let [problem] = problems[..] else { panic!("{error}") };
    let start = "error: stage sft: metric_for_best_model: no step logs `mean_token_acuracy`; there are loss, grad_norm, num_tokens, ";
    assert!(problem.starts_with(start) && problem.contains("mean_token_accuracy"), "{problem}");
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
        "wrong.yaml:8: stages.0.ingest.sources.2.path: absent.jsonl: no such file",
        "broken.jsonl:2:",
        "broken.jsonl:4:",
        "stage sft: example 1: an example has 78 tokens, allowed are 12",
        "max_prompt_length = 5 tokens; raise it",
        "note: sft was looked at without what is refused in it",
    ] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
}

#[test]
fn a_check_that_is_interrupted_leaves_nothing_behind() {
    let project = Project::new();
    project.write("judge.sh", format!("touch judging\n{SLOW}"));
    let temporary = project.path("temporary");
    fs::create_dir(&temporary).expect("a folder");
    let rewards = "grpo.rewards=[{process: {command: [sh, judge.sh]}}]";
    let mut child = forethought(&project.path(""))
        .args(["check", "pipeline.yaml", "--set", rewards])
        .env("TMPDIR", &temporary)
        .spawn()
        .expect("it starts");
    let started = Instant::now();
    while !project.path("judging").exists() {
        assert!(started.elapsed() < Duration::from_mins(2), "nothing is judged");
        thread::sleep(Duration::from_millis(10));
    }
    assert!(fs::read_dir(&temporary).expect("a folder").count() > 0, "it works there");
    send("-INT", &child);
    assert_eq!(child.wait().expect("an exit").code(), Some(130));
    let left = fs::read_dir(&temporary).expect("a folder");
    let left: Vec<PathBuf> = left.map(|one| one.expect("an entry").path()).collect();
    assert_eq!(left, Vec::<PathBuf>::new());
}

#[test]
fn a_check_names_no_temporary_folder_and_blames_the_set_that_is_wrong() {
    let project = Project::new();
    let wrong = [
        "sft.training.learning_rat=1",
        "grpo.sampling.top_p=3",
        "grpo.sampling.max_new_tokens=0",
        "grpo.rewards=[{tiered: 9}]",
        "grpo.num_generations=1",
    ];
    let mut command = forethought(&project.path(""));
    command.args(["check", "pipeline.yaml"]);
    let (code, _, error) = outcome(command.args(wrong.iter().flat_map(|set| ["--set", set])));
    assert_eq!(code, Some(2), "{error}");
    for set in wrong {
        assert!(error.contains(&format!("error: --set {set}: ")), "{set} is not blamed in {error}");
    }
    // A judge that can say nothing: the run would keep its answers, and the check keeps none.
    let judge = "grpo.rewards=[{process: {command: [sh, absent.sh]}}]";
    let mut command = forethought(&project.path(""));
    let (code, _, error) = outcome(command.args(["check", "pipeline.yaml", "--set", judge]));
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("could not judge") || error.contains("has no value"), "{error}");
    assert!(!error.contains("/.tmp") && !error.contains("the answers are in"), "{error}");
}
