//! Which diagrams the page shows, and what stands below each.

use serde::Serialize;

use super::RenderError;
use crate::plot::{self, Bar, Bars, IntervalRow, palette};
use crate::target::Words;
use crate::{
    Chart, ClassAccuracy, ClassCount, Entry, EntryKind, ErrorCount, Point, Report, Series, numbers,
};

/// The classes of the style sheet with the colours of curves, in order.
pub(super) const SWATCHES: [&str; 4] = ["blue", "vermilion", "green", "purple"];

/// Errors of this many classes and more share the last bar on their side.
const MOST_ERROR: i64 = 12;

/// A diagram with its words.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figure {
    pub(super) title: String,
    /// An `<svg>` element; markup, not text.
    pub(super) svg: String,
    pub(super) legend: Vec<LegendItem>,
    pub(super) caption: String,
}

/// A colour and what it stands for.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LegendItem {
    /// The class of the style sheet with the colour.
    swatch: &'static str,
    name: String,
}

impl LegendItem {
    pub(super) fn new(swatch: &'static str, name: impl Into<String>) -> Self {
        Self { swatch, name: name.into() }
    }
}

/// Strict and within-1 accuracy of every entry; none of no entries.
pub(super) fn comparison(report: &Report) -> Result<Option<Figure>, RenderError> {
    if report.entries.is_empty() {
        return Ok(None);
    }
    let row = |entry| {
        let Entry { name, kind, metrics, .. }: &Entry = entry;
        IntervalRow { name, kind: *kind, shares: [metrics.strict, metrics.within_1] }
    };
    let rows: Vec<IntervalRow> = report.entries.iter().map(row).collect();
    let words = report.target.quantity.words();
    let titles =
        [format!("exact {}", words.class), format!("at most one {} off", words.unit_class)];
    let titles = [titles[0].as_str(), titles[1].as_str()];
    let description =
        "Accuracy of each predictor with its 95% interval; the table below has the numbers.";
    Ok(Some(Figure {
        title: String::new(),
        svg: plot::intervals(&rows, titles, description)?,
        legend: vec![LegendItem::new("blue", "model"), LegendItem::new("grey", "baseline")],
        caption: "Dots are shares of the validation questions, lines their 95% intervals."
            .to_owned(),
    }))
}

/// The confusion, the errors and the accuracy by class of each model.
pub(super) fn of_models(report: &Report) -> Result<Vec<ModelFigures>, RenderError> {
    let words = report.target.quantity.words();
    report.entries_of(EntryKind::Model).map(|entry| ModelFigures::of(entry, words)).collect()
}

/// The diagrams of one model.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ModelFigures {
    name: String,
    figures: Vec<Figure>,
}

impl ModelFigures {
    fn of(entry: &Entry, words: Words) -> Result<Self, RenderError> {
        let mut figures = Vec::new();
        figures.extend(confusion(entry, words)?);
        if !entry.breakdown.errors.is_empty() {
            figures.push(errors(entry, words)?);
        }
        if !entry.breakdown.classes.is_empty() {
            figures.push(by_class(entry, words)?);
        }
        Ok(Self { name: entry.name.clone(), figures })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.figures.is_empty()
    }
}

fn confusion(entry: &Entry, words: Words) -> Result<Option<Figure>, RenderError> {
    let description =
        format!("Predicted against true {}, {}, each row scaled to 100%.", words.axis, entry.name);
    let svg = plot::heatmap(&entry.breakdown.confusion, words.axis, &description)?;
    Ok(svg.map(|svg| Figure {
        title: format!("Predicted against true {}", words.axis),
        svg,
        legend: Vec::new(),
        caption: format!(
            "Each row is one true {class} and adds up to 100%. Right predictions lie on the diagonal, predictions of {} to \
             its right. \u{201c}other\u{201d}: a {class} no question has; \u{201c}none\u{201d}: no number in the answer.",
            words.too_much,
            class = words.class,
        ),
    }))
}

