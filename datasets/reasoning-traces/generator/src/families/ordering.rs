//! People put in order by comparisons, one place after the other.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::whole::length;
use crate::wording::names;
use crate::work::{Solution, Work};

/// A race known from who came in right before whom.
#[derive(Debug)]
pub(super) struct Ordering {
    /// People by index into the names, the first to come in first.
    order: Vec<usize>,
    /// The places whose holders are compared, `(k, k + 1)` by their first, in the order the question has them.
    clues: Vec<usize>,
    /// The place that is asked for, from 0.
    place: usize,
    is_checked: bool,
}

impl Ordering {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        let is_checked = draw.percent(50);
        let cost = if is_checked { 47 } else { 27 };
        let count = length(draw.fit(budget, cost, 2..=12));
        let mut order: Vec<usize> = (0..12).collect();
        draw.shuffle(&mut order);
        order.truncate(count);
        let mut clues: Vec<usize> = (0..count - 1).collect();
        draw.shuffle(&mut clues);
        Self { order, clues, place: draw.below(count), is_checked }
    }

    /// The names of those at place `k` and right behind.
    fn pair(&self, place: usize, language: Language) -> (&'static str, &'static str) {
        let name = |place: usize| names(language)[self.order[place]];
        (name(place), name(place + 1))
    }
}

impl Puzzle for Ordering {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        let style = draw.below(2);
        let clues: Vec<String> = self
            .clues
            .iter()
            .map(|&place| {
                let (before, after) = self.pair(place, language);
                match style {
                    0 => format!("{before} > {after}"),
                    _ => say!(language, "{after} after {before}", "{before}后是{after}"),
                }
            })
            .collect();
        let clues = clues.join(language.choose(", ", "，"));
        let (place, count) = (self.place + 1, self.order.len());
        let check = if self.is_checked {
            language.choose("Solve and check every clue. ", "请求解并逐条验算。")
        } else {
            ""
        };
        let core = match style {
            0 => say!(
                language,
                "In a race, a > b says that b came in right after a: {clues}. Who took place {place} of {count}?",
                "赛跑中，a > b表示b紧跟在a后面：{clues}。求第{place}名，共{count}人。",
            ),
            _ => say!(
                language,
                "In a race, directly one after the other: {clues}. Who took place {place} of {count}?",
                "赛跑到达，一个紧跟一个：{clues}。求第{place}名，共{count}人。",
            ),
        };
        check.to_owned() + &core
    }

    fn solve(&self, language: Language) -> Solution {
        let mut work = Work::new(language);
        let (first, count) = (names(language)[self.order[0]], self.order.len());
        work.note(say!(language, "Find the places of {count} people.", "给{count}人排名次。"));
        work.step(say!(
            language,
            "Nobody is before {first}, so place 1: {first}.",
            "{first}前面没有人，所以第1名：{first}。"
        ));
        for place in 0..self.clues.len() {
            let ((before, after), next) = (self.pair(place, language), place + 2);
            let left = self.order.len() - next;
            work.step(say!(
                language,
                "Who is right after {before}? The clues say {after} and nobody else. So place {next}: {after}, left are {left}.",
                "谁紧跟 {before} ？条件里说是 {after} ，再没有别人。所以第 {next} 名是 {after} ，还剩 {left} 人。",
            ));
        }
        if self.is_checked {
            work.note(say!(language, "Check every clue:", "逐条验算："));
            for &place in &self.clues {
                let ((before, after), [k, next]) =
                    (self.pair(place, language), [place + 1, place + 2]);
                work.step(say!(
                    language,
                    "{before} before {after}: {before} has place {k}, {after} has place {next}, right.",
                    "{before} 在 {after} 前：{before} 第 {k} 名， {after} 第 {next} 名，正确。",
                ));
            }
        }
        work.finish(names(language)[self.order[self.place]])
    }

    fn structure(&self) -> Structure {
        let kind = if self.is_checked { "checked" } else { "plain" };
        Structure { kind, sizes: vec![self.order.len() as f64] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    /// The order that fits all clues, by repeatedly taking who is behind nobody left.
    fn sort(clues: &[(usize, usize)], mut people: Vec<usize>) -> Vec<usize> {
        let mut order = Vec::new();
        while !people.is_empty() {
            let is_free = |person: &usize| {
                clues.iter().all(|&(before, after)| after != *person || order.contains(&before))
            };
            let next = people.iter().position(is_free).expect("the clues have no cycle");
            order.push(people.remove(next));
        }
        order
    }

    #[test]
    fn the_answer_is_the_place_in_the_only_order_that_fits_the_clues() {
        for budget in BUDGETS {
            for mut draw in draws("ordering", 100) {
                let puzzle = Ordering::draw(budget, &mut draw);
                let clues: Vec<_> = puzzle
                    .clues
                    .iter()
                    .map(|&place| (puzzle.order[place], puzzle.order[place + 1]))
                    .collect();
                let mut people = puzzle.order.clone();
                people.sort_unstable();
                let expected = names(Language::English)[sort(&clues, people)[puzzle.place]];
                assert_eq!(puzzle.solve(Language::English).answer, expected);
            }
        }
    }
}
