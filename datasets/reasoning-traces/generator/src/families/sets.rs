//! Sets of whole numbers given by their properties, counted one number at a time.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::work::{Solution, Work};

/// How many numbers from `first` on, `size` of them, have the property.
#[derive(Debug)]
pub(super) struct Sets {
    first: i64,
    size: i64,
    property: Property,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Property {
    /// Divisible by the number.
    In(i64),
    /// Divisible by both.
    Both(i64, i64),
    /// Divisible by either.
    Either(i64, i64),
    /// Divisible by the first and not by the second.
    Less(i64, i64),
}

impl Property {
    fn holds(self, number: i64) -> bool {
        match self {
            Self::In(a) => number % a == 0,
            Self::Both(a, b) => number % a == 0 && number % b == 0,
            Self::Either(a, b) => number % a == 0 || number % b == 0,
            Self::Less(a, b) => number % a == 0 && number % b != 0,
        }
    }

    /// The divisors it speaks of.
    fn divisors(self) -> Vec<i64> {
        match self {
            Self::In(a) => vec![a],
            Self::Both(a, b) | Self::Either(a, b) | Self::Less(a, b) => vec![a, b],
        }
    }

    fn words(self, language: Language) -> String {
        match self {
            Self::In(a) => say!(language, "are multiples of {a}", "是{a}的倍数"),
            Self::Both(a, b) => {
                say!(language, "are multiples of {a} and of {b}", "既是{a}的倍数又是{b}的倍数")
            }
            Self::Either(a, b) => {
                say!(language, "are multiples of {a} or of {b}", "是{a}的倍数或{b}的倍数")
            }
            Self::Less(a, b) => {
                say!(language, "are multiples of {a} but not of {b}", "是{a}的倍数但不是{b}的倍数")
            }
        }
    }
}

impl Sets {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        let mut divisors = [2, 3, 4, 5, 6, 7];
        draw.shuffle(&mut divisors);
        let [a, b, ..] = divisors;
        let property = match draw.below(5) {
            0 | 1 => Property::In(a),
            2 => Property::Both(a, b),
            3 => Property::Either(a, b),
            _ => Property::Less(a, b),
        };
        let cost = if property.divisors().len() == 1 { 24 } else { 38 };
        let size = draw.fit(budget, cost, 2..=30);
        // Starting anywhere, the last number does not tell how many there are; the question does.
        Self { first: draw.within(10..=60), size, property }
    }
}

impl Puzzle for Sets {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        let (first, size, property) = (self.first, self.size, self.property.words(language));
        match draw.below(2) {
            0 => say!(
                language,
                "Count up from {first}. How many numbers {property} among the first {size}?",
                "从{first}开始数。求{property}的数的个数，看前{size}个。",
            ),
            _ => say!(
                language,
                "A set of whole numbers in a row starts at {first}. How many {property} if its size is {size}?",
                "一个集合是连续整数，最小是{first}。求{property}的数的个数，集合大小{size}。",
            ),
        }
    }

    fn solve(&self, language: Language) -> Solution {
        let mut work = Work::new(language);
        let (mut hits, first, size) = (0, self.first, self.size);
        work.note(say!(
            language,
            "Look at {size} numbers from {first} on.",
            "从{first}起看{size}个数。"
        ));
        for number in self.first..self.first + self.size {
            let mut line = format!("{number}:");
            for divisor in self.property.divisors() {
                let (quotient, rest) = (number / divisor, number % divisor);
                line += &say!(
                    language,
                    " {number} = {divisor} x {quotient} + {rest},",
                    " {number} = {divisor} x {quotient} + {rest}，"
                );
            }
            let is_hit = self.property.holds(number);
            hits += i64::from(is_hit);
            work.step(if is_hit {
                say!(language, "{line} so {number} is in.", "{line}所以{number}算。")
            } else {
                say!(language, "{line} so {number} is out.", "{line}所以{number}不算。")
            });
        }
        work.note(say!(language, "That makes {hits}.", "一共{hits}个。"));
        work.finish(hits)
    }

    fn structure(&self) -> Structure {
        let kind = if self.property.divisors().len() == 1 { "one" } else { "two" };
        Structure { kind, sizes: vec![self.size as f64] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    /// The multiples of a divisor up to the last number, listed by adding.
    fn multiples(divisor: i64) -> Vec<i64> {
        (0..200).map(|index| index * divisor).collect()
    }

    #[test]
    fn the_answer_is_the_size_of_the_set_of_listed_multiples() {
        for budget in BUDGETS {
            for mut draw in draws("sets", 100) {
                let puzzle = Sets::draw(budget, &mut draw);
                let is_in = |number: &i64| match puzzle.property {
                    Property::In(a) => multiples(a).contains(number),
                    Property::Both(a, b) => {
                        multiples(a).contains(number) && multiples(b).contains(number)
                    }
                    Property::Either(a, b) => {
                        [multiples(a), multiples(b)].concat().contains(number)
                    }
                    Property::Less(a, b) => {
                        multiples(a).contains(number) && !multiples(b).contains(number)
                    }
                };
                let expected = (puzzle.first..puzzle.first + puzzle.size).filter(is_in).count();
                assert_eq!(puzzle.solve(Language::Chinese).answer, expected.to_string());
            }
        }
    }
}
