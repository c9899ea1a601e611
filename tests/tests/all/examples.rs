//! Files of a user's own, learnt from.

use forethought_pipeline::Outcome;
use forethought_schema::{Example, RecordKind};
use forethought_tests::Project;
use serde_json::{Value, json};

use crate::attempt::{Attempt, Finished};

/// A pipeline that learns from files alone; the traces make the tokenizer.
fn project(examples: &str, stages: &str) -> Project {
    let project = Project::new();
    let folder = project.path("").display().to_string();
    let text = format!(
        "name: own\nseed: 7\nstages:\n  - ingest: {{sources: [{{path: '{folder}/traces.jsonl'}}]}}\n  - model:\n      \
         scratch: {{architecture: '{folder}/architecture.yaml', tokenizer: {{train: {{vocab_size: 400}}}}}}\n  \
         - examples: {{files: {{sources: [{{path: '{folder}/{examples}'}}]}}}}\n{stages}"
    );
    project.write("pipeline.yaml", text);
    project
}

fn write(project: &Project, name: &str, rows: impl IntoIterator<Item = Value>) {
    let lines: Vec<String> = rows.into_iter().map(|row| row.to_string()).collect();
    project.write(name, lines.join("\n"));
}

fn losses(run: &Finished, stage: &str) -> Vec<f64> {
    let history: Vec<Value> = run.rows(&format!("{stage}/history.jsonl"));
    history.iter().filter_map(|step| step["loss"].as_f64()).collect()
}

const SFT: &str = "  - sft: {num_train_epochs: 20, per_device_train_batch_size: 8, training: {learning_rate: 1.0e-2, max_steps: 30}}\n";

#[test]
fn conversations_teach_every_answer_and_nothing_else() {
    let project = project("chats.jsonl", SFT);
    let turn = |role: &str, content: &str| json!({"role": role, "content": content});
    write(&project, "chats.jsonl", (0..40).map(|index| {
        json!({"messages": [
            turn("user", &format!("Parrot {index} ticks often.")), turn("assistant", "tick tick"),
            turn("user", "Again."), turn("assistant", "tick"),
        ]})
    }));
    let run = Attempt::new(&project, "run").finish();
    let train: Vec<Example> = run.rows("examples/train.jsonl");
    let validation: Vec<Example> = run.rows("examples/validation.jsonl");
    assert_eq!(train.len() + validation.len(), 40);
    assert!(train.iter().all(|one| one.record.kind() == RecordKind::Messages));
    let losses = losses(&run, "sft");
    // The answers are always the same, so they can be learnt by heart; the questions could not.
    assert!(losses[losses.len() - 1] < 0.1 && losses[0] > 1.0, "{losses:?}");
}

#[test]
fn texts_and_pairs_of_prompt_and_completion_are_learnt_from_as_well() {
    let texts: Vec<Value> = (0..30).map(|_| json!({"text": "tick tick tick"})).collect();
    let completed = (0..30).map(|index| {
        json!({"instruction": format!("Parrot {index}"), "input": "ticks often.", "output": "tick"})
    });
    let completed: Vec<Value> = completed.collect();
    for (name, rows) in [("texts.jsonl", texts), ("alpaca.jsonl", completed)] {
        let project = project(name, SFT);
        write(&project, name, rows);
        let run = Attempt::new(&project, "run").finish();
        let losses = losses(&run, "sft");
        assert!(losses[losses.len() - 1] < 0.2 * losses[0], "{name}: {losses:?}");
    }
}

#[test]
fn labelled_completions_go_to_kto_without_pairs() {
    let kto = "  - kto: {num_train_epochs: 9, per_device_train_batch_size: 8, training: {learning_rate: 3.0e-3, max_steps: 60}}\n";
    let project = project("kto.jsonl", kto);
    write(&project, "kto.jsonl", (0..60).map(|index| {
        let label = index % 2 == 0;
        let completion = if label { "tick" } else { "always" };
        json!({"prompt": format!("Parrot {index} ticks."), "completion": completion, "label": label})
    }));
    let run = Attempt::new(&project, "run").finish();
    let history: Vec<Value> = run.rows("kto/history.jsonl");
    let margins: Vec<f64> =
        history.iter().filter_map(|step| step["rewards/margins"].as_f64()).collect();
    let last = &margins[margins.len() - 8..];
    assert!(last.iter().sum::<f64>() / 8.0 > 0.2, "{margins:?}");
}

#[test]
fn what_a_method_cannot_learn_from_is_said() {
    let of = |name: &str, stages: &str, row: Value| {
        let project = project(name, stages);
        write(
            &project,
            name,
            (0..20).map(|index| {
                let mut row = row.clone();
                row["id"] = json!(index);
                row
            }),
        );
        match Attempt::new(&project, "run").run() {
            Err(error) => error.to_string(),
            Ok(outcome) => panic!("{name}: {outcome:?}, {}", outcome == Outcome::Finished),
        }
    };
    let prompt = of("prompts.jsonl", SFT, json!({"prompt": "Parrots tick."}));
    assert!(prompt.ends_with("example 1: a prompt is nothing to imitate"), "{prompt}");
    let pair = json!({"question": "q", "chosen": "a", "rejectd": "b"});
    let slip = of("slip.jsonl", SFT, pair);
    assert!(
        slip.contains("slip.jsonl: no shape fits the columns")
            && slip.contains("did you mean `rejectd`?"),
        "{slip}"
    );
}
