//! Problems into policies that solve them: what is kept, what is asked, and what the numbers say of the answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use forethought_dataset::Ledger;
use forethought_evaluate::{Report, Solving};
use forethought_schema::{Prompt, PromptCompletion, Role};
use forethought_tests::Project;
use serde_json::Value;

use crate::attempt::{Attempt, Finished};

/// Sums, and rows of which each cannot be used for another reason.
fn problems() -> String {
    let mut rows = String::new();
    for number in 0..60 {
        let (left, right) = (number % 10, number / 10);
        let _ = writeln!(
            rows,
            r#"{{"question": "What is {left} + {right}?", "answer": "{left} + {right} = {sum}\n#### {sum}", "messages": []}}"#,
            sum = left + right
        );
    }
    for row in [
        r#"{"question": "What is 1 + 1?", "answer": "2\n#### 2", "messages": []}"#,
        r#"{"question": "Half of 3?", "answer": "3 / 2\n#### 3/2", "messages": []}"#,
        r#"{"question": "Who?", "answer": "Nobody.\n####", "messages": []}"#,
        r#"{"question": "What?", "answer": "?!\n#### ?!", "messages": []}"#,
    ] {
        let _ = writeln!(rows, "{row}");
    }
    rows
}

const PIPELINE: &str = "\
name: sums
seed: 5
stages:
  - ingest:
      records: problems
      sources: [{path: 'FOLDER/problems.jsonl'}]
  - problems:
      system_prompt: 'FOLDER/system.txt'
      answers: integers
      validation_ratio: 0.2
      max_train: 32
  - model:
      scratch:
        architecture: 'FOLDER/architecture.yaml'
        tokenizer: {train: {vocab_size: 330}}
  - sft:
      num_train_epochs: 30
      training: {learning_rate: 1.0e-2, max_steps: 40}
  - grpo:
      prompts_per_step: 4
      prompts_per_micro_batch: 4
      num_generations: 4
      log_completions_steps: 1
      sampling: {max_new_tokens: 60}
      rewards:
        - accuracy: {semantics: verify, solution: answer}
        - {format: , weight: 0.5}
      loss: {beta: 0.04}
      training: {learning_rate: 1.0e-3, max_steps: 2}
  - solve:
      num_samples: 4
      pass_at: [1, 4]
      sampling: {max_new_tokens: 60}
  - report: {}
";

fn project() -> Project {
    let project = Project::new();
    let folder = project.path("").display().to_string();
    project.write("problems.jsonl", problems());
    project.write("system.txt", "Think, then answer.\n");
    project.write("pipeline.yaml", PIPELINE.replace("FOLDER/", &folder));
    project
}

#[test]
fn problems_become_policies_that_are_measured_before_and_after() {
    let project = project();
    let run = Attempt::new(&project, "run").finish();
    every_row_is_accounted_for(&run);
    the_sides_share_no_problem_and_ask_as_told(&run);
    for policy in ["base", "sft", "grpo"] {
        the_numbers_are_those_of_the_answers(&run, policy);
    }
    the_report_compares_each_policy_with_its_start(&run);
}

fn every_row_is_accounted_for(run: &Finished) {
    let ingested: Ledger = run.json("artifacts/ingest/ledger.json");
    assert_eq!(
        ingested.entries[0].about,
        "gsm8k (question, answer), recognised; not read: messages"
    );
    assert_eq!((ingested.read(), ingested.kept()), (64, 64));
    assert_eq!(ingested.entries[0].notes["no_answer"].rows, [63]);
    let kept: Ledger = run.json("artifacts/problems/ledger.json");
    kept.check().expect("sums that agree");
    let dropped = kept.dropped_by_reason();
    let held_out = kept.entries[0].kept["validation"];
    let expected = [
        ("asked_before", 1),
        ("beyond_max_train", 60 - 32 - held_out),
        ("no_answer", 1),
        ("no_integer", 1),
        ("unreadable_answer", 1),
    ];
    assert_eq!(dropped, BTreeMap::from(expected));
    assert_eq!(kept.entries[0].kept["train"], 32);
}

