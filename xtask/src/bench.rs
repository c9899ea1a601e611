//! `cargo xtask bench cpu`: whole steps of ours and of the Python stack in turns, and their medians as a table.

mod data;
mod figures;
mod options;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;

use crate::dispatch::executable;
use crate::workspace::{Workspace, output};
use figures::{Figures, Row, table};
use options::{Options, Request};

/// Where the table stands, between a line that begins and one that ends it.
const PAGE: &str = "docs/bench/cpu.md";

/// The program that runs the same steps in transformers and TRL.
const PEER: &str = "benches/peers/cpu.py";

/// The environment variable that names a Python with transformers and TRL.
const PYTHON: &str = "FORETHOUGHT_PYTHON";

/// How to call it.
const USAGE: &str = "\
usage: cargo xtask bench cpu [--shape smollm2|mid|tiny] [--model DIR] [--only WORK]... [--runs N] [--steps N] [--threads N]

  Runs each kind of step in a process of its own, ours and the peer's in turns, and writes medians, ratio and peak
  memory into docs/bench/cpu.md. The peers need FORETHOUGHT_PYTHON, a Python with transformers and TRL; GRPO and DPO of
  TRL need --model, a folder with a tokenizer. What is not there is left out, and the table says so.

  WORK is grpo, sft, sft-shared, dpo, causal or sample.
";

/// Runs the benchmarks that the arguments select.
pub(crate) fn main(workspace: &Workspace, arguments: &[String]) -> ExitCode {
    if arguments.first().is_some_and(|what| what == "data") {
        return match data::run(workspace, &arguments[1..]) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        };
    }
    match options::parse(arguments) {
        Ok(Request::Help) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Request::Run(options)) => match run(workspace, &options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            eprintln!("error: {error}\n\n{USAGE}");
            ExitCode::from(crate::BAD_USAGE)
        }
    }
}

fn run(workspace: &Workspace, options: &Options) -> Result<(), String> {
    let mut cargo = workspace.cargo();
    // Both packages, so that features are those of the binary and nothing is compiled twice.
    cargo.args(["build", "--release", "-p", "forethought", "-p", "forethought-benches"]);
    cargo.args(["--example", "cpu", "--message-format=json-render-diagnostics"]);
    let ours = executable(&output(&mut cargo)?).ok_or("cargo built no benchmark")?;
    let python = env::var_os(PYTHON);
    if python.is_none() {
        println!("{PYTHON} is not set: the peers are not run");
    }
    let mut rows = Vec::new();
    for work in &options.works {
        let mut row = Row { work, ours: Figures::default(), peer: None };
        for run in 1..=options.runs {
            row.ours.add(&measure(workspace, ours.as_os_str().to_owned(), None, work, options)?)?;
            if let Some(python) = python.clone().filter(|_| options.peer_runs(work)) {
                let line = measure(workspace, python, Some(PEER), work, options)?;
                row.peer.get_or_insert_default().add(&line)?;
            }
            println!("{work}, run {run} of {}: {row}", options.runs);
        }
        rows.push(row);
    }
    let name = options.name();
    let text = table(&rows);
    println!("\n{text}");
    let page = workspace.read(PAGE)?;
    let page = replaced(&page, &name, &text).ok_or_else(|| {
        format!("{PAGE} has no place for the figures of `{name}`, which are above")
    })?;
    fs::write(workspace.root().join(PAGE), page).map_err(|error| format!("{PAGE}: {error}"))
}

/// The line of JSON that one process prints last.
fn measure(
    workspace: &Workspace,
    program: OsString,
    script: Option<&str>,
    work: &str,
    options: &Options,
) -> Result<String, String> {
    let mut command = workspace.command(program);
    command.args(script).arg(work).args(options.arguments());
    let printed = output(&mut command)?;
    printed.lines().last().map(str::to_owned).ok_or_else(|| format!("{work} printed nothing"))
}

/// The page with the table between the two lines of this name. Rows of kinds of step that were not run now stay, in the
/// order of the kinds.
fn replaced(page: &str, name: &str, table: &str) -> Option<String> {
    placed(page, name, |old| {
        let head = table.lines().take(2);
        let row = |work: &&str| {
            let start = format!("| {work} |");
            [table, old].iter().find_map(|text| text.lines().find(|line| line.starts_with(&start)))
        };
        head.chain(options::WORKS.iter().filter_map(row)).collect::<Vec<_>>().join("\n")
    })
}

/// The page with what is made of the old text in the place of this name; nothing if the page has no such place.
fn placed(page: &str, name: &str, make: impl FnOnce(&str) -> String) -> Option<String> {
    let begin = format!("<!-- begin {name} -->\n");
    let end = format!("<!-- end {name} -->");
    let (before, rest) = page.split_once(&begin)?;
    let (old, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{}\n\n{end}{after}", make(old)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_take_the_place_of_those_of_the_same_step_and_model() {
        let page = "a\n<!-- begin mid -->\n\n| step | old |\n|---|---|\n| grpo | 1 |\n| sft | 2 |\n\n<!-- end mid -->\nb\n\
                    <!-- begin tiny -->\n<!-- end tiny -->\n";
        let table = "| step | ours |\n|---|---|\n| sft | 3 |\n| dpo | 4 |\n";
        let expected = "a\n<!-- begin mid -->\n\n| step | ours |\n|---|---|\n| grpo | 1 |\n| sft | 3 |\n| dpo | 4 |\n\n\
                        <!-- end mid -->\nb\n<!-- begin tiny -->\n<!-- end tiny -->\n";
        assert_eq!(replaced(page, "mid", table).as_deref(), Some(expected));
        assert_eq!(replaced(page, "large", table), None);
    }
}
