//! The divisors of a number, found in pairs by trying every number up to its root.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::work::{Solution, Work};

/// How many divisors a number has, or what they add up to.
#[derive(Debug)]
pub(super) struct Divisors {
    number: i64,
    wanted: Wanted,
    /// Up to which number divisors are wanted; `None` for all, which come in pairs up to the root.
    limit: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    Count,
    Sum,
}

impl Divisors {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        let wanted = draw.pick(&[Wanted::Count, Wanted::Sum]);
        let last = draw.fit(budget, 27, 2..=26);
        let is_up_to_root = draw.percent(25);
        let number = if is_up_to_root {
            last * last + draw.within(0..=2 * last)
        } else {
            draw.within(100..=999)
        };
        Self { number, wanted, limit: (!is_up_to_root).then_some(last) }
    }

    /// The last number to try.
    fn last(&self) -> i64 {
        self.limit.unwrap_or(self.number.isqrt())
    }

    /// What a divisor adds to the total; up to the root it brings its partner along.
    fn worth(&self, divisor: i64, other: i64) -> i64 {
        let has_partner = self.limit.is_none() && divisor != other;
        match self.wanted {
            Wanted::Count => 1 + i64::from(has_partner),
            Wanted::Sum => divisor + if has_partner { other } else { 0 },
        }
    }
}

impl Puzzle for Divisors {
    fn question(&self, language: Language, _: &mut Draw) -> String {
        let number = self.number;
        match (self.wanted, self.limit) {
            (Wanted::Count, None) => {
                say!(
                    language,
                    "By trial division, count all divisors of {number}.",
                    "请试除，求约数的个数，数是{number}。"
                )
            }
            (Wanted::Sum, None) => {
                say!(
                    language,
                    "By trial division, add up all divisors of {number}.",
                    "请试除，求所有约数之和，数是{number}。"
                )
            }
            (Wanted::Count, Some(limit)) => say!(
                language,
                "How many numbers divide {number}, from 1 up to {limit}?",
                "求能整除{number}的数的个数，从1到{limit}。",
            ),
            (Wanted::Sum, Some(limit)) => say!(
                language,
                "What is the sum of the numbers that divide {number}, from 1 up to {limit}?",
                "求能整除{number}的数之和，从1到{limit}。",
            ),
        }
    }

    fn solve(&self, language: Language) -> Solution {
        let mut work = Work::new(language);
        let (number, last) = (self.number, self.last());
        work.note(match self.limit {
            None => say!(language, "Divide by 1 to {last}, the root.", "从1试除到平方根{last}。"),
            Some(_) => say!(language, "Divide by 1 to {last}.", "从1试除到{last}。"),
        });
        let mut total = 0;
        for divisor in 1..=last {
            let (other, rest) = (number / divisor, number % divisor);
            total += if rest > 0 { 0 } else { self.worth(divisor, other) };
            work.step(if rest > 0 {
                say!(
                    language,
                    "by {divisor}: {number} = {divisor} x {other} + {rest}, so no, {total} so far.",
                    "除以{divisor}：{number} = {divisor} x {other} + {rest}，不行，合计 {total}。",
                )
            } else {
                say!(
                    language,
                    "by {divisor}: {number} = {divisor} x {other}, so yes, {total} so far.",
                    "除以{divisor}：{number} = {divisor} x {other}，可以，合计 {total}。",
                )
            });
        }
        work.finish(total)
    }

    fn structure(&self) -> Structure {
        let kind = if self.limit.is_some() { "limit" } else { "root" };
        Structure { kind, sizes: vec![self.last() as f64] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    #[test]
    fn the_answer_is_what_trying_every_number_finds() {
        for budget in BUDGETS {
            for mut draw in draws("divisors", 60) {
                let puzzle = Divisors::draw(budget, &mut draw);
                let last = puzzle.limit.unwrap_or(puzzle.number);
                let divisors = (1..=last).filter(|divisor| puzzle.number % divisor == 0);
                let expected = match puzzle.wanted {
                    Wanted::Count => divisors.count().try_into().expect("few"),
                    Wanted::Sum => divisors.sum::<i64>(),
                };
                assert_eq!(puzzle.solve(Language::English).answer, expected.to_string());
            }
        }
    }
}
