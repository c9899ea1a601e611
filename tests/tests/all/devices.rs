//! Trainings on several devices, which here are threads of the one CPU.

use forethought_tests::Project;
use serde_json::Value;

use crate::attempt::{Attempt, Finished};
use crate::interrupt::timeless;
use crate::methods;

fn fine_tuned(project: &Project, folder: &str, batch: usize, accumulation: usize) -> Attempt {
    Attempt::new(project, folder)
        .set("sft.training={learning_rate: 1.0e-3, max_steps: 6}")
        .set(format!("sft.per_device_train_batch_size={batch}"))
        .set(format!("sft.gradient_accumulation_steps={accumulation}"))
        .until("sft")
}

fn losses(run: &Finished) -> Vec<f64> {
    let history: Vec<Value> = run.rows("sft/history.jsonl");
    history.iter().map(|step| step["loss"].as_f64().expect("a loss")).collect()
}

#[test]
fn two_devices_with_half_of_the_batch_each_make_the_steps_of_one_with_all_of_it() {
    let project = Project::new();
    let whole = fine_tuned(&project, "whole", 8, 1).finish();
    let halves = fine_tuned(&project, "halves", 4, 2).finish();
    let together = fine_tuned(&project, "together", 4, 2).on_devices(2).finish();
    let model = "sft/model/model.safetensors";
    assert!(
        halves.bytes(model) == together.bytes(model),
        "the same micro-batches give the same bits"
    );
    assert_eq!(timeless(&halves, "sft"), timeless(&together, "sft"));
    for (one, other) in losses(&whole).iter().zip(losses(&together)) {
        assert!((one - other).abs() < 1e-5 * one.abs(), "{one} and {other}");
    }
}

#[test]
fn what_was_sampled_is_trained_on_by_several_devices_too() {
    for method in ["grpo", "ppo", "dpo"] {
        let project = methods::project(method, 4);
        let attempt = |folder: &str| {
            let attempt = methods::attempt(&project, folder, method);
            match method {
                "dpo" => attempt
                    .set("dpo.per_device_train_batch_size=2")
                    .set("dpo.gradient_accumulation_steps=3"),
                _ => attempt.set(format!("{method}.prompts_per_micro_batch=2")),
            }
        };
        let attempt = |folder: &str| {
            attempt(folder)
                .set("sft.per_device_train_batch_size=8")
                .set("sft.gradient_accumulation_steps=3")
        };
        let (alone, together) =
            (attempt("alone").finish(), attempt("together").on_devices(3).finish());
        let model = format!("{method}/model/model.safetensors");
        assert!(alone.bytes(&model) == together.bytes(&model), "{method}");
        assert_eq!(timeless(&alone, method), timeless(&together, method), "{method}");
    }
}

#[test]
fn more_devices_than_micro_batches_are_refused() {
    let project = Project::new();
    let error = fine_tuned(&project, "run", 4, 2).on_devices(3).error();
    assert!(error.contains("a step has 2 micro-batches for 3 devices"), "{error}");
    assert!(error.contains("a smaller per_device_train_batch_size"), "{error}");
}
