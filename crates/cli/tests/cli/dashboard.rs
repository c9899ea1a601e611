//! `--tui`: curves in a terminal, keys that stop a run, and plain lines where there is no terminal.

use forethought_tests::Project;

use crate::{outcome, pipeline};

/// What begins and ends a screen of its own.
const SCREEN: [&str; 2] = ["\u{1b}[?1049h", "\u{1b}[?1049l"];

#[test]
fn without_a_terminal_there_are_plain_lines_or_a_word_on_how_to_get_a_dashboard() {
    let project = Project::new();
    let (code, output, log) = outcome(&mut pipeline(&project, &["--until", "sft", "--tui"]));
    assert!(!log.contains(SCREEN[0]) && !output.contains(SCREEN[0]), "{log}");
    if cfg!(feature = "tui") {
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("sft: 5/5, loss "), "{log}");
    } else {
        assert_eq!(code, Some(2), "{log}");
        assert!(log.contains("cargo xtask pipeline ... --tui"), "{log}");
    }
}

#[cfg(feature = "tui")]
mod drawn {
    use std::fs;
    use std::io::Write as _;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    /// Runs in a terminal made by `script`, presses keys once there is a checkpoint, and returns the exit code and all that
    /// was drawn. None where there is no such program.
    fn in_a_terminal(project: &Project, arguments: &str, keys: &[u8]) -> Option<(i32, String)> {
        let drawn = project.path("drawn");
        let binary = env!("CARGO_BIN_EXE_forethought");
        let command = format!(
            "stty rows 40 cols 120; exec {binary} pipeline pipeline.yaml --until sft --tui {arguments}"
        );
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--flush", "--command", &command]).arg(&drawn);
        script.current_dir(project.path("")).env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
        script.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = script.spawn().ok()?;
        let folder = project.path("runs/parrots/training/sft/checkpoints");
        let mut stdin = child.stdin.take().expect("a pipe");
        if !keys.is_empty() {
            wait_for(&folder, &drawn);
            for key in keys {
                let _ = stdin.write_all(&[*key]).and_then(|()| stdin.flush());
                thread::sleep(Duration::from_millis(300));
            }
        }
        let status = child.wait().expect("it ends");
        drop(stdin);
        let drawn = String::from_utf8_lossy(&fs::read(drawn).expect("what was drawn")).into_owned();
        Some((status.code().expect("an exit code"), drawn))
    }

    fn wait_for(folder: &Path, drawn: &Path) {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(120) {
            let is_drawn = fs::read(drawn).is_ok_and(|text| text.len() > 2_000);
            if is_drawn && fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("no checkpoint and no screen");
    }

    /// The step of the newest checkpoint.
    fn last_step(folder: &Path) -> u64 {
        let names = fs::read_dir(folder).expect("checkpoints").flatten();
        let steps = names.filter_map(|entry| {
            entry.file_name().to_str()?.strip_prefix("step-")?.parse::<u64>().ok()
        });
        steps.max().expect("a checkpoint")
    }

    /// So many steps that there is time to press a key.
    const LONG: &str = "--set sft.num_train_epochs=4000 --set sft.training.max_steps=20000 --set sft.training.save_steps=50";

    #[test]
    fn a_terminal_shows_curves_and_is_given_back() {
        let project = Project::new();
        let Some((code, drawn)) = in_a_terminal(&project, "--set sft.training.max_steps=5", b"")
        else {
            return crate::skipped("there is no `script`");
        };
        assert_eq!(code, 0, "{drawn}");
        let screen = drawn.split_once(SCREEN[0]).and_then(|(_, rest)| rest.split_once(SCREEN[1]));
        let (screen, after) = screen.expect("a screen that begins and ends");
        assert!(screen.contains("loss") || screen.contains("Loss"), "{screen}");
        assert!(after.contains("sft done in"), "{after}");
    }

    #[test]
    fn the_keys_that_stop_a_run_end_the_step_and_write_a_checkpoint() {
        let project = Project::new();
        let Some((code, drawn)) = in_a_terminal(&project, LONG, b"qs") else { return };
        assert_eq!(code, 130, "{drawn}");
        let after = drawn.rsplit_once(SCREEN[1]).expect("a screen that ends").1;
        assert!(after.contains("sft stopped after step ") && after.contains("--resume"), "{after}");
    }

    #[test]
    fn the_keys_that_end_a_run_at_once_leave_the_last_checkpoint() {
        let project = Project::new();
        let Some((code, drawn)) = in_a_terminal(&project, LONG, b"qk") else { return };
        assert_eq!(code, 1, "{drawn}");
        let after = drawn.rsplit_once(SCREEN[1]).expect("a screen that ends").1;
        assert!(after.contains("ended at once from the dashboard after step "), "{after}");
        let step = last_step(&project.path("runs/parrots/training/sft/checkpoints"));
        let set = ["sft.num_train_epochs=4000", "sft.training.max_steps=20000"];
        let mut command = pipeline(&project, &["--until", "sft", "--resume"]);
        for set in set {
            command.args(["--set", set]);
        }
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let stderr = child.stderr.take().expect("its messages");
        let resumed = std::io::BufRead::lines(std::io::BufReader::new(stderr))
            .map_while(Result::ok)
            .find(|line| line.contains("resumed after step"));
        child.kill().and_then(|()| child.wait()).expect("it ends");
        assert!(resumed.is_some_and(|line| line.contains(&format!("after step {step} of "))));
    }
}
