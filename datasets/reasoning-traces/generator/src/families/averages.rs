//! Mean, median and spread of a list of numbers.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::whole::{length, number};
use crate::wording::name;
use crate::work::{Solution, Work};

/// A list, and what is wanted of it.
#[derive(Debug)]
pub(super) struct Averages {
    values: Vec<i64>,
    wanted: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    /// The mean, a whole number by construction.
    Mean,
    /// The sum of the sum of squared differences from the mean.
    Squares,
    /// The middle one, of an odd number of values.
    Median,
}

impl Wanted {
    fn words(self, language: Language) -> &'static str {
        match self {
            Self::Mean => language.choose("the mean", "平均数"),
            Self::Squares => language
                .choose("the sum of squared differences from the mean", "与平均数之差的平方和"),
            Self::Median => language.choose("the median", "中位数"),
        }
    }
}

impl Averages {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        let wanted = draw.pick(&[Wanted::Mean, Wanted::Squares, Wanted::Median]);
        let range = 2..=16;
        let count = match wanted {
            Wanted::Mean => draw.fit(budget, 25, range),
            Wanted::Squares => draw.fit(budget.saturating_sub(20), 51, range),
            // Each line writes the list so far: 2 n² tokens and 10 for each line.
            Wanted::Median => (3..=13)
                .step_by(2)
                .find(|count| length(2 * count * count + 12 * count) >= budget)
                .unwrap_or(13),
        };
        let mut values: Vec<i64> = (0..count).map(|_| draw.within(10..=60)).collect();
        // The last value moves up until the mean is whole.
        values[0] += (count - values.iter().sum::<i64>() % count) % count;
        draw.shuffle(&mut values);
        Self { values, wanted }
    }

    fn count(&self) -> i64 {
        number(self.values.len())
    }

    /// Adds up and divides.
    fn mean(&self, work: &mut Work, language: Language) -> i64 {
        let mut sum = 0;
        for (index, value) in self.values.iter().enumerate() {
            let (place, next) = (index + 1, sum + value);
            work.step(say!(
                language,
                "value {place} is {value}, the sum {sum} + {value} = {next}.",
                "第{place}个是 {value} ，和 {sum} + {value} = {next}。",
            ));
            sum = next;
        }
        let (count, mean) = (self.count(), sum / self.count());
        work.step(say!(
            language,
            "{count} values, mean {sum} / {count} = {mean}.",
            "{count}个数，平均{sum} / {count} = {mean}。"
        ));
        mean
    }

    /// Goes through the values again with their differences from the mean.
    fn squares(&self, mean: i64, work: &mut Work, language: Language) -> i64 {
        let (mut sum, stop) = (0, language.stop());
        for value in &self.values {
            let difference = (value - mean).abs();
            let (square, next) = (difference * difference, sum + difference * difference);
            work.step(format!(
                "|{value} - {mean}| = {difference}, {sum} + {square} = {next}{stop}"
            ));
            sum = next;
        }
        sum
    }

    /// Puts value after value into a sorted list.
    fn median(&self, work: &mut Work, language: Language) -> i64 {
        let mut sorted: Vec<i64> = Vec::new();
        for &value in &self.values {
            sorted.insert(sorted.partition_point(|&other| other <= value), value);
            let list: Vec<String> = sorted.iter().map(i64::to_string).collect();
            let list = list.join(" ");
            work.step(say!(language, "Put in {value}: {list}.", "放入{value}：{list}。"));
        }
        let middle = sorted.len() / 2 + 1;
        let median = sorted[middle - 1];
        work.step(say!(
            language,
            "Number {middle} is the middle: {median}.",
            "第{middle}个在中间：{median}。"
        ));
        median
    }
}

impl Puzzle for Averages {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        let values: Vec<String> = self.values.iter().map(i64::to_string).collect();
        let values = values.join(language.choose(", ", "、"));
        let (name, count) = (name(language, draw), self.values.len());
        let wanted = self.wanted.words(language);
        match draw.below(2) {
            0 => say!(
                language,
                "Given {values}, what is {wanted} of all {count}?",
                "有{values}。求{wanted}，共{count}个。"
            ),
            _ => say!(
                language,
                "{name} measured {values}. Find {wanted} of these {count}.",
                "{name}量得{values}。求{wanted}，共{count}个。"
            ),
        }
    }

    fn solve(&self, language: Language) -> Solution {
        let mut work = Work::new(language);
        let (wanted, count) = (self.wanted.words(language), self.values.len());
        work.note(say!(
            language,
            "We need {wanted} of {count} values.",
            "要求{count}个数的{wanted}。"
        ));
        let answer = match self.wanted {
            Wanted::Mean => self.mean(&mut work, language),
            Wanted::Squares => {
                let mean = self.mean(&mut work, language);
                self.squares(mean, &mut work, language)
            }
            Wanted::Median => self.median(&mut work, language),
        };
        work.finish(answer)
    }

    fn structure(&self) -> Structure {
        let kind = match self.wanted {
            Wanted::Mean => "mean",
            Wanted::Squares => "squares",
            Wanted::Median => "median",
        };
        Structure { kind, sizes: vec![self.values.len() as f64] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    #[test]
    fn the_answer_is_what_the_definition_gives() {
        for budget in BUDGETS {
            for mut draw in draws("averages", 100) {
                let puzzle = Averages::draw(budget, &mut draw);
                let (values, count) = (&puzzle.values, puzzle.count());
                let sum: i64 = values.iter().sum();
                assert_eq!(sum % count, 0);
                let expected = match puzzle.wanted {
                    Wanted::Mean => sum / count,
                    // Σ (v - m)² = Σ v² - n m².
                    Wanted::Squares => {
                        values.iter().map(|value| value * value).sum::<i64>() - sum * sum / count
                    }
                    Wanted::Median => {
                        let is_middle = |&&value: &&i64| {
                            let below = values.iter().filter(|&&other| other < value).count();
                            let above = values.iter().filter(|&&other| other > value).count();
                            2 * below.max(above) < values.len()
                        };
                        *values.iter().find(is_middle).expect("a middle")
                    }
                };
                assert_eq!(puzzle.solve(Language::English).answer, expected.to_string());
            }
        }
    }
}
