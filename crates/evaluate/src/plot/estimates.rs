//! Means with their intervals in one panel, one row for each.

use plotters::prelude::{Circle, PathElement, Text};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

use super::{Canvas, DrawingError, Frame, palette, pixel, text};
use crate::{MeanInterval, RenderError};

const LABELS: i32 = 170;
const PANEL: i32 = 310;
const TOP: i32 = 12;
const ROW: i32 = 34;
const BELOW: i32 = 28;
/// Lines of the grid, the ends included.
const LINES: i32 = 5;

/// One panel of estimates.
pub(crate) struct Estimates<'a> {
    /// The name and the value of each row.
    pub(crate) rows: Vec<(&'a str, MeanInterval)>,
    /// The ends of the axis; the values with their intervals if there are none.
    pub(crate) range: Option<(f64, f64)>,
    /// How a value is written.
    pub(crate) label: fn(f64) -> String,
    /// What it shows, in words.
    pub(crate) description: &'a str,
}

/// Draws the panel.
pub(crate) fn estimates(panel: &Estimates) -> Result<String, RenderError> {
    let height = TOP + ROW * i32::try_from(panel.rows.len()).unwrap_or(1) + BELOW;
    let frame = Frame {
        width: (LABELS + PANEL + 80).unsigned_abs(),
        height: height.unsigned_abs(),
        description: panel.description,
    };
    frame.draw(|canvas| panel.draw(canvas, height - BELOW))
}

impl Estimates<'_> {
    fn ends(&self) -> (f64, f64) {
        if let Some(range) = self.range {
            return range;
        }
        let ends = self.rows.iter().flat_map(|(_, one)| {
            let interval = one.interval.map_or([one.mean; 2], |ends| [ends.low, ends.high]);
            interval.into_iter().chain([0.0])
        });
        let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| {
            (low.min(end), high.max(end))
        });
        if low < high { (low, high) } else { (low - 1.0, high + 1.0) }
    }

    fn draw(&self, canvas: &Canvas, bottom: i32) -> Result<(), DrawingError> {
        let (low, high) = self.ends();
        let x = |value: f64| LABELS + pixel((value - low) / (high - low) * f64::from(PANEL));
        for line in 0..LINES {
            let value = low + (high - low) * f64::from(line) / f64::from(LINES - 1);
            let at = x(value);
            canvas.draw(&PathElement::new([(at, TOP - 8), (at, bottom)], palette::RULE))?;
            let style = text(11.0, HPos::Center, VPos::Top);
            canvas.draw(&Text::new((self.label)(value), (at, bottom + 6), style))?;
        }
        for (index, (name, one)) in (0..).zip(&self.rows) {
            let y = TOP + ROW * index + ROW / 2;
            let style = text(13.0, HPos::Right, VPos::Center);
            canvas.draw(&Text::new((*name).to_owned(), (LABELS - 12, y), style))?;
            let color = palette::CURVES[index_of_colour(index)];
            if let Some(ends) = one.interval {
                let ends = [(x(ends.low), y), (x(ends.high), y)];
                canvas.draw(&PathElement::new(ends, color.stroke_width(3)))?;
            }
            canvas.draw(&Circle::new((x(one.mean), y), 4, color.filled()))?;
            let right = one.interval.map_or(one.mean, |ends| ends.high);
            let style = text(12.0, HPos::Left, VPos::Center);
            canvas.draw(&Text::new((self.label)(one.mean), (x(right) + 8, y), style))?;
        }
        Ok(())
    }
}

/// Rows and curves of one policy have one colour.
fn index_of_colour(row: i32) -> usize {
    usize::try_from(row).unwrap_or_default() % palette::CURVES.len()
}
