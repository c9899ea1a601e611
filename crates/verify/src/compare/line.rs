//! Sets of real numbers, given by intervals or inequalities, compared at their boundaries, beside them and between them.

use super::Judge;
use crate::expression::{Constant, End, Id, Node, Relation};
use crate::numeric::{Point, Region};
use crate::verdict::{Finding, Outcome, Rule};

/// Whether a list of inequalities means all of them or one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    All,
    Any,
}

/// One set with its way of reading lists.
#[derive(Clone, Copy, Debug)]
struct RealSet {
    id: Id,
    reading: Reading,
}

impl Judge {
    /// Compares two sets of real numbers; `None` where one of them is none.
    pub(super) fn real_sets(&mut self, gold: Id, answer: Id) -> Option<Finding> {
        let variable = self.variable(gold, answer)?;
        let mut best: Option<Finding> = None;
        for gold_reading in self.readings(gold) {
            for answer_reading in self.readings(answer) {
                let sets = [
                    RealSet { id: gold, reading: gold_reading },
                    RealSet { id: answer, reading: answer_reading },
                ];
                let finding = self.same_members(sets, &variable);
                if finding.is_equal() {
                    return Some(finding);
                }
                best = best.or(Some(finding));
            }
        }
        best
    }

    fn readings(&self, id: Id) -> Vec<Reading> {
        let is_list = matches!(self.arena.node(id), Node::List(ids) if ids.iter().any(|id| matches!(self.arena.node(*id), Node::Chain(..))));
        if is_list { vec![Reading::Any, Reading::All] } else { vec![Reading::Any] }
    }

