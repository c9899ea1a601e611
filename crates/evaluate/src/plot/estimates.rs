//! Means with their intervals in one panel, one row for each.

use plotters::prelude::{Circle, PathElement, Text};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

use super::curves::tick;
use super::{Canvas, DrawingError, Frame, palette, pixel, text, tick_step};
use crate::{MeanInterval, RenderError};

const LABELS: i32 = 170;
const PANEL: i32 = 310;
const TOP: i32 = 12;
const ROW: i32 = 34;
const BELOW: i32 = 28;
/// Steps between the lines of the grid, at most.
const STEPS: f64 = 5.0;
/// The part of a step that an interval may reach beyond the axis, rather than make it a step longer.
const SLACK: f64 = 0.02;

/// One panel of estimates.
pub(crate) struct Estimates<'a> {
    /// The name and the value of each row.
    pub(crate) rows: Vec<(&'a str, MeanInterval)>,
    /// The ends of the axis, with a line at each quarter; round numbers around the intervals and 0 if there are none.
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
    fn axis(&self) -> Axis {
        if let Some((low, high)) = self.range {
            return Axis { low, high, step: (high - low) / 4.0, label: self.label };
        }
        let ends = self.rows.iter().flat_map(|(_, one)| {
            let interval = one.interval.map_or([one.mean; 2], |ends| [ends.low, ends.high]);
            interval.into_iter().chain([0.0])
        });
        Axis::around(ends)
    }

    fn draw(&self, canvas: &Canvas, bottom: i32) -> Result<(), DrawingError> {
        let axis = self.axis();
        let (low, high) = (axis.low, axis.high);
        let x = |value: f64| LABELS + pixel((value - low) / (high - low) * f64::from(PANEL));
        for value in axis.lines() {
            let at = x(value);
            canvas.draw(&PathElement::new([(at, TOP - 8), (at, bottom)], palette::RULE))?;
            let style = text(11.0, HPos::Center, VPos::Top);
            canvas.draw(&Text::new((axis.label)(value), (at, bottom + 6), style))?;
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

/// A horizontal axis and the lines of its grid.
struct Axis {
    low: f64,
    high: f64,
    step: f64,
    label: fn(f64) -> String,
}

impl Axis {
    /// Ends at round numbers, with 0 among them where it is an end.
    fn around(values: impl Iterator<Item = f64> + Clone) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = if low < high { (low, high) } else { (low - 1.0, high + 1.0) };
        let step = tick_step(high - low, STEPS);
        let low = (low / step + SLACK).floor() * step;
        let high = (high / step - SLACK).ceil() * step;
        Self { low, high, step, label: tick }
    }

    fn lines(&self) -> impl Iterator<Item = f64> {
        let last = pixel((self.high - self.low) / self.step);
        (0..=last).map(|line| self.low + f64::from(line) * self.step)
    }
}

/// Rows and curves of one policy have one colour.
fn index_of_colour(row: i32) -> usize {
    usize::try_from(row).unwrap_or_default() % palette::CURVES.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64]) -> Vec<String> {
        let axis = Axis::around(values.iter().copied());
        axis.lines().map(axis.label).collect()
    }

    #[test]
    fn an_axis_has_round_numbers_around_its_values() {
        assert_eq!(labels(&[0.0, 0.4695]), ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(labels(&[-0.000_020_1, 0.9986, 0.0]), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(labels(&[-3.1, 0.0, 5.0]), ["-4", "-2", "0", "2", "4", "6"]);
        assert_eq!(labels(&[0.0, 0.0]), ["-1", "-0.5", "0", "0.5", "1"]);
    }
}
