//! A run from the first stage to the last.

use std::collections::{BTreeMap, BTreeSet};

use forethought_dataset::Ledger;
use forethought_pipeline::{PipelineConfig, RunManifest, render_report, report_json, report_table};
use forethought_schema::{Instruction, LabelledQuestion, Prediction, PromptCompletion, Trace};
use forethought_tests::{AMOUNTS, ASKED_TWICE, Project, QUESTIONS_PER_CLASS, UNFINISHED, lines};
use serde_json::Value;

use crate::attempt::{Attempt, Finished, STAGES};

fn labelled(run: &Finished, split: &str) -> Vec<LabelledQuestion> {
    run.rows(&format!("balance/{split}.jsonl"))
}

#[test]
fn a_run_leaves_every_artifact_the_report_and_a_manifest_that_names_them() {
    let project = Project::new();
    let run = Attempt::new(&project, "run").finish();
    let made = run.made();
    assert_eq!(made.len(), STAGES.len());

    let manifest: RunManifest = run.json("manifest.json");
    assert_eq!((manifest.name.as_str(), manifest.seed), ("parrots", 7));
    let ids: Vec<(String, String)> =
        STAGES.iter().map(|stage| ((*stage).to_owned(), made[*stage].1.id.clone())).collect();
    let found = manifest.stages.iter().map(|stage| (stage.name.clone(), stage.id.clone()));
    assert_eq!(found.collect::<Vec<_>>(), ids);
    let traces = project.path("traces.jsonl").display().to_string();
    assert_eq!(manifest.stages[0].files.keys().collect::<Vec<_>>(), [&traces]);
    assert!(manifest.stages.iter().all(|stage| !stage.is_reused && stage.seconds >= 0.0));
    assert_eq!(manifest.config_sha256.len(), 64);
    for (_, artifact) in made.values() {
        assert_eq!(artifact.id.len(), 64);
        for (stage, id) in &artifact.inputs {
            assert_eq!(*id, made[stage].1.id, "{} was made of {stage}", artifact.stage);
        }
        assert!(!artifact.files.is_empty(), "{} is empty", artifact.stage);
    }
    rows_are_accounted_for(&run);
    classes_follow_from_the_words(&run);
    examples_say_question_and_class(&run);
    answers_are_given_to_every_validation_question(&run);
    the_report_compares_two_models_with_three_baselines(&run);
    let resolved = run.folder.join("config.resolved.yaml");
    let again = PipelineConfig::read(&resolved, &[]).expect("what a run resolves to");
    assert_eq!(again, Attempt::new(&project, "run").config());
    // Checkpoints served to get to the models; nothing of them, or of what was staged, is left.
    for rest in ["training/sft", "training/grpo", "artifacts/.sft.part"] {
        assert!(!run.folder.join(rest).exists(), "{rest}");
    }
}

fn rows_are_accounted_for(run: &Finished) {
    let read = lines().len();
    let ingested: Ledger = run.json("artifacts/ingest/ledger.json");
    ingested.check().expect("sums that agree");
    assert_eq!((ingested.read(), ingested.dropped()), (read as u64, UNFINISHED as u64));
    let unfinished = &ingested.entries[0].dropped["unfinished"].rows;
    assert_eq!(*unfinished, (read as u64 - 4..=read as u64).collect::<Vec<_>>());

    let balanced: Ledger = run.json("artifacts/balance/ledger.json");
    balanced.check().expect("sums that agree");
    assert_eq!(balanced.read(), ingested.kept());
    let sides = BTreeMap::from([("train".into(), 64), ("validation".into(), 16)]);
    assert_eq!(balanced.entries[0].kept, sides);

    let converted: Ledger = run.json("artifacts/convert/ledger.json");
    converted.check().expect("sums that agree");
    assert_eq!((converted.read(), converted.dropped()), (balanced.kept(), 0));
    let [entry] = converted.entries.as_slice() else { panic!("one file was read") };
    assert_eq!((&entry.file, &entry.kept), (&balanced.entries[0].file, &sides));

    let predicted: Ledger = run.json("artifacts/predict/ledger.json");
    predicted.check().expect("sums that agree");
    assert_eq!((predicted.read(), predicted.kept()), (16, 16));
}

fn classes_follow_from_the_words(run: &Finished) {
    let lines = lines();
    let traces: Vec<Trace> = run.rows("ingest/traces.jsonl");
    assert_eq!(traces.len(), QUESTIONS_PER_CLASS * AMOUNTS.len() + ASKED_TWICE);
    assert!(traces.iter().all(|trace| trace.is_finished && trace.answer == "It is done."));
    let labels: Vec<LabelledQuestion> = run.rows("label/labelled.jsonl");
    for (label, line) in labels.iter().zip(&lines) {
        assert_eq!(label.question, line.question);
        assert_eq!(
            (label.amount as usize, label.class as usize),
            (line.thinking_tokens, line.class)
        );
    }
    let (train, validation) = (labelled(run, "train"), labelled(run, "validation"));
    for class in 0..4 {
        assert_eq!(train.iter().filter(|one| one.class == class).count(), 16, "class {class}");
    }
    let questions = |rows: &[LabelledQuestion]| -> BTreeSet<String> {
        rows.iter().map(|one| one.question.clone()).collect()
    };
    assert!(questions(&train).is_disjoint(&questions(&validation)));
    assert_eq!((train.len(), validation.len()), (64, 16));
}

