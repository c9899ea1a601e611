//! General solutions: the values of an expression for all whole numbers, as unions of arithmetic progressions.

use num_rational::BigRational;

use super::Judge;
use crate::exact::exact;
use crate::expression::{Constant, Id, Node, Relation};
use crate::extract::{Domain, Parameter};
use crate::numeric::{Region, float};
use crate::verdict::{Finding, Rule};

/// The most members that one period of a union may have.
const MAX_MEMBERS: f64 = 400.0;
/// How many times one step is tried to fit into another.
const MAX_MULTIPLE: u32 = 60;
/// How far, as a share of the period, members may lie apart that are the same.
const CLOSE: f64 = 1e-9;

/// Letters that general solutions are written with.
const LETTERS: [&str; 3] = ["k", "n", "m"];

/// One side: its expression, and what its text says of the letter in it.
pub(crate) type Side<'a> = (Id, Option<&'a Parameter>);

/// `start + step · k` for all integers k.
#[derive(Clone, Copy, Debug)]
struct Progression {
    start: f64,
    step: f64,
}

impl Judge {
    /// Compares two general solutions, with what was found by comparing them as they stand.
    pub(crate) fn general(&mut self, gold: Side<'_>, answer: Side<'_>, found: Finding) -> Finding {
        let residues = (self.residue(gold.0), self.residue(answer.0));
        match (gold.1, answer.1) {
            _ if residues.0.is_some() && residues.1.is_some() => {
                let same = residues.0 == residues.1 && self.has_one_unknown(gold.0, answer.0);
                Finding::new(same, Rule::Exact)
            }
            (None, Some(said)) if residues.0.is_some() && said.domain == Domain::Integers => {
                self.same_values((gold.0, ""), (answer.0, &said.name))
            }
            (Some(said), None) if residues.1.is_some() && said.domain == Domain::Integers => {
                self.same_values((gold.0, &said.name), (answer.0, ""))
            }
            (Some(x), Some(y)) if x.domain != y.domain => Finding::new(false, Rule::Elements),
            (Some(x), Some(y)) if x.domain == Domain::Integers => {
                found.or(|| self.same_values((gold.0, &x.name), (answer.0, &y.name)))
            }
            (Some(said), None) if said.domain == Domain::Integers => {
                found.or(|| self.unsaid((gold.0, &said.name), answer.0))
            }
            (None, Some(said)) if said.domain == Domain::Integers => {
                found.or(|| self.unsaid((answer.0, &said.name), gold.0))
            }
            (None, None) if residues.0.is_some() => {
                found.or(|| self.whole_beside_residue(gold.0, answer.0))
            }
            (None, None) if residues.1.is_some() => {
                found.or(|| self.whole_beside_residue(answer.0, gold.0))
            }
            (None, None) => found.or(|| self.both_unsaid(gold.0, answer.0)),
            _ => found,
        }
    }

    /// `2nπ ± π/3` and `2kπ ± π/3`, where neither side says that its letter is whole: one letter may be renamed as the other.
    fn both_unsaid(&mut self, gold: Id, answer: Id) -> Finding {
        match self.turning_letter(gold) {
            Some(name) => self.unsaid((gold, &name), answer),
            None => Finding::OTHER_KIND,
        }
    }

    /// Beside a congruence `7k + 3` means all whole k, said or not, where it is whole for all of them.
    fn whole_beside_residue(&mut self, residue: Id, other: Id) -> Finding {
        let names: Vec<String> =
            self.values(other).into_iter().flat_map(|id| self.arena.symbols(id)).collect();
        let Some(name) = names.first().filter(|name| LETTERS.contains(&name.as_str())) else {
            return Finding::OTHER_KIND;
        };
        let is_whole = |each: &Progression| each.start.fract() == 0.0 && each.step.fract() == 0.0;
        match self.progressions(other, name) {
            Some(all) if all.iter().all(is_whole) => self.same_values((residue, ""), (other, name)),
            _ => Finding::OTHER_KIND,
        }
    }

