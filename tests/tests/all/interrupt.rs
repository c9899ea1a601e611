//! Runs that are stopped and go on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use forethought_pipeline::{Outcome, Signal, StopFlag};
use forethought_tests::Project;
use serde_json::Value;

use crate::attempt::{Attempt, Finished};
use crate::lora::{model_folder, on_folder};

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
pub(crate) fn timeless(run: &Finished, stage: &str) -> Vec<Value> {
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

/// The names in a folder, in their order.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[test]
fn checkpoints_survive_a_forgotten_resume_and_of_several_the_newest_two_stay() {
    let project = Project::new();
    let folder = project.path("run");
    let (training, aside) = (folder.join("training/sft"), folder.join("set-aside/sft"));
    for round in 1..=4 {
        let step = interrupted_in("sft", long(&project, "run"), &folder);
        assert!(training.join(format!("checkpoints/step-{step:06}/manifest.json")).is_file());
        if round == 1 {
            std::fs::create_dir(training.join("checkpoints/step-000001.bad")).expect("damage");
        }
        // The next round waits for steps of its own.
        std::fs::remove_file(training.join("metrics.jsonl")).expect("a log");
    }
    assert_eq!(names(&aside), ["1", "2", "3"]);
    for kept in ["2", "3"] {
        let checkpoints = names(&aside.join(kept).join("checkpoints"));
        assert!(checkpoints.iter().any(|name| name.starts_with("step-")), "{checkpoints:?}");
    }
    // What was damaged stays for whoever asks why.
    assert_eq!(names(&aside.join("1")), ["checkpoints"]);
    assert_eq!(names(&aside.join("1/checkpoints")), ["step-000001.bad"]);
}

#[test]
fn checkpoints_of_other_settings_survive_a_run_that_needs_none_and_are_taken_up_again() {
    let project = Project::new();
    let run = |folder: &str| long(&project, folder).until("sft");
    let other = |folder: &str| run(folder).set("sft.training.weight_decay=0.5");
    let straight = other("straight").finish();
    run("run").finish();
    let folder = project.path("run");
    let step = interrupted_in("sft", other("run"), &folder);
    run("run").finish();
    let aside = folder.join("set-aside/sft/1");
    assert!(aside.join(format!("checkpoints/step-{step:06}/manifest.json")).is_file());
    assert!(!folder.join("training/sft").exists(), "what trained with these settings is done");
    let begun = std::fs::read_to_string(aside.join("metrics.jsonl")).expect("its log");

    let resumed = other("run").resumed().finish();
    let history = String::from_utf8(resumed.bytes("sft/history.jsonl")).expect("UTF-8");
    assert!(history.starts_with(&begun), "the steps before were not done again");
    assert_eq!(timeless(&resumed, "sft"), timeless(&straight, "sft"));
    let model = "sft/model/model.safetensors";
    assert!(resumed.bytes(model) == straight.bytes(model));
    assert_eq!(names(&folder.join("set-aside/sft")), [""; 0]);
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

/// Everything that lies in a folder, and when it was last written.
fn times(folder: &Path) -> Vec<(PathBuf, SystemTime)> {
    let mut times = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let when = std::fs::metadata(&path).and_then(|one| one.modified()).expect("a time");
        if path.is_dir() {
            times.extend(self::times(&path));
        }
        times.push((path, when));
    }
    times.sort();
    times
}

#[test]
fn a_config_or_data_that_have_changed_are_refused_by_resume_with_all_that_differs() {
    let project = Project::new();
    let folder = project.path("run");
    interrupted_in("sft", long(&project, "run"), &folder);
    let artifacts = times(&folder.join("artifacts"));
    for (change, line) in [
        ("sft.training.weight_decay=0.5", "config sft.training.weight_decay: 0.0 -> 0.5"),
        ("sft.max_length=600", "config sft.max_length: 700 -> 600"),
        ("seed=8", "config seed: 7 -> 8"),
        ("balance.min_count=19", "config balance.min_count: 20 -> 19"),
    ] {
        let error = long(&project, "run").set(change).resumed().error();
        assert!(error.contains(&format!("(was -> is) in\n  {line}\n")), "{error}");
        assert!(error.contains("training/sft/checkpoints/step-"), "{error}");
    }
    let traces = std::fs::read_to_string(project.path("traces.jsonl")).expect("traces");
    project.write("traces.jsonl", traces.replacen("ticks", "tocks", 1));
    let error = long(&project, "run").set("sft.max_length=600").resumed().error();
    let data = format!("data {}: ", project.path("traces.jsonl").display());
    assert!(
        error.contains("config sft.max_length: 700 -> 600\n") && error.contains(&data),
        "{error}"
    );
    assert_eq!(times(&folder.join("artifacts")), artifacts, "nothing was made again");

    project.write("traces.jsonl", traces);
    long(&project, "run").until("sft").resumed().finish();
}

/// Settings that change no number, with other values than the project's.
const HARMLESS: [&str; 4] = [
    "sft.training.save_steps=4",
    "sft.training.save_total_limit=3",
    "sft.training.logging_steps=7",
    "sft.training.non_finite={skip: 3}",
];

#[test]
fn how_often_a_training_saves_and_speaks_may_change_before_it_is_resumed() {
    let project = Project::new();
    let straight = long(&project, "straight").until("sft").finish();
    let folder = project.path("stopped");
    interrupted_in("sft", long(&project, "stopped"), &folder);
    let changed = |attempt: Attempt| HARMLESS.into_iter().fold(attempt, Attempt::set);
    let resumed = changed(long(&project, "stopped").until("sft").resumed()).finish();
    let model = "sft/model/model.safetensors";
    assert!(straight.bytes(model) == resumed.bytes(model));
    assert_eq!(timeless(&straight, "sft"), timeless(&resumed, "sft"));
    // What is done stays done, whatever these say.
    let before = times(&folder.join("artifacts"));
    long(&project, "stopped").until("sft").finish();
    assert_eq!(times(&folder.join("artifacts")), before);
}

#[test]
fn where_checkpoints_are_may_not_change_in_a_run_that_may_go_back_to_one() {
    let project = Project::new();
    let run = || long(&project, "run").set("sft.training.loss_spike={}");
    interrupted_in("sft", run(), &project.path("run"));
    let error = run().set(HARMLESS[0]).set(HARMLESS[1]).set(HARMLESS[2]).resumed().error();
    let lines: Vec<&str> = error.lines().filter(|line| line.contains(" -> ")).collect();
    assert_eq!(lines[1..], ["  config sft.training.save_steps: 3 -> 4"], "{error}");
}

/// Every number and every claim below a value, with its path.
fn leaves(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, below)| leaves(&format!("{path}.{key}"), below, found));
        }
        Value::Bool(one) => found.push((path.to_owned(), (!one).to_string())),
        Value::Number(one) => {
            // Shares stay below 1, and counts stay counts.
            let (number, is_count) = (one.as_f64().expect("a number"), one.is_u64());
            let other = if is_count { number + 1.0 } else { number / 2.0 + 0.07 };
            found.push((path.to_owned(), other.to_string()));
        }
        _ => {}
    }
}

