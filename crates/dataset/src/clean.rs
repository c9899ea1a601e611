//! Cleaning: rows without a number of steps and rows far from the others are left out, the rest is split by question.

use std::collections::BTreeMap;

use forethought_schema::{AnnotatedQuestion, LabelledQuestion, StepLabel};
use forethought_seed::Seed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::balance::{ClassCount, ClassFate};
use crate::error::DatasetError;
use crate::ledger::Ledger;
use crate::question::normalised;

/// The name of the stage in its ledger.
const STAGE: &str = "clean";
/// Why a row far from the others is dropped.
const OUTLIER: &str = "outlier";
const TRAIN: &str = "train";
const VALIDATION: &str = "validation";

/// The settings of cleaning.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CleanConfig {
    /// Rows whose number of steps is more than so many standard deviations from the mean are dropped; above 0. `null`
    /// keeps them. Default 3, as in the published workflow.
    #[serde(default = "default_sigmas")]
    pub max_sigmas: Option<f64>,
    /// The share of the rows that is kept for validation, above 0 and below 1. Default 0.3, as in the published workflow.
    #[serde(default = "default_ratio")]
    pub validation_ratio: f64,
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the type of the field")]
fn default_sigmas() -> Option<f64> {
    Some(3.0)
}
fn default_ratio() -> f64 {
    0.3
}

impl Default for CleanConfig {
    fn default() -> Self {
        Self { max_sigmas: default_sigmas(), validation_ratio: default_ratio() }
    }
}

impl CleanConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    ///
    /// If a setting is out of its range.
    pub fn check(&self) -> Result<(), DatasetError> {
        let refuse = |field, rule: &str, found: f64| {
            Err(DatasetError::Setting { field, rule: rule.to_owned(), found: found.to_string() })
        };
        if let Some(sigmas) = self.max_sigmas
            && !(sigmas.is_finite() && 0.0 < sigmas)
        {
            return refuse("max_sigmas", "finite and greater than 0, or null", sigmas);
        }
        let ratio = self.validation_ratio;
        if !(0.0 < ratio && ratio < 1.0) {
            return refuse("validation_ratio", "above 0 and below 1", ratio);
        }
        Ok(())
    }
}

/// How the numbers of steps are spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Their mean, over all rows that have one.
    pub mean: f64,
    /// Their standard deviation over the whole population (divisor `n`).
    pub deviation: f64,
    /// The smallest and the largest number of steps that are kept.
    pub kept: (u32, u32),
}

/// Two splits that share no question.
#[derive(Clone, Debug, PartialEq)]
pub struct Cleaned {
    /// The training split, shuffled by the seed.
    pub train: Vec<LabelledQuestion>,
    /// The validation split, shuffled by the seed.
    pub validation: Vec<LabelledQuestion>,
    /// Every number of steps there was, in ascending order.
    pub classes: Vec<ClassCount>,
    /// Mean and deviation, and what they let through.
    pub spread: Spread,
    /// What became of every row.
    pub ledger: Ledger,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Train,
    Validation,
    Outlier,
    /// It has no number of steps.
    Unlabelled,
}

/// Leaves out rows without a number of steps, then those far from the mean of the others, and splits what is left.
///
/// The mean and the population's standard deviation are taken over the rows that have a number. The split depends on the
/// seed and on the rows, not on the order the rows are in: questions, compared without regard to white space, go to
/// validation until it has `ceil(validation_ratio · rows)` of the rows (as scikit-learn rounds), each with all its rows.
/// `docs/algorithms/dataset.md` has the rules.
///
/// # Errors
///
/// If a setting is out of its range, or nothing is left for training or for validation.
pub fn clean(
    annotated: &[AnnotatedQuestion],
    config: &CleanConfig,
    seed: Seed,
) -> Result<Cleaned, DatasetError> {
    config.check()?;
    let steps: Vec<Option<u32>> = annotated.iter().map(counted).collect();
    let known: Vec<u32> = steps.iter().copied().flatten().collect();
    let (mean, deviation) = moments(&known);
    let limit = config.max_sigmas.map_or(f64::INFINITY, |sigmas| sigmas * deviation);
    let mut fates: Vec<Fate> = steps.iter().map(|steps| fate(*steps, mean, limit)).collect();
    let order = split(annotated, &mut fates, config.validation_ratio, seed);
    let ledger = account(annotated, &fates);
    ledger.check()?;
    let rows = |side| {
        let kept = order.iter().filter(|row| fates[**row] == side);
        kept.filter_map(|row| Some(labelled(&annotated[*row], steps[*row]?))).collect()
    };
    let (train, validation): (Vec<_>, Vec<_>) = (rows(Fate::Train), rows(Fate::Validation));
    require(&train, TRAIN, &ledger)?;
    require(&validation, VALIDATION, &ledger)?;
    let kept = train.iter().chain(&validation).map(|row| row.amount);
    let kept = (kept.clone().min().unwrap_or(0), kept.max().unwrap_or(0));
    let classes = classes(&steps, &fates);
    Ok(Cleaned { train, validation, classes, spread: Spread { mean, deviation, kept }, ledger })
}

