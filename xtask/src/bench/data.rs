//! `cargo xtask bench data`: traces into balanced splits, ours and with `datasets` and transformers, in one run.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::{PYTHON, placed};
use crate::dispatch;
use crate::workspace::{Workspace, output};

/// Where the table stands.
const PAGE: &str = "docs/bench/data.md";
/// The program that does the same in Python, replicates the traces, and times ours.
const PEER: &str = "benches/peers/data.py";
/// The environment variable that names the folder with traces and tokenizers.
const SHARED: &str = "FORETHOUGHT_SHARED";
/// Traces that are read unless told.
const ROWS: &str = "100000";

/// How to call it.
const USAGE: &str = "\
usage: cargo xtask bench data [--rows N] [--runs N]

  Replicates the traces of FORETHOUGHT_SHARED with changed questions, and reads, labels (with the tokenizer of Qwen2.5)
  and balances them: with the stages of the pipeline, and with datasets and transformers in 2 processes, in turns. Both must
  label as many rows with as many tokens, and split them alike in number. Writes both times and the ratio into
  docs/bench/data.md. Needs FORETHOUGHT_PYTHON, a Python with both.
";

/// Runs it, or says how.
pub(super) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), String> {
    let (mut rows, mut runs) = (ROWS.to_owned(), 1_usize);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match (argument.as_str(), rest.next()) {
            ("--rows", Some(value)) => rows.clone_from(value),
            ("--runs", Some(value)) => {
                runs =
                    value.parse().map_err(|_| format!("--runs must be a number, got {value}"))?;
            }
            _ => return Err(format!("unknown argument {argument}\n\n{USAGE}")),
        }
    }
    let folder = env::temp_dir().join(format!("forethought-bench-data-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let result = compare(workspace, &folder, (&rows, runs));
    // What is left there is of no use to anybody.
    let _ = fs::remove_dir_all(&folder);
    result
}

fn compare(
    workspace: &Workspace,
    folder: &Path,
    (rows, runs): (&str, usize),
) -> Result<(), String> {
    let named = |name: &str| env::var_os(name).ok_or_else(|| format!("{name} is not set"));
    let shared = PathBuf::from(named(SHARED)?).join("data");
    let python = named(PYTHON)?;
    let binary = dispatch::build(workspace, &[])?;
    let traces = folder.join("traces.jsonl");
    let peer = |arguments: &[OsString]| -> Result<String, String> {
        let mut command = workspace.command(python.clone());
        command.arg(PEER).args(arguments);
        let printed = output(&mut command)?;
        Ok(printed.lines().last().unwrap_or_default().to_owned())
    };
    peer(&[
        "make".into(),
        shared.join("think").into(),
        (&traces).into(),
        "--rows".into(),
        rows.into(),
    ])?;
    let tokenizer = shared.join("tokenizers/qwen2.5");
    let config = folder.join("bench-data.yaml");
    fs::write(&config, pipeline(&traces, &tokenizer))
        .map_err(|error| format!("{}: {error}", config.display()))?;
    let mut lines = Vec::new();
    for run in 1..=runs {
        let out = folder.join(format!("ours-{run}"));
        let ours: [OsString; 8] = [
            "time".into(),
            binary.clone().into(),
            "pipeline".into(),
            (&config).into(),
            "--until".into(),
            "balance".into(),
            "--out".into(),
            (&out).into(),
        ];
        let theirs: [OsString; 4] =
            ["run".into(), (&traces).into(), (&tokenizer).into(), folder.join("theirs").into()];
        let (ours, theirs) = (peer(&ours)?, peer(&theirs)?);
        require_same(&peer(&["count".into(), out.into()])?, &theirs)?;
        let line = row(rows, &ours, &theirs)?;
        println!("{line}");
        lines.push(line);
    }
    let table = format!("{HEADER}{}", lines.join("\n"));
    let page = workspace.read(PAGE)?;
    let page =
        placed(&page, "data", |_| table).ok_or_else(|| format!("{PAGE} has no place for it"))?;
    fs::write(workspace.root().join(PAGE), page).map_err(|error| format!("{PAGE}: {error}"))
}

const HEADER: &str = "\
| traces | ours, s | Python, s | ratio | ours, CPU s | Python, CPU s | ratio | ours, peak MB | Python, peak MB of one process | load before |
|---|---|---|---|---|---|---|---|---|---|
";

/// Refuses to compare the times of work that is not the same.
fn require_same(ours: &str, theirs: &str) -> Result<(), String> {
    for key in ["rows", "tokens", "train", "validation"] {
        let (own, peer) = (value(ours, key)?, value(theirs, key)?);
        if own.to_bits() != peer.to_bits() {
            return Err(format!("not the same work: {key} is {own} here and {peer} in Python"));
        }
    }
    Ok(())
}

/// A number of a line of JSON.
fn value(line: &str, key: &str) -> Result<f64, String> {
    let missing = || format!("no {key} in `{line}`");
    let (_, rest) = line.split_once(&format!("\"{key}\": ")).ok_or_else(missing)?;
    rest.split([',', '}']).next().unwrap_or_default().trim().parse().map_err(|_| missing())
}

/// One line of the table from what both printed. Where other programs take time from both, the seconds of the processor
/// tell more than those of the clock.
fn row(rows: &str, ours: &str, theirs: &str) -> Result<String, String> {
    let mut cells = vec![rows.to_owned()];
    for key in ["seconds", "cpu_seconds"] {
        let (own, peer) = (value(ours, key)?, value(theirs, key)?);
        cells.extend([own, peer, peer / own].map(|number| format!("{number:.1}")));
    }
    let peaks = [value(ours, "peak_mb")?, value(theirs, "peak_mb")?];
    cells.extend(peaks.map(|peak| format!("{peak:.0}")));
    cells.push(format!("{:.1}", value(ours, "load")?));
    Ok(format!("| {} |", cells.join(" | ")))
}

/// The stages from files to splits; the model is the smallest there is, for only its tokenizer is used.
fn pipeline(traces: &Path, tokenizer: &Path) -> String {
    format!(
        "\
name: bench-data
seed: 42
stages:
  - ingest:
      sources: [{{path: '{}'}}]
  - model:
      scratch: {{architecture: configs/models/tiny.yaml, tokenizer: {{folder: '{}'}}}}
  - label: {{}}
  - balance: {{min_count: 300, max_train: 9000, validation: {{ratio: 0.25, of: training}}}}
",
        traces.display(),
        tokenizer.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_both_times_and_how_often_one_goes_into_the_other() {
        let ours = r#"{"seconds": 12.5, "cpu_seconds": 20.0, "peak_mb": 300.4, "load": 0.25}"#;
        let theirs = r#"{"seconds": 100.0, "cpu_seconds": 150.0, "rows": 5, "peak_mb": 900}"#;
        assert_eq!(
            row("100", ours, theirs),
            Ok("| 100 | 12.5 | 100.0 | 8.0 | 20.0 | 150.0 | 7.5 | 300 | 900 | 0.2 |".to_owned())
        );
        assert_eq!(row("100", "{}", theirs), Err("no seconds in `{}`".to_owned()));
    }

    #[test]
    fn work_that_is_not_the_same_is_not_compared() {
        let counts = |tokens: u32| {
            format!(r#"{{"rows": 9, "tokens": {tokens}, "train": 4, "validation": 1}}"#)
        };
        assert_eq!(require_same(&counts(70), &counts(70)), Ok(()));
        let error = require_same(&counts(70), &counts(71)).expect_err("another number");
        assert_eq!(error, "not the same work: tokens is 70 here and 71 in Python");
    }
}
