//! Numbers and expressions: exactly, in a prime field, then numerically.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Pow, Signed};

use super::Judge;
use crate::exact::exact;
use crate::expression::{Constant, Id, Node};
use crate::field;
use crate::numeric::{Approximation, Evaluator, Point, Region};
use crate::verdict::{Finding, Outcome, Rule};

/// Points of the prime field at which expressions are compared.
const FIELD_POINTS: u64 = 3;
/// Points that must agree for expressions to be called equal, in each region.
const POINTS: u64 = 3;
/// How many points are tried for that.
const TRIES: u64 = 12;
/// How often the bound of the error a difference may be.
const SAFETY: f64 = 16.0;
/// The largest error, as a share of the operands, at which agreement says something.
const MAX_ERROR: f64 = 1e-8;

impl Judge {
    pub(super) fn scalars(&mut self, gold: Id, answer: Id) -> Finding {
        if !self.is_scalar(gold) || !self.is_scalar(answer) {
            return Finding::OTHER_KIND;
        }
        if let Some(finding) = self.infinities(gold, answer).or_else(|| self.sides(gold, answer)) {
            return finding;
        }
        let has_decimal =
            |judge: &Self, id| judge.arena.any(id, &|node| matches!(node, Node::Decimal(_)));
        let decimal = has_decimal(self, gold) || has_decimal(self, answer);
        let x = exact(&self.arena, gold, &self.budget);
        let y = exact(&self.arena, answer, &self.budget);
        if let (Some(x), Some(y)) = (&x, &y) {
            if x != y && decimal && self.rounds_alike(x, y) {
                return Finding::new(true, Rule::Rounded);
            }
            return Finding::new(x == y, Rule::Exact);
        }
        if let Some(finding) = self.in_field(gold, answer)
            && (finding.is_equal() || !decimal)
        {
            return finding;
        }
        let (gold_names, answer_names) = (self.arena.symbols(gold), self.arena.symbols(answer));
        if gold_names.is_empty() && answer_names.is_empty() {
            return self.constants(gold, answer);
        }
        self.at_points(gold, answer)
    }

    /// Whether a number in it is written as a decimal, and so may be rounded.
    fn has_decimal(&self, id: Id) -> bool {
        self.arena.any(id, &|node| matches!(node, Node::Decimal(_)))
    }

    fn is_scalar(&self, id: Id) -> bool {
        !matches!(self.arena.node(id), Node::Chain(..) | Node::Matrix(..))
            && !self.is_collection(id)
    }

    /// ±∞, which have no values.
    fn infinities(&self, gold: Id, answer: Id) -> Option<Finding> {
        let sign = |id: Id| match self.arena.node(id) {
            Node::Constant(Constant::Infinity) => Some(1),
            Node::Product(ids) => match ids[..] {
                [minus, infinity]
                    if matches!(self.arena.node(infinity), Node::Constant(Constant::Infinity)) =>
                {
                    matches!(self.arena.node(minus), Node::Rational(value) if value.is_negative())
                        .then_some(-1)
                }
                _ => None,
            },
            _ => None,
        };
        match (sign(gold), sign(answer)) {
            (None, None) => None,
            (Some(a), Some(b)) => Some(Finding::new(a == b, Rule::SameForm)),
            (known, other) => {
                let rest = if known.is_some() { answer } else { gold };
                let infinite = self
                    .arena
                    .any(rest, &|node| matches!(node, Node::Constant(Constant::Infinity)));
                let _ = other;
                (!infinite).then_some(Finding::OTHER_KIND)
            }
        }
    }

    /// Factorials and powers too long to multiply out, compared by what they are made of.
    fn sides(&mut self, gold: Id, answer: Id) -> Option<Finding> {
        if let (Node::Power(a, m), Node::Power(b, n)) =
            (self.arena.node(gold), self.arena.node(answer))
        {
            let (a, m, b, n) = (*a, *m, *b, *n);
            let base = exact(&self.arena, a, &self.budget)?;
            let other = exact(&self.arena, b, &self.budget)?;
            let is_large = exact(&self.arena, gold, &self.budget).is_none()
                && exact(&self.arena, answer, &self.budget).is_none();
            let injective =
                base == other && base.is_positive() && base != BigRational::from(BigInt::from(1));
            let names =
                !self.arena.symbols(gold).is_empty() || !self.arena.symbols(answer).is_empty();
            if injective && is_large && !names {
                return Some(self.compare(m, n))
                    .filter(|finding| finding.outcome != Outcome::Unknown);
            }
        }
        None
    }

    /// Whether two numbers, one of them perhaps rounded, agree up to the decimal places of the comparison.
    pub(super) fn rounds_alike(&self, x: &BigRational, y: &BigRational) -> bool {
        let scale = BigRational::from(Pow::pow(BigInt::from(10), self.comparison.rounding.min(60)));
        let difference = (x - y).abs();
        let largest = x.abs().max(y.abs());
        // Small numbers have few digits before the last place that counts, so their share of error counts as well.
        let small = BigRational::new(BigInt::from(1), BigInt::from(1_000));
        let share = BigRational::new(BigInt::from(5), BigInt::from(10_000));
        if largest < small && difference > &largest * share {
            return false;
        }
        let half = BigRational::new(BigInt::from(1), BigInt::from(2));
        (x * &scale).round() == (y * &scale).round() || &difference * &scale < half
    }

