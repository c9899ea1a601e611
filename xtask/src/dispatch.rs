//! Builds the `forethought` binary and becomes it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::features;
use crate::workspace::{Workspace, output};

/// The package of the binary, and the binary.
const BINARY: &str = "forethought";

/// Said before the build whose length would otherwise surprise.
const FIRST_BUILD: &str = "\
Building the forethought binary in release mode. The first build compiles Burn, polars and the
tokenizers: about 14 minutes on 2 cores, less on more. Later builds take seconds. Then the command runs.";

/// Builds what the arguments need and runs it where the user stands. On Unix this process becomes the binary, so that
/// signals and the exit code are its own.
///
/// # Errors
///
/// If the build fails, or the binary cannot be started.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode, String> {
    let binary = build(workspace, &features::of(workspace.root(), arguments))?;
    let mut command = Command::new(&binary);
    command.args(arguments);
    become_it(&mut command, &binary)
}

/// Builds the binary and returns its path.
///
/// # Errors
///
/// If the build fails.
pub(crate) fn build(workspace: &Workspace, features: &[&str]) -> Result<PathBuf, String> {
    let name = format!("{BINARY}{}", std::env::consts::EXE_SUFFIX);
    if !workspace.target().join("release").join(name).exists() {
        eprintln!("{FIRST_BUILD}");
    }
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--package", BINARY, "--bin", BINARY]);
    // Progress and diagnostics stay on the terminal; the records on the standard output say where the binary is.
    cargo.arg("--message-format=json-render-diagnostics").stdin(Stdio::null());
    for feature in features {
        cargo.args(["--features", feature]);
    }
    let records = output(&mut cargo)?;
    executable(&records).ok_or_else(|| "cargo built no executable".to_owned())
}

/// The last executable that cargo's records name.
pub(crate) fn executable(records: &str) -> Option<PathBuf> {
    let key = "\"executable\":\"";
    let value = records.lines().rev().find_map(|record| record.split_once(key))?.1;
    json_string(value).map(PathBuf::from)
}

/// The JSON string that starts right after its opening quote. Paths need no escapes but `\\` and `\"`.
fn json_string(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => value.push(characters.next()?),
            character => value.push(character),
        }
    }
}

/// Replaces this process, so that Ctrl-C and the exit code need no forwarding.
#[cfg(unix)]
fn become_it(command: &mut Command, binary: &Path) -> Result<ExitCode, String> {
    use std::os::unix::process::CommandExt;
    Err(format!("cannot run {}: {}", binary.display(), command.exec()))
}

/// Runs the binary and hands on its exit code.
#[cfg(not(unix))]
fn become_it(command: &mut Command, binary: &Path) -> Result<ExitCode, String> {
    let status =
        command.status().map_err(|error| format!("cannot run {}: {error}", binary.display()))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_read_from_the_last_record_that_has_one() {
        let records = r#"{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"/a \"b\"/c\\d","fresh":true}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(records), Some(PathBuf::from("/a \"b\"/c\\d")));
        assert_eq!(executable(r#"{"executable":null}"#), None);
    }
}
