//! Problems with solutions whose steps are numbered, in the ways in which people number them.

use std::path::{Path, PathBuf};

use forethought_dataset::{DatasetError, Table};

use crate::language::{Language, say};
use crate::whole::number;
use crate::{Problem, Solution};

/// The file of solutions.
pub const SOLUTIONS_FILE: &str = "solutions.parquet";

/// Solutions with more steps are left out, but for a few very long ones.
const MOST_STEPS: usize = 12;
/// From so many steps on, a solution is very long.
const VERY_LONG: usize = 22;
/// One in so many of the very long ones stays: far from the others, as real data have them.
const VERY_LONG_EVERY: usize = 12;
/// One in so many solutions is prose, without numbers: nobody can count its steps.
const PROSE_EVERY: usize = 97;

/// How the steps of a solution are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// `1. `
    Point,
    /// `1) `
    Bracket,
    /// `Step 1: `
    Word,
    /// Not at all, in one paragraph.
    Prose,
}

impl Numbering {
    /// The numbering of problem `index`.
    #[must_use]
    pub fn of(index: usize) -> Self {
        match index % 4 {
            _ if index.is_multiple_of(PROSE_EVERY) => Self::Prose,
            0 | 1 => Self::Point,
            2 => Self::Bracket,
            _ => Self::Word,
        }
    }

    fn mark(self, step: usize, language: Language) -> String {
        match self {
            Self::Point => say!(language, "{step}. ", "{step}、"),
            Self::Bracket => format!("{step}) "),
            Self::Word => say!(language, "Step {step}: ", "第{step}步："),
            Self::Prose => String::new(),
        }
    }
}

impl Problem {
    /// The thinking with its steps numbered; the last line is the answer.
    #[must_use]
    pub fn numbered_solution(&self, numbering: Numbering) -> String {
        let Solution { thinking, step_lines, .. } = &self.solution;
        let line = |(index, line): (usize, &str)| match step_lines.binary_search(&index) {
            Ok(before) => format!("{}{line}", numbering.mark(before + 1, self.language)),
            Err(_) => line.to_owned(),
        };
        let lines: Vec<String> = thinking.lines().enumerate().map(line).collect();
        lines.join(if numbering == Numbering::Prose { " " } else { "\n" })
    }
}

/// The problems that are kept, with their places among all.
fn kept(problems: &[Problem]) -> impl Iterator<Item = (usize, &Problem)> {
    let mut num_very_long = 0;
    problems.iter().enumerate().filter(move |(_, problem)| match problem.solution.num_steps() {
        ..=MOST_STEPS => true,
        VERY_LONG.. => {
            num_very_long += 1;
            num_very_long % VERY_LONG_EVERY == 0
        }
        _ => false,
    })
}

/// The table of the file; `id` is that of the same problem among the traces.
#[must_use]
pub fn solutions(problems: &[Problem]) -> Table {
    let column = |value: fn(&Problem) -> String| kept(problems).map(move |(_, one)| value(one));
    let solution = |(index, one): (usize, &Problem)| one.numbered_solution(Numbering::of(index));
    Table::new()
        .text("id", kept(problems).map(|(index, _)| format!("{index:05}")))
        .text("family", column(|one| one.family.name().to_owned()))
        .text("language", column(|one| one.language.code().to_owned()))
        .text("problem", column(|one| one.question.clone()))
        .text("solution", kept(problems).map(solution))
        .text("answer", column(|one| one.solution.answer.clone()))
        .integer("num_steps", kept(problems).map(|(_, one)| number(one.solution.num_steps())))
}

/// Writes the file into a folder and tells its path.
///
/// # Errors
///
/// If it cannot be written.
pub fn write_solutions(problems: &[Problem], folder: &Path) -> Result<PathBuf, DatasetError> {
    let path = folder.join(SOLUTIONS_FILE);
    solutions(problems).write_parquet(&path).map(|()| path)
}
