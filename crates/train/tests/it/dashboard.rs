//! Burn's dashboard in a terminal that `script` makes: what is drawn, and the keys that stop a run.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use forethought_train::{Outcome, Progress};

use crate::toy::{Setup, Toy, ToySource, Trouble};

const FOLDER: &str = "FORETHOUGHT_TEST_DASHBOARD";
const STEPS: u64 = 400;

/// What begins and ends a screen of its own.
const SCREEN: [&str; 2] = ["\u{1b}[?1049h", "\u{1b}[?1049l"];

/// Not a test by itself: what the other tests start in a terminal.
#[test]
fn child_in_a_terminal() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    let mut setup = Setup::resumed(folder).saving_every(3);
    setup.progress = Progress::Dashboard;
    let (each, begun) = (Duration::from_millis(20), folder.join("begun"));
    let source = ToySource::with(STEPS, Trouble::Slow { each, begun });
    let code = match setup.fit(Toy::new(0.0), source).map(|fitted| fitted.outcome) {
        Ok(Outcome::Finished) => 0,
        Ok(Outcome::Interrupted { step, signal }) => {
            fs::write(folder.join("said"), format!("{signal:?} after step {step}"))
                .expect("a file");
            i32::from(signal.exit_code())
        }
        Err(error) => {
            fs::write(folder.join("said"), error.to_string()).expect("a file");
            1
        }
    };
    std::process::exit(code);
}

/// The newest checkpoint.
fn newest(folder: &Path) -> Option<u64> {
    let names = fs::read_dir(folder.join("checkpoints")).ok()?.flatten();
    let step = |name: &str| name.strip_prefix("step-")?.parse::<u64>().ok();
    names.filter_map(|entry| step(entry.file_name().to_str()?)).max()
}

/// Steps in the log.
fn logged(folder: &Path) -> usize {
    fs::read_to_string(folder.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
}

/// Runs in a terminal, presses keys once there are curves and checkpoints, and returns the exit code and all that was
/// drawn. None where there is no program `script`.
fn in_a_terminal(folder: &Path, keys: &[u8]) -> Option<(i32, String)> {
    let drawn = folder.join("drawn");
    let binary = std::env::current_exe().expect("this binary");
    let command = format!(
        "stty rows 40 cols 120; exec {} --exact dashboard::child_in_a_terminal --nocapture",
        binary.display()
    );
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--flush", "--command", &command]).arg(&drawn);
    script.env(FOLDER, folder).env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
    script.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = script.spawn().ok()?;
    let mut stdin = child.stdin.take().expect("a pipe");
    let started = Instant::now();
    while logged(folder) < 20 || newest(folder).is_none() {
        assert!(started.elapsed() < Duration::from_mins(1), "no step for a minute");
        thread::sleep(Duration::from_millis(10));
    }
    for key in keys {
        let _ = stdin.write_all(&[*key]).and_then(|()| stdin.flush());
        thread::sleep(Duration::from_millis(500));
    }
    let status = child.wait().expect("it ends");
    let drawn = fs::read(drawn).expect("what was drawn");
    Some((status.code().expect("an exit code"), String::from_utf8_lossy(&drawn).into_owned()))
}

/// What is between the beginning and the end of the screen.
fn screen(drawn: &str) -> &str {
    let rest = drawn.split_once(SCREEN[0]).expect("a screen").1;
    rest.split_once(SCREEN[1]).expect("it is given back").0
}

#[test]
fn the_keys_that_stop_a_run_end_the_step_write_a_checkpoint_and_give_the_screen_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some((code, drawn)) = in_a_terminal(folder.path(), b"qs") else { return };
    assert_eq!(code, 130, "{drawn}");
    for part in ["loss", "grad_norm", "tokens_per_second"] {
        assert!(screen(&drawn).contains(part), "{part} is not drawn: {drawn}");
    }
    let saved = newest(folder.path()).expect("a checkpoint");
    assert_eq!(saved, logged(folder.path()) as u64, "the last finished step is saved");
    assert!(saved < STEPS);
    let said = fs::read_to_string(folder.path().join("said")).expect("an outcome");
    assert_eq!(said, format!("Interrupt after step {saved}"));
}

#[test]
fn the_keys_that_end_a_run_at_once_lose_nothing_before_the_last_checkpoint() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some((code, drawn)) = in_a_terminal(folder.path(), b"qk") else { return };
    assert_eq!(code, 1, "{drawn}");
    screen(&drawn);
    let said = fs::read_to_string(folder.path().join("said")).expect("an error");
    assert!(said.starts_with("ended at once from the dashboard after step "), "{said}");
    let saved = newest(folder.path()).expect("a checkpoint");
    let resumed = Setup::resumed(folder.path()).saving_every(3);
    let source = ToySource::new(STEPS);
    let fitted = resumed.fit(Toy::new(0.0), source).expect("it goes on");
    assert_eq!(fitted.notices, [format!("resumed after step {saved} of {STEPS}")]);
    let straight = tempfile::tempdir().expect("a folder");
    let expected = Setup::fresh(straight.path()).fit(Toy::new(0.0), ToySource::new(STEPS));
    assert_eq!(fitted.model.bits(), expected.expect("a run").model.bits());
}
