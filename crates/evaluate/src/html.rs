//! The report as one page that needs nothing else: no script, no request, no font.

mod figures;
mod glossary;
mod methods;
mod pairs;
mod solved;
mod view;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};

use crate::Report;

/// A report that could not be rendered. Each variant is a fault of this crate, not of the report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The plotting back end refused to draw.
    #[error("a diagram could not be drawn: {0}")]
    Plot(String),
    /// The template of the page is wrong.
    #[error("the template of the page is wrong: {0}")]
    Template(#[from] minijinja::Error),
}

/// The report as a self-contained HTML page. Sections without data are left out.
///
/// # Errors
///
/// If a diagram cannot be drawn or the template is wrong; no content of a report brings this about.
pub fn html(report: &Report) -> Result<String, RenderError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // The ending `.html` turns on escaping of everything that is not marked as safe.
    environment.add_template("report.html", include_str!("html/report.html"))?;
    environment.add_template("report.css", include_str!("html/report.css"))?;
    let page = view::Page::of(report)?;
    Ok(environment.get_template("report.html")?.render(Serde(&page))?)
}
