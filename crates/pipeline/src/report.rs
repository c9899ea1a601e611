//! The report of a finished run, read back from its artifact.

use std::path::Path;

use forethought_evaluate::{Report, html, table};

use crate::PipelineError;
use crate::artifact::{ArtifactManifest, RunFolder, read_json, require_whole};

/// The report's data in its artifact, and beside the page.
pub(crate) const REPORT_JSON: &str = "report.json";
/// The page, in the run folder.
pub(crate) const REPORT_HTML: &str = "report.html";

/// Reads the report of a run.
fn read(run: &Path) -> Result<Report, PipelineError> {
    let folder = RunFolder::new(run.to_owned());
    let artifact = folder.artifact("report");
    if artifact.is_dir() {
        require_whole(&folder, "report", &[&ArtifactManifest::read(&artifact)?])?;
        return read_json(&artifact.join(REPORT_JSON));
    }
    let message = format!("{} has no report; run its pipeline to the end first", run.display());
    Err(PipelineError::stage("report", message))
}

/// The page of a finished run.
///
/// # Errors
///
/// If the folder holds no finished run.
pub fn render_report(run: &Path) -> Result<String, PipelineError> {
    page(&read(run)?)
}

/// The table of a finished run, for a terminal.
///
/// # Errors
///
/// If the folder holds no finished run.
pub fn report_table(run: &Path) -> Result<String, PipelineError> {
    Ok(table(&read(run)?))
}

/// The entries of a finished run as JSON: each baseline and model with its metrics.
///
/// # Errors
///
/// If the folder holds no finished run.
pub fn report_json(run: &Path) -> Result<String, PipelineError> {
    let report = read(run)?;
    serde_json::to_string_pretty(&report.entries).map_err(PipelineError::json("the report"))
}

pub(crate) fn page(report: &Report) -> Result<String, PipelineError> {
    html(report).map_err(|error| PipelineError::stage("report", error))
}
