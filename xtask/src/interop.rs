//! `cargo xtask interop`: what forethought writes, read by transformers, PEFT and `TensorBoard`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::dispatch::executable;
use crate::workspace::{Workspace, output, run};

/// Names a Python with transformers and PEFT.
const PYTHON: &str = "FORETHOUGHT_PYTHON";

/// What folders of models are compared with.
const PACKAGES: &str = "import torch, transformers, peft";

/// What files of rows are read with.
const DATASETS: &str = "import datasets";

/// What event files are read with.
const TENSORBOARD: &str = "import tensorboard, numpy";

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
    written_and_read(workspace, &python, "interop", "compare.py")?;
    if has(&python, DATASETS) {
        written_and_read(workspace, &python, "interop_rows", "datasets_read.py")?;
    } else {
        println!("left out: files of rows, since this Python imports no datasets");
    }
    if !has(&python, TENSORBOARD) {
        return Ok(Compared::AllBut("event files: that Python imports no tensorboard".to_owned()));
    }
    written_and_read(workspace, &python, "events", "events.py")?;
    Ok(Compared::All)
}

/// Lets an example of the workspace write into a new folder, and a Python script read what is there.
fn written_and_read(
    workspace: &Workspace,
    python: &OsString,
    example: &str,
    script: &str,
) -> Result<(), String> {
    let out = workspace.target().join("interop").join(example);
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    // The whole workspace, so that features are those of its tests and nothing is compiled twice.
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--workspace", "--example", example]);
    cargo.arg("--message-format=json-render-diagnostics");
    let program = executable(&output(&mut cargo)?).ok_or(format!("cargo built no {example}"))?;
    run(workspace.command(program).arg(&out))?;
    run(workspace.command(python).arg(Path::new("tests/interop").join(script)).arg(&out))
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
