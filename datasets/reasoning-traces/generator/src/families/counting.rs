//! Ways to climb stairs and to cross a grid, counted by recurrence.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::whole::length;
use crate::wording::name;
use crate::work::{Solution, Work};

/// A number of ways.
#[derive(Debug)]
pub(super) enum Counting {
    /// To climb so many stairs by strides of these sizes.
    Stairs { stairs: usize, strides: &'static [usize] },
    /// From one corner of a grid of streets to the opposite one, going only right or up.
    Grid { columns: usize, rows: usize },
}

const STRIDES: [&[usize]; 4] = [&[1, 2], &[1, 3], &[2, 3], &[1, 2, 3]];

impl Counting {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        if draw.percent(70) {
            let strides = draw.pick(&STRIDES);
            let cost = if strides.len() == 3 { 31 } else { 26 };
            return Self::Stairs { stairs: length(draw.fit(budget, cost, 2..=24)), strides };
        }
        let rows = 1 + draw.below(7);
        let columns = length(draw.fit(budget / rows + 12, 13, 1..=9));
        Self::Grid { columns, rows }
    }
}

/// Ways to each step in turn, from the ways to the steps below it.
fn climb(stairs: usize, strides: &[usize], language: Language) -> Solution {
    let mut work = Work::new(language);
    work.note(say!(
        language,
        "Add up the ways from below, up to stair {stairs}.",
        "把下面的走法相加，到第{stairs}级。"
    ));
    work.note(say!(language, "stair 0: 1 way.", "第0级：1种。"));
    let mut ways = vec![1u64];
    for stair in 1..=stairs {
        // From below the ground there is no way.
        let from = |stride: &usize| stair.checked_sub(*stride).map_or(0, |below| ways[below]);
        let terms: Vec<u64> = strides.iter().map(from).collect();
        let total: u64 = terms.iter().sum();
        let terms: Vec<String> = terms.iter().map(u64::to_string).collect();
        let terms = terms.join(" + ");
        work.step(say!(
            language,
            "stair {stair}: the ways below it are {terms} = {total} in all.",
            "第{stair}级：下面的走法是 {terms} = {total} 种。"
        ));
        ways.push(total);
    }
    work.finish(ways[stairs])
}

/// Ways to each corner in turn, row by row: those from the left and those from below.
fn cross(columns: usize, rows: usize, language: Language) -> Solution {
    let mut work = Work::new(language);
    work.note(say!(language, "Along the edge there is 1 way.", "沿着边只有1种。"));
    let mut ways = vec![1u64; columns + 1];
    for row in 1..=rows {
        let mut cells = vec![say!(language, "row {row}: 1", "第{row}行：1")];
        for column in 1..=columns {
            let (left, below) = (ways[column - 1], ways[column]);
            ways[column] = left + below;
            let total = ways[column];
            cells.push(format!("{left} + {below} = {total}"));
        }
        work.step(cells.join(", ") + language.stop());
    }
    work.finish(ways[columns])
}

impl Puzzle for Counting {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        match *self {
            Self::Stairs { stairs, strides } => {
                let (name, strides) = (name(language, draw), strides.iter().map(usize::to_string));
                let strides = strides.collect::<Vec<_>>().join(language.choose(" or ", "或"));
                say!(
                    language,
                    "{name} climbs stairs, taking {strides} at a time. How many ways are there to stair {stairs}?",
                    "{name}上台阶，每次上{strides}级。求走法，到第{stairs}级。",
                )
            }
            Self::Grid { columns, rows } => say!(
                language,
                "Going only right or up, how many ways lead from corner to corner in a grid of {columns} by {rows}?",
                "只向右或向上走。求从一角到对角的走法，网格{columns}乘{rows}。",
            ),
        }
    }

    fn solve(&self, language: Language) -> Solution {
        match *self {
            Self::Stairs { stairs, strides } => climb(stairs, strides, language),
            Self::Grid { columns, rows } => cross(columns, rows, language),
        }
    }

    fn structure(&self) -> Structure {
        match *self {
            Self::Stairs { stairs, strides } => Structure {
                kind: match strides {
                    [1, 2] => "strides 1 2",
                    [1, 3] => "strides 1 3",
                    [2, 3] => "strides 2 3",
                    _ => "three strides",
                },
                sizes: vec![stairs as f64],
            },
            Self::Grid { columns, rows } => {
                Structure { kind: "grid", sizes: vec![columns as f64, rows as f64] }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    /// Every way, walked to its end.
    fn walk(stairs: usize, strides: &[usize]) -> u64 {
        match stairs {
            0 => 1,
            _ => strides.iter().filter(|&&s| s <= stairs).map(|&s| walk(stairs - s, strides)).sum(),
        }
    }

    /// The binomial coefficient of all ways to place the steps up among all steps.
    fn binomial(n: u64, k: u64) -> u64 {
        (1..=k).fold(1, |product, i| product * (n - k + i) / i)
    }

    #[test]
    fn the_answer_is_what_walking_every_way_finds() {
        for budget in BUDGETS {
            for mut draw in draws("counting", 60) {
                let puzzle = Counting::draw(budget, &mut draw);
                let expected = match puzzle {
                    Counting::Stairs { stairs, strides } => walk(stairs, strides),
                    Counting::Grid { columns, rows } => {
                        binomial((columns + rows) as u64, rows as u64)
                    }
                };
                assert_eq!(puzzle.solve(Language::English).answer, expected.to_string());
            }
        }
    }
}
