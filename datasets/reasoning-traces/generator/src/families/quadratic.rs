//! Quadratic equations solved by trying, and tables of quadratic values.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::work::{Solution, Work};

/// A quadratic in x.
#[derive(Debug)]
pub(super) enum Quadratic {
    /// The positive root of `x² + linear x = constant`, a whole number.
    Root { linear: i64, root: i64 },
    /// For how many x from 1 to a limit is `x² - linear x + constant` positive?
    Table { linear: i64, constant: i64, limit: i64 },
}

impl Quadratic {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        if draw.percent(25) {
            Self::Root { linear: draw.within(1..=4), root: draw.fit(budget, 24, 2..=30) }
        } else {
            let limit = draw.fit(budget, 26, 2..=28);
            let linear = draw.within(3..=12);
            Self::Table { linear, constant: draw.within(2..=20), limit }
        }
    }
}

/// Tries 1, 2, 3, … until the left side is reached.
fn find_root(linear: i64, root: i64, language: Language) -> Solution {
    let mut work = Work::new(language);
    let constant = root * (root + linear);
    work.note(say!(language, "Try x = 1, 2, 3 and so on.", "从x = 1开始试。"));
    for x in 1..=root {
        let (square, product) = (x * x, linear * x);
        let value = square + product;
        work.step(if value < constant {
            say!(
                language,
                "x = {x}: {square} + {product} = {value}, too small.",
                "x = {x}：{square} + {product} = {value}，太小。"
            )
        } else {
            say!(
                language,
                "x = {x}: {square} + {product} = {value}, that is it.",
                "x = {x}：{square} + {product} = {value}，正好。"
            )
        });
    }
    work.finish(root)
}

/// Computes value after value and counts the positive ones.
fn count_positive(linear: i64, constant: i64, limit: i64, language: Language) -> Solution {
    let mut work = Work::new(language);
    work.note(say!(language, "Compute the values up to x = {limit}.", "逐个算到x = {limit}。"));
    let mut hits = 0;
    for x in 1..=limit {
        let (square, product) = (x * x, linear * x);
        let value = square - product + constant;
        hits += i64::from(value > 0);
        work.step(if value > 0 {
            say!(
                language,
                "x = {x}: {square} - {product} + {constant} = {value}, yes, {hits} so far.",
                "x = {x}：{square} - {product} + {constant} = {value}，是，共{hits}。"
            )
        } else {
            say!(
                language,
                "x = {x}: {square} - {product} + {constant} = {value}, no, {hits} so far.",
                "x = {x}：{square} - {product} + {constant} = {value}，否，共{hits}。"
            )
        });
    }
    work.finish(hits)
}

impl Puzzle for Quadratic {
    fn question(&self, language: Language, _: &mut Draw) -> String {
        match *self {
            Self::Root { linear, root } => {
                let constant = root * (root + linear);
                say!(
                    language,
                    "By trying, find the positive whole number x with x^2 + {linear}x = {constant}.",
                    "用试的方法求正整数x，使x^2 + {linear}x = {constant}。",
                )
            }
            Self::Table { linear, constant, limit } => {
                say!(
                    language,
                    "How often is x^2 - {linear}x + {constant} positive for whole x from 1 up to {limit}?",
                    "求使x^2 - {linear}x + {constant}为正的整数x的个数，x从1到{limit}。",
                )
            }
        }
    }

    fn solve(&self, language: Language) -> Solution {
        match *self {
            Self::Root { linear, root } => find_root(linear, root, language),
            Self::Table { linear, constant, limit } => {
                count_positive(linear, constant, limit, language)
            }
        }
    }

    fn structure(&self) -> Structure {
        let (kind, size) = match self {
            Self::Root { root, .. } => ("root", root),
            Self::Table { limit, .. } => ("table", limit),
        };
        Structure { kind, sizes: vec![*size as f64] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    #[test]
    fn the_answer_is_what_trying_every_number_finds() {
        for budget in BUDGETS {
            for mut draw in draws("quadratic", 100) {
                let puzzle = Quadratic::draw(budget, &mut draw);
                let expected = match puzzle {
                    Quadratic::Root { linear, root } => {
                        let constant = root * root + linear * root;
                        (1..1000).find(|x| x * x + linear * x == constant).expect("a root")
                    }
                    Quadratic::Table { linear, constant, limit } => {
                        (1..=limit).map(|x| (x * x - linear * x + constant).signum().max(0)).sum()
                    }
                };
                assert_eq!(puzzle.solve(Language::Chinese).answer, expected.to_string());
            }
        }
    }
}
