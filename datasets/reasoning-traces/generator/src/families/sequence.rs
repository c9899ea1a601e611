//! Terms and sums of sequences.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::work::{Solution, Work, slip};

/// A term of a sequence, or the sum up to it.
#[derive(Debug)]
pub(super) struct Sequence {
    first: i64,
    rule: Rule,
    wanted: Wanted,
    num_terms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    /// Each term is so much more than the one before.
    Add(i64),
    /// Add the first, then subtract the second, and so on in turn.
    InTurn(i64, i64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    Term,
    Sum,
}

impl Sequence {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        let add = draw.within(3..=9);
        let rule = match draw.below(2) {
            0 => Rule::Add(add),
            _ => Rule::InTurn(add, draw.within(1..=add - 1)),
        };
        let wanted = draw.pick(&[Wanted::Term, Wanted::Term, Wanted::Sum]);
        let cost = if wanted == Wanted::Sum { 38 } else { 25 };
        let num_terms = draw.fit(budget, cost, 2..=30);
        Self { first: draw.within(10..=40), rule, wanted, num_terms }
    }

    /// Checks a term by its closed form.
    fn check(&self, add: i64, term: i64, work: &mut Work, language: Language) {
        slip(self.num_terms, add, work, language);
        let (first, gaps) = (self.first, self.num_terms - 1);
        work.step(say!(
            language,
            "Check: {first} + {gaps} x {add} = {term}, right.",
            "验算：{first} + {gaps} x {add} = {term}，正确。",
        ));
    }

    fn wanted(&self, language: Language, draw: &mut Draw) -> String {
        let n = self.num_terms;
        match (self.wanted, draw.below(2)) {
            (Wanted::Term, 0) => say!(language, "What is term {n}?", "求第{n}项。"),
            (Wanted::Term, _) => say!(language, "Find term number {n}.", "请写出第{n}项。"),
            (Wanted::Sum, 0) => {
                say!(language, "What is the sum up to term {n}?", "求和，直到第{n}项。")
            }
            (Wanted::Sum, _) => {
                say!(language, "Add up all terms to term {n}.", "请相加，直到第{n}项。")
            }
        }
    }
}

impl Puzzle for Sequence {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        let (first, wanted) = (self.first, self.wanted(language, draw));
        match self.rule {
            Rule::Add(add) => say!(
                language,
                "A sequence starts with {first} and each term is {add} more than the one before. {wanted}",
                "一个数列从{first}开始，每一项比前一项大{add}。{wanted}",
            ),
            Rule::InTurn(add, subtract) => say!(
                language,
                "A sequence starts with {first}. In turn, add {add}, then subtract {subtract}. {wanted}",
                "一个数列从{first}开始，轮流加{add}、减{subtract}。{wanted}",
            ),
        }
    }

    fn solve(&self, language: Language) -> Solution {
        let mut work = Work::new(language);
        let (mut term, mut sum) = (self.first, self.first);
        let last = self.num_terms;
        work.note(say!(
            language,
            "Go on to term {last}. term 1: {term}.",
            "一直算到第{last}项。第1项：{term}。"
        ));
        for index in 2..=self.num_terms {
            let change = match self.rule {
                Rule::Add(add) => add,
                Rule::InTurn(add, subtract) => {
                    if index % 2 == 0 {
                        add
                    } else {
                        -subtract
                    }
                }
            };
            let next = term + change;
            let (sign, size) = (if change < 0 { '-' } else { '+' }, change.abs());
            let line = say!(
                language,
                "term {index}: the one before is {term}, and {term} {sign} {size} = {next}",
                "第{index}项：前一项是 {term}，所以 {term} {sign} {size} = {next}",
            );
            let total = sum + next;
            work.step(match self.wanted {
                Wanted::Term => say!(language, "{line}.", "{line}。"),
                Wanted::Sum => say!(
                    language,
                    "{line}, sum {sum} + {next} = {total}.",
                    "{line}，和 {sum} + {next} = {total}。"
                ),
            });
            (term, sum) = (next, total);
        }
        if let (Rule::Add(add), Wanted::Term) = (self.rule, self.wanted) {
            self.check(add, term, &mut work, language);
        }
        work.finish(if self.wanted == Wanted::Sum { sum } else { term })
    }

    fn structure(&self) -> Structure {
        let kind = match (self.wanted, self.rule) {
            (Wanted::Sum, _) => "sum",
            (Wanted::Term, Rule::Add(_)) => "term",
            (Wanted::Term, Rule::InTurn(..)) => "term in turn",
        };
        Structure { kind, sizes: vec![self.num_terms as f64] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    /// Term `n` in closed form: `first + (n - 1) add`, or with one change more up than down for even n.
    fn term(puzzle: &Sequence, n: i64) -> i64 {
        match puzzle.rule {
            Rule::Add(add) => puzzle.first + (n - 1) * add,
            Rule::InTurn(add, subtract) => puzzle.first + n / 2 * add - (n - 1) / 2 * subtract,
        }
    }

    #[test]
    fn the_answer_is_the_closed_form() {
        for budget in BUDGETS {
            for mut draw in draws("sequence", 100) {
                let puzzle = Sequence::draw(budget, &mut draw);
                let expected = match puzzle.wanted {
                    Wanted::Term => term(&puzzle, puzzle.num_terms),
                    Wanted::Sum => (1..=puzzle.num_terms).map(|n| term(&puzzle, n)).sum(),
                };
                assert_eq!(puzzle.solve(Language::English).answer, expected.to_string());
            }
        }
    }
}
