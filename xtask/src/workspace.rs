//! Where the workspace lies, and the commands that run in it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The workspace this program belongs to.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    cargo: OsString,
}

impl Workspace {
    /// Finds the workspace from what cargo tells the programs it runs.
    ///
    /// # Errors
    ///
    /// If the folder of the workspace is gone, or the current folder cannot be read.
    pub(crate) fn locate() -> Result<Self, String> {
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).join("..");
        let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
        let target = match env::var_os("CARGO_TARGET_DIR") {
            // Cargo resolves a relative path from where the user stands, and so must every cargo started here.
            Some(path) => env::current_dir().map_err(|error| error.to_string())?.join(path),
            None => root.join("target"),
        };
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Ok(Self { root, target, cargo })
    }

    /// The folder of the repository.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder cargo builds in.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Cargo, run at the root of the workspace.
    pub(crate) fn cargo(&self) -> Command {
        self.command(&self.cargo)
    }

    /// Any program, run at the root of the workspace.
    pub(crate) fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(&self.root);
        if env::var_os("CARGO_TARGET_DIR").is_some() {
            command.env("CARGO_TARGET_DIR", &self.target);
        }
        command
    }

    /// The text of a file, named relative to the root.
    ///
    /// # Errors
    ///
    /// If the file cannot be read as UTF-8; the message names it.
    pub(crate) fn read(&self, path: &str) -> Result<String, String> {
        fs::read_to_string(self.root.join(path)).map_err(|error| format!("{path}: {error}"))
    }

    /// Every file that is committed or could be, relative to the root, in the order of their names.
    ///
    /// # Errors
    ///
    /// If git is missing, or this is no clone.
    pub(crate) fn files(&self) -> Result<Vec<String>, String> {
        let mut git = self.command("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listing = output(&mut git)?;
        let mut files: Vec<String> = listing
            .split('\0')
            .filter(|path| !path.is_empty() && self.root.join(path).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }
}

/// What a command prints on its standard output; its errors go to the terminal.
///
/// # Errors
///
/// If it cannot be started, fails, or does not print UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let name = describe(command);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot run `{name}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{name}` failed with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{name}` did not print UTF-8"))
}

/// Runs a command with the terminal as its own.
///
/// # Errors
///
/// If it cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let name = describe(command);
    let status = command.status().map_err(|error| format!("cannot run `{name}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{name}` failed with {status}")) }
}

/// The command as one would type it.
fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_described_as_it_is_typed() {
        let mut command = Command::new("some/where/cargo");
        command.args(["check", "-p", "seed"]);
        assert_eq!(describe(&command), "cargo check -p seed");
    }

    #[test]
    fn a_failing_command_is_named_in_the_error() {
        let error = run(Command::new("cargo").arg("--no-such-flag").stderr(Stdio::null()))
            .expect_err("cargo knows no such flag");
        assert!(error.starts_with("`cargo --no-such-flag` failed with exit status"), "{error}");
    }

    #[test]
    fn the_workspace_holds_this_file() {
        let workspace = Workspace::locate().expect("tests run in the workspace");
        let text = workspace.read("xtask/src/workspace.rs").expect("this file");
        assert!(text.starts_with("//! Where the workspace lies"));
    }
}
