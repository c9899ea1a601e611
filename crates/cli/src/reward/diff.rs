//! `forethought reward diff`: the rows that are scored differently.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use forethought_pipeline::Console;
use forethought_reward::mean_and_std;
use serde_json::{Map, Value, json};

use super::set_file::SetConfig;
use super::summary::shown;
use crate::commands::{Failure, print};
use crate::rows::{Row, RowError, RowFiles, RowWork};

/// Shows the rows that two files of scores, or two sets of functions, score differently.
///
/// Files of scores come from `forethought reward`, with the same rows in the same order. Sets of functions are YAML files, and
/// score the rows of --input. A differing row is printed as one line of JSON: its number, its completion, and under each
/// function that differs both scores with verdict and reason.
#[derive(Clone, Debug, Args)]
pub(crate) struct Diff {
    /// The one: scored rows, or a YAML file of functions
    #[arg(value_name = "A")]
    first: PathBuf,
    /// The other: of the same kind
    #[arg(value_name = "B")]
    second: PathBuf,
    /// The rows that two sets of functions score
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The column whose equal values make a group
    #[arg(long, value_name = "COLUMN", default_value = "prompt")]
    group: String,
    /// The largest difference of two scores that is none
    #[arg(long, value_name = "NUMBER", default_value_t = 1e-9, allow_negative_numbers = true)]
    tolerance: f64,
    /// Where reward models are computed: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
}

/// The scores of a row.
struct Scored {
    number: usize,
    completion: String,
    rewards: Map<String, Value>,
}

pub(super) fn run(arguments: &Diff) -> Result<ExitCode, Failure> {
    let tolerance = arguments.tolerance;
    if !(tolerance.is_finite() && tolerance >= 0.0) {
        let message = format!("--tolerance must be finite and 0 or more, got {tolerance}");
        return Err(Failure::Usage(message));
    }
    let [first, second] = [&arguments.first, &arguments.second].map(|path| scored(path, arguments));
    let (first, second) = (first?, second?);
    check(arguments, &first, &second)?;
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for (a, b) in first.iter().zip(&second) {
        let differing = differences(a, b, arguments.tolerance, &mut counts);
        if !differing.is_empty() {
            let row = json!({"row": a.number, "completion": a.completion, "rewards": differing});
            print(&row.to_string())?;
        }
    }
    for (name, count) in &counts {
        Console::Stderr.line(count.line(name, first.len()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The scores of a file, or those that a set of functions gives.
fn scored(path: &Path, arguments: &Diff) -> Result<Vec<Scored>, Failure> {
    let is_set = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
    match (is_set, &arguments.input) {
        (true, Some(input)) => {
            let set = SetConfig::read(path)?.open(&arguments.device)?;
            let items = super::score_file(&set, input, &arguments.group)?;
            let of = |(index, item): (usize, &crate::rows::Item<super::Completion>)| {
                let rewards = item.row.fields().get("rewards").and_then(Value::as_object);
                Scored {
                    number: index + 1,
                    completion: item.value.text().to_owned(),
                    rewards: rewards.cloned().unwrap_or_default(),
                }
            };
            Ok(items.iter().enumerate().map(of).collect())
        }
        (true, None) => Err(Failure::Usage(format!(
            "{} is a set of functions: --input names the rows that it scores",
            path.display()
        ))),
        (false, _) => {
            let files = RowFiles::reading(path);
            let items = RowWork::check(&files, &of_row)?.read()?;
            let numbered = |(index, item): (usize, crate::rows::Item<Scored>)| Scored {
                number: index + 1,
                ..item.value
            };
            Ok(items.into_iter().enumerate().map(numbered).collect())
        }
    }
}

fn of_row(row: &Row) -> Result<Scored, RowError> {
    let rewards = row.value("rewards");
    let rewards = rewards.and_then(Value::as_object).cloned();
    let expected = "the scores that `forethought reward` writes";
    let rewards = rewards.ok_or_else(|| row.expected("rewards", expected, row.value("rewards")))?;
    let completion = row.value("completion");
    let completion = completion.map_or_else(String::new, |value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    Ok(Scored { number: 0, completion, rewards })
}

/// Refuses files that are not about the same rows and functions.
fn check(arguments: &Diff, first: &[Scored], second: &[Scored]) -> Result<(), Failure> {
    let [a, b] = [&arguments.first, &arguments.second].map(|path| path.display());
    if first.len() != second.len() {
        let (found, other) = (first.len(), second.len());
        return Err(Failure::Disagreement(format!("{a} has {found} rows, {b} has {other}")));
    }
    for (one, other) in first.iter().zip(second) {
        if one.completion != other.completion {
            let row = one.number;
            let message = format!("row {row} of {a} has another completion than row {row} of {b}");
            return Err(Failure::Disagreement(message));
        }
    }
    let names = |rows: &[Scored]| -> BTreeSet<String> {
        rows.iter().flat_map(|row| row.rewards.keys().cloned()).collect()
    };
    let (first, second) = (names(first), names(second));
    for (path, missing) in [(b, first.difference(&second)), (a, second.difference(&first))] {
        for name in missing {
            Console::Stderr.line(format!("{path} has no reward `{name}`, which is not compared"));
        }
    }
    Ok(())
}

/// How a function changed over all rows.
#[derive(Default)]
struct Count {
    differing: usize,
    first: Vec<f64>,
    second: Vec<f64>,
    /// Changes of the verdict.
    verdicts: BTreeMap<(String, String), usize>,
}

impl Count {
    fn line(&self, name: &str, num_rows: usize) -> String {
        let [first, second] = [&self.first, &self.second].map(|list| shown(mean_and_std(list).0));
        let verdicts: Vec<String> =
            self.verdicts.iter().map(|((a, b), count)| format!("{count} {a} -> {b}")).collect();
        let verdicts =
            if verdicts.is_empty() { String::new() } else { format!("; {}", verdicts.join(", ")) };
        let differing = self.differing;
        format!("{name}: {differing} of {num_rows} rows differ; mean {first} -> {second}{verdicts}")
    }
}

/// The functions that score a row differently, with both scores.
fn differences(
    first: &Scored,
    second: &Scored,
    tolerance: f64,
    counts: &mut BTreeMap<String, Count>,
) -> Map<String, Value> {
    let mut differing = Map::new();
    for (name, a) in &first.rewards {
        let Some(b) = second.rewards.get(name) else { continue };
        let count = counts.entry(name.clone()).or_default();
        let values = [a, b].map(|score| score.get("score").and_then(Value::as_f64));
        count.first.extend(values[0]);
        count.second.extend(values[1]);
        let is_same = match values {
            [Some(a), Some(b)] => (a - b).abs() <= tolerance,
            [a, b] => a.is_none() && b.is_none(),
        };
        let verdicts = [a, b]
            .map(|score| score.get("verdict").and_then(Value::as_str).unwrap_or("none").to_owned());
        if is_same && verdicts[0] == verdicts[1] {
            continue;
        }
        count.differing += 1;
        if verdicts[0] != verdicts[1] {
            let [from, to] = verdicts;
            *count.verdicts.entry((from, to)).or_default() += 1;
        }
        differing.insert(name.clone(), json!({"a": a, "b": b}));
    }
    differing
}
