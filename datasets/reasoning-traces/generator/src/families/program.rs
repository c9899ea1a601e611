//! Short programs with a loop, traced round by round.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::whole::length;
use crate::work::{Solution, Work};

/// A loop over operations on x, each round ending with a remainder that keeps x small.
#[derive(Debug)]
pub(super) struct Program {
    start: i64,
    operations: Vec<Operation>,
    modulus: i64,
    num_rounds: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operation {
    Add(i64),
    Times(i64),
}

impl Operation {
    fn apply(self, x: i64) -> i64 {
        match self {
            Self::Add(number) => x + number,
            Self::Times(number) => x * number,
        }
    }

    fn symbol(self) -> (char, i64) {
        match self {
            Self::Add(number) => ('+', number),
            Self::Times(number) => ('*', number),
        }
    }

    fn words(self, language: Language) -> String {
        match self {
            Self::Add(number) => say!(language, "add {number}", "加{number}"),
            Self::Times(number) => say!(language, "multiply by {number}", "乘以{number}"),
        }
    }
}

impl Program {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        let num_operations = draw.pick(&[1, 1, 2, 3]);
        // Sums and products in turn, so that no two operations could be joined.
        let operation = |index: i64, draw: &mut Draw| match index % 2 {
            0 => Operation::Add(draw.within(2..=9)),
            _ => Operation::Times(draw.within(2..=4)),
        };
        let operations = (0..num_operations).map(|index| operation(index, draw)).collect();
        let cost = length(15 + 10 * num_operations);
        let num_rounds = draw.fit(budget, cost, 2..=30);
        Self {
            start: draw.within(1..=9),
            operations,
            modulus: draw.pick(&[10, 10, 7, 9]),
            num_rounds,
        }
    }

    fn in_words(&self, language: Language) -> String {
        let operations: Vec<String> =
            self.operations.iter().map(|operation| operation.words(language)).collect();
        let operations = operations.join(language.choose(", ", "，"));
        let Self { start, modulus, num_rounds, .. } = self;
        say!(
            language,
            "Each round does this: {operations}, then keep the remainder after division by {modulus}. \
             With x = {start} at the start, what is x after round {num_rounds}?",
            "每一轮这样做：{operations}，再取除以{modulus}的余数。开始时x = {start}，求x，做完{num_rounds}轮。",
        )
    }

    fn in_code(&self, language: Language) -> String {
        let lines: Vec<String> = self
            .operations
            .iter()
            .map(|operation| {
                let (symbol, number) = operation.symbol();
                format!("x = x {symbol} {number}; ")
            })
            .collect();
        let (Self { start, modulus, num_rounds, .. }, lines) = (self, lines.concat());
        say!(
            language,
            "The loop of a program is {lines}x = x % {modulus}; it starts with x = {start}. What is x after round {num_rounds}?",
            "程序的循环是{lines}x = x % {modulus}；开始时x = {start}。求x，做完{num_rounds}轮。",
        )
    }
}

impl Puzzle for Program {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        if draw.percent(50) { self.in_code(language) } else { self.in_words(language) }
    }

    fn solve(&self, language: Language) -> Solution {
        let mut work = Work::new(language);
        let (mut x, modulus, last) = (self.start, self.modulus, self.num_rounds);
        work.note(say!(language, "Follow x up to round {last}.", "跟踪x，到第{last}轮。"));
        for round in 1..=self.num_rounds {
            let mut parts = vec![say!(language, "round {round}: x = {x}", "第{round}轮：x = {x}")];
            for operation in &self.operations {
                let (next, (symbol, number)) = (operation.apply(x), operation.symbol());
                parts.push(format!("{x} {symbol} {number} = {next}"));
                x = next;
            }
            let remainder = x % modulus;
            parts.push(say!(language, "remainder {remainder}.", "余{remainder}。"));
            work.step(parts.join(", "));
            x = remainder;
        }
        work.finish(x)
    }

    fn structure(&self) -> Structure {
        Structure {
            kind: "loop",
            sizes: vec![self.num_rounds as f64, self.operations.len() as f64],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    #[test]
    fn the_answer_is_what_the_program_computes() {
        for budget in BUDGETS {
            for mut draw in draws("program", 100) {
                let puzzle = Program::draw(budget, &mut draw);
                let mut x = puzzle.start;
                for _ in 0..puzzle.num_rounds {
                    for operation in &puzzle.operations {
                        match *operation {
                            Operation::Add(number) => x += number,
                            Operation::Times(number) => x *= number,
                        }
                    }
                    x %= puzzle.modulus;
                }
                assert_eq!(puzzle.solve(Language::English).answer, x.to_string());
            }
        }
    }
}
