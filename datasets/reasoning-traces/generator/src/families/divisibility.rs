//! Tests of divisibility, each in its own way, remainders of powers, and Euclid's algorithm.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::work::{Solution, Work};

/// Which of several numbers divide one, what a power leaves, or the greatest common divisor of two.
#[derive(Debug)]
pub(super) enum Divisibility {
    /// How many of the divisors divide the number with these digits?
    Tests { digits: Vec<u64>, divisors: Vec<u64> },
    /// What the power `base ^ exponent` leaves when divided by the modulus.
    Power { base: u64, exponent: i64, modulus: u64 },
    /// The greatest common divisor.
    Euclid { first: u64, second: u64 },
}

/// How a divisor is tested.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// By the last digit: 2, 5 and 10.
    LastDigit,
    /// By the sum of the digits: 3 and 9.
    DigitSum,
    /// By long division: all others.
    LongDivision,
}

fn way(divisor: u64) -> Way {
    match divisor {
        2 | 5 | 10 => Way::LastDigit,
        3 | 9 => Way::DigitSum,
        _ => Way::LongDivision,
    }
}

impl Divisibility {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        if draw.percent(70) {
            // A prime beyond the base: the remainders never get stuck at 0.
            let (base, modulus) = (draw.within(2..=6), draw.pick(&[7i64, 11]));
            let exponent = draw.fit(budget, 26, 2..=26);
            return Self::Power {
                base: base.unsigned_abs(),
                exponent,
                modulus: modulus.unsigned_abs(),
            };
        }
        if budget < 150 && draw.percent(30) {
            let common = draw.within(1..=9).unsigned_abs();
            let [first, second] = [0; 2].map(|_| draw.within(3..=99).unsigned_abs() * common);
            return Self::Euclid { first: first.max(second) + common, second: first.min(second) };
        }
        let mut divisors = vec![2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13];
        draw.shuffle(&mut divisors);
        divisors.truncate(2 + draw.below(5));
        let cost = divisors.iter().map(|&divisor| match way(divisor) {
            Way::LastDigit => 0,
            Way::DigitSum => 3,
            Way::LongDivision => 11,
        });
        let count = draw.fit(
            budget.saturating_sub(15 * divisors.len()),
            cost.sum::<usize>().max(1),
            3..=10,
        );
        let digit = |index| if index == 0 { 1..=9 } else { 0..=9 };
        let digits = (0..count).map(|index| draw.within(digit(index)).unsigned_abs()).collect();
        Self::Tests { digits, divisors }
    }
}

/// Tests one divisor and says whether it divides.
fn test(digits: &[u64], divisor: u64, work: &mut Work, language: Language) -> bool {
    match way(divisor) {
        Way::LastDigit => {
            let last = digits[digits.len() - 1];
            work.step(say!(
                language,
                "{divisor}: the last digit is {last}.",
                "{divisor}：末位是{last}。"
            ));
            last.is_multiple_of(divisor)
        }
        Way::DigitSum => {
            let terms: Vec<String> = digits.iter().map(u64::to_string).collect();
            let (terms, sum) = (terms.join(" + "), digits.iter().sum::<u64>());
            work.step(say!(
                language,
                "{divisor}: the digit sum is {terms} = {sum}.",
                "{divisor}：数字和是{terms} = {sum}。",
            ));
            sum % divisor == 0
        }
        Way::LongDivision => {
            work.note(say!(language, "{divisor}: divide digit by digit.", "{divisor}：逐位去除。"));
            let mut rest = 0;
            for digit in digits {
                let value = rest * 10 + digit;
                rest = value % divisor;
                work.step(say!(
                    language,
                    "take {digit}: {value} leaves {rest}.",
                    "取{digit}：{value}余{rest}。",
                ));
            }
            rest == 0
        }
    }
}

fn solve_tests(digits: &[u64], divisors: &[u64], language: Language) -> Solution {
    let mut work = Work::new(language);
    let count = divisors.len();
    work.note(say!(language, "Test these {count} numbers.", "检验这{count}个数。"));
    let mut hits = 0;
    for &divisor in divisors {
        let is_hit = test(digits, divisor, &mut work, language);
        hits += usize::from(is_hit);
        work.note(if is_hit {
            say!(
                language,
                "So {divisor} divides it, count {hits}.",
                "所以{divisor}可以，共{hits}。"
            )
        } else {
            say!(language, "So {divisor} does not, count {hits}.", "所以{divisor}不行，共{hits}。")
        });
    }
    work.finish(hits)
}

