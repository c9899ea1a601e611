//! Numbers written in other bases, by repeated division or digit by digit.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::work::{Solution, Work};

/// A number, its base, and the way it is to be written.
#[derive(Debug)]
pub(super) struct Bases {
    kind: Kind,
    base: u64,
    /// The digits in the base, the highest first.
    digits: Vec<u64>,
    /// How far to count on.
    steps: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// From ten to the base.
    Into,
    /// From ten to the base, and back as a check.
    IntoChecked,
    /// From the base to ten.
    From,
    /// The number so many steps later, counted on in the base itself.
    Onward,
}

/// Digits into text.
fn text(digits: &[u64]) -> String {
    digits.iter().map(u64::to_string).collect()
}

/// The number with these digits in this base.
fn value(digits: &[u64], base: u64) -> u64 {
    digits.iter().fold(0, |value, digit| value * base + digit)
}

impl Bases {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        let kind = draw.pick(if budget < 300 {
            &[Kind::Onward, Kind::Onward, Kind::Onward, Kind::Into, Kind::IntoChecked, Kind::From]
        } else {
            &[Kind::Onward]
        });
        let (cost, longest) = match kind {
            Kind::Into => (21, 12),
            Kind::IntoChecked => (39, 12),
            Kind::From => (20, 12),
            Kind::Onward => (25, 28),
        };
        let count = draw.fit(budget, cost, 2..=longest);
        let (num_digits, steps) =
            if kind == Kind::Onward { (draw.within(3..=4), count) } else { (count, 0) };
        // Short numbers in large bases, long ones in small bases: no number gets past seven decimal digits or so.
        let bases: &[i64] = match num_digits {
            ..=7 => &[2, 3, 4, 5, 6, 7, 8, 9],
            8..=9 => &[2, 3, 4, 5, 6],
            _ => &[2, 3],
        };
        let base = draw.pick(bases);
        let digit = |index| draw.within(i64::from(index == 0)..=base - 1).unsigned_abs();
        let digits = (0..num_digits).map(digit).collect();
        Self { kind, base: base.unsigned_abs(), digits, steps }
    }

    /// Adds 1 again and again; digits that are full roll over.
    fn count_on(&self, work: &mut Work, language: Language) -> Vec<u64> {
        let mut digits = self.digits.clone();
        for step in 1..=self.steps {
            let before = text(&digits);
            let rolled = digits.iter().rev().take_while(|&&digit| digit + 1 == self.base).count();
            if rolled == digits.len() {
                digits.insert(0, 0);
            }
            let end = digits.len() - rolled;
            digits[end..].fill(0);
            digits[end - 1] += 1;
            let after = text(&digits);
            work.step(say!(
                language,
                "step {step}: {before} + 1, digits that roll over: {rolled}, so {after}.",
                "第{step}步：{before} + 1，进位的位数是 {rolled} ，得 {after}。",
            ));
        }
        digits
    }

    /// Divides again and again; the remainders come out backwards.
    fn divide(&self, work: &mut Work, language: Language) {
        let (base, mut number) = (self.base, value(&self.digits, self.base));
        while number > 0 {
            let (quotient, rest) = (number / base, number % base);
            work.step(say!(
                language,
                "{number} / {base} = {quotient}, remainder {rest}.",
                "{number} / {base} = {quotient}，余{rest}。",
            ));
            number = quotient;
        }
        let digits = text(&self.digits);
        work.note(say!(language, "Read backwards: {digits}.", "倒着读：{digits}。"));
    }

    /// Multiplies by the base and adds the next digit.
    fn build(&self, work: &mut Work, language: Language) {
        let (base, mut number, stop) = (self.base, 0, language.stop());
        for digit in &self.digits {
            let next = number * base + digit;
            work.step(format!("{number} x {base} + {digit} = {next}{stop}"));
            number = next;
        }
    }
}

impl Puzzle for Bases {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        let (base, digits) = (self.base, text(&self.digits));
        let number = value(&self.digits, base);
        let steps = self.steps;
        if self.kind == Kind::Onward {
            return match draw.below(2) {
                0 => say!(
                    language,
                    "Count on from {digits} in base {base}. What is the number after step {steps}?",
                    "在{base}进制中从{digits}往后数。求这个数，数了{steps}步。",
                ),
                _ => say!(
                    language,
                    "In base {base} a counter shows {digits} and goes up by 1. What does it show after step {steps}?",
                    "{base}进制的计数器显示{digits}，每次加1。求显示的数，过了{steps}步。",
                ),
            };
        }
        if self.kind == Kind::From {
            return match draw.below(2) {
                0 => say!(
                    language,
                    "The number {digits} is in base {base}. What is it in base 10?",
                    "{base}进制数{digits}在十进制中是多少？"
                ),
                _ => say!(
                    language,
                    "Convert {digits} from base {base} to base 10.",
                    "把{base}进制数{digits}化成十进制。"
                ),
            };
        }
        let core = match draw.below(2) {
            0 => say!(language, "Write {number} in base {base}.", "把{number}写成{base}进制。"),
            _ => {
                say!(language, "What is {number} in base {base}?", "{number}在{base}进制中怎么写？")
            }
        };
        let check = language.choose("Solve and check by going back. ", "请求解并化回去验算。");
        if self.kind == Kind::IntoChecked { check.to_owned() + &core } else { core }
    }

    fn solve(&self, language: Language) -> Solution {
        let mut work = Work::new(language);
        let (base, steps) = (self.base, self.steps);
        work.note(match self.kind {
            Kind::Onward => say!(
                language,
                "Count on in base {base}, {steps} steps.",
                "在{base}进制中数{steps}步。"
            ),
            Kind::From => say!(language, "Take digit by digit from the left.", "从左往右逐位取。"),
            Kind::Into | Kind::IntoChecked => {
                say!(language, "Divide by {base} again and again.", "反复除以{base}。")
            }
        });
        if self.kind == Kind::Onward {
            let digits = self.count_on(&mut work, language);
            return work.finish(text(&digits));
        }
        if self.kind == Kind::From {
            self.build(&mut work, language);
            return work.finish(value(&self.digits, self.base));
        }
        self.divide(&mut work, language);
        if self.kind == Kind::IntoChecked {
            work.note(say!(language, "Go back:", "化回去："));
            self.build(&mut work, language);
        }
        work.finish(text(&self.digits))
    }

    fn structure(&self) -> Structure {
        let kind = match self.kind {
            Kind::Into => "into",
            Kind::IntoChecked => "into-checked",
            Kind::From => "from",
            Kind::Onward => "onward",
        };
        let number = value(&self.digits, self.base) as f64;
        Structure { kind, sizes: vec![self.digits.len() as f64, number.log10(), self.steps as f64] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    #[test]
    fn the_answer_is_what_the_standard_library_reads() {
        for budget in BUDGETS {
            for mut draw in draws("bases", 100) {
                let puzzle = Bases::draw(budget, &mut draw);
                let base = puzzle.base.try_into().expect("a base is small");
                let read = u64::from_str_radix(&text(&puzzle.digits), base).expect("its digits");
                let Solution { answer, thinking, .. } = puzzle.solve(Language::English);
                if puzzle.kind == Kind::From {
                    assert_eq!(answer, read.to_string());
                } else if puzzle.kind == Kind::Onward {
                    let later = read + puzzle.steps.unsigned_abs();
                    assert_eq!(u64::from_str_radix(&answer, base), Ok(later));
                } else {
                    assert_eq!(u64::from_str_radix(&answer, base), Ok(read));
                    assert!(thinking.contains(&format!("\n{read} / {base} = ")));
                }
            }
        }
    }
}