fn counted(row: &AnnotatedQuestion) -> Option<u32> {
    match row.steps {
        StepLabel::Counted(steps) => Some(steps),
        StepLabel::Missing(_) => None,
    }
}

/// Mean and standard deviation of a whole population; zeros of nothing.
fn moments(known: &[u32]) -> (f64, f64) {
    let n = known.len().max(1) as f64;
    let mean = known.iter().map(|steps| f64::from(*steps)).sum::<f64>() / n;
    let squares = known.iter().map(|steps| (f64::from(*steps) - mean).powi(2)).sum::<f64>();
    (mean, (squares / n).sqrt())
}

/// What the number of steps alone decides; the side is drawn later.
fn fate(steps: Option<u32>, mean: f64, limit: f64) -> Fate {
    match steps {
        None => Fate::Unlabelled,
        Some(steps) if limit < (f64::from(steps) - mean).abs() => Fate::Outlier,
        Some(_) => Fate::Train,
    }
}

/// Moves questions to validation until it has its share; the rows in the order of the draw.
fn split(
    annotated: &[AnnotatedQuestion],
    fates: &mut [Fate],
    ratio: f64,
    seed: Seed,
) -> Vec<usize> {
    let mut keyed: Vec<(u64, String, usize)> = Vec::new();
    for (row, one) in annotated.iter().enumerate().filter(|(row, _)| fates[*row] == Fate::Train) {
        let question = normalised(&one.question);
        keyed.push((seed.key(STAGE, question.as_bytes()), question, row));
    }
    // File and row break ties, so that the order the rows came in never shows.
    let place = |row: usize| (&annotated[row].file, annotated[row].row);
    keyed.sort_by(|a, b| (a.0, &a.1, place(a.2)).cmp(&(b.0, &b.1, place(b.2))));
    let wanted = share(keyed.len(), ratio);
    let mut taken = 0;
    for group in keyed.chunk_by(|a, b| a.1 == b.1) {
        if wanted <= taken {
            break;
        }
        for (_, _, row) in group {
            fates[*row] = Fate::Validation;
        }
        taken += group.len();
    }
    keyed.into_iter().map(|(_, _, row)| row).collect()
}

/// `ceil(ratio · rows)`; a product that is a whole number but for rounding is that number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most the rows there are"
)]
fn share(rows: usize, ratio: f64) -> usize {
    (rows as f64 * ratio - 1e-9).ceil() as usize
}

fn labelled(row: &AnnotatedQuestion, steps: u32) -> LabelledQuestion {
    let AnnotatedQuestion { file, row, question, .. } = row.clone();
    LabelledQuestion { file, row, question, amount: steps, class: steps }
}

/// Files and rows in the order they were read.
fn account(annotated: &[AnnotatedQuestion], fates: &[Fate]) -> Ledger {
    let mut ledger = Ledger::new(STAGE);
    for (row, fate) in annotated.iter().zip(fates) {
        let entry = ledger.entry(&row.file);
        entry.count_read(1);
        match (fate, &row.steps) {
            (Fate::Train, _) => entry.keep(TRAIN),
            (Fate::Validation, _) => entry.keep(VALIDATION),
            (_, StepLabel::Missing(none)) => entry.drop_row(row.row, none.reason.as_str()),
            (_, StepLabel::Counted(_)) => entry.drop_row(row.row, OUTLIER),
        }
    }
    ledger
}

fn require(
    rows: &[LabelledQuestion],
    split: &'static str,
    ledger: &Ledger,
) -> Result<(), DatasetError> {
    if !rows.is_empty() {
        return Ok(());
    }
    let reason = match ledger.kept() {
        0 => {
            "no row has a number of steps that is not far from the others; the reasons stand below"
        }
        _ => {
            "one split takes all questions there are; more rows are needed, or another validation_ratio"
        }
    };
    Err(DatasetError::EmptySplit { split, reason: reason.to_owned(), table: ledger.to_table() })
}

fn classes(steps: &[Option<u32>], fates: &[Fate]) -> Vec<ClassCount> {
    let mut classes: BTreeMap<u32, ClassCount> = BTreeMap::new();
    for (steps, fate) in steps.iter().zip(fates) {
        let Some(class) = *steps else { continue };
        let kept = ClassCount { class, count: 0, train: 0, validation: 0, fate: ClassFate::Kept };
        let one = classes.entry(class).or_insert(kept);
        one.count += 1;
        match fate {
            Fate::Train => one.train += 1,
            Fate::Validation => one.validation += 1,
            Fate::Outlier | Fate::Unlabelled => one.fate = ClassFate::Outlier,
        }
    }
    classes.into_values().collect()
}
