//! A signal at every place where one is noticed, in every method: before each step, each token that is sampled, and each
//! batch that a reference scores. What is resumed ends with the bits of a run that was left alone. Where a signal leaves the
//! checkpoint that one before it left, byte by byte, it is not resumed a second time.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use forethought_pipeline::{Outcome, Signal, StopFlag};
use forethought_tests::{Project, copy_folder};
use rayon::ThreadPoolBuilder;

use crate::attempt::{Attempt, Finished};
use crate::interrupt::timeless;
use crate::methods::{self, METHODS};

/// What was sampled at once is used up to a part by then.
const STEPS: u32 = 5;

/// Places before the first step that are resumed from; the others of them are only stopped at.
const PLACES_WITHOUT_STEP: usize = 2;

/// The files of a folder, by name.
type Files = BTreeMap<OsString, Vec<u8>>;

fn files(folder: &Path) -> Files {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    entries.map(|one| (one.file_name(), fs::read(one.path()).expect("a file"))).collect()
}

/// Stops the method at every place in turn. The folder holds all that comes before the method.
fn stopped_everywhere(
    attempt: impl Fn(&str) -> Attempt,
    method: &str,
    first_read: u64,
    folder: &Path,
    straight: &Finished,
) {
    let model = format!("{method}/model/model.safetensors");
    let (expected, log) = (straight.bytes(&model), timeless(straight, method));
    let (mut steps, mut num_without) = (Vec::new(), 0);
    let mut resumed_from: BTreeMap<u64, Files> = BTreeMap::new();
    for reads in first_read.. {
        let stop = StopFlag::after_reads(Signal::Interrupt, reads);
        let outcome = attempt("stopped").stopped_by(&stop).run().expect("no error");
        let Outcome::Interrupted { stage, step, .. } = outcome else { break };
        assert_eq!(stage, method);
        num_without += usize::from(step.is_none());
        if step.is_none() && PLACES_WITHOUT_STEP < num_without {
            continue;
        }
        steps.extend(step);
        if let Some(step) = step {
            let place = format!("training/{method}/checkpoints/step-{step:06}");
            let left = files(&folder.join(place));
            if resumed_from.get(&step) == Some(&left) {
                continue;
            }
            resumed_from.insert(step, left);
        }
        // As many threads as the straight run had, or one.
        let num_threads = 1 + usize::from(reads % 2 == 0);
        let pool = ThreadPoolBuilder::new().num_threads(num_threads).build().expect("threads");
        let resumed = attempt("stopped").resumed();
        let resumed = pool.install(|| resumed.finish());
        let place = format!("{method}, read {reads}, after step {step:?}");
        assert!(resumed.bytes(&model) == expected, "{place}");
        assert_eq!(timeless(&resumed, method), log, "{place}");
        fs::remove_dir_all(folder.join("artifacts").join(method)).expect("an artifact");
    }
    steps.dedup();
    assert_eq!(resumed_from.len(), steps.len(), "{method}");
    let all: Vec<u64> = (1..u64::from(STEPS)).collect();
    assert_eq!(steps, all, "{method} was stopped after every step but the last");
}

/// The method stopped everywhere after what comes before it, which is made once.
fn method_stopped_everywhere(method: &str) {
    let project = methods::project(method, STEPS);
    let attempt = |folder: &str| {
        methods::attempt(&project, folder, method)
            .set("sft.training.max_steps=2")
            .set(format!("balance.max_train={}", if method == "ppo" { 64 } else { 32 }))
    };
    let straight = attempt("straight").finish();
    let stages = attempt("straight").config().stages;
    let before = stages.iter().position(|stage| stage.name() == method).expect("the stage");
    let artifacts = straight.folder.join("artifacts");
    copy_folder(&artifacts, &project.path("stopped/artifacts")).expect("a copy");
    fs::remove_dir_all(project.path("stopped/artifacts").join(method)).expect("an artifact");
    // One read before each stage, the method included.
    let first_read = before as u64 + 1;
    stopped_everywhere(attempt, method, first_read, &project.path("stopped"), &straight);
}

#[test]
fn methods_that_learn_from_examples_and_are_stopped_anywhere_end_with_the_bits_of_an_undisturbed_run()
 {
    ["dpo", "kto", "orpo", "reward"].into_iter().for_each(method_stopped_everywhere);
}

#[test]
fn methods_that_sample_and_are_stopped_anywhere_end_with_the_bits_of_an_undisturbed_run() {
    ["grpo", "rloo", "ppo"].into_iter().for_each(method_stopped_everywhere);
}

#[test]
fn every_method_is_stopped_in_one_of_these_tests() {
    let all: Vec<&str> = METHODS.iter().map(|(method, _)| *method).collect();
    assert_eq!(all, ["dpo", "kto", "orpo", "reward", "grpo", "rloo", "ppo"]);
}

#[test]
fn fine_tuning_that_is_stopped_after_any_step_ends_with_the_bits_of_an_undisturbed_run() {
    let project = Project::new();
    let attempt = |folder: &str| {
        let attempt = Attempt::new(&project, folder).until("sft");
        attempt.set(format!("sft.training.max_steps={STEPS}"))
    };
    let straight = attempt("straight").finish();
    attempt("stopped").until("convert").finish();
    stopped_everywhere(attempt, "sft", 6, &project.path("stopped"), &straight);
}
