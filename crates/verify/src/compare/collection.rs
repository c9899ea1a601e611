//! Tuples, lists and sets: in order, or by matching.

use super::{Judge, Manner, vector};
use crate::exact::exact;
use crate::expression::{Constant, End, Id, Node};
use crate::verdict::{Finding, Outcome, Rule};

/// The most elements that are matched pair by pair.
const MAX_MATCHED: usize = 64;

impl Judge {
    pub(super) fn collections(&mut self, gold: Id, answer: Id) -> Finding {
        let (x, y) = (self.arena.node(gold).clone(), self.arena.node(answer).clone());
        match (&x, &y) {
            (Node::Tuple(a), Node::Tuple(b)) => self.in_order(a, b),
            (
                Node::Interval(low, low_end, high, high_end),
                Node::Interval(other_low, other_low_end, other_high, other_high_end),
            ) => {
                let sides = [
                    (*low, *low_end, *other_low, *other_low_end),
                    (*high, *high_end, *other_high, *other_high_end),
                ];
                let finding = self.intervals(sides);
                if finding.is_equal() {
                    finding
                } else {
                    finding.and(|| self.on_the_line(gold, answer))
                }
            }
            (Node::Tuple(pair), Node::Interval(low, End::Open, high, End::Open))
            | (Node::Interval(low, End::Open, high, End::Open), Node::Tuple(pair))
                if pair.len() == 2 =>
            {
                self.in_order(pair, &[*low, *high])
            }
            (Node::Tuple(a), Node::List(b)) | (Node::List(a), Node::Tuple(b)) => {
                self.tuple_and_list(a, b, &x)
            }
            (Node::Tuple(a), Node::Set(b)) | (Node::Set(a), Node::Tuple(b)) => {
                match self.comparison.manner {
                    Manner::Strict => Finding { outcome: Outcome::Different, rule: Rule::Kind },
                    Manner::MathVerify => self.tuple_and_list(a, b, &x),
                }
            }
            (Node::List(a) | Node::Set(a), Node::List(b) | Node::Set(b)) => {
                let finding = self.matched(a, b);
                if finding.is_equal() {
                    finding
                } else {
                    finding.or(|| self.on_the_line(gold, answer))
                }
            }
            (Node::Tuple(_) | Node::Interval(..), _) if !self.is_collection(answer) => {
                self.row_and_sum(gold, answer)
            }
            (_, Node::Tuple(_) | Node::Interval(..)) if !self.is_collection(gold) => {
                self.row_and_sum(answer, gold)
            }
            (Node::List(a), _) if !self.is_collection(answer) => self.said_twice(a, answer),
            (_, Node::List(b)) if !self.is_collection(gold) => self.said_twice(b, gold),
            (Node::Set(a), _) if a.len() == 1 && !self.is_collection(answer) => {
                self.element(a[0], answer)
            }
            (_, Node::Set(b)) if b.len() == 1 && !self.is_collection(gold) => {
                self.element(gold, b[0])
            }
            _ => self.on_the_line(gold, answer),
        }
    }

    /// Elements may be equations that stand for their values.
    fn element(&mut self, gold: Id, answer: Id) -> Finding {
        let (gold, answer) = self.unfolded(gold, answer);
        self.compare(gold, answer)
    }

    fn in_order(&mut self, a: &[Id], b: &[Id]) -> Finding {
        if a.len() != b.len() {
            return Finding { outcome: Outcome::Different, rule: Rule::Elements };
        }
        let mut finding = Finding::new(true, Rule::Elements);
        for (x, y) in a.iter().zip(b) {
            finding = finding.and(|| self.element(*x, *y).by(Rule::Elements));
        }
        finding
    }

    /// A list without brackets may be meant as a tuple; where it is the gold answer, Math-Verify takes it as a set.
    fn tuple_and_list(&mut self, a: &[Id], b: &[Id], gold: &Node) -> Finding {
        let (a, b) = (self.by_name(a), self.by_name(b));
        let ordered = self.in_order(&a, &b);
        if self.comparison.manner == Manner::MathVerify && !matches!(gold, Node::Tuple(_)) {
            return ordered.or(|| self.matched(&a, &b));
        }
        ordered
    }

    /// A vector by its components, and as a sum of unit vectors.
    fn row_and_sum(&mut self, row: Id, sum: Id) -> Finding {
        let Some(elements) = vector::row(&self.arena, row) else { return Finding::OTHER_KIND };
        match self.components(sum, elements.len()) {
            Some(parts) => self.in_order(&elements, &parts),
            None => Finding::OTHER_KIND,
        }
    }

    /// `y = 2, x = 1` in the order of the coordinates.
    fn by_name(&self, ids: &[Id]) -> Vec<Id> {
        let coordinate = |id: &Id| {
            let Node::Chain(sides, _) = self.arena.node(*id) else { return None };
            let Node::Symbol(name) = self.arena.node(sides[0]) else { return None };
            ["x", "y", "z"].iter().position(|each| each == name)
        };
        let mut ids = ids.to_vec();
        if ids.iter().all(|id| coordinate(id).is_some()) {
            ids.sort_by_key(coordinate);
        }
        ids
    }

    /// `\frac12 or 0.5`: several ways to write one value.
    fn said_twice(&mut self, values: &[Id], other: Id) -> Finding {
        if values.len() > 4 {
            return Finding::OTHER_KIND;
        }
        let mut finding = Finding::new(true, Rule::Elements);
        for value in values {
            finding = finding.and(|| self.element(*value, other).by(Rule::Elements));
        }
        finding
    }

