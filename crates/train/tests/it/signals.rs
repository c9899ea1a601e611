//! Signals and kills, sent to a process of its own: this test binary, asked for one test.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use forethought_train::{Outcome, StopFlag};

use crate::toy::{Setup, Toy, ToySource, Trouble};

const FOLDER: &str = "FORETHOUGHT_TEST_FOLDER";
const STEP_MILLIS: &str = "FORETHOUGHT_TEST_STEP_MILLIS";
const STEPS: u64 = 40;

/// Not a test by itself: what the other tests start as a process.
#[test]
fn child_process() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let millis = std::env::var(STEP_MILLIS).expect("set beside the folder");
    let each = Duration::from_millis(millis.parse().expect("a number"));
    let mut setup = Setup::resumed(Path::new(&folder)).saving_every(3);
    setup.stop = StopFlag::on_signals().expect("handlers");
    let source = ToySource::with(STEPS, Trouble::Slow { each });
    let fitted = setup.fit(Toy::new(0.0), source).expect("a run");
    std::process::exit(match fitted.outcome {
        Outcome::Finished => 0,
        Outcome::Interrupted { signal, .. } => i32::from(signal.exit_code()),
    });
}

fn start(folder: &Path, step_millis: u64) -> Child {
    Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "signals::child_process", "--test-threads", "1"])
        .env(FOLDER, folder)
        .env(STEP_MILLIS, step_millis.to_string())
        .stdout(Stdio::null())
        .spawn()
        .expect("a process")
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
    // The log is opened just before the first step, the handlers before it.
    wait_for("log", || folder.path().join("metrics.jsonl").exists());
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
