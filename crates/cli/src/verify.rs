//! `forethought verify`: whether answers are right.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use forethought_pipeline::Console;
use forethought_verify::{
    Comparison, Judgement, Limits, Manner, Notation, Rules, equivalent_by, extract,
};
use serde_json::Value;

use crate::commands::Failure;
use crate::rows::{Row, RowError, RowFiles, RowWork};

/// Says of every row whether its answer is equal to its gold answer.
///
/// A row has `gold` and `answer`, texts or numbers: what a model wrote, a boxed answer, or the answer alone. It gets
/// `verdict` (`equal`, `different`, `undecided`, `gold_unparseable` or `answer_unparseable`), `gold_parsed` and
/// `answer_parsed` as they were read, and `rule`, which says what decided. Work is limited by steps and not by time, so
/// verdicts are the same everywhere.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Verify {
    #[command(flatten)]
    files: RowFiles,
    /// How strictly notation is taken: strict, or as Math-Verify does (units and per cent signs passed over)
    #[arg(long, value_enum, default_value_t = Taken::Strict)]
    manner: Taken,
    /// What is looked for in the texts
    #[arg(long, value_enum, default_value_t = Sought::Any)]
    notation: Sought,
    /// Decimal places up to which a decimal is compared with another number
    #[arg(long, default_value_t = 6, value_name = "PLACES", value_parser = clap::value_parser!(u32).range(0..=60))]
    rounding: u32,
    /// Steps of work for one row
    #[arg(long, default_value_t = Limits::default().steps, value_name = "STEPS")]
    steps: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Taken {
    Strict,
    MathVerify,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sought {
    Any,
    Latex,
    Plain,
}

const EXAMPLES: &str = "\
Examples:
  forethought verify --input answers.jsonl --output checked.jsonl
      The verdict on each row, beside its other fields.

  echo '{\"gold\": \"1/2\", \"answer\": \"so it is $\\\\boxed{0.5}$\"}' | forethought verify
      One row, through a pipe.

Exit codes: 0 done, whatever the verdicts, 1 failed, 2 bad usage or config.";

/// Rows at a time.
const ROWS_PER_CHUNK: usize = 256;
/// The fields that a row gets.
const NEW: [&str; 4] = ["verdict", "gold_parsed", "answer_parsed", "rule"];

/// The two texts of a row.
struct Pair {
    gold: String,
    answer: String,
}

/// `forethought verify`
pub(crate) fn run(arguments: &Verify) -> Result<ExitCode, Failure> {
    let limits = Limits { steps: arguments.steps, ..Limits::default() };
    let rules = Rules { notation: arguments.notation(), ..Rules::default() };
    let comparison = arguments.comparison();
    let parse = |row: &Row| {
        arguments.files.spare(row, &NEW)?;
        pair(row)
    };
    let rows = RowWork::check(&arguments.files, &parse)?;
    let mut counts = BTreeMap::new();
    rows.run("checking answers", ROWS_PER_CHUNK, &mut |items, _| {
        for item in items {
            let gold = extract(&item.value.gold, &rules, &limits);
            let answer = extract(&item.value.answer, &rules, &limits);
            let judgement = equivalent_by(&gold, &answer, comparison, &limits);
            *counts.entry(judgement.verdict.name()).or_insert(0_usize) += 1;
            add(&mut item.row, judgement);
        }
        Ok(())
    })?;
    let counts: Vec<String> =
        counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    if !counts.is_empty() {
        Console::Stderr.line(counts.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

impl Verify {
    fn comparison(&self) -> Comparison {
        let manner = match self.manner {
            Taken::Strict => Manner::Strict,
            Taken::MathVerify => Manner::MathVerify,
        };
        Comparison { rounding: self.rounding, manner, ..Comparison::default() }
    }

    fn notation(&self) -> Notation {
        match self.notation {
            Sought::Any => Notation::Any,
            Sought::Latex => Notation::Latex,
            Sought::Plain => Notation::Plain,
        }
    }
}

fn pair(row: &Row) -> Result<Pair, RowError> {
    Ok(Pair { gold: text(row, "gold")?, answer: text(row, "answer")? })
}

/// A field that is a text, or a number as it is written.
fn text(row: &Row, field: &str) -> Result<String, RowError> {
    match row.value(field) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        other => Err(row.expected(field, "a string or a number", other)),
    }
}

fn add(row: &mut Row, judgement: Judgement) {
    row.set("verdict", judgement.verdict.name().into());
    row.set("gold_parsed", judgement.gold_parsed.into());
    row.set("answer_parsed", judgement.answer_parsed.into());
    row.set("rule", judgement.rule.name().into());
}
