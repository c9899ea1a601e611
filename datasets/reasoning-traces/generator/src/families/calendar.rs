//! Weekdays counted event by event, and dates counted month by month.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::whole::length;
use crate::wording::name;
use crate::work::{Solution, Work, slip};

/// A weekday or a date.
#[derive(Debug)]
pub(super) enum Calendar {
    /// The weekday of event number `event`, if the first is on `start` and one follows every `step` days.
    Events { start: i64, step: i64, event: i64 },
    /// The date so many days after a date.
    Later { date: Date, days: i64 },
}

/// A day of a month of a year, months counted from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Date {
    year: i64,
    month: i64,
    day: i64,
}

const ENGLISH_WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const CHINESE_WEEKDAYS: [&str; 7] =
    ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"];
const ENGLISH_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn weekday(index: i64, language: Language) -> &'static str {
    let index = length(index.rem_euclid(7));
    language.choose(ENGLISH_WEEKDAYS, CHINESE_WEEKDAYS)[index]
}

fn month(month: i64, language: Language) -> String {
    let index = length(month - 1);
    language.choose(ENGLISH_MONTHS[index].to_owned(), format!("{month}月"))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Date {
    fn words(self, language: Language) -> String {
        let Self { year, month: number, day } = self;
        let month = month(number, language);
        say!(language, "{day} {month} {year}", "{year}年{month}{day}日")
    }
}

impl Calendar {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        if draw.percent(70) {
            let event = draw.fit(budget.saturating_sub(15), 24, 2..=30);
            return Self::Events { start: draw.within(0..=6), step: draw.within(2..=6), event };
        }
        let months = draw.fit(budget, 26, 0..=24);
        let date = Date {
            year: draw.within(2019..=2030),
            month: draw.within(1..=12),
            day: draw.within(1..=28),
        };
        Self::Later { date, days: (months * 61 / 2 + draw.within(-12..=12)).max(5) }
    }
}

/// Goes on from weekday to weekday.
fn events(start: i64, step: i64, event: i64, language: Language) -> Solution {
    let mut work = Work::new(language);
    let first = weekday(start, language);
    work.note(say!(
        language,
        "Every {step} days, up to time {event}. time 1: {first}.",
        "每{step}天，到第{event}次。第1次：{first}。",
    ));
    for index in 2..=event {
        let days = (index - 1) * step;
        let (from, next) =
            (weekday(start + days - step, language), weekday(start + days, language));
        work.step(say!(
            language,
            "time {index}: {from} and {step} days more, that is {days} days in all, so {next}.",
            "第{index}次：{from} 再过{step}天，就是一共过了{days}天，所以是 {next}。",
        ));
    }
    let gaps = event - 1;
    let (days, answer) = (gaps * step, weekday(start + gaps * step, language));
    slip(event, step, &mut work, language);
    let (weeks, rest) = (days / 7, days % 7);
    work.step(say!(
        language,
        "Check: {gaps} x {step} = {days} = 7 x {weeks} + {rest}, right.",
        "验算：{gaps} x {step} = {days} = 7 x {weeks} + {rest}，正确。",
    ));
    work.finish(answer)
}

/// Goes on from month to month while the days reach past the end of it; remembers leap years a moment late.
fn later(date: Date, days: i64, language: Language) -> Solution {
    let mut work = Work::new(language);
    let Date { mut year, month: mut number, day } = date;
    let mut left = day + days;
    let name = month(number, language);
    work.step(say!(
        language,
        "From the start of {name}: {day} + {days} = {left}.",
        "从{name}初算：{day} + {days} = {left}。",
    ));
    while left > days_in(number, year) {
        let (name, length) = (month(number, language), days_in(number, year));
        if length == 29 {
            work.note(say!(
                language,
                "28 days? No, {year} is a leap year.",
                "28天？不对，{year}是闰年。"
            ));
        }
        let rest = left - length;
        work.step(say!(
            language,
            "{name} has {length} days: {left} - {length} = {rest}.",
            "{name}有{length}天：{left} - {length} = {rest}。",
        ));
        left = rest;
        number = number % 12 + 1;
        year += i64::from(number == 1);
    }
    work.finish(Date { year, month: number, day: left }.words(language))
}

impl Puzzle for Calendar {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        match *self {
            Self::Events { start, step, event } => {
                let (name, start) = (name(language, draw), weekday(start, language));
                say!(
                    language,
                    "{name} waters a plant on a {start} and then every {step} days. Which weekday is time {event}?",
                    "{name}在{start}浇花，以后每{step}天浇一次。求星期几，第{event}次。",
                )
            }
            Self::Later { date, days } => {
                let date = date.words(language);
                match draw.below(2) {
                    0 => say!(
                        language,
                        "Count on from {date}. Which date is it after day {days}?",
                        "从{date}往后数。求日期，过了{days}天。"
                    ),
                    _ => say!(
                        language,
                        "It is {date}. Which date is reached after day {days}?",
                        "今天是{date}。求日期，过了{days}天。"
                    ),
                }
            }
        }
    }

    fn solve(&self, language: Language) -> Solution {
        match *self {
            Self::Events { start, step, event } => events(start, step, event, language),
            Self::Later { date, days } => later(date, days, language),
        }
    }

    fn structure(&self) -> Structure {
        match *self {
            Self::Events { event, .. } => Structure { kind: "events", sizes: vec![event as f64] },
            Self::Later { date, days } => {
                Structure { kind: "later", sizes: vec![days as f64, date.day as f64] }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};

    /// Goes on by a single day.
    fn tomorrow(Date { year, month, day }: Date) -> Date {
        let lengths =
            [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        if day < lengths[length(month) - 1] {
            Date { year, month, day: day + 1 }
        } else if month < 12 {
            Date { year, month: month + 1, day: 1 }
        } else {
            Date { year: year + 1, month: 1, day: 1 }
        }
    }

    #[test]
    fn the_answer_is_what_counting_single_days_gives() {
        for budget in BUDGETS {
            for mut draw in draws("calendar", 100) {
                let puzzle = Calendar::draw(budget, &mut draw);
                let expected = match puzzle {
                    Calendar::Events { start, step, event } => {
                        let mut week = ENGLISH_WEEKDAYS.iter().cycle().skip(length(start));
                        (*week.nth(length((event - 1) * step)).expect("a cycle")).to_owned()
                    }
                    Calendar::Later { date, days } => {
                        let end = (0..days).fold(date, |date, _| tomorrow(date));
                        end.words(Language::English)
                    }
                };
                assert_eq!(puzzle.solve(Language::English).answer, expected);
            }
        }
    }

    #[test]
    fn a_leap_day_is_noticed() {
        let date = Date { year: 2024, month: 2, day: 20 };
        let Solution { thinking, answer, .. } =
            Calendar::Later { date, days: 10 }.solve(Language::English);
        assert_eq!(answer, "1 March 2024");
        assert!(
            thinking
                .contains("28 days? No, 2024 is a leap year.\nFebruary has 29 days: 30 - 29 = 1.")
        );
    }
}
