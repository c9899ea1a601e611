//! Bars over whole numbers: counts or shares by class or by error.

use plotters::prelude::{ChartBuilder, RGBColor, Rectangle};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

use super::{Canvas, DrawingError, Frame, palette, text};
use crate::RenderError;

/// One bar.
pub(crate) struct Bar {
    /// Where it stands.
    pub(crate) at: i64,
    /// How high it is; at least 0.
    pub(crate) height: f64,
    /// Its colour.
    pub(crate) color: RGBColor,
}

/// A bar diagram.
pub(crate) struct Bars<'a> {
    /// Bars in drawing order: later ones cover earlier ones at the same place.
    pub(crate) items: Vec<Bar>,
    /// What the horizontal axis counts.
    pub(crate) x_label: &'a str,
    /// What the vertical axis measures.
    pub(crate) y_label: &'a str,
    /// How a place is labelled.
    pub(crate) label: &'a dyn Fn(i64) -> String,
    /// The top of the vertical axis, where it shall not follow the highest bar.
    pub(crate) top: Option<f64>,
    /// What the diagram shows, in words.
    pub(crate) description: &'a str,
}

/// Draws bars over one unit each.
pub(crate) fn bars(bars: &Bars) -> Result<String, RenderError> {
    let frame = Frame { width: 560, height: 250, description: bars.description };
    frame.draw(|canvas| draw(canvas, bars))
}

fn draw(canvas: &Canvas, bars: &Bars) -> Result<(), DrawingError> {
    let first = bars.items.iter().map(|bar| bar.at).min().unwrap_or(0);
    let last = bars.items.iter().map(|bar| bar.at).max().unwrap_or(0);
    let highest = bars.items.iter().map(|bar| bar.height).fold(0.0, f64::max);
    let top = bars.top.unwrap_or(if highest > 0.0 { highest * 1.05 } else { 1.0 });
    let mut chart = ChartBuilder::on(canvas)
        .margin(8)
        .margin_right(14)
        .x_label_area_size(40)
        .y_label_area_size(58)
        .build_cartesian_2d(first as f64 - 0.6..last as f64 + 0.6, 0.0..top)?;
    let small = text(11.0, HPos::Center, VPos::Top);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(palette::RULE.mix(0.0))
        .bold_line_style(palette::RULE)
        .axis_style(palette::RULE)
        .x_labels(16)
        .y_labels(5)
        .x_label_formatter(&|&x| whole(x).map(bars.label).unwrap_or_default())
        .y_label_formatter(&|&y| axis_number(y))
        .x_desc(bars.x_label)
        .y_desc(bars.y_label)
        .label_style(small.clone())
        .axis_desc_style(small)
        .draw()?;
    chart.draw_series(bars.items.iter().filter(|bar| bar.height > 0.0).map(|bar| {
        let at = bar.at as f64;
        Rectangle::new([(at - 0.42, 0.0), (at + 0.42, bar.height)], bar.color.filled())
    }))?;
    Ok(())
}

/// The whole number at a tick; none between two of them.
#[expect(clippy::cast_possible_truncation, reason = "classes and errors are small")]
fn whole(x: f64) -> Option<i64> {
    ((x - x.round()).abs() < 1e-6).then(|| x.round() as i64)
}

fn axis_number(y: f64) -> String {
    let text = format!("{y:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
