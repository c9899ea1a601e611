//! Completions that a server samples: with which adapter, how far from training, and what becomes of a run whose server fails.

use std::path::Path;

use forethought_pipeline::{Console, FirstContact, StopFlag, check, parse_device, replay};
use forethought_tests::{Project, copy_folder};
use serde_json::Value;

use crate::attempt::{Attempt, Finished};
use crate::interrupt::timeless;
use crate::lora::{model_folder, on_folder};
use crate::vllm::Vllm;

const STEPS: usize = 5;
/// Completions of one sampling.
const COMPLETIONS: u64 = 8 * 4;

/// The pipeline whose GRPO trains an adapter on completions of a server; the server has the model before it.
fn served(project: &Project, more: &str) -> (Vllm, Attempt) {
    let folder = model_folder(project);
    let vllm = Vllm::start(project.path("run/artifacts/sft/model"));
    let attempt = asking(on_folder(project, &folder), "grpo", &vllm, more);
    (vllm, attempt)
}

/// A run whose stage `method` asks the server.
fn asking(attempt: Attempt, method: &str, vllm: &Vllm, more: &str) -> Attempt {
    let training = format!("{{learning_rate: 2.0e-3, max_steps: {STEPS}, save_steps: 1}}");
    let settings = [
        ("training", training.as_str()),
        ("prompts_per_step", "8"),
        ("num_generations", "4"),
        ("lora", "{rank: 4, alpha: 8}"),
        ("rollout", &vllm.setting(more)),
    ];
    let attempt = attempt.set("sft.training.learning_rate=1e-2").set("sft.training.max_steps=20");
    let set = |attempt: Attempt, (key, value)| attempt.set(format!("{method}.{key}={value}"));
    settings.into_iter().fold(attempt, set).until(method)
}

fn curve(run: &Finished, metric: &str) -> Vec<f64> {
    let all = curve_of(run, "grpo", metric);
    assert_eq!(all.len(), STEPS, "{metric} is logged in every step");
    all
}

/// A metric over the steps that have it.
fn curve_of(run: &Finished, stage: &str, metric: &str) -> Vec<f64> {
    let history: Vec<Value> = run.rows(&format!("{stage}/history.jsonl"));
    history.iter().filter_map(|step| step[metric].as_f64()).collect()
}

#[test]
fn a_server_with_the_latest_adapter_samples_what_is_trained() {
    let project = Project::new();
    let (vllm, attempt) = served(&project, "");
    let run = attempt.finish();
    assert_eq!(vllm.num_sampled(), STEPS as u64 * COMPLETIONS);
    assert_eq!(vllm.loaded().len(), STEPS, "each sampling has an adapter of its own");
    assert_eq!(curve(&run, "sampling/staleness"), [0.0; STEPS]);
    let apart = curve(&run, "sampling/sampling_logp_difference/max");
    assert!(apart.iter().all(|one| *one < 1e-4), "{apart:?}");
    for which in ["min", "mean", "max"] {
        let ratios = curve(&run, &format!("sampling/importance_sampling_ratio/{which}"));
        assert!(ratios.iter().all(|ratio| (ratio - 1.0).abs() < 1e-3), "{which}: {ratios:?}");
    }
    assert!(!run.folder.join("training/grpo").exists(), "adapters go with the checkpoints");
}

