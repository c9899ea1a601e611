//! Linear equations: undone operation by operation, or tried for a run of constants.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::work::{Solution, Work};

/// A linear equation, or a run of them.
#[derive(Debug)]
pub(super) enum Equations {
    /// A number was changed by operations; the result is known, the number is wanted.
    Chain(Chain),
    /// For how many k from 1 to a limit has `factor x + offset = sum + k` a whole solution?
    Run(Run),
}

/// See [`Equations::Chain`].
#[derive(Debug)]
pub(super) struct Chain {
    number: i64,
    operations: Vec<Operation>,
    is_checked: bool,
}

/// See [`Equations::Run`].
#[derive(Debug)]
pub(super) struct Run {
    factor: i64,
    offset: i64,
    sum: i64,
    limit: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operation {
    Add(i64),
    Subtract(i64),
    Times(i64),
}

impl Operation {
    fn apply(self, x: i64) -> i64 {
        match self {
            Self::Add(number) => x + number,
            Self::Subtract(number) => x - number,
            Self::Times(number) => x * number,
        }
    }

    fn undo(self, x: i64) -> i64 {
        match self {
            Self::Add(number) => x - number,
            Self::Subtract(number) => x + number,
            Self::Times(number) => x / number,
        }
    }

    /// The symbol of the operation, of its inverse, and its number.
    fn symbols(self) -> (char, char, i64) {
        match self {
            Self::Add(number) => ('+', '-', number),
            Self::Subtract(number) => ('-', '+', number),
            Self::Times(number) => ('x', '/', number),
        }
    }

    fn words(self, language: Language) -> String {
        match self {
            Self::Add(number) => say!(language, "add {number}", "加{number}"),
            Self::Subtract(number) => say!(language, "subtract {number}", "减{number}"),
            Self::Times(number) => say!(language, "multiply by {number}", "乘以{number}"),
        }
    }
}

impl Equations {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        if budget < 320 && draw.percent(50) {
            Self::Chain(Chain::draw(budget, draw))
        } else {
            Self::Run(Run::draw(budget, draw))
        }
    }
}

impl Chain {
    fn draw(budget: usize, draw: &mut Draw) -> Self {
        let is_checked = draw.percent(50);
        let num_operations = draw.fit(budget, if is_checked { 38 } else { 24 }, 2..=8);
        let operations = (0..num_operations)
            .map(|index| match (index % 2, draw.below(2)) {
                (0, 0) => Operation::Add(draw.within(2..=20)),
                (0, _) => Operation::Subtract(draw.within(2..=9)),
                _ => Operation::Times(draw.within(2..=3)),
            })
            .collect();
        Self { number: draw.within(12..=60), operations, is_checked }
    }

    fn result(&self) -> i64 {
        self.operations.iter().fold(self.number, |x, operation| operation.apply(x))
    }

    fn question(&self, language: Language) -> String {
        let operations: Vec<String> =
            self.operations.iter().map(|operation| operation.words(language)).collect();
        let operations = operations.join(language.choose(", ", "，"));
        let (result, count) = (self.result(), self.operations.len());
        let check = if self.is_checked {
            language.choose("Solve and check. ", "请求解并验算。")
        } else {
            ""
        };
        let core = say!(
            language,
            "Take an unknown number x: {operations}. That makes {result}. What is x, undoing steps 1 to {count}?",
            "取一个未知数x：{operations}，得到{result}。求x，倒推{count}步。",
        );
        check.to_owned() + &core
    }

    fn solve(&self, language: Language) -> Solution {
        let mut work = Work::new(language);
        work.note(say!(language, "Undo each step, the last one first.", "从最后一步开始倒推。"));
        let mut x = self.result();
        for (index, operation) in self.operations.iter().enumerate().rev() {
            let step = index + 1;
            let ((symbol, inverse, number), before) = (operation.symbols(), operation.undo(x));
            work.step(say!(
                language,
                "step {step} was {symbol} {number}, so undo it: {x} {inverse} {number} = {before}.",
                "第{step}步是{symbol} {number}，所以还原它：{x} {inverse} {number} = {before}。",
            ));
            x = before;
        }
        if self.is_checked {
            self.check(x, &mut work, language);
        }
        work.finish(x)
    }

