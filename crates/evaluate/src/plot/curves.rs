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
    let values = range(points().map(|point| point.value));
    let spread = values.end - values.start;
    let mut diagram = ChartBuilder::on(canvas)
        .margin(8)
        .margin_right(14)
        .x_label_area_size(40)
        .y_label_area_size(66)
        .build_cartesian_2d(first..last.max(first + 1.0), values)?;
    let small = text(11.0, HPos::Center, VPos::Top);
    diagram
        .configure_mesh()
        .light_line_style(palette::RULE.mix(0.0))
        .bold_line_style(palette::RULE)
        .axis_style(palette::RULE)
        .x_labels(num_steps(first, last))
        .y_labels(6)
        .x_label_formatter(&|step| format!("{step:.0}"))
        .y_label_formatter(&|&value| tick_within(value, spread))
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

/// How many steps are labelled: no more than there are whole ones, for half a step would be rounded to its neighbour.
fn num_steps(first: f64, last: f64) -> usize {
    let whole = (2..8_u8).find(|count| f64::from(*count) > last - first);
    usize::from(whole.unwrap_or(8))
}

/// A number at a line of a grid.
pub(super) fn tick(value: f64) -> String {
    trimmed(numbers::significant(if value.abs() < 1e-9 { 0.0 } else { value }))
}

/// A value of the axis, with as many decimals as tell it from its neighbours on an axis of this spread.
fn tick_within(value: f64, spread: f64) -> String {
    let apart = (-(spread / 6.0).log10()).ceil();
    if !(1.0..1e6).contains(&value.abs()) || !(1.0..=9.0).contains(&apart) {
        return tick(if value.abs() < 1e-9 * spread { 0.0 } else { value });
    }
    let decimals = (1..=9_usize).find(|count| *count as f64 >= apart).unwrap_or(9);
    trimmed(format!("{value:.decimals$}"))
}

/// A number without zeros at its end.
fn trimmed(text: String) -> String {
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

    /// What is written beside the axes of a chart of these points.
    fn labels(points: &[(u64, f64)]) -> Vec<String> {
        let series = vec![Series::new("s", points.iter().copied())];
        let chart = Chart { title: "t".to_owned(), y_label: "% of problems".to_owned(), series };
        let svg = curves(&chart, "k", "d").expect("it is drawn");
        let texts = svg.split("<text").skip(1).filter_map(|text| text.split_once('>'));
        let texts = texts.filter_map(|(_, text)| text.split_once("</text>"));
        texts.map(|(text, _)| text.trim().to_owned()).collect()
    }

    #[test]
    fn no_two_ticks_of_an_axis_are_called_the_same() {
        for points in [
            vec![(1, 40.0), (2, 52.0), (4, 64.0)],
            vec![(1, 40.0), (2, 52.0)],
            vec![(1, 33.3), (8, 77.7)],
            vec![(0, 1234.1), (3, 1234.9)],
            vec![(0, 99.98), (1000, 100.0)],
            vec![(5, 50.0)],
        ] {
            let mut labels = labels(&points);
            let count = labels.len();
            assert!(count > 4, "{labels:?}");
            labels.sort();
            labels.dedup();
            assert_eq!(labels.len(), count, "{points:?}: {labels:?}");
        }
        let labels = labels(&[(1, 40.0), (2, 52.0), (4, 64.0)]);
        for step in ["1", "2", "3", "4"] {
            assert!(labels.iter().any(|label| label == step), "{labels:?}");
        }
    }
}
