//! A folder with a model and files of rows, for the commands that read rows and write them with more fields.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use forethought_tests::repository;
use serde_json::Value;
use tempfile::TempDir;

use crate::{forethought, outcome};

/// A random model of 1,024 tokens and 512 positions with its tokenizer, as `model/`, and what tests write beside it.
pub(crate) struct Workplace {
    folder: TempDir,
}

impl Workplace {
    pub(crate) fn new() -> Self {
        Self::with("tiny-qwen2")
    }

    /// With another of the fixtures of the model crate as `model/`.
    pub(crate) fn with(fixture: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let model = folder.path().join("model");
        fs::create_dir(&model).expect("a folder");
        let fixture = format!("model/tests/fixtures/models/{fixture}");
        for source in [fixture.as_str(), "tokenize/tests/golden"] {
            for entry in fs::read_dir(repository().join("crates").join(source)).expect("a folder") {
                let path = entry.expect("an entry").path();
                fs::copy(&path, model.join(path.file_name().expect("a name"))).expect("a copy");
            }
        }
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `rows.jsonl`.
    pub(crate) fn write(&self, rows: &[Value]) {
        let lines = rows.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        fs::write(self.path("rows.jsonl"), lines).expect("a file is written");
    }

    /// A command on the model and `rows.jsonl`.
    pub(crate) fn command(&self, command: &str, arguments: &[&str]) -> Command {
        let mut all = forethought(self.folder.path());
        all.args([command, "model", "--input", "rows.jsonl"]).args(arguments);
        all
    }

    /// The rows that a command answers `rows.jsonl` with.
    #[track_caller]
    pub(crate) fn rows(&self, command: &str, arguments: &[&str]) -> Vec<Value> {
        let (code, output, error) = outcome(&mut self.command(command, arguments));
        assert_eq!((code, error.as_str()), (Some(0), ""));
        parsed(&output)
    }

    /// Exit code and standard error of a command that fails.
    pub(crate) fn failure(&self, command: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let (code, output, error) = outcome(&mut self.command(command, arguments));
        assert_eq!(output, "");
        (code, error)
    }
}

/// What a command says to lines that come through a pipe.
pub(crate) fn piped(command: &mut Command, lines: &str) -> (Option<i32>, String, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

pub(crate) fn parsed(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

pub(crate) fn read_rows(path: &Path) -> Vec<Value> {
    parsed(&fs::read_to_string(path).expect("a file"))
}
