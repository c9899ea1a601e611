//! A run that was interrupted and resumed is, bit for bit, the run that was not.

use std::fs;
use std::path::Path;

use forethought_train::{Outcome, Signal, StepRecord, StopFlag};

use crate::toy::{Setup, Toy, ToySource, Trouble};

const STEPS: u64 = 7;

/// What must not depend on interruptions. The speed does, so it is left out.
pub(crate) fn curve(history: &[StepRecord]) -> Vec<(u64, Vec<u64>)> {
    history
        .iter()
        .map(|record| {
            let fields = [record.loss, record.grad_norm, record.learning_rate];
            let metrics = record.metrics.iter().map(|(_, value)| *value);
            (record.step, fields.into_iter().chain(metrics).map(f64::to_bits).collect())
        })
        .collect()
}

fn lines(folder: &Path) -> Vec<StepRecord> {
    let text = fs::read_to_string(folder.join("metrics.jsonl")).expect("metrics");
    text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

/// The manifest has the hashes of all files, so equal manifests are equal checkpoints.
fn manifest(folder: &Path, step: u64) -> String {
    let path = folder.join(format!("checkpoints/step-{step:06}/manifest.json"));
    fs::read_to_string(path).expect("a checkpoint")
}

#[test]
fn a_run_interrupted_at_any_step_ends_like_one_that_was_not() {
    let straight = tempfile::tempdir().expect("a folder");
    let expected = Setup::fresh(straight.path())
        .fit(Toy::new(0.0), ToySource::new(STEPS))
        .expect("a straight run");
    assert_eq!(expected.outcome, Outcome::Finished);
    assert_eq!(expected.history.len(), 7);

    for interrupted_at in 1..STEPS {
        let folder = tempfile::tempdir().expect("a folder");
        let setup = Setup::fresh(folder.path());
        let trouble = Trouble::Stop { during: interrupted_at - 1, flag: setup.stop.clone() };
        let first = setup.fit(Toy::new(0.0), ToySource::with(STEPS, trouble)).expect("first half");
        let signal = Signal::Interrupt;
        assert_eq!(first.outcome, Outcome::Interrupted { step: interrupted_at, signal });

        // Other initial weights: all that the second half knows comes from the checkpoint.
        let second = Setup::resumed(folder.path())
            .fit(Toy::new(9.0), ToySource::new(STEPS))
            .expect("second half");
        assert_eq!(second.outcome, Outcome::Finished);
        assert_eq!(second.model.bits(), expected.model.bits(), "stopped at {interrupted_at}");
        assert_eq!(curve(&second.history), curve(&expected.history));
        assert_eq!(curve(&lines(folder.path())), curve(&expected.history));
        assert_eq!(manifest(folder.path(), STEPS), manifest(straight.path(), STEPS));
        assert_eq!(second.notices, [format!("resumed after step {interrupted_at} of 7")]);
    }
}

#[test]
fn steps_after_the_last_checkpoint_are_done_again_and_logged_once() {
    let straight = tempfile::tempdir().expect("a folder");
    let expected = Setup::fresh(straight.path())
        .fit(Toy::new(0.0), ToySource::new(STEPS))
        .expect("a straight run");

    let folder = tempfile::tempdir().expect("a folder");
    Setup::fresh(folder.path())
        .saving_every(2)
        .fit(Toy::new(0.0), ToySource::with(STEPS, Trouble::Fail { at: 5 }))
        .expect_err("the sixth step fails");
    // A process that is killed has no time to save the fifth.
    fs::remove_dir_all(folder.path().join("checkpoints/step-000005")).expect("a checkpoint");
    assert_eq!(lines(folder.path()).len(), 5);
    // A line that a killed process could not finish.
    let log = folder.path().join("metrics.jsonl");
    let half = fs::read_to_string(&log).expect("metrics") + r#"{"step":6,"stage":"to"#;
    fs::write(&log, half).expect("the log");

    let resumed = Setup::resumed(folder.path())
        .saving_every(2)
        .fit(Toy::new(0.0), ToySource::new(STEPS))
        .expect("resumed");
    assert_eq!(resumed.notices, ["resumed after step 4 of 7"]);
    assert_eq!(resumed.model.bits(), expected.model.bits());
    assert_eq!(curve(&lines(folder.path())), curve(&expected.history));
}

/// A run that was interrupted after its fourth step, and its log.
fn interrupted() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = Setup::fresh(folder.path()).saving_every(2);
    let trouble = Trouble::Stop { during: 3, flag: setup.stop.clone() };
    setup.fit(Toy::new(0.0), ToySource::with(STEPS, trouble)).expect("four steps");
    let log = fs::read_to_string(folder.path().join("metrics.jsonl")).expect("metrics");
    (folder, log)
}

fn resumed_with(log: Option<&str>) -> Result<Vec<StepRecord>, String> {
    let (folder, _) = interrupted();
    let path = folder.path().join("metrics.jsonl");
    match log {
        Some(text) => fs::write(&path, text).expect("the log"),
        None => fs::remove_file(&path).expect("the log"),
    }
    let resumed = Setup::resumed(folder.path()).fit(Toy::new(9.0), ToySource::new(STEPS));
    resumed.map(|run| run.history).map_err(|error| error.to_string())
}

