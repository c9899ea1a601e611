//! Everything a report shows, as data: `report.json` holds it, the renderers only read it.

mod methods;
mod sample;
mod solved;
mod verdict;

pub use methods::{MeanReward, MethodRow};
pub use sample::{Sample, SampleKind, choose_samples};
pub use solved::{Solved, SolvedKind, SolvedSample, choose_solved};
pub use verdict::{Standing, Verdict};

use serde::{Deserialize, Serialize};

use crate::{Breakdown, ClassMetrics, Outcome, PairResult, Target, class_metrics};

/// A run and its results. Only `title`, `target` and `entries` are needed; what is empty is not shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The heading.
    pub title: String,
    /// What is predicted, and in which classes.
    pub target: Target,
    /// Baselines and models in the order of the table; the last model is the one the verdict is about.
    pub entries: Vec<Entry>,
    /// Methods side by side, where several started from one model.
    #[serde(default)]
    pub methods: Vec<MethodRow>,
    /// How models that score do on unseen pairs.
    #[serde(default)]
    pub pairs: Vec<PairResult>,
    /// How policies do on problems that are right or wrong.
    #[serde(default)]
    pub solved: Option<Solved>,
    /// The training and validation questions of each class, by ascending class.
    pub data: Vec<ClassCount>,
    /// What became of every row, stage by stage.
    pub ledger: Vec<LedgerStage>,
    /// Loss, reward and other curves over the steps of training.
    pub charts: Vec<Chart>,
    /// Predictions to look at, see [`choose_samples`].
    pub samples: Vec<Sample>,
    /// The resolved configuration, as YAML.
    pub configuration: String,
    /// How the run went.
    pub facts: RunFacts,
}

impl Report {
    /// A report with nothing to show yet.
    #[must_use]
    pub fn new(title: impl Into<String>, target: Target) -> Self {
        Self {
            title: title.into(),
            target,
            entries: Vec::new(),
            methods: Vec::new(),
            pairs: Vec::new(),
            solved: None,
            data: Vec::new(),
            ledger: Vec::new(),
            charts: Vec::new(),
            samples: Vec::new(),
            configuration: String::new(),
            facts: RunFacts::default(),
        }
    }

    /// The entries of one kind, in order.
    #[must_use]
    pub fn entries_of(&self, kind: EntryKind) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.kind == kind)
    }
}

/// What kind of predictor an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A cheap predictor to compare with.
    Baseline,
    /// A language model at some point of its training.
    Model,
}

/// One row of the table of results, and what lies behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The name to print, such as `nearest neighbours` or `after SFT`.
    pub name: String,
    /// Whether it is a baseline or a model.
    pub kind: EntryKind,
    /// How good its predictions are.
    pub metrics: ClassMetrics,
    /// Where it is right and where it errs.
    pub breakdown: Breakdown,
}

impl Entry {
    /// Scores the outcomes of a baseline whose classes are `width` wide.
    ///
    /// # Panics
    ///
    /// If `width` is 0.
    #[must_use]
    pub fn baseline(name: impl Into<String>, outcomes: &[Outcome], width: u32) -> Self {
        Self::of(EntryKind::Baseline, name.into(), outcomes, width)
    }

    /// Scores the outcomes of a model whose classes are `width` wide.
    ///
    /// # Panics
    ///
    /// If `width` is 0.
    #[must_use]
    pub fn model(name: impl Into<String>, outcomes: &[Outcome], width: u32) -> Self {
        Self::of(EntryKind::Model, name.into(), outcomes, width)
    }

    fn of(kind: EntryKind, name: String, outcomes: &[Outcome], width: u32) -> Self {
        let metrics = class_metrics(outcomes, width);
        Self { name, kind, metrics, breakdown: Breakdown::of(outcomes) }
    }
}

/// How many questions of one class there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassCount {
    /// The class.
    pub class: u32,
    /// Questions of the training split.
    pub train: usize,
    /// Questions of the validation split.
    pub validation: usize,
}

/// What became of the rows that one stage read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerStage {
    /// The stage.
    pub stage: String,
    /// How many rows it read.
    pub read: usize,
    /// How many it passed on.
    pub kept: usize,
    /// Why it left out the others.
    pub dropped: Vec<Dropped>,
}

/// Rows that were left out for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropped {
    /// The reason.
    pub reason: String,
    /// How many rows.
    pub count: usize,
}

/// One diagram of curves that share their axes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// The heading, such as `GRPO: mean reward`.
    pub title: String,
    /// What the vertical axis measures, with its unit.
    pub y_label: String,
    /// The curves.
    pub series: Vec<Series>,
}

/// One curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// The points, by ascending step; all finite.
    pub points: Vec<Point>,
    /// How many values were NaN or infinite and could not be drawn. They are reported, never passed over.
    pub num_not_finite: usize,
}

impl Series {
    /// A curve through `(step, value)` pairs.
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = (u64, f64)>) -> Self {
        let (points, others): (Vec<Point>, Vec<Point>) = points
            .into_iter()
            .map(|(step, value)| Point { step, value })
            .partition(|point| point.value.is_finite());
        Self { name: name.into(), points, num_not_finite: others.len() }
    }
}

/// One point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The optimiser step.
    pub step: u64,
    /// The value at it.
    pub value: f64,
}

/// How a run went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFacts {
    /// The seed, if the run had one.
    pub seed: Option<u64>,
    /// Versions, sizes and whatever else is one line each.
    pub lines: Vec<Fact>,
    /// How long each stage took.
    pub stages: Vec<StageDuration>,
    /// How far the log-probabilities of sampling and of training were apart.
    pub log_prob_difference: Option<LogProbDifference>,
}

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// What it was in this run.
    pub value: String,
}

/// How long a stage took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageDuration {
    /// The stage.
    pub stage: String,
    /// Seconds of wall-clock time, when it last ran.
    pub seconds: f64,
    /// Whether an earlier run had done it and its result was taken over.
    pub is_reused: bool,
}

/// The absolute difference, per token and in nats, between the log-probability a token was sampled with and the one
/// that training computes for it under the same weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogProbDifference {
    /// The mean over tokens.
    pub mean: f64,
    /// The greatest of any token.
    pub max: f64,
}
