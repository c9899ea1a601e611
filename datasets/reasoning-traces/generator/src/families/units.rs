//! Conversions of units item by item, and timetables minute by minute.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::wording::name;
use crate::work::{Solution, Work, slip};

/// A sum of quantities in mixed units, or the time of a later departure.
#[derive(Debug)]
pub(super) enum Units {
    /// The total of the items in the smallest unit of the system.
    Total { system: System, items: Vec<Item> },
    /// When bus number `bus` leaves, if the first is at `start` and the next ones follow every `step` minutes.
    Clock { start: i64, step: i64, bus: i64 },
}

/// Three units, each a whole multiple of the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum System {
    Length,
    Mass,
    Time,
}

/// A quantity in unit number `unit` of its system, 0 being the largest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    amount: i64,
    unit: usize,
}

impl System {
    /// How many of the next unit one of this unit is.
    fn factors(self) -> [i64; 2] {
        match self {
            Self::Length => [1000, 100],
            Self::Mass => [1000, 1000],
            Self::Time => [60, 60],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Mass => "mass",
            Self::Time => "time",
        }
    }

    fn symbols(self, language: Language) -> [&'static str; 3] {
        match self {
            Self::Length => language.choose(["km", "m", "cm"], ["千米", "米", "厘米"]),
            Self::Mass => language.choose(["t", "kg", "g"], ["吨", "千克", "克"]),
            Self::Time => language.choose(["h", "min", "s"], ["小时", "分钟", "秒"]),
        }
    }
}

impl Units {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        if draw.percent(65) {
            let bus = draw.fit(budget.saturating_sub(15), 25, 2..=28);
            return Self::Clock { start: draw.within(300..=450), step: draw.within(26..=36), bus };
        }
        let system = draw.pick(&[System::Length, System::Mass, System::Time]);
        let item = |draw: &mut Draw| Item { amount: draw.within(2..=59), unit: draw.below(3) };
        let count = draw.fit(budget, 32, 2..=14);
        Self::Total { system, items: (0..count).map(|_| item(draw)).collect() }
    }
}

/// Converts item by item down to the smallest unit and adds up.
fn total(system: System, items: &[Item], language: Language) -> Solution {
    let mut work = Work::new(language);
    let (symbols, factors) = (system.symbols(language), system.factors());
    let last = symbols[2];
    work.note(say!(language, "Turn all of it into {last}.", "都化成{last}。"));
    let mut amounts = Vec::new();
    for &Item { mut amount, unit } in items {
        for unit in unit..2 {
            let (from, into, factor) = (symbols[unit], symbols[unit + 1], factors[unit]);
            let converted = amount * factor;
            work.step(say!(
                language,
                "{amount} {from} = {amount} x {factor} {into} = {converted} {into}.",
                "{amount}{from} = {amount} x {factor}{into} = {converted}{into}。",
            ));
            amount = converted;
        }
        amounts.push(amount);
    }
    let sum: i64 = amounts.iter().sum();
    let terms: Vec<String> = amounts.iter().map(i64::to_string).collect();
    let terms = terms.join(" + ");
    work.step(say!(language, "{terms} = {sum} {last}.", "{terms} = {sum}{last}。"));
    work.finish(sum)
}

/// `h:mm`.
fn clock(minutes: i64) -> String {
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

/// Goes on from departure to departure; where the minutes pass 60 it notices and carries.
fn departures(start: i64, step: i64, bus: i64, language: Language) -> Solution {
    let mut work = Work::new(language);
    work.note(say!(language, "Go from bus to bus, up to bus {bus}.", "一班一班算，到第{bus}班。"));
    let mut time = start;
    for index in 2..=bus {
        let (hour, minutes) = (time / 60, time % 60 + step);
        let (from, next) = (clock(time), clock(time + step));
        let line = say!(
            language,
            "bus {index}: {from} and {step} min more",
            "第{index}班：{from} 再过{step}分钟"
        );
        work.step(if minutes < 60 {
            say!(language, "{line} = {next}.", "{line} = {next}。")
        } else {
            say!(
                language,
                "{line} = {hour}:{minutes}, no, {next}.",
                "{line} = {hour}:{minutes}，不对，{next}。",
            )
        });
        time += step;
    }
    slip(bus, step, &mut work, language);
    let (first, gaps, last) = (clock(start), bus - 1, clock(time));
    work.step(say!(
        language,
        "Check: {gaps} x {step} min after {first} is {last}, right.",
        "验算：{first} 之后 {gaps} x {step} 分钟是 {last}，正确。",
    ));
    work.finish(last)
}

impl Puzzle for Units {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        match self {
            Self::Total { system, items } => {
                let (symbols, gap) = (system.symbols(language), language.choose(" ", ""));
                let item = |item: &Item| format!("{}{gap}{}", item.amount, symbols[item.unit]);
                let items: Vec<String> = items.iter().map(item).collect();
                let (count, last) = (items.len(), symbols[2]);
                let items = items.join(language.choose(", ", "、"));
                let name = name(language, draw);
                say!(
                    language,
                    "{name} writes down: {items}. What is the total in {last} of all {count}?",
                    "{name}记下：{items}。求总和，单位{last}，共{count}。",
                )
            }
            Self::Clock { start, step, bus } => {
                let start = clock(*start);
                say!(
                    language,
                    "The first bus leaves at {start} and then one leaves every {step} minutes. When is bus {bus}?",
                    "首班车{start}发车，以后每{step}分钟一班。求时间，第{bus}班。",
                )
            }
        }
    }

    fn solve(&self, language: Language) -> Solution {
        match self {
            Self::Total { system, items } => total(*system, items, language),
            Self::Clock { start, step, bus } => departures(*start, *step, *bus, language),
        }
    }

    fn structure(&self) -> Structure {
        match self {
            Self::Total { system, items } => {
                let units = [0, 1, 2]
                    .map(|unit| items.iter().filter(|item| item.unit == unit).count() as f64);
                Structure { kind: system.name(), sizes: units.to_vec() }
            }
            Self::Clock { step, bus, .. } => {
                Structure { kind: "clock", sizes: vec![*bus as f64, *step as f64] }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    /// The total by products of the factors, or the time by one multiplication.
    fn expected(puzzle: &Units) -> String {
        match puzzle {
            Units::Total { system, items } => {
                let sizes = match system {
                    System::Length => [100_000, 100, 1],
                    System::Mass => [1_000_000, 1000, 1],
                    System::Time => [3600, 60, 1],
                };
                items.iter().map(|item| item.amount * sizes[item.unit]).sum::<i64>().to_string()
            }
            Units::Clock { start, step, bus } => {
                let minutes = start + step * (bus - 1);
                format!("{}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }

    #[test]
    fn the_answer_is_what_one_multiplication_gives() {
        for budget in BUDGETS {
            for mut draw in draws("units", 100) {
                let puzzle = Units::draw(budget, &mut draw);
                assert_eq!(puzzle.solve(Language::English).answer, expected(&puzzle));
            }
        }
    }
}