    fn intervals(&mut self, sides: [(Id, End, Id, End); 2]) -> Finding {
        let mut finding = Finding::new(true, Rule::RealLine);
        for (a, a_end, b, b_end) in sides {
            // An infinite end is open, however it is written.
            let infinite =
                self.arena.any(a, &|node| matches!(node, Node::Constant(Constant::Infinity)));
            finding = finding
                .and(|| Finding::new(a_end == b_end || infinite, Rule::RealLine))
                .and(|| self.compare(a, b).by(Rule::RealLine));
        }
        finding
    }

    fn on_the_line(&mut self, gold: Id, answer: Id) -> Finding {
        let lists = |node: &Node| matches!(node, Node::List(_) | Node::Set(_));
        let plain = |judge: &Self, id: Id| {
            lists(judge.arena.node(id))
                && judge.arena.node(id).children().iter().all(|child| {
                    !judge.is_collection(*child)
                        && !matches!(judge.arena.node(*child), Node::Chain(..))
                })
        };
        // Finite sets have been matched, and a number or a longer tuple is no set of real numbers.
        let is_set = |judge: &Self, id: Id| match judge.arena.node(id) {
            Node::Tuple(pair) => pair.len() == 2,
            _ => judge.is_collection(id),
        };
        let on_line = |judge: &Self, id: Id| {
            judge.arena.any(id, &|node| {
                matches!(
                    node,
                    Node::Interval(..)
                        | Node::Chain(..)
                        | Node::Union(_)
                        | Node::Intersection(_)
                        | Node::Difference(..)
                        | Node::Constant(_)
                )
            })
        };
        if !on_line(self, gold) && !on_line(self, answer) {
            return Finding { outcome: Outcome::Different, rule: Rule::Elements };
        }
        if (plain(self, gold) && plain(self, answer))
            || !is_set(self, gold)
            || !is_set(self, answer)
        {
            return Finding { outcome: Outcome::Different, rule: Rule::Kind };
        }
        self.real_sets(gold, answer)
            .unwrap_or(Finding { outcome: Outcome::Different, rule: Rule::Kind })
    }

    /// The same elements in any order, repeated ones counted once.
    pub(super) fn matched(&mut self, a: &[Id], b: &[Id]) -> Finding {
        if let Some(finding) = self.sorted(a, b)
            && (finding.is_equal() || a.len() > MAX_MATCHED)
        {
            return finding;
        }
        if a.len() > MAX_MATCHED || b.len() > MAX_MATCHED {
            return Finding::UNKNOWN;
        }
        let (a, b) = (self.distinct(a), self.distinct(b));
        if a.len() != b.len() {
            return Finding { outcome: Outcome::Different, rule: Rule::Elements };
        }
        let mut unknown = false;
        let mut fits = vec![vec![false; b.len()]; a.len()];
        for (row, x) in a.iter().enumerate() {
            for (column, y) in b.iter().enumerate() {
                let outcome = self.element(*x, *y).outcome;
                fits[row][column] = outcome == Outcome::Equal;
                unknown |= outcome == Outcome::Unknown;
            }
            if !unknown && !fits[row].contains(&true) {
                return Finding { outcome: Outcome::Different, rule: Rule::Elements };
            }
        }
        match perfect_matching(&fits) {
            true => Finding::new(true, Rule::Elements),
            false if unknown => Finding::UNKNOWN,
            false => Finding { outcome: Outcome::Different, rule: Rule::Elements },
        }
    }

    /// Sets of rational numbers, sorted.
    fn sorted(&self, a: &[Id], b: &[Id]) -> Option<Finding> {
        let values = |ids: &[Id]| {
            let mut values: Vec<_> = ids
                .iter()
                .map(|id| exact(&self.arena, *id, &self.budget))
                .collect::<Option<_>>()?;
            values.sort();
            values.dedup();
            Some(values)
        };
        Some(Finding::new(values(a)? == values(b)?, Rule::Elements))
    }

    fn distinct(&mut self, ids: &[Id]) -> Vec<Id> {
        let mut distinct: Vec<Id> = Vec::with_capacity(ids.len());
        for id in ids {
            if !distinct.iter().any(|other| self.compare(*other, *id).is_equal()) {
                distinct.push(*id);
            }
        }
        distinct
    }
}

/// Whether every row can be given a column of its own that fits, by augmenting paths.
fn perfect_matching(fits: &[Vec<bool>]) -> bool {
    let mut row_of = vec![None; fits.len()];
    (0..fits.len()).all(|row| augment(row, fits, &mut row_of, &mut vec![false; fits.len()]))
}

fn augment(
    row: usize,
    fits: &[Vec<bool>],
    row_of: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for column in 0..row_of.len() {
        if !fits[row][column] || std::mem::replace(&mut seen[column], true) {
            continue;
        }
        let free = row_of[column].is_none_or(|other| augment(other, fits, row_of, seen));
        if free {
            row_of[column] = Some(row);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::perfect_matching;

    #[test]
    fn matching_finds_the_only_way_round() {
        let fits = [vec![true, true, false], vec![true, false, false], vec![false, true, true]];
        assert!(perfect_matching(&fits));
        let crowded = [vec![true, false, false], vec![true, false, false], vec![true, true, true]];
        assert!(!perfect_matching(&crowded));
    }
}
