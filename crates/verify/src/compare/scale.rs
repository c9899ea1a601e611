//! Quantities whose units differ in more than a factor or are told by what stands beside them: temperatures, pounds, letters.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::Judge;
use crate::expression::{Id, Node};
use crate::unit::Unit;
use crate::verdict::Finding;

impl Judge {
    /// Compares 25 °C with 77 °F, 16 pounds with £16, and values of one kind in the unit of the answer.
    pub(super) fn in_one_scale(&mut self, gold: Id, answer: Id) -> Finding {
        let (Some((x, one)), Some((y, other))) = (self.quantity(gold), self.quantity(answer))
        else {
            return Finding::OTHER_KIND;
        };
        if is_pounds(&one, &other) || is_pounds(&other, &one) {
            return self.compare(x, y);
        }
        if one.dimensions == other.dimensions {
            // A decimal is rounded in its own unit: 100 km/h is 27.777778 m/s.
            let factor = self.arena.rational(&one.scale / &other.scale);
            let converted = self.arena.product(vec![x, factor]);
            return self.compare(converted, y);
        }
        match (self.in_kelvin(x, &one), self.in_kelvin(y, &other)) {
            (Some(gold), Some(answer)) => self.compare(gold, answer),
            _ => Finding::OTHER_KIND,
        }
    }

    /// Compares where one side has a unit, and letters of the other may be some: `5 \times 10^{-6} m`, `12 J/C`.
    pub(super) fn with_letters_as_units(&mut self, gold: Id, answer: Id) -> Finding {
        let is_quantity = |judge: &Self, id: Id| matches!(judge.arena.node(id), Node::Quantity(..));
        if is_quantity(self, gold) == is_quantity(self, answer) {
            return Finding::OTHER_KIND;
        }
        match (self.quantity(gold), self.quantity(answer)) {
            (Some((x, one)), Some((y, other))) => {
                let gold = self.arena.add(Node::Quantity(x, one));
                let answer = self.arena.add(Node::Quantity(y, other));
                self.compare(gold, answer)
            }
            _ => Finding::OTHER_KIND,
        }
    }

    /// The value and the unit of a quantity, be it a product of a value and letters, where all letters are units.
    fn quantity(&mut self, id: Id) -> Option<(Id, Unit)> {
        let factors = match self.arena.node(id) {
            Node::Quantity(value, unit) => return Some((*value, unit.clone())),
            Node::Product(factors) => factors.clone(),
            _ => return None,
        };
        let (mut values, mut whole) = (Vec::new(), Unit::count());
        for factor in factors {
            match self.arena.node(factor) {
                Node::Quantity(value, unit) => {
                    values.push(*value);
                    whole = whole.times(unit);
                }
                _ => match self.unit_of(factor) {
                    Some(unit) => whole = whole.times(&unit),
                    None => values.push(factor),
                },
            }
        }
        let value = self.arena.product(values);
        let is_quantity = !whole.dimensions.is_empty() && self.arena.symbols(value).is_empty();
        is_quantity.then_some((value, whole))
    }

    /// The unit that letters and their powers are.
    fn unit_of(&self, id: Id) -> Option<Unit> {
        match self.arena.node(id) {
            Node::Symbol(name) => Unit::symbol(name),
            Node::Power(base, exponent) => {
                let Node::Rational(exponent) = self.arena.node(*exponent) else { return None };
                let exponent = exponent.is_integer().then(|| exponent.to_integer())?;
                Some(self.unit_of(*base)?.power(i32::try_from(exponent).ok()?))
            }
            Node::Product(factors) => factors
                .iter()
                .try_fold(Unit::count(), |unit, factor| Some(unit.times(&self.unit_of(*factor)?))),
            _ => None,
        }
    }

    /// A temperature in kelvin.
    fn in_kelvin(&mut self, value: Id, unit: &Unit) -> Option<Id> {
        // K = °C + 273.15 = (°F + 459.67) * 5/9.
        let (offset, factor) = match unit.dimensions[..] {
            [("K", 1)] => ((0, 1), (1, 1)),
            [("°C", 1)] => ((27_315, 100), (1, 1)),
            [("°F", 1)] => ((45_967, 100), (5, 9)),
            _ => return None,
        };
        let number =
            |(above, below): (i64, i64)| BigRational::new(BigInt::from(above), BigInt::from(below));
        let offset = self.arena.rational(number(offset));
        let factor = self.arena.rational(number(factor));
        let shifted = self.arena.sum(vec![value, offset]);
        Some(self.arena.product(vec![shifted, factor]))
    }
}

/// Whether one is a sum of money in pounds, and the other so many "pounds", which are read as a mass.
fn is_pounds(one: &Unit, other: &Unit) -> bool {
    let pound = Unit::named("pound");
    one.dimensions == [("sterling", 1)] && pound.is_some_and(|pound| pound == *other)
}
