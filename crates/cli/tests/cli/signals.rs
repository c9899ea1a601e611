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

fn wait_for_steps(number: usize, log: &Path) {
    let started = Instant::now();
    let lines = || fs::read_to_string(log).map_or(0, |text| text.lines().count());
    while lines() < number {
        assert!(started.elapsed() < Duration::from_mins(2), "{}: no step", log.display());
        thread::sleep(Duration::from_millis(1));
    }
}

fn send(signal: &str, child: &Child) {
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
    for model in ["sft/model/model.safetensors", "grpo/model/model.safetensors"] {
        let bytes =
            |run: &str| fs::read(project.path(run).join("artifacts").join(model)).expect(model);
        assert!(bytes("straight") == bytes("stopped"), "{model} differs");
    }
}
