//! What the page says of models that score: a table by kind, calibration, margins.

use serde::Serialize;

use super::RenderError;
use super::figures::{Figure, LegendItem};
use super::view::Estimate;
use crate::plot::{self, Bar, Bars, palette};
use crate::{CalibrationBin, PairResult, numbers};

/// One model that scores.
#[derive(Debug, Serialize)]
pub(super) struct PairSection {
    name: String,
    note: String,
    rows: Vec<PairRow>,
    figures: Vec<Figure>,
}

/// The pairs of one kind.
#[derive(Debug, Serialize)]
struct PairRow {
    kind: String,
    count: String,
    accuracy: Estimate,
}

impl PairSection {
    pub(super) fn of(result: &PairResult) -> Result<Self, RenderError> {
        let kinds = result.kinds.iter().map(|one| (one.kind.as_str(), one.accuracy));
        let row = |(kind, accuracy): (&str, crate::Proportion)| PairRow {
            kind: kind.to_owned(),
            count: numbers::grouped(accuracy.n()),
            accuracy: Estimate::share(accuracy),
        };
        let rows = kinds.chain([("all", result.accuracy)]).map(row).collect();
        let figures = if result.accuracy.n() == 0 {
            Vec::new()
        } else {
            vec![calibration(result)?, margins(result)?]
        };
        Ok(Self { name: result.name.clone(), note: note(result), rows, figures })
    }
}

fn note(result: &PairResult) -> String {
    let left_out = match result.num_not_finite {
        0 => String::new(),
        count => format!(" Pairs left out because a score is not finite: {count}."),
    };
    format!(
        "Chance is 50%. Log loss {} nats (chance: 0.6931), calibration error {}.{left_out}",
        numbers::significant(result.log_loss),
        numbers::percent(result.calibration_error),
    )
}

/// How often the favoured side is right, by how sure the model is.
fn calibration(result: &PairResult) -> Result<Figure, RenderError> {
    let bar = |color, height: fn(&CalibrationBin) -> f64| {
        result.calibration.iter().map(move |bin| Bar {
            at: percent_of(bin.confidence) / 5,
            height: 100.0 * height(bin),
            color,
        })
    };
    let behind = bar(palette::SKY, |bin| bin.confidence);
    let svg = plot::bars(&Bars {
        items: behind.chain(bar(palette::BLUE, |bin| bin.accuracy.value())).collect(),
        x_label: "confidence, %",
        y_label: "% ranked rightly",
        label: &|bin| (5 * bin).to_string(),
        top: Some(100.0),
        description: "How often pairs are ranked rightly, by the confidence of the scores.",
    })?;
    Ok(Figure {
        title: "Calibration".to_owned(),
        svg,
        legend: vec![LegendItem::new("blue", "accuracy"), LegendItem::new("sky", "confidence")],
        caption: "Where the light end of a bar can be seen, the model is surer than it should be."
            .to_owned(),
    })
}

/// A share in percent, rounded down.
#[expect(clippy::cast_possible_truncation, reason = "a share is at most 1")]
fn percent_of(share: f64) -> i64 {
    (100.0 * share) as i64
}

fn margins(result: &PairResult) -> Result<Figure, RenderError> {
    let bar = |one: &crate::MarginCount| Bar {
        at: one.bin,
        height: one.count as f64,
        color: if one.bin < 0 { palette::GREY } else { palette::BLUE },
    };
    let width = result.margin_width;
    let label = |bin: i64| numbers::significant(bin as f64 * width);
    let svg = plot::bars(&Bars {
        items: result.margins.iter().map(bar).collect(),
        x_label: "score of the chosen − score of the rejected, from …",
        y_label: "pairs",
        label: &label,
        top: None,
        description: "Histogram of the margins between the scores of pairs.",
    })?;
    Ok(Figure {
        title: "Margins".to_owned(),
        svg,
        legend: vec![LegendItem::new("blue", "ranked rightly"), LegendItem::new("grey", "not")],
        caption: format!(
            "Each bar is {} wide; the outermost hold what lies beyond.",
            numbers::significant(width)
        ),
    })
}
