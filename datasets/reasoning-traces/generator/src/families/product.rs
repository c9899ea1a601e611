//! Multiplication of long numbers, digit by digit.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::whole::length;
use crate::work::{Solution, Work};

/// The product of two numbers, given by their digits from the left.
#[derive(Debug)]
pub(super) struct Product {
    first: Vec<u64>,
    second: Vec<u64>,
}

/// The number with these digits.
fn value(digits: &[u64]) -> u64 {
    digits.iter().fold(0, |value, digit| value * 10 + digit)
}

/// Digits with a first one above 1, so that no row is trivial; a zero now and then.
fn digits(count: i64, draw: &mut Draw) -> Vec<u64> {
    let digit = |index| if index == 0 { 2..=9 } else { 0..=9 };
    (0..count).map(|index| draw.within(digit(index)).unsigned_abs()).collect()
}

impl Product {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        let rows = if draw.percent(60) { 1 } else { draw.within(2..=4) };
        let longest = if rows == 1 { 18 } else { 7 };
        let per_row = budget / length(rows);
        let columns = draw.fit(per_row, 26, 2..=longest);
        Self { first: digits(columns, draw), second: digits(rows, draw) }
    }

    /// Multiplies the first number by one digit.
    fn row(&self, digit: u64, work: &mut Work, language: Language) {
        let mut carry = 0;
        for &other in self.first.iter().rev() {
            let product = digit * other + carry;
            let (written, next) = (product % 10, product / 10);
            work.step(say!(
                language,
                "next {digit} x {other} + {carry} = {product}, write {written}, carry {next}.",
                "再算 {digit} x {other} + {carry} = {product}，写 {written} ，进 {next}。",
            ));
            carry = next;
        }
    }
}

impl Puzzle for Product {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        let (first, second) = (value(&self.first), value(&self.second));
        let (columns, rows) = (self.first.len(), self.second.len());
        let times = match draw.below(2) {
            0 => say!(language, "What is {first} x {second},", "求{first}乘以{second}，"),
            _ => say!(
                language,
                "A box holds {first} pens. How many are in {second} boxes,",
                "一个盒子装{first}支笔，求{second}个盒子里的总数，",
            ),
        };
        // The first number is taken digit by digit, once for each digit of the second.
        times
            + &match rows {
                1 => {
                    say!(
                        language,
                        " going through digits 1 to {columns}?",
                        "逐位从1到{columns}位。"
                    )
                }
                _ => say!(
                    language,
                    " in {rows} rows of digits 1 to {columns}?",
                    "分{rows}行，逐位从1到{columns}位。"
                ),
            }
    }

    fn solve(&self, language: Language) -> Solution {
        let mut work = Work::new(language);
        let (first, second, mut total, mut power) = (value(&self.first), value(&self.second), 0, 1);
        work.note(say!(
            language,
            "Take {first} times each digit of {second}.",
            "用{second}的每一位去乘{first}。"
        ));
        for &digit in self.second.iter().rev() {
            if digit == 0 {
                work.note(say!(
                    language,
                    "digit 0: no row, but the next row shifts one more place.",
                    "数字0：没有这一行，但是下一行多移一位。",
                ));
            } else {
                self.row(digit, &mut work, language);
                let row = first * digit * power;
                let sum = total + row;
                work.step(say!(language, "row {row}, total {sum}.", "这一行{row}，合计{sum}。"));
                total = sum;
            }
            power *= 10;
        }
        work.finish(total)
    }

    fn structure(&self) -> Structure {
        let rows = self.second.iter().filter(|&&digit| digit > 0).count();
        let sizes = vec![self.first.len() as f64, rows as f64, self.second.len() as f64];
        Structure { kind: "product", sizes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    #[test]
    fn the_answer_is_the_product() {
        for budget in BUDGETS {
            for mut draw in draws("product", 100) {
                let puzzle = Product::draw(budget, &mut draw);
                let expected = value(&puzzle.first) * value(&puzzle.second);
                assert_eq!(puzzle.solve(Language::Chinese).answer, expected.to_string());
            }
        }
    }

    #[test]
    fn a_zero_shifts_the_next_row() {
        let puzzle = Product { first: vec![4], second: vec![3, 0, 7] };
        let thinking = "Take 4 times each digit of 307.\n\
            next 7 x 4 + 0 = 28, write 8, carry 2.\nrow 28, total 28.\n\
            digit 0: no row, but the next row shifts one more place.\n\
            next 3 x 4 + 0 = 12, write 2, carry 1.\nrow 1200, total 1228.\nAnswer: 1228.";
        assert_eq!(puzzle.solve(Language::English).thinking, thinking);
    }
}
