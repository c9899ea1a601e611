//! Equations and inequalities that are multiples of each other.

use super::Judge;
use super::relation::Chain;
use crate::expression::{Id, Relation};
use crate::numeric::Region;
use crate::verdict::{Finding, Outcome, Rule};

/// Points at which the ratio of two equations must be the same.
const RATIO_POINTS: u64 = 4;

impl Judge {
    /// `a = b = c`, whose equations side by side are multiples of one another: a line by its quotients, with all signs turned.
    pub(super) fn equal_throughout(&mut self, x: &Chain, y: &Chain) -> Option<Finding> {
        let is_long = |chain: &Chain| {
            chain.relations.len() > 1
                && chain.relations.iter().all(|relation| *relation == Relation::Equal)
        };
        if !is_long(x) || !is_long(y) || x.sides.len() != y.sides.len() {
            return None;
        }
        let pair = |chain: &Chain, at: usize| Chain {
            sides: chain.sides[at..at + 2].to_vec(),
            relations: vec![Relation::Equal],
        };
        let mut finding = Finding::new(true, Rule::Relation);
        for at in 0..x.relations.len() {
            let (one, other) = (pair(x, at), pair(y, at));
            finding = finding.and(|| self.multiples(&one, &other));
        }
        Some(finding)
    }

    /// Whether left minus right of one is a constant multiple of that of the other, its sign turning inequalities.
    pub(super) fn multiples(&mut self, x: &Chain, y: &Chain) -> Finding {
        let different = Finding { outcome: Outcome::Different, rule: Rule::Relation };
        let scalar =
            |judge: &Self, chain: &Chain| chain.sides.iter().all(|id| !judge.is_collection(*id));
        if !scalar(self, x) || !scalar(self, y) {
            return different;
        }
        let f = self.arena.subtract(x.sides[0], x.sides[1]);
        let g = self.arena.subtract(y.sides[0], y.sides[1]);
        if self.arena.symbols(f).is_empty() || self.arena.symbols(f) != self.arena.symbols(g) {
            return different;
        }
        let Some(ratio) = self.constant_ratio(f, g) else { return different };
        let (first, second) = (x.relations[0], y.relations[0]);
        let fits =
            if first.is_order() && ratio < 0.0 { second == first.flip() } else { first == second };
        Finding::new(fits, Rule::Relation)
    }

    /// The real constant k with f = k g, if there is one.
    fn constant_ratio(&mut self, f: Id, g: Id) -> Option<f64> {
        let mut found: Option<(f64, Id)> = None;
        for salt in 1..=3 * RATIO_POINTS {
            let point = self.point(if salt % 2 == 0 { Region::Large } else { Region::Small }, salt);
            let (Some(x), Some(y)) = (self.at(f, &point).0, self.at(g, &point).0) else { continue };
            if y.value.size() <= 1e6 * y.error || x.value.size() <= 1e6 * x.error {
                continue;
            }
            let ratio = x.value / y.value;
            if ratio.im.abs() > 1e-9 * ratio.size() {
                return None;
            }
            found = Some((ratio.re, f));
            break;
        }
        let (ratio, _) = found?;
        self.confirms(f, g, ratio).then_some(ratio)
    }

    /// Whether f = k g at further points.
    fn confirms(&mut self, f: Id, g: Id, ratio: f64) -> bool {
        let mut agreed = 0;
        for salt in 1..=4 * RATIO_POINTS {
            // Real points come first, for |x| and x differ at those below zero alone.
            let region = [Region::Large, Region::Real, Region::Real, Region::Small]
                [usize::try_from(salt % 4).unwrap_or(0)];
            let point = self.point(region, 100 + salt);
            let (Some(x), Some(y)) = (self.at(f, &point).0, self.at(g, &point).0) else { continue };
            let difference = (x.value - y.value.scale(ratio)).size();
            let bound = 64.0 * (x.error + ratio.abs() * y.error) + 1e-12 * x.value.size();
            if difference > bound {
                return false;
            }
            agreed += 1;
        }
        agreed >= 2
    }
}