fn examples_say_question_and_class(run: &Finished) {
    for split in ["train", "validation"] {
        let rows = labelled(run, split);
        let alpaca: Vec<Instruction> = run.json(&format!("artifacts/convert/{split}.alpaca.json"));
        let examples: Vec<PromptCompletion> = run.rows(&format!("convert/{split}.jsonl"));
        assert_eq!((alpaca.len(), examples.len()), (rows.len(), rows.len()));
        for ((row, alpaca), example) in rows.iter().zip(&alpaca).zip(&examples) {
            let instruction = "In which class does the thinking fall? Say its number.";
            assert_eq!(alpaca.instruction, instruction);
            assert_eq!((&alpaca.input, &alpaca.output), (&row.question, &row.class.to_string()));
            let prompt = format!("{instruction}\n{}", row.question);
            assert_eq!(example.prompt, prompt.as_str().into());
            assert_eq!(example.completion, alpaca.output);
        }
    }
    let info: Value = run.json("artifacts/convert/dataset_info.json");
    assert_eq!(info["think_train"]["file_name"], "train.alpaca.json");
}

fn answers_are_given_to_every_validation_question(run: &Finished) {
    let validation = labelled(run, "validation");
    for model in ["sft", "grpo"] {
        let predictions: Vec<Prediction> = run.rows(&format!("predict/{model}.jsonl"));
        assert_eq!(predictions.len(), validation.len());
        for (prediction, row) in predictions.iter().zip(&validation) {
            assert_eq!((&prediction.question, prediction.class), (&row.question, row.class));
            let has_digit = prediction.completion.contains(|one: char| one.is_ascii_digit());
            assert_eq!(prediction.predicted.is_some(), has_digit, "{:?}", prediction.completion);
        }
    }
}

fn the_report_compares_two_models_with_three_baselines(run: &Finished) {
    let report: Value = run.json("report.json");
    let names = |kind: &str| -> Vec<String> {
        let entries = report["entries"].as_array().expect("entries").iter();
        let of_kind = entries.filter(|entry| entry["kind"] == kind);
        of_kind.map(|entry| entry["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names("model"), ["after SFT", "after GRPO"]);
    assert_eq!(names("baseline").len(), 3);
    assert_eq!(
        run.bytes("report/report.json"),
        std::fs::read(run.folder.join("report.json")).expect("it is there")
    );

    let page = std::fs::read_to_string(run.folder.join("report.html")).expect("a page");
    assert_eq!(page, render_report(&run.folder).expect("a finished run"));
    assert!(page.contains("<svg") && page.contains("after GRPO") && page.contains("parrots"));
    assert!(!page.contains("<script src") && !page.contains("<link"), "the page is self-contained");
    let table = report_table(&run.folder).expect("a finished run");
    assert!(
        names("model").iter().chain(&names("baseline")).all(|name| table.contains(name)),
        "{table}"
    );
    let entries: Value =
        serde_json::from_str(&report_json(&run.folder).expect("a finished run")).expect("JSON");
    assert_eq!(entries, report["entries"]);
}

#[test]
fn sft_learns_what_the_questions_say() {
    let project = Project::new();
    let run = Attempt::new(&project, "run")
        .set("sft.num_train_epochs=15")
        .set("sft.training.learning_rate=1e-2")
        .set("sft.training.max_steps=110")
        .finish();
    let report: Value = run.json("report.json");
    let models = report["entries"].as_array().expect("entries").iter();
    for model in models.filter(|entry| entry["kind"] == "model") {
        let strict = model["metrics"]["strict"]["value"].as_f64().expect("a share");
        assert!(strict > 0.9, "{} is right in {strict}", model["name"]);
    }
    let history: Vec<Value> = run.rows("sft/history.jsonl");
    let loss = |step: usize| history[step]["loss"].as_f64().expect("a loss");
    assert!(loss(109) < 0.1 * loss(0), "{} after {}", loss(109), loss(0));
}

#[test]
fn grpo_raises_the_rewards_of_a_model_that_knows_little() {
    let project = Project::new();
    let run = Attempt::new(&project, "run")
        .set("sft.training.learning_rate=1e-2")
        .set("sft.training.max_steps=20")
        .set("grpo.prompts_per_step=8")
        .set("grpo.num_generations=8")
        .set("grpo.sampling={temperature: 0.9, max_new_tokens: 3}")
        .set("grpo.num_train_epochs=4")
        .set("grpo.training={learning_rate: 3.0e-3, max_grad_norm: 0.1, max_steps: 30}")
        .until("grpo")
        .finish();
    let history: Vec<Value> = run.rows("grpo/history.jsonl");
    let rewards = |steps: std::ops::Range<usize>| -> f64 {
        let steps = history[steps].iter().map(|step| step["reward"].as_f64().expect("a mean"));
        steps.sum::<f64>() / 10.0
    };
    let (first, last) = (rewards(0..10), rewards(20..30));
    assert!(last > first + 0.75, "{first} became {last}");
    // The engine that samples and the one that trains agree on what was sampled.
    for step in &history {
        let difference = step["sampling/sampling_logp_difference/max"].as_f64().expect("a number");
        assert!(difference < 1e-3, "{difference}");
    }
}

#[test]
fn the_policy_is_its_reference_at_the_first_step_and_leaves_it_then() {
    let project = Project::new();
    let run = Attempt::new(&project, "run")
        .set("sft.training.learning_rate=1e-2")
        .set("sft.training.max_steps=20")
        .set("grpo.loss.beta=0.01")
        .set("grpo.sampling={temperature: 0.8, max_new_tokens: 3}")
        .set("grpo.training={learning_rate: 1.0e-2, max_steps: 4}")
        .until("grpo")
        .finish();
    let history: Vec<Value> = run.rows("grpo/history.jsonl");
    let divergence = |step: usize| history[step]["kl"].as_f64().expect("a number");
    assert!(divergence(0).abs() < 1e-6, "{}", divergence(0));
    assert!(divergence(3) > 1e-4, "{}", divergence(3));
}
