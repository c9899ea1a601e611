//! Who did it, when only so many of the statements are true: every suspect is tried against every statement.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::whole::length;
use crate::wording::names;
use crate::work::{Solution, Work};

/// Suspects and statements; exactly one suspect fits the number of true statements.
#[derive(Debug)]
pub(super) struct Liars {
    suspects: Vec<usize>,
    statements: Vec<Statement>,
    num_true: usize,
    culprit: usize,
}

/// A statement about one of the suspects, by name.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Statement {
    Did(usize),
    DidNot(usize),
}

impl Statement {
    fn holds(self, culprit: usize) -> bool {
        match self {
            Self::Did(suspect) => suspect == culprit,
            Self::DidNot(suspect) => suspect != culprit,
        }
    }

    fn words(self, language: Language) -> String {
        let (Self::Did(suspect) | Self::DidNot(suspect)) = self;
        let name = names(language)[suspect];
        match self {
            Self::Did(_) => say!(language, "it was {name}", "是{name}"),
            Self::DidNot(_) => say!(language, "it was not {name}", "不是{name}"),
        }
    }
}

/// How many of the statements hold if this one did it.
fn count_true(statements: &[Statement], culprit: usize) -> usize {
    statements.iter().filter(|statement| statement.holds(culprit)).count()
}

impl Liars {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        loop {
            let (num_suspects, num_statements) = Self::sizes(budget, draw);
            let mut suspects: Vec<usize> = (0..names(Language::English).len()).collect();
            draw.shuffle(&mut suspects);
            suspects.truncate(num_suspects);
            let statement = |draw: &mut Draw| {
                let about = draw.pick(&suspects);
                if draw.percent(50) { Statement::Did(about) } else { Statement::DidNot(about) }
            };
            let statements: Vec<Statement> = (0..num_statements).map(|_| statement(draw)).collect();
            let culprit = draw.pick(&suspects);
            let num_true = count_true(&statements, culprit);
            let fits = |&&suspect: &&usize| count_true(&statements, suspect) == num_true;
            if suspects.iter().filter(fits).count() == 1 {
                return Self { suspects, statements, num_true, culprit };
            }
        }
    }

    /// Numbers of suspects and statements for about the budget: each pair costs a line of some 10 tokens.
    fn sizes(budget: usize, draw: &mut Draw) -> (usize, usize) {
        let suspects = 2 + draw.below(6);
        let per_suspect = budget.saturating_sub(10) / suspects;
        let statements = draw.fit(per_suspect + 8, 12, 1..=7);
        (suspects, length(statements))
    }
}

impl Puzzle for Liars {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        let (comma, num_true) = (language.choose(", ", "，"), self.num_true);
        let (count, claims) = (self.suspects.len(), self.statements.len());
        let suspects: Vec<&str> =
            self.suspects.iter().map(|&index| names(language)[index]).collect();
        let suspects = suspects.join(language.choose(", ", "、"));
        let statements: Vec<String> =
            self.statements.iter().map(|statement| statement.words(language)).collect();
        let statements = statements.join(comma);
        match draw.below(2) {
            0 => say!(
                language,
                "One of {suspects} broke the cup. People say: {statements}. Just {num_true} of this is true. Who of the {count} did it, by claims 1 to {claims}?",
                "{suspects}中有一人打破了杯子。大家说：{statements}。其中真话有{num_true}句。求这{count}人中是谁，看第1到{claims}句。",
            ),
            _ => say!(
                language,
                "Who took the cake: {suspects}? We hear: {statements}. Just {num_true} is true. Who of the {count} did it, by claims 1 to {claims}?",
                "谁拿了蛋糕：{suspects}？听说：{statements}。真话有{num_true}句。求这{count}人中是谁，看第1到{claims}句。",
            ),
        }
    }

    fn solve(&self, language: Language) -> Solution {
        let mut work = Work::new(language);
        let (num_true, count) = (self.num_true, self.suspects.len());
        work.note(say!(language, "Try each of the {count} people.", "逐个假设这{count}人。"));
        for &suspect in &self.suspects {
            let name = names(language)[suspect];
            work.note(say!(language, "Suppose {name} did it.", "假设是{name}。"));
            for statement in &self.statements {
                let words = statement.words(language);
                work.step(if statement.holds(suspect) {
                    say!(
                        language,
                        "{words}: it was {name}, so true.",
                        "{words}：其实是 {name} ，所以这句真。"
                    )
                } else {
                    say!(
                        language,
                        "{words}: it was {name}, so false.",
                        "{words}：其实是 {name} ，所以这句假。"
                    )
                });
            }
            let count = count_true(&self.statements, suspect);
            work.step(if count == num_true {
                say!(language, "{count} true, that fits.", "真话{count}句，符合。")
            } else {
                say!(language, "{count} true, not {num_true}.", "真话{count}句，不是{num_true}。")
            });
        }
        work.finish(names(language)[self.culprit])
    }

    fn structure(&self) -> Structure {
        let sizes = vec![self.suspects.len() as f64, self.statements.len() as f64];
        Structure { kind: "liars", sizes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    #[test]
    fn the_answer_is_the_only_suspect_that_fits() {
        for budget in BUDGETS {
            for mut draw in draws("liars", 100) {
                let puzzle = Liars::draw(budget, &mut draw);
                let mut fitting = Vec::new();
                for &suspect in &puzzle.suspects {
                    let mut num_true = 0;
                    for statement in &puzzle.statements {
                        match *statement {
                            Statement::Did(about) => num_true += usize::from(about == suspect),
                            Statement::DidNot(about) => num_true += usize::from(about != suspect),
                        }
                    }
                    if num_true == puzzle.num_true {
                        fitting.push(names(Language::Chinese)[suspect]);
                    }
                }
                assert_eq!(fitting, [puzzle.solve(Language::Chinese).answer]);
            }
        }
    }
}
