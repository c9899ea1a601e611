//! The words and numbers of the page, formatted, in the order in which the template asks for them.

use serde::Serialize;

use super::glossary::glossary;
use super::methods::{self, MethodLine};
use super::pairs::PairSection;
use super::solved::SolvedSection;
use super::{RenderError, figures};
use crate::target::Measure;
use crate::{
    Entry, EntryKind, LedgerStage, MeanInterval, Proportion, Report, Sample, Standing, numbers,
};
use figures::{Figure, ModelFigures};

/// Longer questions and answers are cut in the table of samples.
const MOST_CHARACTERS: usize = 600;

/// What stands above the table of methods.
const METHODS_NOTE: &str = "Accuracy as in the table above. Rewards and KL are over answers sampled at temperature 1 to \
                            validation questions; KL is the mean of log π − log π_ref over whole answers. 95% intervals \
                            stand below the values.";

/// What the template reads.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    title: String,
    /// A word for the style sheet, and the badge; none without a model.
    standing: Option<(&'static str, &'static str)>,
    headline: String,
    lead: Vec<String>,
    class_note: String,
    comparison: Option<Figure>,
    /// What the shares of the results count.
    shares_note: &'static str,
    /// What stands above the shares of the results.
    measures: Vec<&'static str>,
    results: Vec<ResultRow>,
    num_validation: String,
    /// What the amounts are counted in, and what stands above a column of classes.
    unit: &'static str,
    class_axis: &'static str,
    /// Whether a class and its amount are two numbers.
    has_amounts: bool,
    methods: Vec<MethodLine>,
    methods_note: &'static str,
    reward_names: Vec<String>,
    pairs: Vec<PairSection>,
    solved: Option<SolvedSection>,
    models: Vec<ModelFigures>,
    training: Vec<Figure>,
    samples: Vec<SampleRow>,
    data: Option<Figure>,
    ledger: Vec<LedgerRow>,
    ledger_note: String,
    facts: Vec<(String, String)>,
    stages: Vec<(String, String)>,
    configuration: String,
    glossary: Vec<(String, String)>,
}

impl Page {
    pub(super) fn of(report: &Report) -> Result<Self, RenderError> {
        let mut models = figures::of_models(report)?;
        models.retain(|model| !model.is_empty());
        let num_validation = report.entries.iter().map(|entry| entry.metrics.n).max().unwrap_or(0);
        let mut sentences = report.sentences().into_iter();
        let reward_names = methods::reward_names(report);
        let measures = report.target.quantity.measures();
        let words = report.target.quantity.words();
        Ok(Self {
            title: report.title.clone(),
            standing: report.verdict().map(|verdict| badge(verdict.standing)),
            headline: sentences.next().unwrap_or_default(),
            lead: sentences.collect(),
            class_note: report.target.note(),
            comparison: figures::comparison(report)?,
            shares_note: shares_note(measures),
            measures: measures.iter().map(|measure| measure.name()).collect(),
            results: report.entries.iter().map(|entry| ResultRow::of(entry, measures)).collect(),
            num_validation: numbers::grouped(num_validation),
            unit: words.unit,
            class_axis: words.axis,
            has_amounts: report.target.class_width > 1,
            methods: report.methods.iter().map(|row| MethodLine::of(row, &reward_names)).collect(),
            methods_note: METHODS_NOTE,
            pairs: report.pairs.iter().map(PairSection::of).collect::<Result<_, _>>()?,
            solved: report.solved.as_ref().map(SolvedSection::of).transpose()?,
            reward_names,
            models,
            training: figures::of_training(report)?,
            samples: report.samples.iter().map(SampleRow::of).collect(),
            data: figures::of_data(report)?,
            ledger: report.ledger.iter().flat_map(LedgerRow::of).collect(),
            ledger_note: ledger_note(&report.ledger),
            facts: facts(report),
            stages: stages(report),
            configuration: report.configuration.clone(),
            glossary: glossary(report.target),
        })
    }
}

fn badge(standing: Standing) -> (&'static str, &'static str) {
    let word = match standing {
        Standing::Beats => "good",
        Standing::Ahead | Standing::NoBaseline => "open",
        Standing::NotAhead => "bad",
    };
    (word, standing.as_str())
}

/// What the shares of a table count.
fn shares_note(measures: &[Measure]) -> &'static str {
    if measures.iter().any(|measure| measure.is_of_parsed()) {
        "count all of them, but for those of parsed answers"
    } else {
        "count all of them"
    }
}

/// A value above its interval, for a cell of the table of results.
#[derive(Debug, Serialize)]
pub(super) struct Estimate {
    value: String,
    interval: String,
}

impl Estimate {
    pub(super) fn share(share: Proportion) -> Self {
        let interval = if share.n() == 0 {
            String::new()
        } else {
            numbers::percent_interval(share.interval())
        };
        Self { value: numbers::percent(share.value()), interval }
    }

    /// A mean that may be small.
    pub(super) fn precise(mean: Option<MeanInterval>) -> Self {
        let ends = mean.and_then(|mean| mean.interval).map(|interval| {
            let ends = [interval.low, interval.high].map(numbers::significant);
            ends.join(" to ")
        });
        Self {
            value: mean.map_or_else(|| "–".to_owned(), |mean| numbers::significant(mean.mean)),
            interval: ends.unwrap_or_default(),
        }
    }