    /// The same values: `π/4 - kπ` is `5π/4 + nπ`.
    fn same_values(&mut self, gold: (Id, &str), answer: (Id, &str)) -> Finding {
        if !self.has_one_unknown(gold.0, answer.0) {
            return Finding::OTHER_KIND;
        }
        let (Some(x), Some(y)) =
            (self.progressions(gold.0, gold.1), self.progressions(answer.0, answer.1))
        else {
            return Finding::OTHER_KIND;
        };
        same_union(&x, &y).map_or(Finding::OTHER_KIND, |same| Finding::new(same, Rule::Numeric))
    }

    /// Beside a side that says of its letter that it is whole, one that does not say so of the same term: a multiple of
    /// π or of degrees under one of the usual letters. Only the name may differ, for what is not said may be meant
    /// otherwise: the angles of an n-gon have the sum (n - 2)π.
    fn unsaid(&mut self, said: (Id, &str), other: Id) -> Finding {
        let Some(name) = self.turning_letter(other).filter(|name| name != said.1) else {
            return Finding::OTHER_KIND;
        };
        let rename = |each: &str| if each == name { said.1.to_owned() } else { each.to_owned() };
        let renamed = self.arena.with_symbols(other, &rename);
        self.judge(said.0, renamed)
    }

    /// The one letter, of those that general solutions are written with, in values that are multiples of π or of degrees.
    fn turning_letter(&self, id: Id) -> Option<String> {
        let mut names = Vec::new();
        for value in self.values(id) {
            let turns = self.arena.any(value, &|node| match node {
                Node::Constant(constant) => *constant == Constant::Pi,
                Node::Quantity(_, unit) => unit.is_degrees(),
                _ => false,
            });
            names.extend(self.arena.symbols(value).into_iter().filter(|_| turns));
        }
        names.dedup();
        match &names[..] {
            [name] if LETTERS.contains(&name.as_str()) => Some(name.clone()),
            _ => None,
        }
    }

    /// Whether both give values to one name, or a side to none.
    fn has_one_unknown(&self, gold: Id, answer: Id) -> bool {
        match (self.unknown(gold), self.unknown(answer)) {
            (Some(x), Some(y)) => x == y,
            _ => true,
        }
    }

    /// The least number that is congruent to a value, and the modulus: 3 and 7 of `x ≡ 10 (mod 7)`.
    fn residue(&self, id: Id) -> Option<(BigRational, BigRational)> {
        let [value] = self.values(id)[..] else { return None };
        let Node::Apply(name, arguments) = self.arena.node(value) else { return None };
        let modulus = arguments.get(1).filter(|_| name == "mod")?;
        Some((
            exact(&self.arena, value, &self.budget)?,
            exact(&self.arena, *modulus, &self.budget)?,
        ))
    }

    /// The name that values are given to.
    fn unknown(&self, id: Id) -> Option<&str> {
        match self.arena.node(id) {
            Node::Chain(sides, _) => match self.arena.node(sides[0]) {
                Node::Symbol(name) => Some(name),
                _ => None,
            },
            Node::List(ids) | Node::Set(ids) => self.unknown(*ids.first()?),
            _ => None,
        }
    }

    /// The values that an answer lists or gives to a name.
    fn values(&self, id: Id) -> Vec<Id> {
        match self.arena.node(id) {
            Node::Chain(sides, relations) if relations[..] == [Relation::Equal] => {
                self.values(sides[1])
            }
            Node::List(ids) | Node::Set(ids) | Node::Union(ids) => {
                ids.iter().flat_map(|id| self.values(*id)).collect()
            }
            _ => vec![id],
        }
    }

    /// The values as progressions; `None` where one is not linear in the letter, or has another.
    fn progressions(&self, id: Id, letter: &str) -> Option<Vec<Progression>> {
        self.values(id).into_iter().map(|value| self.progression(value, letter)).collect()
    }

