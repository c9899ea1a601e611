//! Files into problems with solutions and answers, with the fate of every row.

use forethought_schema::Problem;
use forethought_verify::last_boxed;

use crate::columns::ColumnMap;
use crate::error::DatasetError;
use crate::ingest::{ReadOptions, Reader};
use crate::ledger::{Ledger, LedgerEntry};
use crate::rows::Record;
use crate::source::Source;

/// What a kept row is kept as.
const PROBLEMS: &str = "problems";
/// What stands before the answer in a solution of GSM8K.
const HASHES: &str = "####";

/// The problems of some files, and the account of every row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The problems, in the order of the files and their rows.
    pub problems: Vec<Problem>,
    /// What became of every row; it also holds the errors of broken rows, and names the columns that are not read.
    pub ledger: Ledger,
}

/// Reads the problems of all sources.
///
/// The answer is what stands in the column of answers. In a solution it is what follows the last `####`, as in GSM8K, or
/// else the content of the last `\boxed{…}`, as in MATH. A cell of answers that holds `####` is a solution, as GSM8K calls
/// its column. A row that tells no answer is kept and noted: whoever needs one drops it.
///
/// # Errors
///
/// If a path names no file, a file is in two sources, cannot be read as its format, lacks the columns of its map in
/// every row, or fits no record shape or several where no map is given; and if no problem is left.
pub fn read_problems(sources: &[Source]) -> Result<Problems, DatasetError> {
    let mut problems = Vec::new();
    let ledger = for_each_problem(sources, &ReadOptions::default(), |problem| {
        problems.push(problem);
        Ok(())
    })?;
    Ok(Problems { problems, ledger })
}

/// Hands over the problems of [`read_problems`] one after the other, so that no file is in memory as a whole, and
/// returns the account of every row.
///
/// # Errors
///
/// As [`read_problems`]; the first bad row, where the options say so; and the first error of `sink`, after which no row
/// is read.
pub fn for_each_problem(
    sources: &[Source],
    options: &ReadOptions,
    mut sink: impl FnMut(Problem) -> Result<(), DatasetError>,
) -> Result<Ledger, DatasetError> {
    let reader = Reader { recognise: ColumnMap::recognise_problem, record: "problem", options };
    reader.read(sources, |row, record, entry| judge(row, record, entry).map_or(Ok(()), &mut sink))
}

/// Keeps the record as a problem, or drops it for what its text says.
fn judge(row: u64, record: &Record<'_>, entry: &mut LedgerEntry) -> Option<Problem> {
    let problem = record.question.trim();
    let (solution, answer) = solved(filled(record.completion), filled(record.answer.as_deref()));
    if problem.is_empty() {
        entry.drop_row(row, "empty_problem");
        return None;
    }
    if solution.is_none() && answer.is_none() {
        entry.drop_row(row, "empty_solution");
        return None;
    }
    if answer.is_none() {
        entry.note(row, "no_answer");
    }
    entry.keep(PROBLEMS);
    Some(Problem {
        file: entry.file.clone(),
        row,
        problem: problem.to_owned(),
        solution: solution.map(str::to_owned),
        answer: answer.map(str::to_owned),
    })
}

/// A text that says something, trimmed.
fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The solution and the answer, as the cells of a row tell them.
fn solved<'a>(
    solution: Option<&'a str>,
    answer: Option<&'a str>,
) -> (Option<&'a str>, Option<&'a str>) {
    match (solution, answer) {
        (solution, Some(cell)) => match after_hashes(cell) {
            Some(answer) => (solution.or(Some(cell)), filled(Some(answer))),
            None => (solution, Some(cell)),
        },
        (Some(solution), None) => {
            let answer = after_hashes(solution).or_else(|| boxed(solution));
            (Some(solution), filled(answer))
        }
        (None, None) => (None, None),
    }
}

fn after_hashes(text: &str) -> Option<&str> {
    text.rsplit_once(HASHES).map(|(_, answer)| answer)
}

/// The content of the last box.
fn boxed(text: &str) -> Option<&str> {
    let boxed = last_boxed(text)?;
    match boxed.split_once('{') {
        Some((_, content)) => content.strip_suffix('}'),
        None => boxed.strip_prefix("\\boxed "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_found_where_each_set_writes_it() {
        let gsm8k = "48/2 = <<48/2=24>>24\n#### 72";
        assert_eq!(solved(Some(gsm8k), None), (Some(gsm8k), Some("72")));
        assert_eq!(solved(None, Some(gsm8k)), (Some(gsm8k), Some("72")));
        let math = r"so $\boxed{1}$ or rather $\boxed{\frac{1}{2}}$.";
        assert_eq!(solved(Some(math), None), (Some(math), Some(r"\frac{1}{2}")));
        assert_eq!(solved(Some(math), Some("0.5")), (Some(math), Some("0.5")));
        assert_eq!(solved(None, Some("9 (apples)")), (None, Some("9 (apples)")));
        assert_eq!(solved(Some("it is so"), None), (Some("it is so"), None));
        assert_eq!(solved(Some("####"), None), (Some("####"), None));
        assert_eq!(boxed(r"$\boxed 5$"), Some("5"));
    }
}
