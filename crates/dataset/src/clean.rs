//! Cleaning: rows without a number of steps and rows far from the others are left out, the rest is split by question.

use std::collections::BTreeMap;

use forethought_schema::{AnnotatedQuestion, LabelledQuestion, NoStepsReason, StepLabel};
use forethought_seed::Seed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::balance::{ClassCount, ClassFate};
use crate::error::DatasetError;
use crate::ledger::Ledger;
use crate::names::Names;
use crate::question::{Fingerprint, normalised};

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

/// Which rows are in the two splits.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnClean {
    /// The places of the training split in the order of its rows, counted from 0 in the order the rows were told.
    pub train: Vec<usize>,
    /// The same of the validation split.
    pub validation: Vec<usize>,
    /// As in [`Cleaned::classes`].
    pub classes: Vec<ClassCount>,
    /// As in [`Cleaned::spread`].
    pub spread: Spread,
    /// What became of every row.
    pub ledger: Ledger,
}

/// What is remembered of a row.
#[derive(Clone, Copy, Debug)]
struct Told {
    /// The place of its file among those that were met.
    file: usize,
    /// Its number in the file.
    row: u64,
    steps: Result<u32, NoStepsReason>,
    draw: u64,
    question: Fingerprint,
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
    let mut cleaner = Cleaner::new(seed);
    for row in annotated {
        cleaner.tell(row);
    }
    let DrawnClean { train, validation, classes, spread, ledger } = cleaner.draw(config)?;
    let rows = |places: Vec<usize>| -> Vec<LabelledQuestion> {
        places.into_iter().filter_map(|place| annotated[place].clone().labelled()).collect()
    };
    Ok(Cleaned { train: rows(train), validation: rows(validation), classes, spread, ledger })
}

/// [`clean`] for rows that nobody wants to hold: it is told each, remembers some 60 bytes of it, and says at the end which
/// are in the splits.
#[derive(Debug)]
pub struct Cleaner {
    seed: Seed,
    rows: Vec<Told>,
    files: Names,
}

impl Cleaner {
    /// Knows of no row yet.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self { seed, rows: Vec::new(), files: Names::default() }
    }

    /// Tells of the next row.
    pub fn tell(&mut self, row: &AnnotatedQuestion) {
        let question = normalised(&row.question);
        let steps = match &row.steps {
            StepLabel::Counted(steps) => Ok(*steps),
            StepLabel::Missing(none) => Err(none.reason),
        };
        self.rows.push(Told {
            file: self.files.place(&row.file),
            row: row.row,
            steps,
            draw: self.seed.key(STAGE, question.as_bytes()),
            question: Fingerprint::of(question.as_bytes()),
        });
    }

    /// Says which rows are in the splits.
    ///
    /// # Errors
    ///
    /// As [`clean`].
    pub fn draw(self, config: &CleanConfig) -> Result<DrawnClean, DatasetError> {
        config.check()?;
        let known: Vec<u32> = self.rows.iter().filter_map(|row| row.steps.ok()).collect();
        let (mean, deviation) = moments(&known);
        let limit = config.max_sigmas.map_or(f64::INFINITY, |sigmas| sigmas * deviation);
        let mut fates: Vec<Fate> =
            self.rows.iter().map(|row| fate(row.steps.ok(), mean, limit)).collect();
        let order = split(&self.rows, &self.files.ranks(), &mut fates, config.validation_ratio);
        let ledger = account(&self.rows, &self.files.met(), &fates);
        ledger.check()?;
        let places = |side| order.iter().copied().filter(|row| fates[*row] == side).collect();
        let (train, validation): (Vec<_>, Vec<_>) = (places(Fate::Train), places(Fate::Validation));
        require(&train, TRAIN, &ledger)?;
        require(&validation, VALIDATION, &ledger)?;
        let kept = order.iter().filter_map(|row| self.rows[*row].steps.ok());
        let kept = (kept.clone().min().unwrap_or(0), kept.max().unwrap_or(0));
        let spread = Spread { mean, deviation, kept };
        Ok(DrawnClean { train, validation, classes: classes(&self.rows, &fates), spread, ledger })
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
fn split(rows: &[Told], ranks: &[usize], fates: &mut [Fate], ratio: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).filter(|row| fates[*row] == Fate::Train).collect();
    // File and row break ties, so that the order the rows came in never shows.
    let key = |row: &usize| {
        let one = &rows[*row];
        (one.draw, one.question, ranks[one.file], one.row)
    };
    order.sort_by_key(key);
    let wanted = share(order.len(), ratio);
    let mut taken = 0;
    for group in order.chunk_by(|a, b| rows[*a].question == rows[*b].question) {
        if wanted <= taken {
            break;
        }
        for row in group {
            fates[*row] = Fate::Validation;
        }
        taken += group.len();
    }
    order
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

/// Files and rows in the order they were read.
fn account(rows: &[Told], files: &[String], fates: &[Fate]) -> Ledger {
    let mut ledger = Ledger::new(STAGE);
    for (one, fate) in rows.iter().zip(fates) {
        let entry = ledger.entry(&files[one.file]);
        entry.count_read(1);
        match (fate, one.steps) {
            (Fate::Train, _) => entry.keep(TRAIN),
            (Fate::Validation, _) => entry.keep(VALIDATION),
            (_, Err(reason)) => entry.drop_row(one.row, reason.as_str()),
            (_, Ok(_)) => entry.drop_row(one.row, OUTLIER),
        }
    }
    ledger
}

fn require(rows: &[usize], split: &'static str, ledger: &Ledger) -> Result<(), DatasetError> {
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

fn classes(rows: &[Told], fates: &[Fate]) -> Vec<ClassCount> {
    let mut classes: BTreeMap<u32, ClassCount> = BTreeMap::new();
    for (row, fate) in rows.iter().zip(fates) {
        let Ok(class) = row.steps else { continue };
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
