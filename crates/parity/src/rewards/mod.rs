//! Rewards of the published programs: of open-r1, TRL, verl, python-Levenshtein, and the workflow for thinking lengths.

pub(crate) mod boxed;
pub(crate) mod calls;
mod length;
pub(crate) mod levenshtein;
pub(crate) mod numeric;
pub(crate) mod open_r1;
pub(crate) mod trl;

use forethought_reward::{Fields, RewardFn, Sample, Score};
use serde_json::{Map, Value};

use crate::check::{Checks, REWARD};

/// A completion with its solution, and what each function gave for it.
#[derive(Debug, serde::Deserialize)]
struct Judged {
    completion: String,
    solution: String,
    #[serde(flatten)]
    rewards: Map<String, Value>,
}

impl Judged {
    fn fields(&self) -> Fields {
        Fields::from([("solution".to_owned(), self.solution.as_str().into())])
    }
}

/// The scores of a function for completions with solutions, in groups of so many.
fn scores(function: &dyn RewardFn, judged: &[Judged], group_size: usize) -> Vec<Score> {
    let fields: Vec<Fields> = judged.iter().map(Judged::fields).collect();
    let samples: Vec<Sample<'_>> = judged
        .iter()
        .zip(&fields)
        .map(|(one, fields)| Sample::new(&one.completion, fields))
        .collect();
    samples.chunks(group_size.max(1)).flat_map(|group| function.score(group)).collect()
}

/// Compares a score with a recorded one; null is a completion that was not judged.
fn compare(checks: &mut Checks, what: &str, score: &Score, expected: &Value) {
    match (score.value, expected.as_f64()) {
        (Some(found), Some(expected)) => checks.number(what, found, expected, REWARD),
        (found, expected) => checks.equal(what, &found, &expected),
    }
}

/// The beginning of a text, for the name of a case.
fn beginning(text: &str) -> String {
    let line: String = text.chars().map(|mark| if mark == '\n' { ' ' } else { mark }).collect();
    match line.char_indices().nth(48) {
        None => line,
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}