    fn progression(&self, id: Id, letter: &str) -> Option<Progression> {
        if let Some((start, step)) = self.residue(id) {
            return Some(Progression { start: float(&start)?, step: float(&step)? });
        }
        if self.arena.symbols(id) != [letter] {
            return None;
        }
        let at = |k: f64| {
            let mut point = self.point(Region::Small, 1);
            point.bound.push((letter.to_owned(), k));
            let (value, is_opaque) = self.at(id, &point);
            value
                .filter(|value| !is_opaque && value.value.im.abs() <= value.error)
                .map(|value| value.value.re)
        };
        let start = at(0.0)?;
        let step = at(1.0)? - start;
        let is_linear = |k: f64| {
            Some((at(k)? - start - k * step).abs() <= 1e-11 * (start.abs() + (k * step).abs()))
        };
        let fits = is_linear(2.0)? && is_linear(7.0)? && is_linear(-3.0)?;
        (fits && step.abs() > 1e-9 * start.abs().max(1.0)).then_some(Progression { start, step })
    }
}

/// Whether two unions of progressions have the same members; `None` where their steps have no common multiple.
fn same_union(x: &[Progression], y: &[Progression]) -> Option<bool> {
    let period = common_period(x.iter().chain(y))?;
    let (a, b) = (members(x, period)?, members(y, period)?);
    Some(covers(&a, &b) && covers(&b, &a))
}

/// The least length that every step divides.
fn common_period<'a>(progressions: impl Iterator<Item = &'a Progression>) -> Option<f64> {
    progressions.map(|each| each.step.abs()).try_fold(0.0, |period, step| {
        if period == 0.0 {
            return Some(step);
        }
        let fits = |times: &f64| {
            let share = period * times / step;
            (share - share.round()).abs() < CLOSE * share.max(1.0) && share > 0.5
        };
        (1..=MAX_MULTIPLE).map(f64::from).find(fits).map(|times| period * times)
    })
}

/// The members within one period, as shares of it.
fn members(progressions: &[Progression], period: f64) -> Option<Vec<f64>> {
    let mut members = Vec::new();
    for Progression { start, step } in progressions {
        let mut left = (period / step.abs()).round();
        if left > MAX_MEMBERS || members.len() as f64 > MAX_MEMBERS {
            return None;
        }
        while left > 0.0 {
            left -= 1.0;
            members.push(((start + left * step) / period).rem_euclid(1.0));
        }
    }
    Some(members)
}

/// Whether each of the first lies at one of the second, on a circle of length 1.
fn covers(others: &[f64], members: &[f64]) -> bool {
    members.iter().all(|x| {
        others.iter().any(|y| {
            let apart = (x - y).abs();
            apart.min(1.0 - apart) < CLOSE
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Progression, same_union};

    fn of(pairs: &[(f64, f64)]) -> Vec<Progression> {
        pairs.iter().map(|&(start, step)| Progression { start, step }).collect()
    }

    #[test]
    fn unions_are_equal_whose_members_are() {
        let halves = of(&[(0.5, 1.0)]);
        assert_eq!(same_union(&halves, &of(&[(-7.5, -1.0)])), Some(true));
        assert_eq!(same_union(&halves, &of(&[(0.5, 2.0), (1.5, 2.0)])), Some(true));
        assert_eq!(same_union(&halves, &of(&[(0.5, 2.0)])), Some(false));
        assert_eq!(same_union(&halves, &of(&[(0.25, 1.0)])), Some(false));
        assert_eq!(same_union(&of(&[(0.0, 1.0)]), &of(&[(0.0, 2.0), (0.0, 3.0)])), Some(false));
        assert_eq!(same_union(&of(&[(0.0, 1.0)]), &of(&[(0.0, f64::sqrt(2.0))])), None);
    }
}