#[test]
fn every_setting_of_a_training_is_refused_when_it_has_changed_or_changes_no_number() {
    let project = Project::new();
    interrupted_in("sft", long(&project, "run"), &project.path("run"));
    let stages = long(&project, "run").config().stages;
    let mut settings = Vec::new();
    for stage in stages.iter().take_while(|stage| stage.name() != "grpo") {
        let value = serde_json::to_value(stage).expect("settings");
        leaves(stage.name(), &value[stage.kind()], &mut settings);
    }
    let harmless = HARMLESS.map(|set| set.split('=').next().expect("a key"));
    let mut num_refused = 0;
    for (key, value) in settings.iter().filter(|(key, _)| !harmless.contains(&key.as_str())) {
        let run = long(&project, "run").set(format!("{key}={value}")).resumed().run();
        let error = run.err().unwrap_or_else(|| panic!("{key}={value} was let through"));
        let place = format!("in\n  config {key}: ");
        assert!(error.to_string().contains(&place), "{key}={value}: {error}");
        num_refused += 1;
    }
    assert!(num_refused >= 20, "{settings:?}");
}

#[test]
fn a_tokenizer_that_has_changed_is_refused_by_resume() {
    let project = Project::new();
    let base = model_folder(&project);
    let run = || {
        let run = on_folder(&project, &base).set(format!("sft.training.max_steps={STEPS}"));
        run.until("sft")
    };
    interrupted_in("sft", run(), &project.path("run"));
    let tokenizer = base.join("tokenizer.json");
    let text = std::fs::read_to_string(&tokenizer).expect("a tokenizer");
    std::fs::write(&tokenizer, format!("{text} ")).expect("written");
    let error = run().resumed().error();
    let line = format!("in\n  tokenizer {}: ", tokenizer.display());
    assert!(error.contains(&line) && error.contains(" -> "), "{error}");
}

#[test]
fn a_damaged_artifact_is_made_again_and_not_used() {
    let project = Project::new();
    let run = Attempt::new(&project, "run").until("sft").finish();
    let model = "sft/model/model.safetensors";
    let whole = run.bytes(model);
    let mut flipped = whole.clone();
    *flipped.last_mut().expect("weights") ^= 1;
    std::fs::write(run.artifact(model), flipped).expect("written");
    let again = Attempt::new(&project, "run").until("sft").finish();
    assert!(again.bytes(model) == whole);
}

#[test]
fn long_work_without_steps_leaves_off_and_is_done_again() {
    let project = Project::new();
    let straight = Attempt::new(&project, "straight").finish();
    let (mut reads, mut stages) = (1, BTreeSet::new());
    loop {
        let stop = StopFlag::after_reads(Signal::Interrupt, reads);
        match Attempt::new(&project, "run").resumed().stopped_by(&stop).run().expect("no error") {
            Outcome::Interrupted { stage, .. } => stages.insert(stage),
            _ => break,
        };
        // What was finished is not asked again, so that few reads lead far.
        reads = if stages.contains("predict") { reads + 1 } else { reads.max(stages.len() as u64) };
        reads += 1;
    }
    let all: BTreeSet<&str> = stages.iter().map(String::as_str).collect();
    assert!(all.contains("predict") && all.contains("sft") && all.contains("grpo"), "{all:?}");
    let run = Attempt::new(&project, "run").resumed().finish();
    for file in ["predict/grpo.jsonl", "grpo/model/model.safetensors"] {
        assert!(run.bytes(file) == straight.bytes(file), "{file}");
    }
}