fn the_sides_share_no_problem_and_ask_as_told(run: &Finished) {
    let mut asked = BTreeSet::new();
    for split in ["train", "validation"] {
        let examples: Vec<PromptCompletion> = run.rows(&format!("problems/{split}.jsonl"));
        let columns: Vec<Value> = run.rows(&format!("problems/{split}.columns.jsonl"));
        assert_eq!(examples.len(), columns.len());
        for (example, columns) in examples.iter().zip(&columns) {
            let Prompt::Messages(turns) = &example.prompt else { panic!("a conversation") };
            assert_eq!(
                (turns[0].role, turns[0].content.as_str()),
                (Role::System, "Think, then answer.")
            );
            assert_eq!(columns["problem"], turns[1].content.as_str());
            assert!(
                asked.insert(turns[1].content.clone()),
                "{} is on both sides",
                turns[1].content
            );
            let answer = columns["answer"].as_str().expect("an answer");
            let steps = columns["solution"].as_str().expect("a solution").split('\n').next();
            let expected = format!(
                "<think>\n{}\n</think>\n<answer>\n{answer}\n</answer>",
                steps.expect("a line")
            );
            assert_eq!(example.completion, expected);
        }
    }
}

fn policies(run: &Finished) -> Vec<Solving> {
    run.json("artifacts/solve/solved.json")
}

fn the_numbers_are_those_of_the_answers(run: &Finished, policy: &str) {
    let attempts: Vec<Value> = run.rows(&format!("solve/{policy}.jsonl"));
    let num_problems = run.rows::<Value>("problems/validation.jsonl").len();
    assert_eq!(attempts.len(), 4 * num_problems);
    let share = |claim: &dyn Fn(&Value) -> bool| {
        attempts.iter().filter(|one| claim(one)).count() as f64 / attempts.len() as f64
    };
    let place = ["base", "sft", "grpo"].iter().position(|one| *one == policy).expect("a policy");
    let solving = &policies(run)[place];
    assert_eq!((solving.num_problems, solving.num_samples), (num_problems, 4));
    let close = |found: f64, expected: f64| {
        assert!((found - expected).abs() < 1e-12, "{policy}: {found} is not {expected}");
    };
    close(solving.accuracy.mean, share(&|one| one["is_right"] == true));
    close(solving.finished.mean, share(&|one| one["is_finished"] == true));
    close(solving.rewards[1].mean.mean, share(&|one| one["rewards"][1][1] == 1.0));
    close(solving.pass_at[0].chance.mean, solving.accuracy.mean);
    let any_right =
        attempts.chunks(4).filter(|four| four.iter().any(|one| one["is_right"] == true));
    close(solving.pass_at[1].chance.mean, any_right.count() as f64 / num_problems as f64);
    for one in &attempts {
        let is_right = one["rewards"][0][1] == 1.0;
        assert_eq!(one["is_right"], is_right, "{one}");
    }
}

fn the_report_compares_each_policy_with_its_start(run: &Finished) {
    let report: Report = run.json("report.json");
    let solved = report.solved.as_ref().expect("a section");
    let names: Vec<&str> = solved.policies.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["before training", "after SFT", "after GRPO"]);
    let from = |index: usize| solved.policies[index].change.as_ref().map(|one| one.from.as_str());
    assert_eq!([from(0), from(1), from(2)], [None, Some("before training"), Some("after SFT")]);
    // Forty steps of fine-tuning teach the form to some of the answers at the least.
    let format = |index: usize| solved.policies[index].rewards[1].mean.mean;
    assert!(format(1) > 0.1 && format(0) == 0.0, "{} after {}", format(1), format(0));
    assert!(!solved.samples.is_empty());
    assert!(report.headline().contains("test problems"), "{}", report.headline());
    let page = std::fs::read_to_string(run.folder.join("report.html")).expect("a page");
    assert!(page.contains("Problems solved") && page.contains("after GRPO"));
    assert!(run.folder.join("completions/grpo-000002.parquet").is_file());
}

#[test]
fn a_column_that_rewards_need_and_a_reward_that_is_not_there_are_named() {
    let project = project();
    let rewards = "grpo.rewards=[{accuracy: {semantics: verify, solution: gold}}]";
    let error = Attempt::new(&project, "run").set(rewards).set("sft.training.max_steps=1").error();
    assert!(error.contains("grpo") && error.contains("`gold`"), "{error}");
    assert!(error.contains("answer") && error.contains("problem"), "{error}");
    let error =
        Attempt::new(&project, "run").set("solve.correct=acuracy").set("solve.rewards=[format]");
    let error = error.error();
    assert!(error.contains("stages.5.solve.correct"), "{error}");
    assert!(
        error.contains("no reward `acuracy`") && error.contains("there are: format"),
        "{error}"
    );
}

#[test]
fn a_split_without_problems_says_where_they_went() {
    let project = project();
    project.write("problems.jsonl", r#"{"problem": "What?", "answer": "?!"}"#);
    let error = Attempt::new(&project, "run").until("problems").error();
    assert!(error.contains("no problem is left for train"), "{error}");
    assert!(error.contains("dropped unreadable_answer  1  row 1"), "{error}");
}
