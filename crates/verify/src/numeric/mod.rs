//! Numeric values with a running bound of their rounding error.

mod binder;
mod function;

use num_rational::BigRational;
use num_traits::ToPrimitive;

use crate::complex::Complex;
use crate::expression::{Arena, Constant, Id, Node};
use crate::limits::Budget;
use crate::seeded::{mix, unit};

/// Half the distance from 1 to the next number.
const ROUNDING: f64 = f64::EPSILON / 2.0;

/// A value, a bound of its error, and the largest value on the way to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Approximation {
    pub(crate) value: Complex,
    pub(crate) error: f64,
    pub(crate) size: f64,
}

/// Where symbols are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    /// Positive numbers about 1, and complex values on the way.
    Small,
    /// Positive numbers up to some thirty, and complex values on the way.
    Large,
    /// Numbers of both signs; a complex value on the way ends the evaluation.
    Real,
}

/// What a logarithm without a base means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logarithm {
    Natural,
    Decimal,
}

/// The point at which expressions are evaluated.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) region: Region,
    pub(crate) salt: u64,
    /// Symbols with values of their own, the latest last.
    pub(crate) bound: Vec<(String, f64)>,
    pub(crate) logarithm: Logarithm,
}

impl Point {
    /// The value of a symbol here.
    fn symbol(&self, name: &str) -> f64 {
        if let Some((_, value)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return *value;
        }
        let share = unit(name, self.salt);
        match self.region {
            Region::Small => 0.3 + 1.9 * share,
            Region::Large => 2.5 + 30.0 * share,
            Region::Real => 8.0 * share - 4.0,
        }
    }
}

/// What one evaluation works with.
pub(crate) struct Evaluator<'a> {
    pub(crate) arena: &'a Arena,
    pub(crate) budget: &'a Budget,
    pub(crate) point: Point,
    /// Set when something was met that stands for an unknown value, such as an integral.
    pub(crate) met_opaque: bool,
}

impl Approximation {
    pub(crate) fn new(value: Complex, error: f64) -> Self {
        let size = value.size();
        Self { value, error: error + 2.0 * ROUNDING * size, size }
    }

    /// A number that is a float exactly, or up to rounding.
    pub(crate) fn real(value: f64) -> Self {
        Self::new(Complex::real(value), 0.0)
    }

    /// Keeps in mind how large the operands were.
    fn after(mut self, operands: &[Self]) -> Self {
        self.size = operands.iter().fold(self.size, |size, operand| size.max(operand.size));
        self
    }

    fn plus(self, other: Self) -> Self {
        Self::new(self.value + other.value, self.error + other.error).after(&[self, other])
    }

    fn times(self, other: Self) -> Self {
        let error = self.value.size() * other.error
            + other.value.size() * self.error
            + self.error * other.error;
        Self::new(self.value * other.value, error)
    }

    fn over(self, other: Self) -> Option<Self> {
        let below = other.value.size();
        // A divisor that may be zero divides nothing.
        (below > 2.0 * other.error).then_some(())?;
        let quotient = self.value / other.value;
        Some(Self::new(
            quotient,
            (self.error + quotient.size() * other.error) / (below - other.error),
        ))
    }

    /// A function's value, its error bounded by the slope there.
    fn mapped(self, value: Complex, slope: f64) -> Self {
        Self::new(value, slope * self.error + 2.0 * ROUNDING * value.size())
    }
}

/// The float next to a rational number.
pub(crate) fn float(number: &BigRational) -> Option<f64> {
    if let (Some(above), Some(below)) = (number.numer().to_i64(), number.denom().to_i64())
        && above.unsigned_abs() < 1 << 53
        && below < 1 << 53
    {
        return Some(above as f64 / below as f64);
    }
    // Scaled so that neither side overflows on its own.
    let shift =
        i64::try_from(number.numer().bits()).ok()? - i64::try_from(number.denom().bits()).ok()?;
    if shift.abs() > 1_000 {
        return if shift < 0 { Some(0.0) } else { None };
    }
    number.to_f64().filter(|value| value.is_finite())
}