#[test]
fn an_older_adapter_is_told_by_its_age_and_by_its_probabilities() {
    let project = Project::new();
    let (vllm, attempt) = served(&project, ", reload_every: 2");
    let run = attempt.finish();
    assert_eq!(curve(&run, "sampling/staleness"), [0.0, 1.0, 0.0, 1.0, 0.0]);
    assert_eq!(vllm.loaded().len(), 3);
    let apart = curve(&run, "sampling/sampling_logp_difference/mean");
    assert!(apart[0] < 1e-4 && apart[2] < 1e-4 && apart[4] < 1e-4, "{apart:?}");
    assert!(apart[1] > 1e-3 && apart[3] > 1e-3, "{apart:?}");

    let project = Project::new();
    let (vllm, attempt) = served(&project, ", reload_every: never");
    let run = attempt.finish();
    assert_eq!(curve(&run, "sampling/staleness"), [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(vllm.loaded().len(), 0);
    assert!(
        vllm.http
            .seen()
            .iter()
            .filter(|one| one.path() == "/v1/completions")
            .all(|one| one.body["model"] == "base")
    );
}

/// Every step that was logged comes out the same when it is computed again, without the server.
fn assert_replayed(run: &Path, method: &str, vllm: &Vllm) {
    let (num_sampled, device) = (vllm.num_sampled(), parse_device("cpu").expect("the CPU"));
    for step in 1..=STEPS as u64 {
        let replayed =
            replay(run, (Some(method), step), (&device, &FirstContact::Here), &StopFlag::new())
                .expect("a step");
        assert!(replayed.is_same(), "step {step}: {:?}", replayed.numbers());
    }
    assert_eq!(vllm.num_sampled(), num_sampled, "a replay asks nobody");
}

#[test]
fn a_run_whose_server_fails_goes_on_with_the_completions_that_it_had() {
    for more in ["", ", reload_every: 2"] {
        let project = Project::new();
        let (vllm, attempt) = served(&project, more);
        // Two samplings, and a part of the third.
        vllm.refuse_after(2 * COMPLETIONS + 11);
        let error = attempt.error();
        assert!(error.contains("the key was withdrawn; is the key right"), "{error}");
        let path = project.path("run/rollouts/grpo/000002.jsonl");
        let kept = std::fs::read_to_string(&path).expect("what came is kept");
        assert_eq!(kept.lines().count(), 11);
        // The server comes back without what was loaded into it.
        vllm.refuse_after(u64::MAX);
        vllm.forget();
        let num_asked = vllm.num_sampled();
        let settings = on_folder(&project, &project.path("base"));
        let run = resumed(settings, &vllm, more).finish();
        let rest = (STEPS as u64 - 2) * COMPLETIONS - 11;
        assert_eq!(vllm.num_sampled() - num_asked, rest, "no kept completion is asked for again");
        let after = std::fs::read_to_string(&path).expect("it is there");
        assert!(after.starts_with(&kept) && after.lines().count() as u64 == COMPLETIONS);
        assert_replayed(&run.folder, "grpo", &vllm);
    }
}

/// The same settings, to go on with.
fn resumed(attempt: Attempt, vllm: &Vllm, more: &str) -> Attempt {
    asking(attempt, "grpo", vllm, more).resumed()
}

#[test]
fn a_run_goes_on_with_a_server_that_has_moved() {
    let project = Project::new();
    let (vllm, attempt) = served(&project, "");
    vllm.refuse_after(COMPLETIONS + 11);
    attempt.error();
    vllm.http.leave();
    let moved = Vllm::start(project.path("run/artifacts/sft/model"));
    assert_ne!(moved.http.address, vllm.http.address);
    let patience = ", max_log_prob_difference: 2.0";
    let run = resumed(on_folder(&project, &project.path("base")), &moved, patience).finish();
    assert_eq!(moved.num_sampled(), (STEPS as u64 - 1) * COMPLETIONS - 11, "what came is kept");
    assert_replayed(&run.folder, "grpo", &moved);
}

/// Methods beside GRPO, with their losses: two optimiser steps for each sampling.
const OTHERS: [(&str, &str); 2] = [
    ("rloo", "{semantics: trl-0.15, kl_coef: 0.05, num_ppo_epochs: 2}"),
    ("ppo", "{num_ppo_epochs: 2, num_mini_batches: 1, kl_coef: 0.01, max_completion_length: 3}"),
];
/// Their samplings.
const SAMPLINGS: usize = 3;

/// A project whose pipeline has this method in the place of GRPO, its server and its run in `folder`.
fn other(project: &Project, method: &str, vllm: &Vllm, folder: &str) -> Attempt {
    let (_, loss) = OTHERS.iter().find(|(name, _)| *name == method).expect("a method");
    let attempt = Attempt::new(project, folder)
        .set(format!("model={{folder: '{}'}}", project.path("base").display()))
        .set(format!("{method}.loss={loss}"));
    asking(attempt, method, vllm, "")
}

/// A project with the method, and a server of the model before it.
fn with_server(method: &str) -> (Project, Vllm) {
    let project = Project::new();
    let text = project.pipeline_with("  - grpo:", &format!("  - {method}:"));
    project.write("pipeline.yaml", text);
    model_folder(&project);
    let vllm = Vllm::start(project.path("run/artifacts/sft/model"));
    (project, vllm)
}

#[test]
fn other_methods_that_sample_learn_from_a_server_and_log_how_far_it_is_from_training() {
    for (method, _) in OTHERS {
        let (project, vllm) = with_server(method);
        let run = other(&project, method, &vllm, "run").finish();
        assert_eq!(vllm.num_sampled(), SAMPLINGS as u64 * COMPLETIONS, "{method}");
        assert_eq!(vllm.loaded().len(), SAMPLINGS, "{method}: an adapter a sampling");
        let curve = |metric: &str| curve_of(&run, method, metric);
        assert_eq!(curve("sampling/staleness"), [0.0; SAMPLINGS], "{method}");
        let apart = curve("sampling/sampling_logp_difference/max");
        // Once a sampling: a name that stands twice in a line of the log would be read once.
        assert!(
            apart.len() == SAMPLINGS && apart.iter().all(|one| *one < 1e-4),
            "{method}: {apart:?}"
        );
        for which in ["min", "mean", "max"] {
            let ratios = curve(&format!("sampling/importance_sampling_ratio/{which}"));
            let is_near = |ratio: &f64| (ratio - 1.0).abs() < 1e-3;
            assert!(ratios.len() == STEPS && ratios.iter().all(is_near), "{which}: {ratios:?}");
        }
        // The first pass over a sampling is made with the weights that sampled; the second has moved away from them.
        let ratios = curve("val/ratio");
        assert_eq!(ratios.len(), STEPS, "{method}");
        for (step, ratio) in ratios.iter().enumerate() {
            let distance = (ratio - 1.0).abs();
            assert_eq!(distance < 1e-5, step % 2 == 0, "{method}, step {step}: {ratios:?}");
        }
        let model = run.bytes(&format!("{method}/model/model.safetensors"));
        assert!(model != run.bytes("sft/model/model.safetensors"), "{method} learnt nothing");
    }
}

#[test]
fn other_methods_whose_server_fails_end_with_the_bits_of_a_run_that_had_the_same_completions() {
    for (method, _) in OTHERS {
        let (project, vllm) = with_server(method);
        vllm.refuse_after(COMPLETIONS + 11);
        let error = other(&project, method, &vllm, "run").error();
        assert!(error.contains("the key was withdrawn"), "{method}: {error}");
        vllm.refuse_after(u64::MAX);
        vllm.forget();
        let broken = other(&project, method, &vllm, "run").resumed().finish();
        assert_replayed(&broken.folder, method, &vllm);
        let num_sampled = vllm.num_sampled();
        let rollouts = broken.folder.join("rollouts");
        copy_folder(&rollouts, &project.path("straight/rollouts")).expect("a copy");
        let straight = other(&project, method, &vllm, "straight").resumed().finish();
        assert_eq!(vllm.num_sampled(), num_sampled, "{method} has every completion");
        let model = format!("{method}/model/model.safetensors");
        assert!(broken.bytes(&model) == straight.bytes(&model), "{method}");
        assert_eq!(timeless(&broken, method), timeless(&straight, method), "{method}");
    }
}

#[test]
fn a_server_that_has_another_model_or_none_stops_the_run_with_words() {
    let project = Project::new();
    let (vllm, attempt) = served(&project, ", max_log_prob_difference: 1.0e-9");
    let error = attempt.error();
    assert!(error.contains("does it serve the model that this stage starts from"), "{error}");
    vllm.http.leave();
    let attempt = resumed(on_folder(&project, &project.path("base")), &vllm, "");
    let error = attempt.error();
    assert!(error.contains("given up after 2 tries"), "{error}");
}

#[test]
fn a_check_says_whether_the_server_could_be_reached() {
    let project = Project::new();
    let (vllm, attempt) = served(&project, "");
    let (pipeline, overrides) = attempt.settings();
    let device = parse_device("cpu").expect("the CPU");
    let check = || {
        let (pipeline, machine) = ((&*pipeline, &*overrides), (&device, &FirstContact::Here));
        check(pipeline, machine, Console::Silent, &StopFlag::new())
    };
    let checked = check();
    assert_eq!(checked.problems, Vec::<String>::new());
    assert!(checked.notices.iter().all(|one| !one.contains("server")), "{:?}", checked.notices);
    vllm.http.leave();
    let checked = check();
    assert_eq!(checked.problems, Vec::<String>::new());
    let told = |one: &String| one.contains("the server that samples cannot be reached now");
    assert!(checked.notices.iter().any(told), "{:?}", checked.notices);
    assert_eq!(vllm.num_sampled(), 0, "a check samples here");
}
