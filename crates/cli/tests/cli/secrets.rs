//! Keys and passwords never reach a log, a manifest, a report or an error.

use std::fs;
use std::path::Path;

use forethought_dataset::{ColumnType, FirstContact, Table};
use forethought_tests::Project;

use crate::watch::Server;
use crate::{forethought, outcome, pipeline};

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

/// A judge that tells everything it knows in the reason of each score.
const GOSSIP: &str = r#"while read -r line; do
  id=${line#*\"id\":}
  echo "{\"id\": ${id%%,*}, \"score\": 0, \"reason\": \"$HF_TOKEN and $JUDGE_TOKEN\"}"
done
"#;

/// A token of the environment that is in the path of a run, too.
const TOKEN: &str = "canary-token-in-a-path";

/// What every command says of a run.
fn told(project: &Project, run: &str, sets: &[&str]) -> String {
    let mut shown = String::new();
    let commands: [&[&str]; 6] = [
        &["check", "pipeline.yaml"],
        &["replay", run, "--stage", "sft", "--step", "1"],
        &["replay", run, "--stage", "grpo", "--step", "2"],
        &["report", run],
        &["evaluate", run],
        &["evaluate", run, "--json"],
    ];
    for arguments in commands {
        let mut command = forethought(&project.path(""));
        command.args(arguments);
        if arguments[0] == "check" {
            command.args(sets).args(["--set", "ingest.on_bad_row=error"]);
        }
        let (_, output, log) = outcome(command.env("HF_TOKEN", TOKEN));
        assert!(!(output.clone() + &log).is_empty(), "{arguments:?} says nothing");
        shown += &(output + &log);
    }
    let server = Server::of(project, run, &[("HF_TOKEN", TOKEN)]);
    for path in
        ["/", "/api/run", "/api/steps?stage=grpo", "/api/completions?file=grpo-000001.parquet"]
    {
        let page = server.get(path, server.address());
        assert!(page.starts_with("HTTP/1.1 200"), "{path}: {page}");
        shown += &page;
    }
    shown
}

#[test]
fn everything_that_shows_or_keeps_a_run_is_without_its_secrets() {
    let project = Project::new();
    project.write("judge.sh", GOSSIP);
    let folder = project.path("https:/user:canary-password@host");
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(project.path("traces.jsonl"), folder.join("traces.jsonl")).expect("a copy");
    // A row that cannot be read, so that a ledger and an error speak of the file.
    let rows = fs::read_to_string(folder.join("traces.jsonl")).expect("rows") + "{\"prompt\": 1}\n";
    fs::write(folder.join("traces.jsonl"), rows).expect("written");
    let judge = "grpo.rewards=[{tiered: 12/6/3}, {process: {command: [sh, judge.sh], environment: {JUDGE_TOKEN: canary-of-the-judge}}, weight: 0.0}]";
    let sets = [
        "ingest.sources.0.path=https://user:canary-password@host/traces.jsonl",
        judge,
        "sft.training.max_steps=2",
        "grpo.training.max_steps=2",
        "grpo.log_completions_steps=1",
    ];
    let run = "runs/canary-token-in-a-path";
    let sets: Vec<&str> = sets.into_iter().flat_map(|set| ["--set", set]).collect();
    let mut command = pipeline(&project, &["--out", run]);
    let (code, output, log) = outcome(command.args(&sets).env("HF_TOKEN", TOKEN));
    assert_eq!(code, Some(0), "{log}");
    let mut shown = output + &log;
    assert!(shown.contains("traces.jsonl"), "the file is named: {shown}");

    shown += &told(&project, run, &sets);
    let line = shown.lines().find(|line| line.contains(CANARY));
    assert_eq!(line, None);

    let root = project.path(run);
    for kept in [
        "tensorboard/grpo",
        "completions",
        "manifest.json",
        "artifacts/ingest/ledger.json",
        "artifacts/ingest/ledger.parquet",
        "report.html",
    ] {
        assert!(root.join(kept).exists(), "{kept} was looked into");
    }
    let reasons = fs::read_dir(root.join("completions")).expect("completions").count();
    assert!(reasons > 0);
    assert_eq!(leaks(&root), Vec::<String>::new());
}

#[test]
fn errors_of_teachers_endpoints_and_hubs_show_no_token() {
    let project = Project::new();
    let steps = fs::read_to_string(project.pipeline()).expect("the pipeline");
    // Nobody listens at port 9.
    let cases = [
        (
            "grpo.rewards=[{http: {url: 'http://user:canary-password@127.0.0.1:9/a?token=canary-password', timeout: 0.5}}]",
            "grpo.max_unjudged_share=0",
        ),
        ("model={folder: 'canary-of-the-environment/canary-of-the-environment@main'}", "seed=8"),
    ];
    assert!(steps.contains("grpo"));
    for (one, other) in cases {
        let set =
            ["--out", "out", "--set", one, "--set", other, "--set", "sft.training.max_steps=1"];
        let mut command = pipeline(&project, &set);
        let (code, output, log) = outcome(command.env("HF_TOKEN", "canary-of-the-environment"));
        assert!(code.is_some_and(|code| code != 0), "{log}");
        assert!(log.contains("error: "), "{log}");
        assert!(!output.contains(CANARY) && !log.contains(CANARY), "{log}");
    }
    let text = "\
name: taught
stages:
  - ingest: {records: problems, sources: [{path: problems.jsonl}]}
  - annotate:
      source:
        teacher:
          prompt: prompt.txt
          model:
            endpoint:
              url: http://user:canary-password@127.0.0.1:9/v1
              model: none
              retries: 0
              timeout_seconds: 1
              api_key_env: HF_TOKEN
";
    project.write("taught.yaml", text);
    project.write("prompt.txt", "How many steps? {solution}\n");
    project.write(
        "problems.jsonl",
        "{\"problem\": \"1 + 1?\", \"solution\": \"1. Add. 2\", \"answer\": \"2\"}\n",
    );
    let mut command = forethought(&project.path(""));
    command.args(["pipeline", "taught.yaml", "--out", "taught"]);
    let (code, output, log) = outcome(command.env("HF_TOKEN", "canary-of-the-environment"));
    assert!(code.is_some_and(|code| code != 0), "{output}{log}");
    assert!(!output.contains(CANARY) && !log.contains(CANARY), "{log}");
    assert_eq!(leaks(&project.path("taught")), Vec::<String>::new());
}

/// A judge that repeats what it was started with.
const PARROT: &str = r#"while read -r line; do
  id=${line#*\"id\":}
  echo "{\"id\": ${id%%,*}, \"score\": 0, \"reason\": \"$X_KEY $*\"}"
done
"#;

/// The reasons in a file of completions, which lies compressed.
fn reasons(file: &Path) -> String {
    let table = Table::read_parquet(&FirstContact::Here, file, &[("reason", ColumnType::Text)]);
    let table = table.expect("a file of completions");
    table.texts("reason").iter().flatten().cloned().collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_secret_by_the_place_where_it_stands_is_in_nothing_that_a_run_leaves_or_shows() {
    let project = Project::new();
    project.write("judge.sh", PARROT);
    let process = "{process: {command: [sh, judge.sh, --api-key, canary-1-Word, --token=canary-2-Option, '-H', 'Authorization: Bearer canary-3-Bearer'], environment: {X_KEY: canary-4-Variable}}, weight: 0.0}";
    // Nobody listens at port 9.
    let http = "{http: {url: 'http://127.0.0.1:9/a?key=canary-5-Key&sig=canary-6-Sig&X-Amz-Signature=canary-7-Amz', timeout: 0.5}, weight: 0.0}";
    let rewards = format!("grpo.rewards=[{{tiered: 12/6/3}}, {process}, {http}]");
    let sets = [
        rewards.as_str(),
        "grpo.max_unjudged_share=1.0",
        "sft.training.max_steps=2",
        "grpo.training.max_steps=2",
        "grpo.log_completions_steps=1",
    ];
    let sets: Vec<&str> = sets.into_iter().flat_map(|set| ["--set", set]).collect();
    let mut command = pipeline(&project, &["--out", "runs/parrots"]);
    let (code, output, log) = outcome(command.args(&sets));
    assert_eq!(code, Some(0), "{log}");
    let shown = output + &log + &told(&project, "runs/parrots", &sets);
    assert_eq!(shown.lines().find(|line| line.contains(CANARY)), None);

    let root = project.path("runs/parrots");
    let manifest = fs::read_to_string(root.join("manifest.json")).expect("a manifest");
    assert!(manifest.contains("--api-key, [redacted], --token=[redacted]"), "{manifest}");
    assert_eq!(leaks(&root), Vec::<String>::new());
    let said = reasons(&root.join("completions/grpo-000001.parquet"));
    assert!(said.contains("process: [redacted] --api-key [redacted]"), "{said}");
    assert!(said.contains("http: http://127.0.0.1:9/a?key=[redacted]&sig=[redacted]"), "{said}");
    assert!(!said.contains(CANARY), "{said}");
}

#[test]
fn names_that_hold_a_secret_are_refused_before_anything_is_written() {
    let project = Project::new();
    let token = "canary-of-the-environment";
    for (set, place) in [
        (format!("name={token}"), "name: holds a secret"),
        (format!("sft.name={token}"), "stages.5.sft.name: holds a secret"),
    ] {
        for command in ["pipeline", "check"] {
            let arguments = [command, "pipeline.yaml", "--set", &set];
            let mut command = forethought(&project.path(""));
            let (code, output, log) = outcome(command.args(arguments).env("HF_TOKEN", token));
            assert_eq!(code, Some(2), "{log}");
            assert!(log.contains(place), "{log}");
            assert!(!output.contains(CANARY) && !log.contains(CANARY), "{log}");
        }
        assert!(!project.path("runs").exists());
    }
}

#[test]
fn errors_of_a_command_line_show_no_token() {
    let project = Project::new();
    let token = "canary-of-the-environment";
    let url = "https://me:canary-password@host/?sig=canary-password";
    for arguments in [
        ["schema", token],
        ["completions", token],
        ["check", token],
        ["watch", token],
        ["pipeline", url],
        ["schema", url],
        ["evaluate", url],
    ] {
        let mut command = forethought(&project.path(""));
        let (code, output, log) = outcome(command.args(arguments).env("HF_TOKEN", token));
        assert!(code.is_some_and(|code| code != 0) && log.contains("error: "), "{log}");
        assert!(!output.contains(CANARY) && !log.contains(CANARY), "{log}");
    }
}