    /// A share that is a mean of shares.
    pub(super) fn mean_share(mean: MeanInterval) -> Self {
        let interval = mean.interval.map(numbers::percent_interval);
        Self { value: numbers::percent(mean.mean), interval: interval.unwrap_or_default() }
    }

    pub(super) fn mean(mean: Option<MeanInterval>) -> Self {
        let interval = mean.and_then(|mean| mean.interval).map(numbers::measured_interval);
        Self {
            value: mean.map_or_else(|| "–".to_owned(), |mean| numbers::measured(mean.mean)),
            interval: interval.unwrap_or_default(),
        }
    }
}

#[derive(Debug, Serialize)]
struct ResultRow {
    name: String,
    kind: &'static str,
    cells: Vec<Estimate>,
    error: Estimate,
    median_error: String,
    unparseable: String,
}

impl ResultRow {
    fn of(entry: &Entry, measures: &[Measure]) -> Self {
        let metrics = &entry.metrics;
        let shares = measures.iter().map(|measure| measure.of(metrics));
        Self {
            name: entry.name.clone(),
            kind: match entry.kind {
                EntryKind::Baseline => "baseline",
                EntryKind::Model => "model",
            },
            cells: shares.map(Estimate::share).collect(),
            error: Estimate::mean(metrics.mean_absolute_error),
            median_error: metrics
                .median_absolute_error
                .map_or_else(|| "–".to_owned(), numbers::measured),
            unparseable: numbers::percent(metrics.unparseable.value()),
        }
    }
}

#[derive(Debug, Serialize)]
struct SampleRow {
    kind: &'static str,
    question: String,
    class: u32,
    amount: String,
    predicted: String,
    completion: String,
}

impl SampleRow {
    fn of(sample: &Sample) -> Self {
        let predicted = sample.outcome.scorable();
        Self {
            kind: sample.kind().as_str(),
            question: cut(&sample.question),
            class: sample.outcome.class,
            amount: numbers::grouped(sample.outcome.amount as usize),
            predicted: predicted.map_or_else(|| "–".to_owned(), numbers::plain),
            completion: cut(&sample.completion),
        }
    }
}

pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} …", &text[..end]),
    }
}

/// One line of the ledger: a stage, or one reason of it.
#[derive(Debug, Serialize)]
struct LedgerRow {
    /// Empty in the lines of reasons.
    stage: String,
    read: String,
    kept: String,
    reason: String,
    dropped: String,
}

impl LedgerRow {
    fn of(stage: &LedgerStage) -> Vec<Self> {
        let reasons = stage
            .dropped
            .iter()
            .filter(|dropped| dropped.count > 0)
            .map(|dropped| (dropped.reason.clone(), numbers::grouped(dropped.count)));
        let mut reasons: Vec<(String, String)> = reasons.collect();
        if reasons.is_empty() {
            reasons.push(("nothing".to_owned(), "0".to_owned()));
        }
        let row = |(i, (reason, dropped)): (usize, (String, String))| {
            let first = |text: String| if i == 0 { text } else { String::new() };
            Self {
                stage: first(stage.stage.clone()),
                read: first(numbers::grouped(stage.read)),
                kept: first(numbers::grouped(stage.kept)),
                reason,
                dropped,
            }
        };
        reasons.into_iter().enumerate().map(row).collect()
    }
}

/// Whether the ledger adds up; it is not taken on trust.
fn ledger_note(ledger: &[LedgerStage]) -> String {
    let dropped =
        |stage: &LedgerStage| stage.dropped.iter().map(|reason| reason.count).sum::<usize>();
    let wrong = ledger.iter().filter(|stage| stage.kept + dropped(stage) != stage.read);
    let stages: Vec<&str> = wrong.map(|stage| stage.stage.as_str()).collect();
    if stages.is_empty() {
        return "Every row is accounted for: read = kept + left out.".to_owned();
    }
    format!("Rows are missing: read is not kept + left out in {}.", stages.join(", "))
}

fn facts(report: &Report) -> Vec<(String, String)> {
    let facts = &report.facts;
    let seed = facts.seed.map(|seed| ("seed".to_owned(), seed.to_string()));
    let difference = facts.log_prob_difference.map(|difference| {
        let mean = numbers::significant(difference.mean);
        let value =
            format!("{mean} nats on average, {} at most", numbers::significant(difference.max));
        ("log-probability, sampling against training".to_owned(), value)
    });
    let lines = facts.lines.iter().map(|fact| (fact.name.clone(), fact.value.clone()));
    seed.into_iter().chain(lines).chain(difference).collect()
}

fn stages(report: &Report) -> Vec<(String, String)> {
    let line = |stage: &crate::StageDuration| {
        let reused = if stage.is_reused { " (taken over from an earlier run)" } else { "" };
        (stage.stage.clone(), format!("{}{reused}", numbers::duration(stage.seconds)))
    };
    report.facts.stages.iter().map(line).collect()
}
