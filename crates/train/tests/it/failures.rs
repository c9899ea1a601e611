//! A step that goes wrong changes no weight and says where and why.

use std::fs;

use burn::module::Module;
use forethought_train::{StepRecord, TrainError};

use crate::resume::curve;
use crate::toy::{Setup, Toy, ToySource, Trouble};

fn message(trouble: Trouble) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let error = Setup::fresh(folder.path())
        .fit(Toy::new(0.0), ToySource::with(4, trouble))
        .expect_err("trouble");
    error.to_string()
}

#[test]
fn a_failing_source_is_quoted_with_its_step() {
    assert_eq!(message(Trouble::Fail { at: 2 }), "step 3: the rollout lost a prompt");
}

#[test]
fn a_loss_that_is_not_a_number_names_the_step_and_what_is_in_it() {
    let message = message(Trouble::Nan { at: 2 });
    let expected =
        "step 3 (rows of phase 2): the loss is NaN; the weights were not updated; its rows are in ";
    assert!(message.starts_with(expected), "{message}");
    assert!(message.ends_with("/bad-steps/toy-000003.json"), "{message}");
}

#[test]
fn a_step_without_a_micro_batch_is_refused() {
    assert_eq!(message(Trouble::Empty { at: 0 }), "step 1 (rows of phase 0) has no micro-batch");
}

#[test]
fn the_checkpoint_before_a_bad_step_stays_the_newest() {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = Setup::fresh(folder.path()).saving_every(1);
    let error = setup
        .fit(Toy::new(0.0), ToySource::with(4, Trouble::Nan { at: 3 }))
        .expect_err("the fourth step fails");
    assert!(matches!(error, TrainError::NonFiniteLoss { step: 4, .. }));
    let resumed = Setup::resumed(folder.path())
        .fit(Toy::new(9.0), ToySource::new(4))
        .expect("the data was mended");
    assert_eq!(resumed.notices, ["resumed after step 3 of 4"]);
    assert!(resumed.history.iter().all(|record| record.loss.is_finite()));
}

#[test]
fn the_steps_before_one_that_is_given_up_are_saved_and_the_run_goes_on_from_there() {
    let straight = tempfile::tempdir().expect("a folder");
    let expected =
        Setup::fresh(straight.path()).fit(Toy::new(0.0), ToySource::new(5)).expect("a run");
    for trouble in [Trouble::Nan { at: 3 }, Trouble::Fail { at: 3 }, Trouble::Empty { at: 3 }] {
        let folder = tempfile::tempdir().expect("a folder");
        // Far fewer steps than there are between two checkpoints.
        Setup::fresh(folder.path())
            .fit(Toy::new(0.0), ToySource::with(5, trouble.clone()))
            .expect_err("the fourth step fails");
        let resumed = Setup::resumed(folder.path())
            .fit(Toy::new(9.0), ToySource::new(5))
            .expect("what was wrong was mended");
        assert_eq!(resumed.notices, ["resumed after step 3 of 5"], "{trouble:?}");
        assert_eq!(resumed.model.bits(), expected.model.bits(), "{trouble:?}");
        assert_eq!(curve(&resumed.history), curve(&expected.history), "{trouble:?}");
    }
}

#[test]
fn a_metric_that_no_step_logs_ends_the_run_at_its_first_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut setup = Setup::fresh(folder.path());
    setup.config.metric_for_best_model = "largest_eror".to_owned();
    let error = setup.fit(Toy::new(0.0), ToySource::new(4)).expect_err("no such metric");
    assert_eq!(
        error.to_string(),
        "metric_for_best_model: no step logs `largest_eror`; there are loss, grad_norm, num_tokens, reward, largest_error"
    );
}

#[test]
fn a_model_that_cannot_be_trained_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for model in [Toy::new(0.0).no_grad(), Toy::new(0.0).valid()] {
        let error = Setup::fresh(folder.path()).fit(model, ToySource::new(1)).expect_err("frozen");
        let reason = "no parameter of the model can be trained: it must be on an autodiff device, and not frozen";
        assert_eq!(error.to_string(), reason);
    }
}

#[test]
fn data_without_steps_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let error =
        Setup::fresh(folder.path()).fit(Toy::new(0.0), ToySource::new(0)).expect_err("no data");
    assert_eq!(error.to_string(), "nothing to train on: the data gives 0 optimiser steps");
}

#[test]
fn a_damaged_line_of_metrics_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("metrics.jsonl"), "{\"step\":1,\n").expect("a log");
    let error =
        Setup::fresh(folder.path()).fit(Toy::new(0.0), ToySource::new(1)).expect_err("damaged");
    assert!(error.to_string().contains("metrics.jsonl:1: EOF while parsing"), "{error}");
}

#[test]
fn lines_of_another_stage_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = r#"{"step":9,"stage":"sft","loss":0.5,"grad_norm":1.0,"learning_rate":0.1,"tokens_per_second":2.0}"#;
    let log = folder.path().join("metrics.jsonl");
    fs::write(&log, format!("{other}\n")).expect("a log");
    let run = Setup::fresh(folder.path()).fit(Toy::new(0.0), ToySource::new(2)).expect("a run");
    let text = fs::read_to_string(&log).expect("the log");
    assert_eq!(text.lines().next(), Some(other));
    let mine: Vec<StepRecord> =
        text.lines().skip(1).map(|line| serde_json::from_str(line).expect("a record")).collect();
    assert_eq!(mine, run.history);
}

#[test]
fn the_learner_leaves_nothing_but_metrics_and_checkpoints() {
    let folder = tempfile::tempdir().expect("a folder");
    Setup::fresh(folder.path()).fit(Toy::new(0.0), ToySource::new(2)).expect("a run");
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(names, ["checkpoints", "metrics.jsonl", "run.lock"]);
}
