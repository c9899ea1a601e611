//! Signals and kills, sent to a process of its own: this test binary, asked for one test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use forethought_train::{Outcome, StopFlag};

use crate::toy::{Setup, Toy, ToySource, Trouble};

const FOLDER: &str = "FORETHOUGHT_TEST_FOLDER";
const SAVE_STEPS: &str = "FORETHOUGHT_TEST_SAVE_STEPS";
const STEP_MILLIS: &str = "FORETHOUGHT_TEST_STEP_MILLIS";
/// File in the folder that appears once a step has begun.
const BEGUN: &str = "begun";
/// File in the folder that holds the error of a run that failed.
const ERROR: &str = "error";
const STEPS: u64 = 40;

/// Not a test by itself: what the other tests start as a process.
#[test]
fn child_process() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let millis = std::env::var(STEP_MILLIS).expect("set beside the folder");
    let each = Duration::from_millis(millis.parse().expect("a number"));
    let save_steps = std::env::var(SAVE_STEPS).map_or(3, |text| text.parse().expect("a number"));
    let mut setup = Setup::resumed(Path::new(&folder)).saving_every(save_steps);
    setup.stop = StopFlag::on_signals().expect("handlers");
    let begun = Path::new(&folder).join(BEGUN);
    let source = ToySource::with(STEPS, Trouble::Slow { each, begun });
    std::process::exit(match setup.fit(Toy::new(0.0), source).map(|fitted| fitted.outcome) {
        Ok(Outcome::Finished) => 0,
        Ok(Outcome::Interrupted { signal, .. }) => i32::from(signal.exit_code()),
        Err(error) => {
            let written = fs::write(Path::new(&folder).join(ERROR), error.to_string());
            if written.is_ok() { 1 } else { 2 }
        }
    });
}

const ARGUMENTS: [&str; 4] = ["--exact", "signals::child_process", "--test-threads", "1"];

fn start(folder: &Path, step_millis: u64) -> Child {
    spawn(Command::new(this_binary()).args(ARGUMENTS), folder, step_millis)
}

fn this_binary() -> PathBuf {
    std::env::current_exe().expect("this binary")
}

fn spawn(command: &mut Command, folder: &Path, step_millis: u64) -> Child {
    let command = command.env(FOLDER, folder).env(STEP_MILLIS, step_millis.to_string());
    command.stdout(Stdio::null()).spawn().expect("a process")
}

fn send(child: &Child, signal: &str) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(status.expect("kill").success());
}

fn num_lines(folder: &Path) -> usize {
    fs::read_to_string(folder.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
}

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_there() {
        assert!(started.elapsed() < Duration::from_mins(1), "no {what} for a minute");
        thread::sleep(Duration::from_millis(5));
    }
}

fn newest_step(folder: &Path) -> Option<usize> {
    let entries = fs::read_dir(folder.join("checkpoints")).ok()?;
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names.filter_map(|name| name.to_str()?.strip_prefix("step-")?.parse().ok()).max()
}

fn stopped_by(signal: &str) -> (ExitStatus, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = start(folder.path(), 20);
    wait_for("second step", || num_lines(folder.path()) >= 2);
    send(&child, signal);
    (child.wait().expect("an exit"), folder)
}

#[test]
fn a_signal_ends_the_process_after_a_checkpoint_of_the_last_step() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let (status, folder) = stopped_by(signal);
        assert_eq!(status.code(), Some(code), "{signal}");
        assert_eq!(newest_step(folder.path()), Some(num_lines(folder.path())));
    }
}

#[test]
fn a_second_signal_does_not_wait_for_the_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = start(folder.path(), 120_000);
    // From here on the flag is not read for two minutes.
    wait_for("step", || folder.path().join(BEGUN).exists());
    send(&child, "-TERM");
    thread::sleep(Duration::from_millis(50));
    send(&child, "-INT");
    let started = Instant::now();
    assert_eq!(child.wait().expect("an exit").code(), Some(130));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_process_killed_again_and_again_ends_where_an_undisturbed_one_does() {
    let straight = tempfile::tempdir().expect("a folder");
    let expected = Setup::fresh(straight.path())
        .saving_every(3)
        .fit(Toy::new(0.0), ToySource::new(STEPS))
        .expect("a straight run");

    let folder = tempfile::tempdir().expect("a folder");
    for kill in 0..6 {
        let mut child = start(folder.path(), 2);
        let before = newest_step(folder.path());
        // Odd kills come right after a checkpoint appears, even ones somewhere between two.
        wait_for("checkpoint", || newest_step(folder.path()) > before);
        thread::sleep(Duration::from_millis(3 * (kill % 2)));
        child.kill().expect("SIGKILL");
        child.wait().expect("an exit");
    }
    let acknowledged = newest_step(folder.path()).expect("checkpoints");
    let resumed = Setup::resumed(folder.path())
        .saving_every(3)
        .fit(Toy::new(9.0), ToySource::new(STEPS))
        .expect("resumed");
    assert_eq!(resumed.notices, [format!("resumed after step {acknowledged} of {STEPS}")]);
    assert_eq!(resumed.model.bits(), expected.model.bits());
    assert_eq!(num_lines(folder.path()), 40);
    let steps: Vec<u64> = resumed.history.iter().map(|record| record.step).collect();
    assert_eq!(steps, (1..=STEPS).collect::<Vec<_>>());
}

#[test]
fn a_checkpoint_that_does_not_fit_on_the_disk_is_an_error_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    // No file may grow beyond 512 bytes, as if the disk were full: the log of one step fits, a manifest does not.
    let script = r#"set -o posix; ulimit -f 1; exec "$0" "$@""#;
    let mut command = Command::new("bash");
    let command = command.args(["-c", script]).arg(this_binary()).args(ARGUMENTS);
    let command = command.env(SAVE_STEPS, "1");
    let status = spawn(command, folder.path(), 0).wait().expect("an exit");
    assert_eq!(status.code(), Some(1));
    let error = fs::read_to_string(folder.path().join(ERROR)).expect("a message");
    assert!(error.starts_with("cannot write ") && error.contains("step-000001.tmp/"), "{error}");
    assert!(error.contains(" are free): File too large"), "{error}");
    assert_eq!(fs::read_dir(folder.path().join("checkpoints")).expect("a folder").count(), 0);
}