impl Evaluator<'_> {
    /// The value of an expression at the point; `None` outside its domain, past all bounds, or for what has no value.
    pub(crate) fn value(&mut self, id: Id) -> Option<Approximation> {
        self.budget.spend(2)?;
        let result = self.node(id)?;
        let within = self.point.region != Region::Real || result.value.is_real();
        (result.value.is_finite() && result.error.is_finite() && within).then_some(result)
    }

    fn node(&mut self, id: Id) -> Option<Approximation> {
        let arena = self.arena;
        match arena.node(id) {
            Node::Rational(number) | Node::Decimal(number) => {
                self.budget.spend((number.numer().bits() + number.denom().bits()) / 64)?;
                Some(Approximation::real(float(number)?))
            }
            Node::Constant(constant) => constant_value(*constant),
            Node::Symbol(name) => Some(Approximation::real(self.point.symbol(name))),
            Node::Text(words) => Some(Approximation::real(3.0 + unit(&words.to_lowercase(), 0))),
            Node::Percent(inner) => self.value(*inner)?.over(Approximation::real(100.0)),
            Node::Quantity(inner, measure) => {
                let mut result =
                    self.value(*inner)?.times(Approximation::real(float(&measure.scale)?));
                for (base, exponent) in &measure.dimensions {
                    let base = match *base {
                        "deg" => std::f64::consts::PI / 180.0,
                        name => 2.0 + unit(name, self.point.salt),
                    };
                    result = result.times(Approximation::real(
                        Complex::real(base).whole_power(i64::from(*exponent)).re,
                    ));
                }
                Some(result)
            }
            Node::Sum(terms) => {
                let first = Approximation { value: Complex::real(0.0), error: 0.0, size: 0.0 };
                terms.iter().try_fold(first, |sum, term| Some(sum.plus(self.value(*term)?)))
            }
            Node::Product(factors) => {
                let mut product = Approximation::real(1.0);
                let mut size = 0.0_f64;
                for factor in factors {
                    let factor = self.value(*factor)?;
                    product = product.times(factor);
                    size = size.max(factor.size);
                }
                product.size = product.size.max(size.min(1e3 * product.value.size()));
                Some(product)
            }
            Node::Ratio(above, below) => {
                let above = self.value(*above)?;
                above.over(self.value(*below)?)
            }
            Node::Power(base, exponent) => self.power(*base, *exponent),
            Node::Call(function, arguments) => self.call(*function, arguments),
            Node::Apply(name, arguments) => self.apply(name, arguments),
            Node::Bound(binder, children) => self.binder(*binder, children, id),
            _ => None,
        }
    }

    /// An unknown function: a smooth one that its name chooses.
    fn apply(&mut self, name: &str, arguments: &[Id]) -> Option<Approximation> {
        if name == "overline" && arguments.len() == 1 && self.is_complex(arguments[0]) {
            let mut result = self.value(arguments[0])?;
            result.value.im = -result.value.im;
            return Some(result);
        }
        let whole = format!("{name}()");
        if self.point.bound.iter().any(|(bound, _)| *bound == whole) {
            return Some(Approximation::real(self.point.symbol(&whole)));
        }
        let mut result = Approximation::real(unit(name, 0));
        for (index, argument) in (0_u64..).zip(arguments) {
            let argument = self.value(*argument)?;
            let slope = 1.0 + unit(name, index + 1);
            let turned = argument.value.scale(slope) + Complex::real(unit(name, index + 77));
            result = result.plus(argument.mapped(turned.sin(), slope * turned.cos().size()));
        }
        Some(result)
    }

    /// Whether the imaginary unit is in it, so that a line above it conjugates.
    fn is_complex(&self, id: Id) -> bool {
        self.arena.any(id, &|node| matches!(node, Node::Constant(Constant::Imaginary)))
    }

    /// A value for something that cannot be evaluated, chosen by how it is written.
    fn opaque(&mut self, id: Id) -> Approximation {
        self.met_opaque = true;
        let written = crate::display::canonical(self.arena, id, self.budget);
        let salt = mix(&written, self.point.salt);
        Approximation::real(0.5 + unit("opaque", salt))
    }
}

fn constant_value(constant: Constant) -> Option<Approximation> {
    match constant {
        Constant::Pi => Some(Approximation::real(std::f64::consts::PI)),
        Constant::Euler => Some(Approximation::real(std::f64::consts::E)),
        Constant::Imaginary => {
            Some(Approximation { value: Complex { re: 0.0, im: 1.0 }, error: 0.0, size: 1.0 })
        }
        Constant::Infinity | Constant::EmptySet => None,
    }
}
