//! Addition and subtraction of long numbers, column by column.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::work::{Solution, Work};

/// The sum of the numbers, or the first less the second.
#[derive(Debug)]
pub(super) struct Columns {
    kind: Kind,
    numbers: Vec<u64>,
    is_checked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Sum,
    Difference,
}

/// Digit number `column` of a number, from the right.
fn digit(number: u64, column: u32) -> u64 {
    number / 10u64.pow(column) % 10
}

/// How many digits a number has.
fn num_digits(number: u64) -> u32 {
    number.checked_ilog10().map_or(1, |log| log + 1)
}

impl Columns {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        let kind = draw.pick(&[Kind::Sum, Kind::Difference]);
        let count = if kind == Kind::Sum { draw.pick(&[2, 2, 3]) } else { 2 };
        let is_checked = count == 2 && draw.percent(40);
        let columns = draw.fit(budget, if is_checked { 46 } else { 25 }, 2..=16);
        let mut numbers: Vec<u64> = (0..count).map(|_| number(columns, draw)).collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        Self { kind, numbers, is_checked }
    }

    fn columns(&self) -> u32 {
        num_digits(self.numbers[0])
    }
}

/// A number with so many digits.
fn number(columns: i64, draw: &mut Draw) -> u64 {
    (0..columns).fold(0, |number, index| {
        number * 10 + draw.within(i64::from(index == 0)..=9).unsigned_abs()
    })
}

/// Adds from right to left.
fn add(work: &mut Work, numbers: &[u64], language: Language) -> u64 {
    let columns = num_digits(numbers[0]);
    let (mut total, mut carry) = (0, 0);
    for column in 0..columns {
        let mut terms: Vec<String> =
            numbers.iter().map(|&number| digit(number, column).to_string()).collect();
        if carry > 0 {
            terms.push(carry.to_string());
        }
        let terms_sum = numbers.iter().map(|&number| digit(number, column)).sum::<u64>() + carry;
        let written = terms_sum % 10;
        carry = terms_sum / 10;
        total += written * 10u64.pow(column);
        let (place, terms) = (column + 1, terms.join(" + "));
        work.step(say!(
            language,
            "column {place}: {terms} = {terms_sum}, write down {written} and carry {carry}.",
            "第{place}列：{terms} = {terms_sum}，写下 {written} ，进 {carry}。",
        ));
    }
    total + carry * 10u64.pow(columns)
}

/// Subtracts from right to left; where a digit is too small it notices and borrows.
fn subtract(work: &mut Work, first: u64, second: u64, language: Language) -> u64 {
    let (mut total, mut borrow) = (0, 0);
    for column in 0..num_digits(first) {
        let (top, bottom) = (digit(first, column), digit(second, column) + borrow);
        let is_short = top < bottom;
        let lent = if is_short { top + 10 } else { top };
        let written = lent - bottom;
        borrow = u64::from(is_short);
        total += written * 10u64.pow(column);
        let place = column + 1;
        work.step(if is_short {
            say!(
                language,
                "column {place}: {top} - {bottom} fails, so {lent} - {bottom} = {written}, write {written}.",
                "第{place}列：{top} - {bottom}不够，所以 {lent} - {bottom} = {written}，写 {written}。",
            )
        } else {
            say!(
                language,
                "column {place}: {top} - {bottom} is fine, so {top} - {bottom} = {written}, write {written}.",
                "第{place}列：{top} - {bottom}够，所以 {top} - {bottom} = {written}，写 {written}。",
            )
        });
    }
    total
}

impl Puzzle for Columns {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        let terms: Vec<String> = self.numbers.iter().map(u64::to_string).collect();
        let (terms, columns) =
            (terms.join(if self.kind == Kind::Sum { " + " } else { " - " }), self.columns());
        let check = if self.is_checked {
            language.choose("Solve and check backwards. ", "请求解并反过来验算。")
        } else {
            ""
        };
        let core = match draw.below(2) {
            0 => say!(
                language,
                "What is {terms}, worked out in columns 1 to {columns}?",
                "请用竖式算{terms}，从第1列到第{columns}列。"
            ),
            _ => say!(
                language,
                "Work out {terms} by hand in columns 1 to {columns}.",
                "求{terms}，逐列从1到{columns}列。"
            ),
        };
        check.to_owned() + &core
    }

    fn solve(&self, language: Language) -> Solution {
        let mut work = Work::new(language);
        let (first, second) = (self.numbers[0], self.numbers[1]);
        work.note(say!(
            language,
            "Go from right to left, and borrow where it fails.",
            "从右往左算，不够就借位。"
        ));
        let result = match self.kind {
            Kind::Sum => add(&mut work, &self.numbers, language),
            Kind::Difference => subtract(&mut work, first, second, language),
        };
        if self.is_checked {
            work.note(say!(language, "Check backwards:", "反过来验算："));
            let back = match self.kind {
                Kind::Sum => subtract(&mut work, result, second, language),
                Kind::Difference => {
                    add(&mut work, &[second.max(result), second.min(result)], language)
                }
            };
            work.step(say!(language, "That gives {back}, right.", "得到{back}，正确。"));
        }
        work.finish(result)
    }

    fn structure(&self) -> Structure {
        let kind = match (self.kind, self.is_checked) {
            (Kind::Sum, false) => "sum",
            (Kind::Sum, true) => "sum-checked",
            (Kind::Difference, false) => "difference",
            (Kind::Difference, true) => "difference-checked",
        };
        Structure { kind, sizes: vec![f64::from(self.columns()), self.numbers.len() as f64] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    #[test]
    fn the_answer_is_what_whole_number_arithmetic_gives() {
        for budget in BUDGETS {
            for mut draw in draws("columns", 100) {
                let puzzle = Columns::draw(budget, &mut draw);
                let expected = match puzzle.kind {
                    Kind::Sum => puzzle.numbers.iter().sum::<u64>(),
                    Kind::Difference => puzzle.numbers[0] - puzzle.numbers[1],
                };
                let Solution { answer, thinking, .. } = puzzle.solve(Language::English);
                assert_eq!(answer, expected.to_string());
                if puzzle.is_checked {
                    let back = puzzle.numbers[0];
                    assert!(thinking.contains(&format!("That gives {back}, right.")), "{thinking}");
                }
            }
        }
    }

    #[test]
    fn a_digit_that_is_too_small_borrows() {
        let puzzle = Columns { kind: Kind::Difference, numbers: vec![42, 17], is_checked: false };
        let thinking = "Go from right to left, and borrow where it fails.\n\
            column 1: 2 - 7 fails, so 12 - 7 = 5, write 5.\n\
            column 2: 4 - 2 is fine, so 4 - 2 = 2, write 2.\n\
            Answer: 25.";
        assert_eq!(puzzle.solve(Language::English).thinking, thinking);
    }
}
