//! Judges rows `{"gold", "answer"}` of a JSONL file and prints each with its verdict and time; totals go to the end.
//!
//! `cargo run --release -p forethought-verify --example verify_lines -- pairs.jsonl > verdicts.jsonl`

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::time::Instant;

use forethought_verify::{Comparison, Limits, Rules, equivalent_by, extract};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a JSONL file")?;
    let limits = Limits::default();
    let mut times = Vec::new();
    for line in std::fs::read_to_string(path)?.lines().filter(|line| !line.is_empty()) {
        let mut row: Value = serde_json::from_str(line)?;
        let rules = |name: &str| -> Result<Rules, serde_json::Error> {
            row.get(name)
                .map_or(Ok(Rules::default()), |rules| serde_json::from_value(rules.clone()))
        };
        let comparison = row
            .get("comparison")
            .map_or(Ok(Comparison::default()), |it| serde_json::from_value(it.clone()))?;
        let (gold_rules, answer_rules) = (rules("gold_rules")?, rules("answer_rules")?);
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let (gold, answer) = (text("gold"), text("answer"));
        let start = Instant::now();
        let x = extract(&gold, &gold_rules, &limits);
        let y = extract(&answer, &answer_rules, &limits);
        let judgement = equivalent_by(&x, &y, comparison, &limits);
        let took = start.elapsed();
        times.push(took);
        row["verdict"] = json!(judgement.verdict.name());
        row["rule"] = json!(judgement.rule.name());
        row["gold_parsed"] = json!(judgement.gold_parsed);
        row["answer_parsed"] = json!(judgement.answer_parsed);
        row["microseconds"] = json!(took.as_secs_f64() * 1e6);
        println!("{row}");
    }
    times.sort();
    if let Some(longest) = times.last() {
        let at = |share: usize| times[(times.len() * share / 1000).min(times.len() - 1)];
        eprintln!(
            "{} pairs: median {:?}, p99 {:?}, longest {longest:?}",
            times.len(),
            at(500),
            at(990)
        );
    }
    Ok(())
}
