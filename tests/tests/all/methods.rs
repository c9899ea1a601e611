//! Every method as a stage: what a few steps change, that resuming changes nothing, that threads change nothing.

use std::path::Path;

use forethought_pipeline::{ArtifactManifest, Outcome, PipelineConfig, Signal};
use forethought_tests::Project;
use rayon::ThreadPoolBuilder;
use serde_json::Value;

use crate::attempt::{Attempt, Finished};
use crate::interrupt::stopped_after_two_steps;

/// Pairs of the right class and another; the fine-tuning before it is short, so that something is left to learn.
const PAIRS: &str = "  - pairs: {source: {classes: {rule: {symmetric: {max_class: 3, min_distance: 1, max_distance: 3}}, num_per_prompt: 2}}}\n";

/// Pairs of which the higher number is always the better one: so much a layer can tell by scores.
const LOWER: &str = "  - pairs: {source: {classes: {rule: {lower: {min_distance: 1, max_distance: 3}}, num_per_prompt: 2}}}\n";

/// The stage of each method, ending with the line that sets its steps.
pub(crate) const METHODS: [(&str, &str); 7] = [
    (
        "dpo",
        "  - dpo: {num_train_epochs: 9, loss: {loss_type: [sigmoid, sft]}, per_device_train_batch_size: 8, training: {learning_rate: 3.0e-3, STEPS}}\n",
    ),
    (
        "kto",
        "  - kto: {num_train_epochs: 9, per_device_train_batch_size: 8, training: {learning_rate: 3.0e-3, STEPS}}\n",
    ),
    (
        "orpo",
        "  - orpo: {num_train_epochs: 9, per_device_train_batch_size: 4, gradient_accumulation_steps: 2, training: {learning_rate: 1.0e-2, STEPS}}\n",
    ),
    (
        "reward",
        "  - reward: {num_train_epochs: 12, per_device_train_batch_size: 8, training: {learning_rate: 3.0e-3, STEPS}}\n",
    ),
    (
        "grpo",
        "  - grpo: {prompts_per_step: 8, num_train_epochs: 9, num_generations: 8, sampling: {max_new_tokens: 3}, rewards: [{tiered: 12/6/3}], loss: {num_iterations: 2, beta: 0.01}, training: {learning_rate: 3.0e-3, STEPS}}\n",
    ),
    (
        "rloo",
        "  - rloo: {prompts_per_step: 8, num_train_epochs: 9, num_generations: 8, sampling: {max_new_tokens: 3}, rewards: [{tiered: 12/6/3, weight: 0.25}], training: {learning_rate: 3.0e-3, STEPS}}\n",
    ),
    (
        "ppo",
        "  - ppo: {prompts_per_step: 32, prompts_per_micro_batch: 16, num_train_epochs: 20, sampling: {max_new_tokens: 3}, rewards: [{tiered: 12/6/3, weight: 0.25}], loss: {num_ppo_epochs: 2, num_mini_batches: 2, kl_coef: 0.01, max_completion_length: 3, kl_control: {adaptive: {horizon: 100}}}, training: {learning_rate: 5.0e-3, STEPS}}\n",
    ),
];

/// A project whose pipeline has this method after a short fine-tuning, in place of the one it comes with.
pub(crate) fn project(method: &str, num_steps: u32) -> Project {
    let (_, stage) = METHODS.iter().find(|(name, _)| *name == method).expect("a method");
    let stage = stage.replace("STEPS", &format!("max_steps: {num_steps}, save_steps: 3"));
    let project = Project::new();
    let text = std::fs::read_to_string(project.pipeline()).expect("it was written");
    let start = text.find("  - grpo:").expect("the stage it comes with");
    let end = text.find("  - predict:").expect("the stage after");
    let pairs = if method == "reward" { LOWER } else { PAIRS };
    let text = format!("{}{pairs}{stage}{}", &text[..start], &text[end..]);
    project.write("pipeline.yaml", text);
    project
}

pub(crate) fn attempt(project: &Project, folder: &str, method: &str) -> Attempt {
    Attempt::new(project, folder)
        .set("sft.training.learning_rate=1e-2")
        .set("sft.training.max_steps=20")
        .until(method)
}

