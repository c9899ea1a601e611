//! Estimates with their intervals, one row per predictor: whether two are apart is seen at a glance.

use plotters::prelude::{Circle, PathElement, RGBColor, Text};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, FontStyle, TextStyle};

use super::{Canvas, DrawingError, Frame, palette, pixel, text};
use crate::{EntryKind, Proportion, RenderError, numbers};

const LABELS: i32 = 230;
const PANEL: i32 = 360;
const GAP: i32 = 56;
const TOP: i32 = 44;
const ROW: i32 = 30;

/// One predictor.
pub(crate) struct IntervalRow<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: EntryKind,
    pub(crate) shares: [Proportion; 2],
}

/// Two panels, one per share, from 0 to 100 %.
pub(crate) fn intervals(
    rows: &[IntervalRow],
    titles: [&str; 2],
    description: &str,
) -> Result<String, RenderError> {
    let height = TOP + ROW * i32::try_from(rows.len()).unwrap_or(i32::MAX / ROW) + 28;
    let width = LABELS + 2 * PANEL + GAP + 30;
    let frame = Frame { width: width.unsigned_abs(), height: height.unsigned_abs(), description };
    frame.draw(|canvas| {
        for (panel, title) in (0..).zip(titles) {
            let left = LABELS + panel * (PANEL + GAP);
            grid(canvas, left, height - 24)?;
            canvas.draw(&Text::new(title, (left, 8), text(14.0, HPos::Left, VPos::Top)))?;
        }
        for (i, row) in (0..).zip(rows) {
            let y = TOP + ROW * i + ROW / 2;
            let label = row_label(row.kind);
            canvas.draw(&Text::new(shortened(row.name), (LABELS - 14, y), label))?;
            for (panel, share) in (0..).zip(row.shares) {
                estimate(canvas, (LABELS + panel * (PANEL + GAP), y), color(row.kind), share)?;
            }
        }
        Ok(())
    })
}

fn color(kind: EntryKind) -> RGBColor {
    match kind {
        EntryKind::Baseline => palette::GREY,
        EntryKind::Model => palette::BLUE,
    }
}

fn row_label(kind: EntryKind) -> TextStyle<'static> {
    let label = text(14.0, HPos::Right, VPos::Center);
    match kind {
        EntryKind::Baseline => label,
        EntryKind::Model => TextStyle { font: label.font.style(FontStyle::Bold), ..label },
    }
}

fn shortened(name: &str) -> String {
    const LONGEST: usize = 30;
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    name.chars().take(LONGEST - 1).chain(['…']).collect()
}

fn grid(canvas: &Canvas, left: i32, bottom: i32) -> Result<(), DrawingError> {
    for quarter in 0..=4 {
        let x = left + PANEL * quarter / 4;
        canvas.draw(&PathElement::new([(x, TOP - 8), (x, bottom)], palette::RULE))?;
        let label = format!("{}%", 25 * quarter);
        canvas.draw(&Text::new(label, (x, bottom + 6), text(12.0, HPos::Center, VPos::Top)))?;
    }
    Ok(())
}

fn estimate(
    canvas: &Canvas,
    (left, y): (i32, i32),
    color: RGBColor,
    share: Proportion,
) -> Result<(), DrawingError> {
    if share.n() == 0 {
        return Ok(());
    }
    let x = |value: f64| left + pixel(value * f64::from(PANEL));
    let interval = share.interval();
    let (low, high) = (x(interval.low), x(interval.high));
    canvas.draw(&PathElement::new([(low, y), (high, y)], color.stroke_width(3)))?;
    for end in [low, high] {
        canvas.draw(&PathElement::new([(end, y - 6), (end, y + 6)], color.stroke_width(2)))?;
    }
    canvas.draw(&Circle::new((x(share.value()), y), 4, color.filled()))?;
    let (at, side) =
        if interval.high > 0.8 { (low - 8, HPos::Right) } else { (high + 8, HPos::Left) };
    canvas.draw(&Text::new(
        numbers::percent(share.value()),
        (at, y),
        text(13.0, side, VPos::Center),
    ))
}
