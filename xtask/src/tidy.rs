//! The rules of `docs/style.md` that neither the compiler nor clippy knows.

mod docs;
mod rust;
mod text;

pub(crate) use rust::code_lines;

use crate::finding::Finding;
use crate::workspace::Workspace;

/// Checks every file of the repository.
///
/// # Errors
///
/// If the files cannot be listed or read; what breaks a rule is a finding, no error.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<Finding>, String> {
    let files = workspace.files()?;
    let mut findings = Vec::new();
    for path in files.iter().filter(|path| text::is_ours(path)) {
        let content = workspace.read(path)?;
        findings.extend(text::check(path, &content));
        if has_extension(path, "rs") {
            findings.extend(rust::check(path, &content));
        }
        if has_extension(path, "md") {
            findings
                .extend(docs::check(path, &content, |link| workspace.root().join(link).exists()));
        }
    }
    findings.extend(rust::check_names(&files));
    findings.extend(docs::check_algorithms(&files));
    findings.sort();
    Ok(findings)
}

/// Whether a path ends in this extension.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
}
