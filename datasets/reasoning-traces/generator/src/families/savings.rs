//! Word problems in which something changes week by week.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::wording::name;
use crate::work::{Solution, Work};

/// A stock that gains and, perhaps, loses every week.
#[derive(Debug)]
pub(super) struct Savings {
    story: usize,
    start: i64,
    gain: i64,
    /// What goes every week, if anything does.
    loss: Option<i64>,
    weeks: i64,
}

impl Savings {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        let loss = draw.percent(35).then(|| draw.within(1..=5));
        Self {
            story: draw.below(3),
            start: draw.within(110..=290),
            gain: draw.within(10..=19),
            loss,
            weeks: draw.fit(budget, if loss.is_some() { 38 } else { 25 }, 2..=30),
        }
    }
}

impl Puzzle for Savings {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        let Self { start, gain, weeks, .. } = self;
        let name = name(language, draw);
        let thing = match self.story {
            0 => language.choose("coins", "枚硬币"),
            1 => language.choose("stamps", "张邮票"),
            _ => language.choose("fish", "条鱼"),
        };
        let loss = self.loss.map_or(String::new(), |loss| {
            say!(language, " and gives away {loss}", "，又送出{loss}")
        });
        match draw.below(2) {
            0 => say!(
                language,
                "{name} has {start} {thing}. Each week {name} gets {gain}{loss}. How many {thing} are there after week {weeks}?",
                "{name}有{start}{thing}，每周得到{gain}{loss}。求总数，过了{weeks}周。",
            ),
            _ => say!(
                language,
                "Every week {name} gets {gain}{loss}. With {start} {thing} now, how many will it be after week {weeks}?",
                "{name}每周得到{gain}{loss}，现在有{start}{thing}。求总数，过了{weeks}周。",
            ),
        }
    }

    fn solve(&self, language: Language) -> Solution {
        let mut work = Work::new(language);
        let (mut stock, gain, last) = (self.start, self.gain, self.weeks);
        work.note(say!(
            language,
            "Start with {stock} and go on to week {last}.",
            "从{stock}开始，算到第{last}周。"
        ));
        for week in 1..=self.weeks {
            let gained = stock + gain;
            let mut line = say!(
                language,
                "week {week}: {stock} + {gain} = {gained},",
                "第{week}周： {stock} + {gain} = {gained},",
            );
            stock = gained;
            if let Some(loss) = self.loss {
                stock = gained - loss;
                line = format!("{line} {gained} - {loss} = {stock},");
            }
            work.step(say!(language, "{line} so now {stock}.", "{line} 现在有 {stock}。"));
        }
        let (start, net) = (self.start, self.gain - self.loss.unwrap_or(0));
        work.step(say!(
            language,
            "Check: {start} + {last} x {net} = {stock}, right.",
            "验算：{start} + {last} x {net} = {stock}，正确。",
        ));
        work.finish(stock)
    }

    fn structure(&self) -> Structure {
        let kind = if self.loss.is_some() { "gain and loss" } else { "gain" };
        Structure { kind, sizes: vec![self.weeks as f64] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    #[test]
    fn the_answer_is_the_closed_form() {
        for budget in BUDGETS {
            for mut draw in draws("savings", 100) {
                let puzzle = Savings::draw(budget, &mut draw);
                let weekly = puzzle.gain - puzzle.loss.unwrap_or(0);
                let expected = puzzle.start + puzzle.weeks * weekly;
                assert_eq!(puzzle.solve(Language::English).answer, expected.to_string());
            }
        }
    }
}
