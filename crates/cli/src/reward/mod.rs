//! `forethought reward`: the scores of reward functions, and where two sets of scores differ.

mod diff;
mod input;
mod set_file;
mod summary;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use forethought_pipeline::Console;
use forethought_reward::{RewardSet, Sample, Scope, SetScore};
use serde_json::{Map, Value, json};

use crate::commands::Failure;
use crate::rows::{Item, RowFiles, RowWork};
use diff::Diff;
use input::{Completion, Groups};
use set_file::SetSource;

/// Scores completions with reward functions.
///
/// A row has `completion` (text, or a list of messages whose last one counts) and the columns that the functions need:
/// `solution`, `label`, `prompt`; functions of lengths in tokens need `completion_ids` or `ids`. It gets
/// `rewards: {NAME: {score, verdict, reason, answer, gold}}` and `reward`, the weighted sum of the scores that are there.
/// A score of null says that the completion could not be judged. Functions that compare completions take rows with the
/// same prompt for a group.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_long_help = EXAMPLES)]
pub(crate) struct Reward {
    #[command(subcommand)]
    command: Option<RewardCommand>,
    #[command(flatten)]
    score: Scoring,
}

#[derive(Clone, Debug, Subcommand)]
enum RewardCommand {
    /// Show the rows that two files of scores, or two sets of functions, score differently
    Diff(Diff),
}

#[derive(Clone, Debug, Args)]
struct Scoring {
    #[command(flatten)]
    source: SetSource,
    /// The column whose equal values make a group
    #[arg(long, value_name = "COLUMN", default_value = "prompt")]
    group: String,
    /// Where reward models are computed: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
    #[command(flatten)]
    files: RowFiles,
}

const EXAMPLES: &str = "\
Examples:
  forethought reward --name accuracy --input completions.jsonl --output scored.jsonl
      One function with its default settings.

  forethought reward --set rewards.yaml --input completions.parquet --output scored.jsonl
      The functions of a file, such as
          rewards: [accuracy, format, {tag_count: {}, weight: 0.5}, {process: {command: [python3, reward.py]}}]
          max_unjudged_share: 0.1

  forethought reward diff old.jsonl new.jsonl
  forethought reward diff a.yaml b.yaml --input completions.jsonl
      The rows that are scored differently, and a summary for each function.

Exit codes: 0 done, 1 failed or more left unjudged than max_unjudged_share allows, 2 bad usage or config.";

/// Rows at a time, where each is judged alone.
const ROWS_PER_CHUNK: usize = 256;

/// `forethought reward`
pub(crate) fn run(arguments: &Reward) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Some(RewardCommand::Diff(diff)) => diff::run(diff),
        None => score(&arguments.score),
    }
}

fn score(arguments: &Scoring) -> Result<ExitCode, Failure> {
    let config = arguments.source.config()?;
    let set = config.open(&arguments.device)?;
    let parse = |row: &crate::rows::Row| {
        arguments.files.spare(row, &["rewards", "reward"])?;
        Completion::of_row(row, &set)
    };
    let rows = RowWork::check(&arguments.files, &parse)?;
    let mut groups = Groups::new(&arguments.group);
    let mut all = Vec::new();
    rows.run("scoring", chunk_size(&set), &mut |items, _| {
        all.extend(score_items(&set, items, &mut groups));
        Ok(())
    })?;
    for line in summary::lines(&set, &all) {
        Console::Stderr.line(line);
    }
    match set.check_unjudged(&all, config.max_unjudged_share) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::Disagreement(error.to_string())),
    }
}

/// Functions that compare completions must see all of them.
fn chunk_size(set: &RewardSet) -> usize {
    if set.scope() == Scope::Sample { ROWS_PER_CHUNK } else { usize::MAX }
}

/// Scores rows and writes the scores into them.
fn score_items(
    set: &RewardSet,
    items: &mut [Item<Completion>],
    groups: &mut Groups,
) -> Vec<SetScore> {
    let places: Vec<usize> = items.iter().map(|item| groups.of(&item.value)).collect();
    let samples: Vec<Sample<'_>> =
        items.iter().zip(places).map(|(item, group)| item.value.sample().in_group(group)).collect();
    let scores = set.score(&samples);
    for (item, scores) in items.iter_mut().zip(&scores) {
        item.row.set("rewards", rewards(scores));
        item.row.set("reward", scores.total.into());
    }
    scores
}

/// The scores of a row by the names of the functions.
fn rewards(scores: &SetScore) -> Value {
    let one = |named: &forethought_reward::NamedScore| {
        let score = &named.score;
        let value = json!({
            "score": score.value, "verdict": score.verdict.name(), "reason": score.reason,
            "answer": score.answer, "gold": score.gold,
        });
        (named.name.clone(), value)
    };
    Value::Object(scores.scores.iter().map(one).collect::<Map<_, _>>())
}

/// Scores the rows of a file in memory.
fn score_file(
    set: &RewardSet,
    input: &std::path::Path,
    group: &str,
) -> Result<Vec<Item<Completion>>, Failure> {
    let parse = |row: &crate::rows::Row| Completion::of_row(row, set);
    let files = RowFiles::reading(input);
    let mut items = RowWork::check(&files, &parse)?.read()?;
    score_items(set, &mut items, &mut Groups::new(group));
    Ok(items)
}
