//! Writes a report of invented numbers to standard output, to look at: no model stands behind it.
//!
//! ```text
//! cargo run -p forethought-evaluate --example report > report.html
//! cargo run -p forethought-evaluate --example report table
//! ```

use std::error::Error;
use std::io::Write;

use forethought_evaluate::{
    Chart, ClassCount, Dropped, Entry, Fact, LedgerStage, LogProbDifference, Outcome, Report,
    Sample, Series, StageDuration, Target, choose_samples, html, table,
};
use forethought_seed::Seed;
use rand::RngExt;

const WIDTH: u32 = 25;
const CLASSES: u32 = 36;
const QUESTIONS: u64 = 2250;
const CONFIGURATION: &str = "\
name: think
seed: 42
label:
  width: 25
sft:
  epochs: 3
  learning_rate: 1.0e-3
grpo:
  num_generations: 8
  max_completion_length: 20
";

fn main() -> Result<(), Box<dyn Error>> {
    let report = example(Seed::new(42));
    let text = match std::env::args().nth(1).as_deref() {
        None | Some("html") => html(&report)?,
        Some("json") => serde_json::to_string_pretty(&report)?,
        Some("table") => table(&report),
        Some(other) => return Err(format!("expected html, json or table, got {other}").into()),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn example(seed: Seed) -> Report {
    let sft = outcomes(seed, "sft", 1.6, 0.012);
    let grpo = outcomes(seed, "grpo", 1.25, 0.002);
    let mut report = Report::new(
        "How long will it think? (an example with invented numbers)",
        Target::thinking_tokens(WIDTH),
    );
    report.entries = vec![
        Entry::baseline("most frequent class", &constant(&sft, 4), WIDTH),
        Entry::baseline("linear regression on length", &outcomes(seed, "length", 8.0, 0.0), WIDTH),
        Entry::baseline("nearest neighbours", &outcomes(seed, "neighbours", 3.2, 0.0), WIDTH),
        Entry::model("after SFT", &sft, WIDTH),
        Entry::model("after GRPO", &grpo, WIDTH),
    ];
    report.data = (0..CLASSES).map(|class| count(class, &sft)).collect();
    report.ledger = ledger();
    report.charts = charts(seed);
    report.samples = samples(&grpo);
    report.configuration.push_str(CONFIGURATION);
    report.facts.seed = Some(42);
    report.facts.lines = vec![fact("version", "0.0.0 (example)"), fact("parameters", "3,214,592")];
    report.facts.stages = [("ingest", 1.8), ("sft", 192.4), ("grpo", 141.0), ("predict", 12.6)]
        .into_iter()
        .enumerate()
        .map(|(i, (stage, seconds))| StageDuration {
            stage: stage.to_owned(),
            seconds,
            is_reused: i == 0,
        })
        .collect();
    report.facts.log_prob_difference = Some(LogProbDifference { mean: 3.1e-7, max: 8.6e-6 });
    report
}

fn fact(name: &str, value: &str) -> Fact {
    Fact { name: name.to_owned(), value: value.to_owned() }
}

/// Predictions that miss by roughly `spread` classes.
fn outcomes(seed: Seed, name: &str, spread: f64, unparseable: f64) -> Vec<Outcome> {
    let outcome = |row| {
        let mut truth = seed.stream("truth", &[row]);
        let class = truth.random_range(0..CLASSES);
        let amount = class * WIDTH + truth.random_range(0..WIDTH);
        let mut random = seed.stream(name, &[row]);
        let noise = (0..4).map(|_| random.random::<f64>() - 0.5).sum::<f64>() * spread;
        let predicted = (f64::from(class) + noise * (0.4 + f64::from(class) / 20.0)).round();
        let is_parseable = random.random::<f64>() >= unparseable;
        Outcome { class, amount, predicted: is_parseable.then_some(predicted.max(0.0)) }
    };
    (0..QUESTIONS).map(outcome).collect()
}

fn constant(like: &[Outcome], class: u32) -> Vec<Outcome> {
    like.iter().map(|row| Outcome { predicted: Some(f64::from(class)), ..*row }).collect()
}

fn count(class: u32, validation: &[Outcome]) -> ClassCount {
    let validation = validation.iter().filter(|row| row.class == class).count();
    ClassCount { class, train: 250, validation }
}

fn ledger() -> Vec<LedgerStage> {
    let dropped = |reason: &str, count| Dropped { reason: reason.to_owned(), count };
    vec![
        LedgerStage {
            stage: "ingest".to_owned(),
            read: 12_480,
            kept: 12_031,
            dropped: vec![dropped("unfinished thinking", 437), dropped("broken JSON", 12)],
        },
        LedgerStage {
            stage: "balance".to_owned(),
            read: 12_031,
            kept: 11_250,
            dropped: vec![dropped("class has fewer than 312 questions", 781)],
        },
    ]
}

fn charts(seed: Seed) -> Vec<Chart> {
    let curve = |name: &str, steps: u32, [from, to]: [f64; 2], noise: f64| {
        let value = |step: u32| {
            let progress = 1.0 - (-4.0 * f64::from(step) / f64::from(steps)).exp();
            let jitter = seed.stream(name, &[step.into()]).random::<f64>() - 0.5;
            (u64::from(step), from + (to - from) * progress + noise * jitter)
        };
        let every = if name == "validation" { 50 } else { 1 };
        Series::new(name, (every..=steps).step_by(every as usize).map(value))
    };
    let chart = |title: &str, y_label: &str, series| Chart {
        title: title.to_owned(),
        y_label: y_label.to_owned(),
        series,
    };
    vec![
        chart(
            "SFT: loss",
            "nats per answer token",
            vec![
                curve("training", 800, [4.2, 0.9], 0.3),
                curve("validation", 800, [3.1, 1.0], 0.02),
            ],
        ),
        chart("GRPO: mean reward", "reward", vec![curve("reward", 120, [4.6, 6.4], 1.2)]),
        chart(
            "GRPO: KL to the SFT model",
            "nats per token",
            vec![curve("kl", 120, [0.0, 0.04], 0.006)],
        ),
        chart("GRPO: entropy", "nats per token", vec![curve("entropy", 120, [1.3, 0.8], 0.1)]),
    ]
}

fn samples(outcomes: &[Outcome]) -> Vec<Sample> {
    let questions = [
        "A shop sells pens at 3 for 2 euros. How much do 21 pens cost?",
        "一个水池有两个进水管，单独开甲管需要 6 小时注满，单独开乙管需要 9 小时注满。两管同时开，几小时注满？",
        "Is it true that a < b && b > c implies a < c? Give a counterexample.",
        "What is the greatest common divisor of 1071 and 462?",
    ];
    let sample = |(outcome, question): (&Outcome, &str)| Sample {
        question: question.to_owned(),
        completion: outcome.predicted.map_or("I think".to_owned(), |class| class.to_string()),
        outcome: *outcome,
    };
    let rows: Vec<Sample> =
        outcomes.iter().zip(questions.into_iter().cycle()).map(sample).collect();
    choose_samples(&rows, 3)
}