/// A metric over the steps, where they have it.
fn curve(run: &Finished, stage: &str, metric: &str) -> Vec<f64> {
    let history: Vec<Value> = run.rows(&format!("{stage}/history.jsonl"));
    history.iter().filter_map(|step| step[metric].as_f64()).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn offline_methods_change_the_weights_and_rank_pairs_better_than_chance() {
    for (method, metric) in [
        ("dpo", "rewards/accuracies"),
        ("orpo", "rewards/accuracies"),
        ("reward", "accuracy"),
        ("kto", "rewards/margins"),
    ] {
        let project = project(method, 120);
        let run = attempt(&project, "run", method).finish();
        let model = run.bytes(&format!("{method}/model/model.safetensors"));
        assert!(model != run.bytes("sft/model/model.safetensors"), "{method} changed nothing");
        let values = curve(&run, method, metric);
        let last = mean(&values[values.len() - 8..]);
        let chance = if method == "kto" { 0.0 } else { 0.5 };
        assert!(last > chance + 0.2, "{method}: {metric} ends at {last}: {values:?}");
    }
}

#[test]
fn online_methods_raise_the_reward_of_a_model_that_knows_little() {
    for (method, num_steps) in [("grpo", 60), ("rloo", 40), ("ppo", 120)] {
        let project = project(method, num_steps);
        let run = attempt(&project, "run", method).finish();
        let rewards = curve(&run, method, "reward");
        let few = rewards.len() / 4;
        let (first, last) = (mean(&rewards[..few]), mean(&rewards[rewards.len() - few..]));
        let scale = if method == "grpo" { 1.0 } else { 0.25 };
        assert!(last > first + 0.75 * scale, "{method}: {first} became {last}");
        let apart = curve(&run, method, "sampling/sampling_logp_difference/max");
        assert!(apart.iter().all(|difference| *difference < 1e-3), "{method}: {apart:?}");
    }
}

/// Runs until a signal after the second step stops the training.
fn interrupted(attempt: Attempt, folder: &Path, method: &str) -> u64 {
    let log = folder.join("training").join(method).join("metrics.jsonl");
    match stopped_after_two_steps(attempt, &log) {
        Outcome::Interrupted { step: Some(step), signal: Signal::Interrupt, .. } => step,
        outcome => panic!("{method} came to its end before the signal: {outcome:?}"),
    }
}

#[test]
fn every_method_that_is_stopped_and_resumed_ends_with_the_bits_of_an_undisturbed_run() {
    for (method, _) in METHODS {
        // An odd number: what was sampled at once is then used up to a part.
        let project = project(method, 45);
        let straight = attempt(&project, "straight", method).finish();
        let step =
            interrupted(attempt(&project, "stopped", method), &project.path("stopped"), method);
        assert!(step < 45, "{method} stopped after step {step}");
        let resumed = attempt(&project, "stopped", method).resumed().finish();
        let model = format!("{method}/model/model.safetensors");
        assert!(straight.bytes(&model) == resumed.bytes(&model), "{method} from step {step}");
        for metric in ["loss", "reward", "objective/kl_coef", "grad_norm"] {
            let [one, other] = [&straight, &resumed].map(|run| curve(run, method, metric));
            assert_eq!(one, other, "{method}: {metric} from step {step}");
        }
    }
}

#[test]
fn the_number_of_threads_reaches_no_bit_of_a_model() {
    for (method, _) in METHODS {
        let project = project(method, 5);
        let [one, two] = [1, 2].map(|num_threads| {
            let pool = ThreadPoolBuilder::new().num_threads(num_threads).build().expect("threads");
            let folder = format!("threads-{num_threads}");
            pool.install(|| attempt(&project, &folder, method).finish())
        });
        let model = format!("{method}/model/model.safetensors");
        assert!(one.bytes(&model) == two.bytes(&model), "{method}");
    }
}

#[test]
fn branches_leave_one_start_and_are_found_by_their_names() {
    let project = project("dpo", 3);
    let text = std::fs::read_to_string(project.pipeline()).expect("it was written");
    let second = "  - orpo: {name: odds, from: sft, training: {max_steps: 2}}\n  - predict:\n      measure: {rewards: [{tiered: 12/6/3}], max_questions: 8, max_new_tokens: 3}\n";
    let text = text.replace("  - predict:\n", second);
    let path = project.write("pipeline.yaml", text);
    let set = "odds.loss.beta=0.3".to_owned();
    let config = PipelineConfig::read(&path, &[set]).expect("a valid pipeline");
    assert_eq!(config.stages.iter().filter(|stage| stage.kind() == "orpo").count(), 1);

    let run = Attempt::new(&project, "run").finish();
    let odds = ArtifactManifest::read(&run.artifact("odds")).expect("a manifest");
    assert!(odds.inputs.contains_key("sft") && !odds.inputs.contains_key("dpo"));
    let report: Value = run.json("report.json");
    let rows = report["methods"].as_array().expect("a row for each model");
    let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, ["SFT", "DPO", "odds"]);
    assert_eq!(rows[2]["from"], "SFT");
    assert!(rows[0]["divergence"].is_null() && rows[1]["divergence"]["mean"].is_number());
    let page = std::fs::read_to_string(run.folder.join("report.html")).expect("a page");
    assert!(page.contains("Methods side by side") && page.contains("from SFT"));
}

