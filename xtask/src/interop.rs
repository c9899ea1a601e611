//! `cargo xtask interop`: what forethought writes, read by transformers, PEFT and `TensorBoard`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::workspace::{Workspace, run};

/// Names a Python with transformers and PEFT.
const PYTHON: &str = "FORETHOUGHT_PYTHON";

/// What folders of models are compared with.
const PACKAGES: &str = "import torch, transformers, peft";

/// What files of rows are read with.
const DATASETS: &str = "import datasets";

/// How a comparison ended that did not fail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// All folders were read and agree.
    All,
    /// All that could be read agree; this was not read.
    AllBut(String),
    /// There is nothing to compare with.
    Skipped(String),
}

/// Writes folders of every kind and lets the Python stack read them.
///
/// # Errors
///
/// If the Python that was asked for lacks a package, a folder cannot be written, or one does not agree.
pub(crate) fn compare(workspace: &Workspace) -> Result<Compared, String> {
    let Some(python) = python(env::var_os(PYTHON), has_packages)? else {
        let why = format!("python3 imports no transformers and PEFT, and {PYTHON} is not set");
        return Ok(Compared::Skipped(why));
    };
    let out = workspace.target().join("interop");
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    let arguments = ["run", "--package", "forethought-model", "--example", "interop", "--"];
    run(workspace.cargo().args(arguments).arg(&out))?;
    run(workspace.command(&python).arg("tests/interop/compare.py").arg(&out))?;
    if has(&python, DATASETS) {
        rows(workspace, &python)?;
    } else {
        println!("left out: files of rows, since this Python imports no datasets");
    }
    events(workspace, &python, &out.join("events"))
}

/// Lets `datasets` read files of rows.
fn rows(workspace: &Workspace, python: &OsString) -> Result<(), String> {
    let out = workspace.target().join("interop-rows");
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    let arguments = ["run", "--package", "forethought-dataset", "--example", "interop_rows", "--"];
    run(workspace.cargo().args(arguments).arg(&out))?;
    run(workspace.command(python).arg("tests/interop/datasets_read.py").arg(&out))
}

/// Lets `TensorBoard` read event files.
fn events(workspace: &Workspace, python: &OsString, out: &Path) -> Result<Compared, String> {
    if !has(python, "import tensorboard, numpy") {
        return Ok(Compared::AllBut("event files: that Python imports no tensorboard".to_owned()));
    }
    let arguments = ["run", "--package", "forethought-train", "--example", "events", "--"];
    run(workspace.cargo().args(arguments).arg(out))?;
    run(workspace.command(python).arg("tests/interop/events.py").arg(out))?;
    Ok(Compared::All)
}

/// The Python that was asked for, or else the one on the path, if it has the packages.
fn python(
    asked: Option<OsString>,
    has_packages: impl Fn(&OsString) -> bool,
) -> Result<Option<OsString>, String> {
    match asked {
        Some(asked) if has_packages(&asked) => Ok(Some(asked)),
        Some(asked) => {
            let shown = asked.to_string_lossy();
            Err(format!("{PYTHON} names {shown}, which imports no transformers and PEFT"))
        }
        None => Ok(Some(OsString::from("python3")).filter(has_packages)),
    }
}

fn has_packages(python: &OsString) -> bool {
    has(python, PACKAGES)
}

fn has(python: &OsString, imports: &str) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", imports]);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_that_was_asked_for_must_have_the_packages_and_another_may() {
        let asked = || Some(OsString::from("mine"));
        assert_eq!(python(asked(), |_| true), Ok(asked()));
        let error = python(asked(), |_| false).expect_err("it was asked for");
        assert!(error.starts_with("FORETHOUGHT_PYTHON names mine, which imports no"), "{error}");
        assert_eq!(python(None, |_| true), Ok(Some(OsString::from("python3"))));
        assert_eq!(python(None, |_| false), Ok(None));
    }
}
