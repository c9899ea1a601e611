//! Files into problems with their solutions and answers, with the fate of every row.

use forethought_preference::{Layout, RowFault, solved};
use forethought_schema::{Exercise, Problem, Record, RecordKind};

use crate::error::DatasetError;
use crate::goal::{Goal, Judged, read_goal};
use crate::ingest::{exchange, is_answered};
use crate::ledger::Ledger;
use crate::mix::{MixConfig, Reading};

/// The problems of some files, and the account of every row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The problems, in the order of the mix.
    pub problems: Vec<Problem>,
    /// What became of every row; it also holds the errors of broken rows, and names the columns that are not read.
    pub ledger: Ledger,
}

/// Reads the problems of all sources.
///
/// The answer is what stands in the column of answers. In a solution it is what follows the last `####`, as in GSM8K, or
/// else the content of the last `\boxed{…}`, as in MATH. A row that tells no answer is kept and noted: whoever needs one
/// drops it.
///
/// # Errors
///
/// If a setting of the mix is out of its range; if a path names no file, a file is in two sources, cannot be read as its
/// format, has no shape, or holds what no problem can be made of; and if no problem is left.
pub fn read_problems(config: &MixConfig, reading: Reading<'_>) -> Result<Problems, DatasetError> {
    let mut problems = Vec::new();
    let ledger = for_each_problem(config, reading, |problem| {
        problems.push(problem);
        Ok(())
    })?;
    Ok(Problems { problems, ledger })
}

/// Hands over the problems of [`read_problems`] one after the other, and returns the account of every row.
///
/// No file is in memory as a whole. Where rows are chosen among all of them (by caps, weights, an order of their own, or because
/// they say the same), they wait on disk.
///
/// # Errors
///
/// As [`read_problems`]; the first bad row, where the mix says so; and the first error of `sink`, after which no row is
/// read.
pub fn for_each_problem(
    config: &MixConfig,
    reading: Reading<'_>,
    mut sink: impl FnMut(Problem) -> Result<(), DatasetError>,
) -> Result<Ledger, DatasetError> {
    read_goal(&Exercises, config, reading, &mut sink)
}

struct Exercises;

impl Goal for Exercises {
    type Item = Problem;
    const RECORD: &'static str = "problem";
    const KEPT: &'static str = "problems";
    const WANTED: RecordKind = RecordKind::Exercise;

    fn takes(&self, kind: RecordKind) -> bool {
        is_answered(kind)
    }

    fn prepared(&self, record: Record, layout: &Layout) -> Result<Record, RowFault> {
        let exercise = match record {
            Record::Exercise(Exercise { question, solution: Some(solution), answer: None }) => {
                solved(question, solution)
            }
            Record::Exercise(exercise) => exercise,
            other => {
                let (question, solution) = exchange(other, layout)?;
                solved(question, solution)
            }
        };
        Ok(Record::Exercise(exercise))
    }

    fn judge(&self, file: &str, row: u64, record: &Record) -> Judged<Problem> {
        let Record::Exercise(one) = record else { return Err("no_problem") };
        let (problem, solution, answer) =
            (one.question.trim(), filled(one.solution.as_ref()), filled(one.answer.as_ref()));
        if problem.is_empty() {
            return Err("empty_problem");
        }
        if solution.is_none() && answer.is_none() {
            return Err("empty_solution");
        }
        let notes = if answer.is_none() { vec!["no_answer"] } else { Vec::new() };
        let problem = problem.to_owned();
        Ok((Problem { file: file.to_owned(), row, problem, solution, answer }, notes))
    }
}

/// A text that says something, trimmed.
fn filled(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}