/// How many errors there are of each size from `-limit` to `limit`, and `limit`; larger ones count as that large.
fn error_counts(errors: &[ErrorCount]) -> (Vec<(i64, usize)>, i64) {
    let largest = errors.iter().map(|row| row.error.saturating_abs()).max().unwrap_or(0);
    let limit = largest.clamp(2, MOST_ERROR);
    let count = |at| {
        let rows = errors.iter().filter(|row| row.error.clamp(-limit, limit) == at);
        (at, rows.map(|row| row.count).sum())
    };
    ((-limit..=limit).map(count).collect(), limit)
}

fn errors(entry: &Entry, words: Words) -> Result<Figure, RenderError> {
    let (counts, limit) = error_counts(&entry.breakdown.errors);
    let bar = |(at, count): (i64, usize)| Bar {
        at,
        height: count as f64 / entry.metrics.n as f64 * 100.0,
        color: match at.abs() {
            0 => palette::BLUE,
            1 => palette::SKY,
            _ => palette::GREY,
        },
    };
    let label = |error: i64| match error {
        _ if error == limit && limit == MOST_ERROR => format!("≥{error}"),
        _ if error == -limit && limit == MOST_ERROR => format!("≤−{limit}"),
        ..0 => format!("−{}", -error),
        _ => error.to_string(),
    };
    let svg = plot::bars(&Bars {
        items: counts.into_iter().map(bar).collect(),
        x_label: &format!("predicted − true {}", words.axis),
        y_label: "% of questions",
        label: &label,
        top: None,
        description: &format!("Histogram of the errors in {}, {}.", words.unit_classes, entry.name),
    })?;
    Ok(Figure {
        title: format!("Errors in {}", words.unit_classes),
        svg,
        legend: vec![
            LegendItem::new("blue", "exact"),
            LegendItem::new("sky", "one off"),
            LegendItem::new("grey", "more"),
        ],
        caption: format!(
            "Left of zero the model expects {}, right of it {}.",
            words.too_little, words.too_much
        ),
    })
}

fn by_class(entry: &Entry, words: Words) -> Result<Figure, RenderError> {
    let classes = &entry.breakdown.classes;
    let layer = |color, share: fn(&ClassAccuracy) -> f64| {
        classes.iter().map(move |row| Bar {
            at: row.class.into(),
            height: 100.0 * share(row),
            color,
        })
    };
    let behind = layer(palette::SKY, |row| row.within_1.value());
    let svg = plot::bars(&Bars {
        items: behind.chain(layer(palette::BLUE, |row| row.strict.value())).collect(),
        x_label: &format!("true {}", words.axis),
        y_label: "% of its questions",
        label: &|class| class.to_string(),
        top: Some(100.0),
        description: &format!("Accuracy by true {}, {}.", words.axis, entry.name),
    })?;
    Ok(Figure {
        title: format!("Accuracy by {}", words.class),
        svg,
        legend: vec![LegendItem::new("blue", "exact"), LegendItem::new("sky", "at most one off")],
        caption: String::new(),
    })
}

/// The curves of training, as far as they have points.
pub(super) fn of_training(report: &Report) -> Result<Vec<Figure>, RenderError> {
    let drawable = report.charts.iter().filter_map(with_points);
    drawable.map(|chart| training(&chart)).collect()
}

/// The chart without its empty curves; none if all are empty.
fn with_points(chart: &Chart) -> Option<Chart> {
    let mut chart = chart.clone();
    chart.series.retain(|series| !series.points.is_empty());
    (!chart.series.is_empty()).then_some(chart)
}

