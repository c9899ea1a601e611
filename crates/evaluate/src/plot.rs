//! Diagrams as inline SVG.
//!
//! Each drawing function returns one `<svg>` element that scales with the page and carries its description. Colours
//! are those of [`palette`]; the style sheet of the page replaces them where a dark background asks for others.

mod bars;
mod curves;
mod estimates;
mod heatmap;
mod intervals;

pub(crate) use bars::{Bar, Bars, bars};
pub(crate) use curves::{curves, smoothing_span};
pub(crate) use estimates::{Estimates, estimates};
pub(crate) use heatmap::heatmap;
pub(crate) use intervals::{IntervalRow, intervals};

use plotters::coord::Shift;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::{DrawingArea, IntoDrawingArea, SVGBackend, TextStyle};
use plotters::style::IntoTextStyle;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::RenderError;

/// Colours that readers with any common colour blindness can tell apart: Okabe and Ito (2008), and greys.
pub(crate) mod palette {
    use plotters::style::RGBColor;

    /// What the page is about: models, exact hits.
    pub(crate) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
    /// What comes near to it.
    pub(crate) const SKY: RGBColor = RGBColor(0x56, 0xB4, 0xE9);
    /// A second curve.
    pub(crate) const VERMILION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
    /// A third curve.
    pub(crate) const GREEN: RGBColor = RGBColor(0x00, 0x9E, 0x73);
    /// A fourth curve.
    pub(crate) const PURPLE: RGBColor = RGBColor(0xCC, 0x79, 0xA7);
    /// What is there for comparison.
    pub(crate) const GREY: RGBColor = RGBColor(0x8A, 0x8A, 0x8A);
    /// Grid lines and frames.
    pub(crate) const RULE: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);
    /// Text.
    pub(crate) const INK: RGBColor = RGBColor(0x44, 0x44, 0x44);
    /// The colours of curves, in order.
    pub(crate) const CURVES: [RGBColor; 4] = [BLUE, VERMILION, GREEN, PURPLE];
}

/// Where a diagram is drawn.
type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// What may go wrong while it is drawn.
type DrawingError = DrawingAreaErrorKind<std::io::Error>;

/// The size of a diagram in pixels, and what it shows in words.
struct Frame<'a> {
    width: u32,
    height: u32,
    description: &'a str,
}

impl Frame<'_> {
    fn draw(
        &self,
        content: impl FnOnce(&Canvas) -> Result<(), DrawingError>,
    ) -> Result<String, RenderError> {
        let &Self { width, height, description } = self;
        let mut svg = String::new();
        let canvas = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        content(&canvas)
            .and_then(|()| canvas.present())
            .map_err(|error| RenderError::Plot(error.to_string()))?;
        drop(canvas);
        // The opening tag of the back end has a fixed size and no description.
        let body = svg.split_once('>').map_or("", |(_, body)| body);
        Ok(format!(
            "<svg viewBox=\"0 0 {width} {height}\" style=\"max-width:{width}px\" role=\"img\" aria-label=\"{}\">{}",
            escape(description),
            body.trim_end(),
        ))
    }
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// Text of so many pixels. The back end divides sizes by 1.24.
fn text(pixels: f64, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    ("sans-serif", pixels * 1.24)
        .into_text_style(&(1, 1))
        .color(&palette::INK)
        .pos(Pos::new(horizontal, vertical))
}

/// A pixel coordinate.
#[expect(clippy::cast_possible_truncation, reason = "diagrams are a few hundred pixels wide")]
fn pixel(value: f64) -> i32 {
    value.round() as i32
}

/// The least of …, 0.1, 0.2, 0.5, 1, 2, 5, 10, … that makes at most `most` steps over `span`.
fn tick_step(span: f64, most: f64) -> f64 {
    let steps = (-12..18).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)));
    steps.into_iter().find(|step| span / step <= most).unwrap_or(span)
}
