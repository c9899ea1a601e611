//! Problem number i of a seed: which family, which language, how long, and the search for a problem that is so long.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use forethought_seed::Seed;

use crate::draw::Draw;
use crate::families::{Family, Puzzle};
use crate::language::{Language, say};
use crate::tokens::estimate_tokens;
use crate::wording::dress;
use crate::work::Solution;

/// How many problems are shipped.
pub const NUM_PROBLEMS: usize = 16_200;

/// Tokens of thinking per class.
pub const CLASS_WIDTH: usize = 25;

/// The classes the sampling fills evenly; a thought of fewer than 50 tokens would have no room for a plan.
pub const CLASSES: RangeInclusive<usize> = 2..=25;

/// How long a question is, in tokens by estimate.
const QUESTION_TOKENS: RangeInclusive<usize> = 15..=76;

/// How many problems are drawn in search of one of the wanted length before the next family is asked.
const MAX_DRAWS: u64 = 80;

/// Families reckon with English lines. The same line in Chinese has fewer tokens, by how many differs from line to line;
/// so one of these budgets, in percent, is tried.
const CHINESE_BUDGETS: [usize; 6] = [90, 100, 120, 140, 170, 200];

/// What decides how long the thinking about a problem gets; a test shows that it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Structure {
    /// The kind of problem within its family.
    pub kind: &'static str,
    /// Its sizes: how many terms, rounds, digits.
    pub sizes: Vec<f64>,
}

/// A question, and what a solver thought and answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The family it belongs to.
    pub family: Family,
    /// The language of question and thinking.
    pub language: Language,
    /// The question.
    pub question: String,
    /// What the solver made of it.
    pub solution: Solution,
    /// What decided the length of the thinking.
    pub structure: Structure,
}

impl Problem {
    /// The thinking between its tags and the answer after it.
    #[must_use]
    pub fn completion(&self) -> String {
        let Solution { thinking, answer, .. } = &self.solution;
        let last = say!(self.language, "The answer is {answer}.", "答案是{answer}。");
        format!("<think>\n{thinking}\n</think>\n\n{last}")
    }

    fn new(family: Family, language: Language, puzzle: &dyn Puzzle, draw: &mut Draw) -> Self {
        let core = puzzle.question(language, draw);
        let (question, asides) = dress(&core, language, draw);
        let mut solution = puzzle.solve(language);
        for aside in asides.iter().rev() {
            solution.open_with(&aside.remark(language));
        }
        Self { family, language, question, solution, structure: puzzle.structure() }
    }

    /// The class the thinking falls into, by estimate.
    #[must_use]
    pub fn estimated_class(&self) -> usize {
        estimate_tokens(&self.solution.thinking) / CLASS_WIDTH
    }
}

/// The first `count` problems of the seed, in order; no two ask the same question.
#[must_use]
pub fn generate(seed: Seed, count: usize) -> Vec<Problem> {
    let mut asked = BTreeSet::new();
    (0..count).map(|index| find(seed, index, &mut asked)).collect()
}

/// Problem `index`: its language, family and class go round, so that each class is made of all families.
fn find(seed: Seed, index: usize, asked: &mut BTreeSet<String>) -> Problem {
    let language = if index % 10 < 7 { Language::English } else { Language::Chinese };
    let mut wish = Draw::new(seed.stream("wish", &[index as u64]));
    let class = CLASSES.start() + wish.below(CLASSES.count());
    let mut turn = 0;
    loop {
        let family = wish.pick(Family::ALL);
        let counters = |attempt| [index as u64, turn, attempt];
        for attempt in 0..MAX_DRAWS {
            let mut draw = Draw::new(seed.stream("problem", &counters(attempt)));
            let budget = class * CLASS_WIDTH + draw.below(CLASS_WIDTH);
            let budget = budget * draw.pick(language.choose(&[100][..], &CHINESE_BUDGETS)) / 100;
            let puzzle = family.draw(budget, &mut draw);
            let problem = Problem::new(family, language, puzzle.as_ref(), &mut draw);
            let is_wanted = problem.estimated_class() == class
                && QUESTION_TOKENS.contains(&estimate_tokens(&problem.question));
            if is_wanted && asked.insert(words(&problem.question)) {
                return problem;
            }
        }
        turn += 1;
    }
}

/// The words of a question, by which two questions are the same or not.
fn words(question: &str) -> String {
    question.split_whitespace().collect::<Vec<_>>().join(" ")
}
