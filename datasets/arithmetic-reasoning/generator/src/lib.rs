//! Small word problems with worked solutions: one line for each operation, and an answer that can be checked.
//!
//! Each family of problems is a function of [`families`](Family): it draws the numbers, words the problem and notes the
//! operations. Everything is a function of one seed.

mod families;
mod work;

use std::collections::BTreeSet;

use forethought_reasoning_traces::Draw;
use forethought_seed::Seed;
use serde::Serialize;

pub use families::Family;
pub use work::{Operation, Step};

/// How many problems are shipped.
pub const NUM_PROBLEMS: usize = 6_000;

/// The shipped file.
pub const FILE: &str = "problems.jsonl";

/// A problem and how it is solved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The family it belongs to.
    pub family: Family,
    /// What is asked.
    pub question: String,
    /// The operations, in their order.
    pub steps: Vec<Step>,
    /// What comes out: a whole number, or a fraction in lowest terms.
    pub answer: String,
}

impl Problem {
    /// The worked solution: a line for each operation.
    #[must_use]
    pub fn solution(&self) -> String {
        let lines: Vec<String> = self.steps.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }
}

/// The first `count` problems of the seed, in order; no two ask the same.
#[must_use]
pub fn generate(seed: Seed, count: usize) -> Vec<Problem> {
    let mut asked = BTreeSet::new();
    (0..count as u64).map(|index| find(seed, index, &mut asked)).collect()
}

fn find(seed: Seed, index: u64, asked: &mut BTreeSet<String>) -> Problem {
    let drawn = (0..).map(|attempt| {
        let mut draw = Draw::new(seed.stream("problem", &[index, attempt]));
        draw.pick(&Family::ALL).draw(&mut draw)
    });
    let mut new = drawn.filter(|problem| asked.insert(problem.question.clone()));
    new.next().unwrap_or_else(|| unreachable!("there is always another attempt"))
}

/// A row of the file.
#[derive(Debug, Serialize)]
struct Row<'a> {
    id: String,
    family: &'static str,
    problem: &'a str,
    solution: String,
    answer: &'a str,
}

/// The problems as JSON lines.
///
/// # Errors
///
/// Never: the rows are plain data.
pub fn to_lines(problems: &[Problem]) -> serde_json::Result<String> {
    let mut lines = String::new();
    for (index, problem) in problems.iter().enumerate() {
        let row = Row {
            id: format!("{index:04}"),
            family: problem.family.name(),
            problem: &problem.question,
            solution: problem.solution(),
            answer: &problem.answer,
        };
        lines.push_str(&serde_json::to_string(&row)?);
        lines.push('\n');
    }
    Ok(lines)
}
