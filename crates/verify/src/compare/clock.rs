//! Times of day: `3:45`, `3:45 p.m.`, `15:45`.

use num_traits::ToPrimitive;

use super::Judge;
use crate::expression::{Id, Node};
use crate::verdict::{Finding, Rule};

/// Hours and minutes, and the half of the day where one is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time {
    hours: i64,
    minutes: i64,
    is_afternoon: Option<bool>,
}

impl Time {
    /// Minutes since midnight, on a clock of 24 hours where no half of the day is said.
    fn of_day(self) -> i64 {
        let hours = match self.is_afternoon {
            Some(afternoon) => self.hours % 12 + if afternoon { 12 } else { 0 },
            None => self.hours,
        };
        hours * 60 + self.minutes
    }

    fn is_same(self, other: Self) -> bool {
        let untold = self.is_afternoon.is_none() || other.is_afternoon.is_none();
        let shown = (self.hours, self.minutes) == (other.hours, other.minutes);
        self.of_day() == other.of_day() || (untold && shown)
    }
}

impl Judge {
    /// Compares where a side is a time with its half of the day; `None` where none is.
    pub(super) fn clocks(&self, gold: Id, answer: Id) -> Option<Finding> {
        let (x, y) = (self.time(gold), self.time(answer));
        let told = |time: Option<Time>| time.is_some_and(|time| time.is_afternoon.is_some());
        if !told(x) && !told(y) {
            return None;
        }
        let same = x.zip(y).is_some_and(|(x, y)| x.is_same(y));
        Some(Finding::new(same, if same { Rule::Exact } else { Rule::Kind }))
    }

    fn time(&self, id: Id) -> Option<Time> {
        let whole = |id: Id| match self.arena.node(id) {
            Node::Rational(value) if value.is_integer() => value.to_integer().to_i64(),
            _ => None,
        };
        let (hours, minutes, half) = match self.arena.node(id) {
            Node::Apply(name, parts) if name == "clock" => (parts[0], parts[1], parts.get(2)),
            Node::Ratio(hours, minutes) => (*hours, *minutes, None),
            // `3`, beside `3 p.m.`
            _ => return Some(Time { hours: whole(id)?, minutes: 0, is_afternoon: None }),
        };
        let is_afternoon = half.and_then(|half| match self.arena.node(*half) {
            Node::Text(half) => Some(half == "pm"),
            _ => None,
        });
        Some(Time { hours: whole(hours)?, minutes: whole(minutes)?, is_afternoon })
    }
}