#[test]
fn a_log_that_is_not_what_it_was_is_refused_by_the_resumed_run() {
    let (folder, log) = interrupted();
    let lines: Vec<&str> = log.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 4);
    let without_second = [lines[0], lines[2], lines[3]].concat();
    let edited = log.replacen("\"loss\":", "\"loss\":1", 1);
    for (text, reason) in [
        (None, "it has 0 lines up to there, and had 4"),
        (Some(without_second.as_str()), "it has 3 lines up to there, and had 4"),
        (Some(edited.as_str()), "of its lines up to there, 4, some were changed"),
    ] {
        let error = resumed_with(text).expect_err(reason);
        let start =
            "metrics.jsonl is not the log that the checkpoint of step 4 was written beside: ";
        assert!(error.contains(&format!("{start}{reason}; ")), "{error}");
        assert!(error.contains("put it back as it was, or start over without resuming"), "{error}");
    }
    // What comes after the checkpoint is done again, and how fast a step was says nothing of the run.
    let more = format!("{log}{}", lines[3].replacen("\"step\":4", "\"step\":5", 1));
    let slower = more.replacen("\"tokens_per_second\":", "\"tokens_per_second\":1", 1);
    let expected = Setup::resumed(folder.path()).fit(Toy::new(9.0), ToySource::new(STEPS));
    let history = resumed_with(Some(&slower)).expect("the same run");
    assert_eq!(curve(&history), curve(&expected.expect("the rest").history));
}

#[test]
fn the_tokens_so_far_stand_in_the_checkpoint() {
    let (folder, _) = interrupted();
    let text = fs::read_to_string(folder.path().join("checkpoints/step-000004/state.json"));
    let state: serde_json::Value =
        serde_json::from_str(&text.expect("a checkpoint")).expect("JSON");
    // Four steps of two micro-batches of four rows.
    assert_eq!(state["num_tokens"], 32);
    assert_eq!(state["log"]["lines"], 4);
    let resumed = Setup::resumed(folder.path()).fit(Toy::new(9.0), ToySource::new(STEPS));
    let last = resumed.expect("the rest").history.pop().expect("a step");
    assert_eq!(last.metric("num_tokens"), Some(56.0));
}

#[test]
fn a_finished_run_is_resumed_without_a_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let done = Setup::fresh(folder.path()).fit(Toy::new(0.0), ToySource::new(3)).expect("a run");
    let again = Setup::resumed(folder.path())
        .fit(Toy::new(9.0), ToySource::with(3, Trouble::Fail { at: 0 }))
        .expect("nothing is left to do");
    assert_eq!(again.outcome, Outcome::Finished);
    assert_eq!(again.model.bits(), done.model.bits());
    assert_eq!(curve(&again.history), curve(&done.history));
}

#[test]
fn a_stop_before_the_first_step_writes_nothing_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut setup = Setup::fresh(folder.path());
    setup.stop = StopFlag::new();
    setup.stop.raise(Signal::Terminate);
    let model = Toy::new(0.0);
    let stopped = setup.fit(model.clone(), ToySource::new(3)).expect("stopped");
    assert_eq!(stopped.outcome, Outcome::Interrupted { step: 0, signal: Signal::Terminate });
    assert_eq!(stopped.model.bits(), model.bits());
    let checkpoints = fs::read_dir(folder.path().join("checkpoints")).expect("a folder");
    assert_eq!(checkpoints.count(), 0);
}

#[test]
fn frozen_weights_are_neither_trained_nor_stored() {
    let straight = tempfile::tempdir().expect("a folder");
    let model = || Toy::new(0.0).frozen_embedding();
    let expected =
        Setup::fresh(straight.path()).fit(model(), ToySource::new(4)).expect("a straight run");
    assert_eq!(expected.model.bits()[..2], model().bits()[..2]);
    assert_ne!(expected.model.bits()[3], model().bits()[3]);

    let folder = tempfile::tempdir().expect("a folder");
    let setup = Setup::fresh(folder.path());
    let trouble = Trouble::Stop { during: 1, flag: setup.stop.clone() };
    setup.fit(model(), ToySource::with(4, trouble)).expect("first half");
    let resumed =
        Setup::resumed(folder.path()).fit(model(), ToySource::new(4)).expect("second half");
    assert_eq!(resumed.model.bits(), expected.model.bits());
}

#[test]
fn batches_that_were_left_off_are_made_again_by_the_resumed_run() {
    let straight = tempfile::tempdir().expect("a folder");
    let expected = Setup::fresh(straight.path())
        .fit(Toy::new(0.0), ToySource::new(4))
        .expect("a straight run");
    let folder = tempfile::tempdir().expect("a folder");
    let setup = Setup::fresh(folder.path());
    let trouble = Trouble::Abandon { at: 2, flag: setup.stop.clone() };
    let stopped = setup.fit(Toy::new(0.0), ToySource::with(4, trouble)).expect("stopped");
    assert_eq!(stopped.outcome, Outcome::Interrupted { step: 2, signal: Signal::Terminate });
    let resumed =
        Setup::resumed(folder.path()).fit(Toy::new(9.0), ToySource::new(4)).expect("second half");
    assert_eq!(resumed.model.bits(), expected.model.bits());
    assert_eq!(curve(&resumed.history), curve(&expected.history));
}
