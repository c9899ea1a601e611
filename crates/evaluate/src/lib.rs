//! Metrics with intervals, baselines, and the report.

mod baseline;
mod breakdown;
mod html;
mod interval;
mod metrics;
mod numbers;
mod plot;
mod report;
mod table;

pub use baseline::{
    BaselineError, BaselinePredictions, Combine, Labelled, LengthRegression, Neighbours,
    NeighboursConfig, baselines, most_frequent,
};
pub use breakdown::{Breakdown, ClassAccuracy, ConfusionCell, ErrorCount};
pub use html::{RenderError, html};
pub use interval::{Interval, MeanInterval, Proportion, apart};
pub use metrics::{ClassMetrics, Outcome, class_metrics, tokens_of_class, within};
pub use report::{
    Chart, ClassCount, Dropped, Entry, EntryKind, Fact, LedgerStage, LogProbDifference, Point,
    Report, RunFacts, Sample, SampleKind, Series, StageDuration, Standing, Verdict, choose_samples,
};
pub use table::{table, text_table};
