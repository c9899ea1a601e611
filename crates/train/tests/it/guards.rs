//! Steps with bad numbers: what is written about them, what is left out, and that going back is exact.

use std::fs;
use std::path::Path;

use forethought_train::{
    Fitted, LossSpike, NonFinite, Resume, Signal, StepRecord, StopFlag, TrainError,
};
use serde_json::Value;

use crate::resume::curve;
use crate::toy::{Setup, Toy, ToySource, Trouble};

const STEPS: u64 = 9;

fn skipping(folder: &Path, limit: u64) -> Setup<'_> {
    let mut setup = Setup::fresh(folder);
    setup.config.non_finite = NonFinite::Skip(limit);
    setup
}

fn guarded(folder: &Path) -> Setup<'_> {
    let mut setup = Setup::fresh(folder).saving_every(2);
    setup.config.loss_spike = Some(LossSpike { window: 3, deviations: 6.0, max_rollbacks: 1 });
    setup
}

fn skipped(history: &[StepRecord]) -> Vec<u64> {
    let skipped = history.iter().filter(|record| record.metric("skipped").is_some());
    skipped.map(|record| record.step).collect()
}

#[test]
fn the_rows_of_a_bad_step_are_in_the_file_that_the_error_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = Setup::fresh(folder.path())
        .fit(Toy::new(0.0), ToySource::with(4, Trouble::Nan { at: 2 }))
        .expect_err("a NaN")
        .to_string();
    let (_, path) = error.rsplit_once(' ').expect("a path at the end");
    let dump: Value =
        serde_json::from_str(&fs::read_to_string(path).expect("the file")).expect("JSON");
    assert_eq!((&dump["stage"], &dump["step"]), (&"toy".into(), &3.into()));
    assert_eq!(
        (&dump["loss"], &dump["problem"]),
        (&"NaN".into(), &"the loss is not finite".into())
    );
    assert_eq!(dump["micro_batch_losses"], serde_json::json!(["NaN", "NaN"]));
    assert_eq!(dump["rows"], serde_json::json!([{"id": "phase 2", "text": "a wave"}]));
}

#[test]
fn a_skipped_step_changes_nothing_and_is_in_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let trouble = || ToySource::with(STEPS, Trouble::Nan { at: 4 });
    let run = skipping(folder.path(), 1).fit(Toy::new(0.0), trouble()).expect("one may be bad");
    assert_eq!(skipped(&run.history), [5]);
    assert!(run.history[4].loss.is_nan());
    assert!(run.history[5..].iter().all(|record| record.loss.is_finite()));
    assert!(folder.path().join("bad-steps/toy-000005.json").is_file());

    // The weights before the bad step are those after it.
    let weights = |num_steps: u64| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut setup = skipping(folder.path(), 1);
        // A rate that does not depend on the number of steps.
        setup.config.lr_scheduler_type = forethought_train::SchedulerType::Constant;
        setup.config.max_steps = Some(num_steps);
        setup.fit(Toy::new(0.0), trouble()).expect("a run").model.bits()
    };
    assert_eq!(weights(4), weights(5));
    assert_ne!(weights(5), weights(6));
}

#[test]
fn the_step_after_the_last_that_may_be_skipped_ends_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = ToySource::with(STEPS, Trouble::NanFrom { at: 3 });
    let error = skipping(folder.path(), 2).fit(Toy::new(0.0), source).expect_err("three");
    assert!(matches!(error, TrainError::NonFiniteLoss { step: 6, .. }), "{error}");
}

#[test]
fn a_run_goes_back_before_a_spike_and_leaves_out_what_led_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = ToySource::with(STEPS, Trouble::Spike { at: 5 });
    let run = guarded(folder.path()).fit(Toy::new(0.0), source).expect("it went back once");
    // From the checkpoint of step 4 on: the fifth step, and the sixth, which spiked.
    assert_eq!(skipped(&run.history), [5, 6]);
    let steps: Vec<u64> = run.history.iter().map(|record| record.step).collect();
    assert_eq!(steps, (1..=STEPS).collect::<Vec<_>>());
    let largest = run.history.iter().map(|record| record.loss).filter(|loss| loss.is_finite());
    assert!(largest.fold(0.0, f64::max) < 10.0);
}

#[test]
fn a_spike_before_the_first_checkpoint_leads_back_to_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = ToySource::with(STEPS, Trouble::Spike { at: 3 });
    let run = guarded(folder.path()).saving_every(100).fit(Toy::new(0.0), source).expect("a run");
    assert_eq!(skipped(&run.history), [1, 2, 3, 4]);
}

#[test]
fn a_spike_too_many_ends_the_run_and_says_what_is_usual() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = ToySource::with(STEPS, Trouble::SpikeFrom { at: 5 });
    let error = guarded(folder.path()).fit(Toy::new(0.0), source).expect_err("two of them");
    // The sixth led back; the seventh is the second.
    let TrainError::LossSpike { step: 7, num_rollbacks: 1, loss, mean, .. } = error else {
        panic!("{error}")
    };
    assert!(10.0 * mean < loss);
}

/// Interrupts a run after every step, and compares it with one that was not.
fn exact(setup: impl Fn(&Path) -> Setup<'_>, trouble: impl Fn() -> ToySource) {
    let fit = |folder: &Path, resume: Resume, stop: StopFlag, source| -> Fitted<Toy> {
        let setup = Setup { resume, stop, ..setup(folder) };
        setup.fit(Toy::new(0.0), source).expect("a run")
    };
    let straight = tempfile::tempdir().expect("a folder");
    let expected = fit(straight.path(), Resume::Fresh, StopFlag::new(), trouble());
    assert!(!skipped(&expected.history).is_empty());
    for step in 1..STEPS {
        let folder = tempfile::tempdir().expect("a folder");
        let stop = StopFlag::after_reads(Signal::Interrupt, step);
        fit(folder.path(), Resume::Fresh, stop, trouble());
        let resumed = fit(folder.path(), Resume::Continue, StopFlag::new(), trouble());
        assert_eq!(resumed.model.bits(), expected.model.bits(), "stopped at {step}");
        assert_eq!(curve(&resumed.history), curve(&expected.history), "stopped at {step}");
    }
}

#[test]
fn runs_that_skip_or_go_back_resume_exactly() {
    exact(|folder| skipping(folder, 2), || ToySource::with(STEPS, Trouble::Nan { at: 4 }));
    exact(guarded, || ToySource::with(STEPS, Trouble::Spike { at: 5 }));
}
