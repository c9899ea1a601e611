//! Runs that are stopped and go on.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use forethought_pipeline::{Outcome, Signal, StopFlag};
use forethought_tests::Project;
use serde_json::Value;

use crate::attempt::{Attempt, Finished};

/// Steps of both trainings: enough that a signal after the second one comes in time.
const STEPS: usize = 30;

fn long(project: &Project, folder: &str) -> Attempt {
    Attempt::new(project, folder)
        .set(format!("sft.training.max_steps={STEPS}"))
        .set(format!("grpo.training.max_steps={STEPS}"))
        .set("grpo.training.learning_rate=1e-3")
        .until("grpo")
}

/// Runs, and raises the stop flag once the log of a training has two lines.
pub(crate) fn stopped_after_two_steps(attempt: Attempt, log: &Path) -> Outcome {
    let (stop, is_over) = (StopFlag::new(), AtomicBool::new(false));
    let lines = || std::fs::read_to_string(log).map_or(0, |text| text.lines().count());
    thread::scope(|scope| {
        scope.spawn(|| {
            while lines() < 2 && !is_over.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            stop.raise(Signal::Interrupt);
        });
        let outcome = attempt.stopped_by(&stop).run();
        is_over.store(true, Ordering::SeqCst);
        outcome.expect("a run without errors")
    })
}

/// Runs until a signal after the second step of `stage` stops it.
fn interrupted_in(stage: &str, attempt: Attempt, folder: &Path) -> u64 {
    let log = folder.join("training").join(stage).join("metrics.jsonl");
    let outcome = stopped_after_two_steps(attempt, &log);
    let Outcome::Interrupted { stage: found, step: Some(step), signal } = outcome else {
        panic!("{stage} came to its end before the signal: {outcome:?}")
    };
    assert_eq!((found.as_str(), signal), (stage, Signal::Interrupt));
    assert!((2..STEPS as u64).contains(&step), "stopped after step {step}");
    step
}

/// The log of a training without what the clock says.
fn timeless(run: &Finished, stage: &str) -> Vec<Value> {
    let mut history: Vec<Value> = run.rows(&format!("{stage}/history.jsonl"));
    for step in &mut history {
        step.as_object_mut().expect("an object").remove("tokens_per_second");
    }
    history
}

#[test]
fn a_run_stopped_in_sft_and_again_in_grpo_ends_with_the_bits_of_an_undisturbed_one() {
    let project = Project::new();
    let straight = long(&project, "straight").finish();

    let folder = project.path("stopped");
    let step = interrupted_in("sft", long(&project, "stopped"), &folder);
    let checkpoint = folder.join(format!("training/sft/checkpoints/step-{step:06}"));
    assert!(checkpoint.join("manifest.json").is_file(), "{}", checkpoint.display());
    assert!(!folder.join("artifacts/sft").exists(), "a stage that stopped has no artifact");
    interrupted_in("grpo", long(&project, "stopped").resumed(), &folder);
    let resumed = long(&project, "stopped").resumed().finish();

    for stage in ["sft", "grpo"] {
        let model = format!("{stage}/model/model.safetensors");
        assert!(straight.bytes(&model) == resumed.bytes(&model), "{stage} differs");
        assert_eq!(timeless(&straight, stage), timeless(&resumed, stage));
        assert_eq!(timeless(&resumed, stage).len(), STEPS);
    }
}

#[test]
fn without_resume_an_interrupted_training_starts_anew_and_ends_the_same() {
    let project = Project::new();
    let straight = long(&project, "straight").until("sft").finish();
    interrupted_in("sft", long(&project, "stopped"), &project.path("stopped"));
    let anew = long(&project, "stopped").until("sft").finish();
    let model = "sft/model/model.safetensors";
    assert!(straight.bytes(model) == anew.bytes(model));
    assert_eq!(timeless(&anew, "sft").len(), STEPS);
}

#[test]
fn a_run_that_is_stopped_before_it_starts_a_training_says_so_and_goes_on_later() {
    let project = Project::new();
    let stop = StopFlag::new();
    stop.raise(Signal::Terminate);
    let outcome = Attempt::new(&project, "run").stopped_by(&stop).run().expect("no error");
    let Outcome::Interrupted { stage, step, signal } = outcome else { panic!("it was stopped") };
    assert_eq!((stage.as_str(), step, signal), ("ingest", None, Signal::Terminate));
    let run = Attempt::new(&project, "run").resumed().finish();
    let straight = Attempt::new(&project, "straight").finish();
    let model = "grpo/model/model.safetensors";
    assert!(run.bytes(model) == straight.bytes(model));
}

#[test]
fn checkpoints_of_another_config_are_refused_by_resume() {
    let project = Project::new();
    interrupted_in("sft", long(&project, "run"), &project.path("run"));
    let error = long(&project, "run").set("sft.training.weight_decay=0.5").resumed().error();
    assert!(error.contains("step-") && error.contains("config"), "{error}");
}