    fn in_field(&self, gold: Id, answer: Id) -> Option<Finding> {
        let mut equal = true;
        for salt in 1..=FIELD_POINTS {
            let x = field::evaluate(&self.arena, gold, salt, &self.budget)?;
            let y = field::evaluate(&self.arena, answer, salt, &self.budget)?;
            equal &= x == y;
        }
        Some(Finding::new(equal, Rule::PrimeField))
    }

    /// The value at a point, and whether something in it was opaque.
    pub(super) fn at(&self, id: Id, point: &Point) -> (Option<Approximation>, bool) {
        let mut evaluator = Evaluator {
            arena: &self.arena,
            budget: &self.budget,
            point: point.clone(),
            met_opaque: false,
        };
        let value = evaluator.value(id);
        (value, evaluator.met_opaque)
    }

    pub(super) fn point(&self, region: Region, salt: u64) -> Point {
        Point { region, salt, bound: Vec::new(), logarithm: self.logarithm }
    }

    /// Two expressions without symbols.
    fn constants(&self, gold: Id, answer: Id) -> Finding {
        let point = self.point(Region::Small, 1);
        let ((x, opaque), (y, also)) = (self.at(gold, &point), self.at(answer, &point));
        let (Some(x), Some(y)) = (x, y) else { return Finding::UNKNOWN };
        let outcome = agreement(x, y);
        if outcome == Outcome::Equal {
            return Finding { outcome, rule: Rule::Numeric };
        }
        let decimal = self.has_decimal(gold) || self.has_decimal(answer);
        if decimal && !(opaque || also) && self.rounds_alike_approximately(gold, answer, x, y) {
            return Finding::new(true, Rule::Rounded);
        }
        if opaque || also || outcome == Outcome::Unknown {
            return Finding::UNKNOWN;
        }
        Finding { outcome, rule: Rule::Numeric }
    }

    /// A decimal beside a value that is known approximately. A side that is all decimals and operations counts.
    fn rounds_alike_approximately(
        &self,
        gold: Id,
        answer: Id,
        x: Approximation,
        y: Approximation,
    ) -> bool {
        let written = |id: Id| exact(&self.arena, id, &self.budget).is_some();
        let both_real = x.value.im.abs() <= x.error && y.value.im.abs() <= y.error;
        if !both_real || !(written(gold) || written(answer)) {
            return false;
        }
        let difference = (x.value.re - y.value.re).abs();
        let largest = x.value.re.abs().max(y.value.re.abs());
        if largest < 1e-3 && difference > 5e-4 * largest {
            return false;
        }
        let scale = libm::pow(10.0, f64::from(self.comparison.rounding.min(60)));
        let rounded = |value: f64| libm::round(value * scale);
        difference * scale < 0.5
            || (largest < 1e9 && (rounded(x.value.re) - rounded(y.value.re)).abs() < 0.5)
    }

    /// Two expressions at seeded points: positive ones of two scales, then real ones of both signs.
    fn at_points(&mut self, gold: Id, answer: Id) -> Finding {
        let mut agreed = 0;
        let mut opaque_any = false;
        for region in [Region::Small, Region::Large] {
            let mut here = 0;
            for salt in 1..=TRIES {
                let point = self.point(region, salt);
                let ((x, opaque), (y, also)) = (self.at(gold, &point), self.at(answer, &point));
                opaque_any |= opaque || also;
                let (Some(x), Some(y)) = (x, y) else { continue };
                match agreement(x, y) {
                    Outcome::Equal => here += 1,
                    Outcome::Different if opaque_any => return Finding::UNKNOWN,
                    Outcome::Different => return Finding::new(false, Rule::Numeric),
                    Outcome::Unknown => {}
                }
                if here == POINTS || self.budget.is_spent() {
                    break;
                }
            }
            agreed += here;
        }
        if agreed == 0 {
            return Finding::UNKNOWN;
        }
        if !opaque_any && self.differs_below_zero(gold, answer) {
            return Finding::new(false, Rule::Numeric);
        }
        Finding::new(true, Rule::Numeric)
    }

    /// Whether the expressions differ somewhere where both are real all the way, such as |x| and x.
    fn differs_below_zero(&self, gold: Id, answer: Id) -> bool {
        (1..=TRIES).any(|salt| {
            let point = self.point(Region::Real, salt);
            match (self.at(gold, &point).0, self.at(answer, &point).0) {
                (Some(x), Some(y)) => agreement(x, y) == Outcome::Different,
                _ => false,
            }
        })
    }
}

/// Whether two values agree within the bounds of their errors.
pub(super) fn agreement(x: Approximation, y: Approximation) -> Outcome {
    let difference = (x.value - y.value).size();
    let error = x.error + y.error;
    let size = x.size.max(y.size);
    if difference > SAFETY * error {
        return Outcome::Different;
    }
    if error <= MAX_ERROR * size || error == 0.0 { Outcome::Equal } else { Outcome::Unknown }
}