    /// The one variable of both sides; a function's value counts as one.
    fn variable(&self, gold: Id, answer: Id) -> Option<String> {
        let mut names = self.arena.symbols(gold);
        names.extend(self.arena.symbols(answer));
        names.sort();
        names.dedup();
        match &names[..] {
            [] => Some(String::new()),
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    fn same_members(&mut self, sets: [RealSet; 2], variable: &str) -> Finding {
        let mut boundaries = Vec::new();
        for set in sets {
            if self.boundaries(set, variable, &mut boundaries).is_none() {
                return Finding::UNKNOWN;
            }
        }
        let mut known = false;
        let mut any_member = false;
        for x in probes(boundaries) {
            let (Some(a), Some(b)) =
                (self.member(sets[0], x, variable), self.member(sets[1], x, variable))
            else {
                return if self.budget.is_spent() {
                    Finding::UNKNOWN
                } else {
                    Finding { outcome: Outcome::Different, rule: Rule::Kind }
                };
            };
            known = true;
            any_member |= a;
            if a != b {
                return Finding::new(false, Rule::RealLine);
            }
        }
        // Nobody lists inequalities that no number satisfies, so they were not meant to hold all at once.
        if !any_member && sets.iter().any(|set| set.reading == Reading::All) {
            return Finding::new(false, Rule::RealLine);
        }
        if known { Finding::new(true, Rule::RealLine) } else { Finding::UNKNOWN }
    }

    /// A real value without symbols, infinity included.
    fn real_value(&self, id: Id) -> Option<f64> {
        match self.arena.node(id) {
            Node::Constant(Constant::Infinity) => return Some(f64::INFINITY),
            Node::Product(ids)
                if ids.len() == 2
                    && matches!(self.arena.node(ids[1]), Node::Constant(Constant::Infinity)) =>
            {
                return Some(self.real_value(ids[0])? * f64::INFINITY);
            }
            _ => {}
        }
        if !self.arena.symbols(id).is_empty() {
            return None;
        }
        let value = self.at(id, &self.point(Region::Small, 1)).0?;
        (value.value.im.abs() <= 16.0 * value.error).then_some(value.value.re)
    }

    fn member(&self, set: RealSet, x: f64, variable: &str) -> Option<bool> {
        self.budget.spend(4)?;
        let inner = |id: Id| self.member(RealSet { id, reading: set.reading }, x, variable);
        match self.arena.node(set.id) {
            Node::Constant(Constant::EmptySet) => Some(false),
            Node::Interval(low, low_end, high, high_end) => {
                let (low, high) = (self.real_value(*low)?, self.real_value(*high)?);
                Some(beyond(x, low, *low_end) && beyond(-x, -high, *high_end))
            }
            Node::Tuple(pair) if pair.len() == 2 => {
                let (low, high) = (self.real_value(pair[0])?, self.real_value(pair[1])?);
                Some(beyond(x, low, End::Open) && beyond(-x, -high, End::Open))
            }
            Node::List(ids) | Node::Set(ids) | Node::Union(ids) => {
                let mut members = Vec::with_capacity(ids.len());
                for id in ids {
                    members.push(inner(*id)?);
                }
                let all =
                    set.reading == Reading::All && matches!(self.arena.node(set.id), Node::List(_));
                Some(if all { members.iter().all(|each| *each) } else { members.contains(&true) })
            }
            Node::Intersection(ids) => {
                let mut all = true;
                for id in ids {
                    all &= inner(*id)?;
                }
                Some(all)
            }
            Node::Difference(a, b) => Some(inner(*a)? && !inner(*b)?),
            Node::Chain(sides, relations) => self.holds(sides, relations, x, variable),
            _ => Some(is_close(x, self.real_value(set.id)?)),
        }
    }

    /// Whether a chain of relations holds at x. Where a side has no real value, it does not.
    pub(super) fn holds(
        &self,
        sides: &[Id],
        relations: &[Relation],
        x: f64,
        variable: &str,
    ) -> Option<bool> {
        let point = Point { bound: vec![(variable.to_owned(), x)], ..self.point(Region::Real, 1) };
        for (pair, relation) in sides.windows(2).zip(relations) {
            if *relation == Relation::In {
                let value = self.at(pair[0], &point).0.map(|value| value.value.re);
                let set = RealSet { id: pair[1], reading: Reading::Any };
                let inside = match value {
                    Some(value) => self.member(set, value, variable)?,
                    None => false,
                };
                if !inside {
                    return Some(false);
                }
                continue;
            }
            if self.budget.is_spent() {
                return None;
            }
            let (Some(a), Some(b)) =
                (self.bound_or_value(pair[0], &point), self.bound_or_value(pair[1], &point))
            else {
                return Some(false);
            };
            let difference = a.0 - b.0;
            let zero = a.0.to_bits() == b.0.to_bits() || difference.abs() <= 16.0 * (a.1 + b.1);
            let holds = match relation {
                Relation::Equal | Relation::In => zero,
                Relation::NotEqual => !zero,
                Relation::Less => difference < 0.0 && !zero,
                Relation::LessEqual => difference < 0.0 || zero,
                Relation::Greater => difference > 0.0 && !zero,
                Relation::GreaterEqual => difference > 0.0 || zero,
            };
            if !holds {
                return Some(false);
            }
        }
        Some(true)
    }

    /// The value of one side and the bound of its error.
    fn bound_or_value(&self, id: Id, point: &Point) -> Option<(f64, f64)> {
        if self.arena.any(id, &|node| matches!(node, Node::Constant(Constant::Infinity))) {
            return Some((self.real_value(id)?, 0.0));
        }
        self.at(id, point).0.map(|value| (value.value.re, value.error))
    }

    /// Where membership may change.
    fn boundaries(&self, set: RealSet, variable: &str, out: &mut Vec<f64>) -> Option<()> {
        self.budget.spend(4)?;
        match self.arena.node(set.id) {
            Node::Interval(low, _, high, _) => {
                out.extend([self.real_value(*low)?, self.real_value(*high)?]);
            }
            Node::Tuple(ids) => {
                for id in ids {
                    out.push(self.real_value(*id)?);
                }
            }
            Node::List(ids) | Node::Set(ids) | Node::Union(ids) | Node::Intersection(ids) => {
                for id in ids {
                    self.boundaries(RealSet { id: *id, reading: set.reading }, variable, out)?;
                }
            }
            Node::Difference(a, b) => {
                for id in [*a, *b] {
                    self.boundaries(RealSet { id, reading: set.reading }, variable, out)?;
                }
            }
            Node::Chain(sides, relations) => {
                self.chain_boundaries(sides, relations, variable, out)?;
            }
            Node::Constant(Constant::EmptySet) => {}
            _ => out.push(self.real_value(set.id)?),
        }
        Some(())
    }

    /// Where a condition on the variable may begin or cease to hold.
    pub(super) fn condition_boundaries(
        &self,
        id: Id,
        variable: &str,
        out: &mut Vec<f64>,
    ) -> Option<()> {
        self.boundaries(RealSet { id, reading: Reading::Any }, variable, out)
    }

    /// The constants of a chain of inequalities, and, unless it compares the variable with constants alone, the
    /// places on a grid between which it begins or ceases to hold, narrowed down by halving.
    fn chain_boundaries(
        &self,
        sides: &[Id],
        relations: &[Relation],
        variable: &str,
        out: &mut Vec<f64>,
    ) -> Option<()> {
        let mut explicit = true;
        for side in sides {
            let is_variable = match self.arena.node(*side) {
                Node::Symbol(name) => name == variable,
                Node::Apply(name, _) => format!("{name}()") == variable,
                _ => false,
            };
            if self.is_collection(*side) {
                self.boundaries(RealSet { id: *side, reading: Reading::Any }, variable, out)?;
            } else if let Some(value) = self.real_value(*side) {
                out.extend([value, -value]);
            } else {
                explicit &= is_variable;
            }
        }
        if explicit {
            return Some(());
        }
        let holds = |x: f64| self.holds(sides, relations, x, variable);
        let mut before = None;
        for x in grid() {
            let now = holds(x)?;
            if let Some((last, held)) = before
                && held != now
            {
                out.push(halve(last, x, &holds)?);
            }
            before = Some((x, now));
        }
        Some(())
    }
}

/// Whether x lies above a lower bound.
fn beyond(x: f64, low: f64, end: End) -> bool {
    if is_close(x, low) { end == End::Closed } else { x > low }
}

fn is_close(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a - b).abs() <= 1e-11 * a.abs().max(1.0)
}

/// Half steps about zero, and wider ones farther out.
fn grid() -> impl Iterator<Item = f64> {
    let near = (-60..=60).map(|step| f64::from(step) * 0.5 + 0.037);
    let far = [-1e6, -1e4, -1_000.3, -333.1, -100.7, -50.9];
    far.into_iter().chain(near).chain(far.into_iter().rev().map(|x: f64| -x))
}

fn halve(mut low: f64, mut high: f64, holds: &impl Fn(f64) -> Option<bool>) -> Option<f64> {
    let held = holds(low)?;
    for _ in 0..60 {
        let middle = low + (high - low) / 2.0;
        if holds(middle)? == held {
            low = middle;
        } else {
            high = middle;
        }
    }
    // A boundary at a number with few digits is that number.
    let rounded = (high * 1e6).round() / 1e6;
    Some(if (rounded - high).abs() < 1e-9 * high.abs().max(1.0) { rounded } else { high })
}

/// Points at, beside and between boundaries, and outside them.
pub(super) fn probes(mut boundaries: Vec<f64>) -> Vec<f64> {
    boundaries.retain(|x| x.is_finite());
    boundaries.sort_by(f64::total_cmp);
    boundaries.dedup_by(|a, b| is_close(*a, *b));
    let gap = boundaries.windows(2).map(|pair| pair[1] - pair[0]).fold(1.0, f64::min);
    let mut probes = Vec::new();
    for x in &boundaries {
        let beside = (1e-7 * x.abs().max(1.0)).min(gap / 4.0);
        probes.extend([x - beside, *x, x + beside]);
    }
    for pair in boundaries.windows(2) {
        let width = pair[1] - pair[0];
        probes.extend([0.5, 0.013, 0.987, 0.31].map(|share| pair[0] + share * width));
    }
    let (low, high) =
        (boundaries.first().copied().unwrap_or(0.0), boundaries.last().copied().unwrap_or(0.0));
    for step in [0.001, 1.0, 37.7, 1e4, 1e6] {
        probes.extend([low - step, high + step]);
    }
    probes
}
