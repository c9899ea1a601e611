//! Curves, over the steps of training or over anything that is counted: every value faintly, and a moving mean through them.

use plotters::prelude::{ChartBuilder, LineSeries};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

use super::{Canvas, DrawingError, Frame, palette, text};
use crate::{Chart, Point, RenderError, Series, numbers};

/// How many points of a curve are drawn at most; more would not be seen.
const MOST_POINTS: usize = 600;

/// How many neighbouring points the moving mean of `num_points` takes in; 1 where there are too few to smooth.
pub(crate) fn smoothing_span(num_points: usize) -> usize {
    if num_points < 20 { 1 } else { (num_points / 20).max(2) | 1 }
}

/// Draws the curves of a chart over what is counted to the right.
pub(crate) fn curves(
    chart: &Chart,
    x_label: &str,
    description: &str,
) -> Result<String, RenderError> {
    let frame = Frame { width: 560, height: 280, description };
    frame.draw(|canvas| draw(canvas, chart, x_label))
}

fn draw(canvas: &Canvas, chart: &Chart, x_label: &str) -> Result<(), DrawingError> {
    let points = || chart.series.iter().flat_map(|series| &series.points);
    let first = points().map(|point| point.step).min().unwrap_or(0) as f64;
    let last = points().map(|point| point.step).max().unwrap_or(0) as f64;
    let mut diagram = ChartBuilder::on(canvas)
        .margin(8)
        .margin_right(14)
        .x_label_area_size(40)
        .y_label_area_size(66)
        .build_cartesian_2d(
            first..last.max(first + 1.0),
            range(points().map(|point| point.value)),
        )?;
    let small = text(11.0, HPos::Center, VPos::Top);
    diagram
        .configure_mesh()
        .light_line_style(palette::RULE.mix(0.0))
        .bold_line_style(palette::RULE)
        .axis_style(palette::RULE)
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&|step| format!("{step:.0}"))
        .y_label_formatter(&|&value| tick(value))
        .x_desc(x_label)
        .y_desc(chart.y_label.as_str())
        .label_style(small.clone())
        .axis_desc_style(small)
        .draw()?;
    for (series, color) in chart.series.iter().zip(palette::CURVES.into_iter().cycle()) {
        let span = smoothing_span(series.points.len());
        if span > 1 {
            diagram.draw_series(LineSeries::new(thinned(&series.points), color.mix(0.3)))?;
        }
        let smooth = thinned(&moving_mean(series, span));
        diagram.draw_series(LineSeries::new(smooth, color.stroke_width(2)))?;
    }
    Ok(())
}

/// The range of the values with a margin, so that no curve runs along the frame.
fn range(values: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let margin = if high > low { (high - low) * 0.05 } else { low.abs().max(1.0) * 0.1 };
    low - margin..high + margin
}

/// A number at a line of a grid.
pub(super) fn tick(value: f64) -> String {
    let text = numbers::significant(if value.abs() < 1e-9 { 0.0 } else { value });
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// The mean of `span` points around each one, fewer at the ends; `span` is odd.
fn moving_mean(series: &Series, span: usize) -> Vec<Point> {
    let mean = |(i, point): (usize, &Point)| {
        let around =
            &series.points[i.saturating_sub(span / 2)..(i + span / 2 + 1).min(series.points.len())];
        let sum: f64 = around.iter().map(|point| point.value).sum();
        Point { step: point.step, value: sum / around.len() as f64 }
    };
    series.points.iter().enumerate().map(mean).collect()
}

/// At most [`MOST_POINTS`] of the points, evenly spaced, the last one included.
fn thinned(points: &[Point]) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(MOST_POINTS).max(1);
    points.iter().rev().step_by(step).rev().map(|point| (point.step as f64, point.value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moving_mean_is_the_mean_of_what_is_around() {
        let series = Series::new("s", (0..5_u32).map(|i| (u64::from(i), f64::from(i * i))));
        let values: Vec<f64> =
            moving_mean(&series, 3).into_iter().map(|point| point.value).collect();
        assert_eq!(values, [0.5, 5.0 / 3.0, 14.0 / 3.0, 29.0 / 3.0, 12.5]);
        assert_eq!(moving_mean(&series, 1), series.points);
    }

    #[test]
    fn spans_of_the_moving_mean_are_odd() {
        assert_eq!([0, 19, 20, 60, 100, 240].map(smoothing_span), [1, 1, 3, 3, 5, 13]);
    }

    #[test]
    fn thinning_keeps_the_last_point() {
        let series = Series::new("s", (0..1801_u32).map(|i| (u64::from(i), 0.0)));
        let kept = thinned(&series.points);
        assert_eq!((kept.len(), kept.last()), (451, Some(&(1800.0, 0.0))));
    }
}
