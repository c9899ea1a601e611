//! Two commands in one run folder: the second is refused, the first does not notice.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use forethought_tests::Project;

use crate::{outcome, pipeline};

#[test]
fn the_second_of_two_commands_is_refused_at_once_and_names_the_first() {
    let project = Project::new();
    let arguments = ["--out", "out", "--until", "sft", "--set", "sft.training.max_steps=30"];
    let mut first = pipeline(&project, &arguments);
    let mut first = first.stderr(Stdio::null()).spawn().expect("it starts");
    let lock = project.path("out/run.lock");
    let started = Instant::now();
    let pid = format!("{}\n", first.id());
    while std::fs::read_to_string(&lock).unwrap_or_default() != pid {
        assert!(started.elapsed() < Duration::from_mins(1), "no lock");
        thread::sleep(Duration::from_millis(1));
    }
    let (code, _, log) = outcome(pipeline(&project, &arguments).arg("--resume"));
    assert_eq!(code, Some(1), "{log}");
    let expected = format!("out belongs to the process {} that is running;", first.id());
    assert!(log.contains(&expected), "{log}");
    assert!(first.wait().expect("an exit").success());
    let (code, _, log) = outcome(pipeline(&project, &arguments).arg("--resume"));
    assert_eq!(code, Some(0), "{log}");
}
