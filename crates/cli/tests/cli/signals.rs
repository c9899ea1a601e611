//! Ctrl-C: the step is finished, a checkpoint written, and `--resume` goes on.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use forethought_tests::Project;

use crate::{outcome, pipeline};

/// Enough steps for a signal to come between the second and the last.
const LONG: [&str; 8] = [
    "--set",
    "sft.training.max_steps=40",
    "--set",
    "grpo.training.max_steps=40",
    "--set",
    "grpo.num_train_epochs=9",
    "--until",
    "grpo",
];

fn long(project: &Project, out: &str) -> Command {
    let mut command = pipeline(project, &LONG);
    command.args(["--out", out]);
    command
}

pub(crate) fn wait_for_steps(number: usize, log: &Path) {
    let started = Instant::now();
    let lines = || fs::read_to_string(log).map_or(0, |text| text.lines().count());
    while lines() < number {
        assert!(started.elapsed() < Duration::from_mins(2), "{}: no step", log.display());
        thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn send(signal: &str, child: &Child) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(status.expect("kill").success());
}

/// Starts the command, signals it once the log has so many steps, and returns exit code and standard error.
pub(crate) fn signalled(
    command: &mut Command,
    signal: &str,
    (log, num_steps): (&Path, usize),
) -> (Option<i32>, String) {
    let mut child =
        command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    wait_for_steps(num_steps, log);
    send(signal, &child);
    let mut text = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut text).expect("UTF-8");
    (child.wait().expect("an exit").code(), text)
}

/// Starts a command whose temporary files go to a folder of their own, signals it once there are some, and returns its exit code,
/// standard error and the names of what is left.
fn signalled_at_work(command: &mut Command, signal: &str) -> (Option<i32>, String, Vec<String>) {
    let scratch = tempfile::tempdir().expect("a folder");
    let names = || {
        let entries = fs::read_dir(scratch.path()).expect("a folder").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    command.env("TMPDIR", scratch.path()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let started = Instant::now();
    while names().is_empty() {
        assert!(started.elapsed() < Duration::from_mins(2), "no temporary folder");
        thread::sleep(Duration::from_millis(1));
    }
    send(signal, &child);
    let mut text = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut text).expect("UTF-8");
    (child.wait().expect("an exit").code(), text, names())
}

#[test]
fn a_check_and_a_replay_that_are_stopped_say_so_and_leave_nothing_behind() {
    let mut check = crate::forethought(&forethought_tests::repository());
    let (code, text, left) = signalled_at_work(check.args(["check", "think"]), "-INT");
    assert_eq!((code, left), (Some(130), vec![]), "{text}");
    assert!(text.ends_with("think: stopped, not everything was looked at\n"), "{text}");
    assert!(!text.contains("error: "), "what was not looked at is no problem: {text}");

    let project = Project::new();
    let settings = ["--until", "sft", "--out", "run", "--set", "sft.training.max_steps=40"];
    let (code, _, log) = outcome(&mut pipeline(&project, &settings));
    assert_eq!(code, Some(0), "{log}");
    let mut replay = crate::forethought(&project.path(""));
    replay.args(["replay", "run", "--stage", "sft", "--step", "40"]);
    let (code, text, left) = signalled_at_work(&mut replay, "-TERM");
    assert_eq!((code, left), (Some(143), vec![]), "{text}");
    assert_eq!(text, "stopped before the step was computed again\n");
}

#[test]
fn ctrl_c_in_either_training_is_130_and_resume_ends_with_the_bits_of_an_undisturbed_run() {
    let project = Project::new();
    let (code, _, log) = outcome(&mut long(&project, "straight"));
    assert_eq!(code, Some(0), "{log}");

    for (stage, resume, signal, exit) in
        [("sft", &[][..], "-INT", 130), ("grpo", &["--resume"], "-TERM", 143)]
    {
        let log = project.path("stopped/training").join(stage).join("metrics.jsonl");
        let (code, text) = signalled(long(&project, "stopped").args(resume), signal, (&log, 2));
        assert_eq!(code, Some(exit), "{text}");
        let last = text.lines().last().unwrap_or_default();
        assert!(last.starts_with(&format!("{stage} stopped after step ")), "{text}");
        assert!(
            last.ends_with(", checkpoint written; run the same command with --resume to go on"),
            "{text}"
        );
    }
    let (code, _, log) = outcome(long(&project, "stopped").arg("--resume"));
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("resumed after step "), "{log}");
    let manifest = fs::read_to_string(project.path("stopped/manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let is_resumed = |command: &serde_json::Value| {
        let words = command.as_array().expect("words");
        words.iter().any(|word| word == "--resume")
    };
    let earlier = manifest["earlier_commands"].as_array().expect("commands");
    assert_eq!(earlier.iter().map(is_resumed).collect::<Vec<_>>(), [false, true]);
    assert!(is_resumed(&manifest["command"]), "{manifest}");
    for model in ["sft/model/model.safetensors", "grpo/model/model.safetensors"] {
        let bytes =
            |run: &str| fs::read(project.path(run).join("artifacts").join(model)).expect(model);
        assert!(bytes("straight") == bytes("stopped"), "{model} differs");
    }
}

/// A judge that thinks for a second about each answer.
pub(crate) const SLOW: &str = r#"while read -r line; do
  sleep 1
  id=${line#*\"id\":}
  echo "{\"id\": ${id%%,*}, \"score\": 1}"
done
"#;

#[test]
fn ctrl_c_in_a_slow_reward_is_answered_at_once_and_waits_for_no_further_answer() {
    let project = Project::new();
    project.write("judge.sh", format!("touch judging\n{SLOW}"));
    // 16 answers, a second each.
    let rewards = "grpo.rewards=[{process: {command: [sh, judge.sh]}}]";
    let set = ["--until", "grpo", "--set", "sft.training.max_steps=1", "--set", rewards];
    let mut command = pipeline(&project, &set);
    let mut child =
        command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    let started = Instant::now();
    while !project.path("judging").exists() {
        assert!(started.elapsed() < Duration::from_mins(2), "nothing is judged");
        thread::sleep(Duration::from_millis(10));
    }
    send("-INT", &child);
    let asked = Instant::now();
    let mut text = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut text).expect("UTF-8");
    assert_eq!(child.wait().expect("an exit").code(), Some(130), "{text}");
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}: {text}", asked.elapsed());
    let said = text.lines().find(|line| line.starts_with("SIGINT: ")).unwrap_or_default();
    assert!(said.ends_with("a second Ctrl-C leaves at once"), "{text}");
    assert!(text.contains("--resume to go on"), "{text}");
    assert!(!text.contains("could not judge"), "what was not waited for is no fault: {text}");
}