fn solve_power(base: u64, exponent: i64, modulus: u64, language: Language) -> Solution {
    let mut work = Work::new(language);
    work.note(say!(
        language,
        "Multiply by {base} and keep what {modulus} leaves, up to power {exponent}.",
        "每次乘以{base}，取除以{modulus}的余数，到第{exponent}次方。"
    ));
    let mut rest = 1;
    for power in 1..=exponent {
        let product = rest * base;
        let next = product % modulus;
        work.step(say!(
            language,
            "power {power}: {rest} x {base} = {product}, and {product} / {modulus} leaves {next}.",
            "第{power}次方：{rest} x {base} = {product}，而 {product} / {modulus} 余 {next}。",
        ));
        rest = next;
    }
    work.finish(rest)
}

fn solve_euclid(first: u64, second: u64, language: Language) -> Solution {
    let mut work = Work::new(language);
    work.note(say!(language, "Divide, and go on with the remainder.", "辗转相除。"));
    let (mut a, mut b) = (first, second);
    while b > 0 {
        let (quotient, rest) = (a / b, a % b);
        work.step(say!(
            language,
            "{a} = {quotient} x {b} + {rest}.",
            "{a} = {quotient} x {b} + {rest}。",
        ));
        (a, b) = (b, rest);
    }
    work.finish(a)
}

impl Puzzle for Divisibility {
    fn question(&self, language: Language, _: &mut Draw) -> String {
        match self {
            Self::Tests { digits, divisors } => {
                let number: String = digits.iter().map(u64::to_string).collect();
                let divisors: Vec<String> = divisors.iter().map(u64::to_string).collect();
                let divisors = divisors.join(language.choose(", ", "、"));
                say!(
                    language,
                    "How many of the numbers {divisors} divide {number}?",
                    "{divisors}当中，有几个数能整除{number}？",
                )
            }
            Self::Power { base, exponent, modulus } => say!(
                language,
                "Divide a power of {base} by {modulus}. What remains if the exponent is {exponent}?",
                "{base}的幂除以{modulus}。求余数，指数是{exponent}。",
            ),
            Self::Euclid { first, second } => say!(
                language,
                "What is the greatest common divisor of {first} and {second}?",
                "{first}和{second}的最大公约数是多少？",
            ),
        }
    }

    fn solve(&self, language: Language) -> Solution {
        match self {
            Self::Tests { digits, divisors } => solve_tests(digits, divisors, language),
            Self::Power { base, exponent, modulus } => {
                solve_power(*base, *exponent, *modulus, language)
            }
            Self::Euclid { first, second } => solve_euclid(*first, *second, language),
        }
    }

    fn structure(&self) -> Structure {
        match self {
            Self::Tests { digits, divisors } => {
                let count = |wanted| {
                    divisors.iter().filter(|&&divisor| way(divisor) == wanted).count() as f64
                };
                let ways = [Way::LastDigit, Way::DigitSum, Way::LongDivision].map(count);
                Structure { kind: "tests", sizes: [&ways[..], &[digits.len() as f64]].concat() }
            }
            Self::Power { exponent, modulus, .. } => {
                Structure { kind: "power", sizes: vec![*exponent as f64, *modulus as f64] }
            }
            Self::Euclid { first, second } => {
                Structure { kind: "euclid", sizes: vec![*first as f64, *second as f64] }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    #[test]
    fn the_answer_is_what_plain_remainders_give() {
        for budget in BUDGETS {
            for mut draw in draws("divisibility", 100) {
                let puzzle = Divisibility::draw(budget, &mut draw);
                let expected = match &puzzle {
                    Divisibility::Tests { digits, divisors } => {
                        let number = digits.iter().fold(0, |number, digit| number * 10 + digit);
                        divisors.iter().filter(|&divisor| number % divisor == 0).count() as u64
                    }
                    Divisibility::Power { base, exponent, modulus } => {
                        let power =
                            u128::from(*base).pow(u32::try_from(*exponent).expect("it is small"));
                        u64::try_from(power % u128::from(*modulus)).expect("it is small")
                    }
                    Divisibility::Euclid { first, second } => (1..=*second)
                        .rfind(|divisor| first % divisor == 0 && second % divisor == 0)
                        .expect("1 divides both"),
                };
                assert_eq!(puzzle.solve(Language::English).answer, expected.to_string());
            }
        }
    }
}