    fn check(&self, mut x: i64, work: &mut Work, language: Language) {
        let stop = language.stop();
        work.note(say!(language, "Check:", "验算："));
        for operation in &self.operations {
            let ((symbol, _, number), after) = (operation.symbols(), operation.apply(x));
            work.step(format!("{x} {symbol} {number} = {after}{stop}"));
            x = after;
        }
    }
}

impl Run {
    fn draw(budget: usize, draw: &mut Draw) -> Self {
        let limit = draw.fit(budget, 26, 2..=30);
        let offset = draw.within(1..=9);
        Self { factor: draw.within(2..=7), offset, sum: offset + draw.within(1..=12), limit }
    }

    fn question(&self, language: Language) -> String {
        let Self { factor, offset, sum, limit } = self;
        say!(
            language,
            "Let {factor}x + {offset} = {sum} + k. How many whole k make x whole, from k = 1 up to {limit}?",
            "设{factor}x + {offset} = {sum} + k。求使x为整数的k的个数，k从1到{limit}。",
        )
    }

    fn solve(&self, language: Language) -> Solution {
        let mut work = Work::new(language);
        let Self { factor, offset, sum, limit } = *self;
        let rest = sum - offset;
        work.note(say!(
            language,
            "{factor}x = {sum} - {offset} + k = {rest} + k, for k up to {limit}.",
            "{factor}x = {sum} - {offset} + k = {rest} + k，k到{limit}。",
        ));
        let mut hits = 0;
        for k in 1..=limit {
            let right = rest + k;
            let (quotient, remainder) = (right / factor, right % factor);
            hits += i64::from(remainder == 0);
            work.step(if remainder == 0 {
                say!(
                    language,
                    "k = {k}: {factor}x = {rest} + {k} = {right}, x = {quotient}, count {hits}.",
                    "k = {k}：{factor}x = {rest} + {k} = {right}，x = {quotient}，共{hits}。",
                )
            } else {
                say!(
                    language,
                    "k = {k}: {factor}x = {rest} + {k} = {right}, remainder {remainder}, no.",
                    "k = {k}：{factor}x = {rest} + {k} = {right}，余{remainder}，不行。",
                )
            });
        }
        work.finish(hits)
    }
}

impl Puzzle for Equations {
    fn question(&self, language: Language, _: &mut Draw) -> String {
        match self {
            Self::Chain(chain) => chain.question(language),
            Self::Run(run) => run.question(language),
        }
    }

    fn solve(&self, language: Language) -> Solution {
        match self {
            Self::Chain(chain) => chain.solve(language),
            Self::Run(run) => run.solve(language),
        }
    }

    fn structure(&self) -> Structure {
        match self {
            Self::Chain(chain) => Structure {
                kind: if chain.is_checked { "chain-checked" } else { "chain" },
                sizes: vec![chain.operations.len() as f64],
            },
            Self::Run(run) => Structure { kind: "run", sizes: vec![run.limit as f64] },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    #[test]
    fn the_answer_solves_the_equation() {
        for budget in BUDGETS {
            for mut draw in draws("equations", 100) {
                let puzzle = Equations::draw(budget, &mut draw);
                let expected = match &puzzle {
                    Equations::Chain(chain) => chain.number,
                    Equations::Run(Run { factor, offset, sum, limit }) => {
                        let is_solved = |k: &i64| (0..200).any(|x| factor * x + offset == sum + k);
                        (1..=*limit).filter(is_solved).count().try_into().expect("few")
                    }
                };
                assert_eq!(puzzle.solve(Language::English).answer, expected.to_string());
            }
        }
    }
}