#[test]
fn a_reward_model_scores_unseen_pairs_and_the_report_says_how_well() {
    let project = project("reward", 160);
    let text = std::fs::read_to_string(project.pipeline()).expect("it was written");
    let start = text.find("  - predict:").expect("the stage that answers");
    project
        .write("pipeline.yaml", format!("{}  - score: {{}}\n  - report: {{}}\n", &text[..start]));
    let run = attempt(&project, "run", "report").finish();
    let scores: Vec<Value> = run.rows("score/scores.jsonl");
    let pairs: Vec<Value> = run.rows("pairs/validation.jsonl");
    assert!(!scores.is_empty() && scores.len() == pairs.len(), "{} scores", scores.len());
    for row in &scores {
        let number = |key: &str| row[key].as_f64().expect(key);
        let sigmoid = 1.0 / (1.0 + (-number("chosen_score")).exp());
        assert!((number("chosen_sigmoid") - sigmoid).abs() < 1e-6);
    }
    let right = scores.iter().filter(|row| {
        row["chosen_score"].as_f64().expect("a score")
            > row["rejected_score"].as_f64().expect("a score")
    });
    let report: Value = run.json("report.json");
    let accuracy = &report["pairs"][0]["accuracy"];
    assert_eq!(accuracy["successes"].as_u64(), Some(right.count() as u64));
    assert!(accuracy["value"].as_f64().expect("a share") > 0.75, "{accuracy}");
    let page = std::fs::read_to_string(run.folder.join("report.html")).expect("a page");
    assert!(page.contains("Calibration") && page.contains("Margins"));
}

#[test]
fn a_policy_that_pleases_a_reward_model_is_watched_by_the_true_reward() {
    let project = project("reward", 160);
    let text = std::fs::read_to_string(project.pipeline()).expect("it was written");
    let ppo = "  - ppo: {from: sft, prompts_per_step: 32, num_train_epochs: 20, sampling: {max_new_tokens: 3}, rewards: [{tiered: 12/6/3, weight: 0}], reward_model: {}, loss: {num_ppo_epochs: 2, kl_coef: 0.01, max_completion_length: 3}, training: {learning_rate: 3.0e-3, max_steps: 40}}\n  - predict:";
    project.write("pipeline.yaml", text.replace("  - predict:", ppo));
    let run = attempt(&project, "run", "ppo").finish();
    let scores = curve(&run, "ppo", "rewards/reward_model/mean");
    let few = scores.len() / 4;
    assert!(mean(&scores[scores.len() - few..]) > mean(&scores[..few]), "{scores:?}");
    // What is learnt from is the score alone.
    let rewards = curve(&run, "ppo", "reward");
    assert!(rewards.iter().zip(&scores).all(|(one, other)| (one - other).abs() < 1e-5));
    assert_eq!(curve(&run, "ppo", "rewards/tiered/mean").len(), scores.len());
}
