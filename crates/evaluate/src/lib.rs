//! Metrics with intervals, baselines, and the report.
//!
//! A share without an interval, or without the share of a cheap predictor beside it, says little. This crate scores
//! predictions of classes ([`class_metrics`]), fits three baselines on the training split ([`baselines`]), and shows
//! both as data ([`Report`]), as a page ([`html`]) and on a terminal ([`table`]). It reads and writes no files.
//!
//! ```
//! use forethought_evaluate::{Entry, Labelled, NeighboursConfig, Outcome, Report, Target, baselines, table};
//!
//! let train = [("2 + 2?", 1), ("3 + 4?", 1), ("Prove that 2 divides n(n + 1).", 9)];
//! let train = train.map(|(question, class)| Labelled { question, class });
//! let (questions, truths) = (["5 + 6?", "Prove that 3 divides n(n + 1)(n + 2)."], [(1, 30), (9, 240)]);
//!
//! let mut report = Report::new("Addition and proofs", Target::thinking_tokens(25));
//! for baseline in baselines(&train, &questions, &NeighboursConfig::default(), |_| {})? {
//!     report.entries.push(Entry::baseline(baseline.name, &baseline.outcomes(&truths), 25));
//! }
//! let outcome = |(class, amount)| Outcome { class, amount, predicted: Some(1.0) };
//! report.entries.push(Entry::model("a constant", &truths.map(outcome), 25));
//! assert!(table(&report).contains("It is not ahead of every baseline on both"));
//! # Ok::<(), forethought_evaluate::BaselineError>(())
//! ```

mod baseline;
mod breakdown;
mod html;
mod interval;
mod metrics;
mod numbers;
mod pairs;
mod plot;
mod report;
mod solving;
mod table;
mod target;

pub use baseline::{
    BaselineError, BaselinePredictions, Combine, Labelled, LengthRegression, Neighbours,
    NeighboursConfig, baselines, most_frequent,
};
pub use breakdown::{Breakdown, ClassAccuracy, ConfusionCell, ErrorCount};
pub use html::{RenderError, html};
pub use interval::{Interval, MeanInterval, Proportion, apart};
pub use metrics::{ClassMetrics, Outcome, amount_of_class, class_metrics, within};
pub use pairs::{CalibrationBin, MarginCount, PairAccuracy, PairResult, ScoredPair};
pub use report::{
    Chart, ClassCount, Dropped, Entry, EntryKind, Fact, LedgerStage, LogProbDifference, MeanReward,
    MethodRow, Point, Report, RunFacts, Sample, SampleKind, Series, Solved, SolvedKind,
    SolvedSample, StageDuration, Standing, Verdict, choose_samples, choose_solved,
};
pub use solving::{Change, PassAt, Solving, Tries, majority, pass_at_k, sign_flip};
pub use table::{table, text_table};
pub use target::{Quantity, Target};