fn training(chart: &Chart) -> Result<Figure, RenderError> {
    let changes: Vec<String> = chart.series.iter().map(change).collect();
    let longest = chart.series.iter().map(|series| series.points.len()).max().unwrap_or(0);
    let span = plot::smoothing_span(longest);
    let smoothing =
        if span > 1 { format!(" Bold: moving mean over {span} points.") } else { String::new() };
    // A single curve is named in the title.
    let named = chart.series.iter().filter(|_| chart.series.len() > 1);
    let legend = named.zip(SWATCHES.into_iter().cycle());
    Ok(Figure {
        title: chart.title.clone(),
        svg: plot::curves(
            chart,
            "optimiser step",
            &format!("{}: {}", chart.title, changes.join(" ")),
        )?,
        legend: legend.map(|(series, swatch)| LegendItem::new(swatch, &series.name)).collect(),
        caption: format!("{}{smoothing}", changes.join(" ")),
    })
}

/// How the curve went: the means of its first and its last tenth.
fn change(series: &Series) -> String {
    let tenth = series.points.len().div_ceil(10);
    let mean = |points: &[Point]| {
        let sum: f64 = points.iter().map(|point| point.value).sum();
        numbers::significant(sum / points.len() as f64)
    };
    let first = mean(&series.points[..tenth]);
    let last = mean(&series.points[series.points.len() - tenth..]);
    let what = if tenth > 1 { "means of the first and last tenth" } else { "first and last value" };
    let missing = match series.num_not_finite {
        0 => String::new(),
        count => format!("; values that were not finite: {count}"),
    };
    format!("{}: from {first} to {last} ({what}{missing}).", series.name)
}

/// Questions per class, without the classes that have none; none of no classes.
pub(super) fn of_data(report: &Report) -> Result<Option<Figure>, RenderError> {
    let used = |row: &&ClassCount| row.train + row.validation > 0;
    let rows: Vec<&ClassCount> = report.data.iter().filter(used).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let words = report.target.quantity.words();
    let layer = |color, count: fn(&ClassCount) -> usize| {
        let bar =
            move |row: &ClassCount| Bar { at: row.class.into(), height: count(row) as f64, color };
        rows.iter().map(move |row| bar(row))
    };
    let behind = layer(palette::SKY, |row| row.train + row.validation);
    let total =
        |count: fn(&ClassCount) -> usize| numbers::grouped(report.data.iter().map(count).sum());
    let svg = plot::bars(&Bars {
        items: behind.chain(layer(palette::BLUE, |row| row.validation)).collect(),
        x_label: words.axis,
        y_label: "questions",
        label: &|class| class.to_string(),
        top: None,
        description: &format!("Questions of each {} in training and validation.", words.class),
    })?;
    Ok(Some(Figure {
        title: format!("Questions by {}", words.class),
        svg,
        legend: vec![
            LegendItem::new("sky", format!("training, {}", total(|row| row.train))),
            LegendItem::new("blue", format!("validation, {}", total(|row| row.validation))),
        ],
        caption: "Validation at the bottom of each bar, training on top of it.".to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_beyond_the_limit_count_as_the_limit_on_their_own_side() {
        let error = |error, count| ErrorCount { error, count };
        let (counts, limit) = error_counts(&[
            error(i64::MIN, 1),
            error(-13, 2),
            error(-1, 4),
            error(0, 8),
            error(12, 16),
            error(i64::MAX, 32),
        ]);
        let filled: Vec<(i64, usize)> =
            counts.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!((limit, filled), (12, vec![(-12, 3), (-1, 4), (0, 8), (12, 48)]));
        let (counts, limit) = error_counts(&[error(1, 5)]);
        assert_eq!((limit, counts), (2, vec![(-2, 0), (-1, 0), (0, 0), (1, 5), (2, 0)]));
    }

    #[test]
    fn a_curve_is_summed_up_by_the_means_of_its_ends() {
        let long = Series::new("reward", (1..=30_u32).map(|step| (step.into(), step.into())));
        assert_eq!(
            change(&long),
            "reward: from 2.000 to 29.00 (means of the first and last tenth)."
        );
        let short = Series::new("loss", [(1, 4.0), (2, f64::NAN), (3, 1.0)]);
        let expected =
            "loss: from 4.000 to 1.000 (first and last value; values that were not finite: 1).";
        assert_eq!(change(&short), expected);
    }
}
