//! Planned and measured memory of every stage, in a table: a few steps of each method in each way of tuning.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod measured;
mod shapes;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use forethought_tests::repository;
use measured::{Measured, read};
use shapes::Shape;

const USAGE: &str = "\
usage: memory BINARY [tiny | middle | FOLDER] [STAGE...]

BINARY is the forethought command. The shapes are those of configs/models/tiny.yaml, of a model of 8 layers 256 wide, and of
a Hugging Face folder; without one, tiny and middle. Names of stages leave all other trainings out.";

/// How far the measured peak may be from the plan.
const TOLERANCE: f64 = 0.25;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [binary, rest @ ..] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let (shapes, wanted) = match rest {
        [] => (vec![Shape::tiny(), Shape::middle()], rest),
        [name, wanted @ ..] => match name.as_str() {
            "tiny" => (vec![Shape::tiny()], wanted),
            "middle" => (vec![Shape::middle()], wanted),
            folder => (vec![Shape::folder(Path::new(folder))], wanted),
        },
    };
    let mut num_off = 0;
    for shape in &shapes {
        match measure(Path::new(binary), shape, wanted) {
            Ok(rows) => num_off += show(shape, &rows),
            Err(problem) => {
                eprintln!("error: {problem}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{num_off} of the stages are more than {:.0} % off", 100.0 * TOLERANCE);
    if num_off == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the pipelines of a shape.
fn measure(binary: &Path, shape: &Shape, wanted: &[String]) -> Result<Vec<Measured>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    for (name, text) in shape.pipelines(folder.path(), wanted)? {
        let path = folder.path().join(format!("{name}.yaml"));
        std::fs::write(&path, text).map_err(|error| error.to_string())?;
        rows.extend(read(&run(binary, &path, &folder.path().join(name))?));
    }
    Ok(rows)
}

/// What a run says.
fn run(binary: &Path, pipeline: &Path, out: &Path) -> Result<String, String> {
    let binary: PathBuf = binary.canonicalize().map_err(|error| error.to_string())?;
    let mut command = Command::new(binary);
    command.arg("pipeline").arg("--config").arg(pipeline).arg("--out").arg(out);
    let output = command.current_dir(repository()).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// Prints the table of a shape; how many stages are too far from their plan.
fn show(shape: &Shape, rows: &[Measured]) -> usize {
    println!("\n## {}\n", shape.title());
    println!(
        "| stage | planned at most | planned for the lengths there were | measured | measured / planned |"
    );
    println!("|---|---|---|---|---|");
    for row in rows {
        println!("{row}");
    }
    println!();
    rows.iter().filter(|row| (row.ratio() - 1.0).abs() > TOLERANCE).count()
}
