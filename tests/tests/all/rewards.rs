//! Rewards from outside the program in an online stage: how much may stay unjudged, and the scores of a reward model.

use forethought_dataset::{Format, read_objects};
use forethought_model::{load_score_model, pack};
use forethought_pipeline::{FirstContact, parse_device};
use forethought_tests::Project;
use forethought_tokenize::Encoder;
use serde_json::Value;

use crate::attempt::Finished;
use crate::methods::{attempt, project};

/// Cannot judge every fourth completion it is sent, and gives the others a half.
const EVERY_FOURTH: &str = r#"n=0; while IFS= read -r line; do id=${line#*:}; id=${id%%,*}; n=$((n+1)); if [ $((n%4)) -eq 0 ]; then score='null, "reason": "no key for it"'; else score=0.5; fi; echo "{\"id\": $id, \"score\": $score}"; done"#;

/// The project of GRPO with other rewards, and how many answers of a sampling they may leave unjudged.
fn with_rewards(rewards: &str, max_unjudged_share: &str) -> Project {
    let project = project("grpo", 2);
    let text = project.pipeline_with(
        "rewards: [{tiered: 12/6/3}], loss: {num_iterations: 2, beta: 0.01}",
        &format!(
            "rewards: {rewards}, max_unjudged_share: {max_unjudged_share}, log_completions_steps: 1"
        ),
    );
    project.write("pipeline.yaml", text);
    project
}

/// The logged answers of a step of GRPO.
fn completions(folder: &std::path::Path, step: u64) -> Vec<Value> {
    let path = folder.join(format!("completions/grpo-{step:06}.parquet"));
    let rows = read_objects(&FirstContact::Here, &path, Format::Parquet).expect("it was written");
    rows.into_iter().map(|row| row.value.expect("a row")).collect()
}

#[test]
fn a_run_stops_where_a_reward_leaves_more_unjudged_than_it_may() {
    let command = serde_json::to_string(&["sh", "-c", EVERY_FOURTH]).expect("JSON");
    let rewards = format!("[{{process: {{command: {command}}}}}]");
    let project = with_rewards(&rewards, "0.2");
    let error = attempt(&project, "strict", "grpo").error();
    let told = "the reward process could not judge 16 of 64 completions, more than the share of 0.2 that \
                max_unjudged_share allows; the first because no key for it; the answers are in ";
    assert!(error.contains(told), "{error}");
    assert!(error.contains("grpo") && error.contains("grpo-000001.parquet"), "{error}");
    let answers = completions(&project.path("strict"), 1);
    let unjudged = answers.iter().filter(|one| one["reward"].is_null()).count();
    assert_eq!((answers.len(), unjudged), (64, 16));
    assert!(answers[3]["reason"].as_str().is_some_and(|reason| reason.contains("no key for it")));

    let project = with_rewards(&rewards, "0.25");
    let run = attempt(&project, "lenient", "grpo").finish();
    let history: Vec<Value> = run.rows("grpo/history.jsonl");
    assert_eq!(history.len(), 2);
    for step in &history {
        assert_eq!(step["rewards/process/unjudged"], 0.25, "{step}");
        // What cannot be judged is left out of the mean, and is not 0.
        assert_eq!(step["rewards/process/mean"], 0.5, "{step}");
    }
    let advantages = completions(&run.folder, 2);
    let known = advantages.iter().filter(|one| !one["advantage"].is_null());
    assert!(known.into_iter().all(|one| one["advantage"].as_f64().is_some_and(f64::is_finite)));
}

#[test]
fn a_run_whose_reward_fails_keeps_its_steps_and_goes_on_where_more_may_stay_unjudged() {
    // As the other, but the answers of the first sampling are all judged.
    let later = EVERY_FOURTH.replace("$((n%4)) -eq 0 ]", "$((n%4)) -eq 0 ] && [ $n -gt 64 ]");
    let command = serde_json::to_string(&["sh", "-c", &later]).expect("JSON");
    let project = with_rewards(&format!("[{{process: {{command: {command}}}}}]"), "0.2");
    let attempt = || attempt(&project, "run", "grpo").set("grpo.training.save_steps=500");
    let error = attempt().error();
    assert!(error.contains("step 2: the reward process could not judge 16 of 64"), "{error}");
    let log = std::fs::read_to_string(project.path("run/training/grpo/metrics.jsonl"));
    let log = log.expect("a log");
    assert_eq!(log.lines().count(), 1);

    let run = attempt().set("grpo.max_unjudged_share=0.3").resumed().finish();
    let history = String::from_utf8(run.bytes("grpo/history.jsonl")).expect("UTF-8");
    assert!(history.starts_with(&log), "the first step was not done again");
    assert_eq!(history.lines().count(), 2);
}

#[test]
fn a_column_that_a_reward_needs_is_named_with_the_stage_and_the_columns_there_are() {
    let error = attempt(&with_rewards("[accuracy]", "1.0"), "run", "grpo").error();
    let told = "the reward accuracy needs the column `solution`; there are `";
    assert!(error.contains(told) && error.contains("grpo"), "{error}");
}

#[test]
fn a_folder_with_a_reward_model_scores_what_grpo_samples() {
    let preferring = project("reward", 6);
    let folder = attempt(&preferring, "run", "reward").finish().artifact("reward/model");
    let rewards = format!("[{{name: liked, model: {{folder: '{}'}}}}]", folder.display());
    let asking = with_rewards(&rewards, "0.0");
    let run = attempt(&asking, "run", "grpo").finish();
    let device = parse_device("cpu").expect("there is one");
    let model = load_score_model(&folder, &device).expect("it loads");
    let encoder = Encoder::open(&folder).expect("it opens");
    scores_are_those_of_the_model(&run, |text| {
        let ids = encoder.encode(text).expect("it encodes");
        let scores = model.score_sequences(&pack(&[ids.as_slice()]), None); // [sequence]
        scores.into_data().iter::<f32>().next().map_or(f64::NAN, f64::from)
    });
}

fn scores_are_those_of_the_model(run: &Finished, score: impl Fn(&str) -> f64) {
    let columns: Vec<Value> = run.rows("convert/train.columns.jsonl");
    let answers = completions(&run.folder, 1);
    let mut distinct = std::collections::BTreeSet::new();
    for answer in &answers {
        // The column holds the question alone; the prompt asks it with an instruction.
        let asked = answer["prompt"].as_str().expect("a prompt");
        let question = columns.iter().filter_map(|one| one["prompt"].as_str());
        let question = question.into_iter().find(|one| asked.contains(*one)).expect("a question");
        let text = format!("{question}{}", answer["completion"].as_str().expect("a completion"));
        let found = answer["rewards/liked"].as_f64().expect("a score");
        assert!((found - score(&text)).abs() < 1e-5, "{found} for {text:?}");
        assert_eq!(answer["reward"], answer["rewards/liked"]);
        distinct.insert(found.to_bits());
    }
    assert!(distinct.len() > 4, "{distinct:?}");
    let history: Vec<Value> = run.rows("grpo/history.jsonl");
    let scores = answers.iter().filter_map(|one| one["rewards/liked"].as_f64());
    let mean = scores.sum::<f64>() / answers.len() as f64;
    let logged = history[0]["rewards/liked/mean"].as_f64().expect("a mean");
    assert!((mean - logged).abs() < 1e-6, "{mean} and {logged}");
}
