//! Powers and the functions whose values are known.

use num_traits::ToPrimitive;

use super::{Approximation, Evaluator, Logarithm, Region};
use crate::complex::{Complex, ONE};
use crate::exact::exact;
use crate::expression::{Function, Id};

/// The relative error of the gamma function of `libm`, with room to spare.
const GAMMA_ERROR: f64 = 1e-14;

impl Evaluator<'_> {
    pub(super) fn power(&mut self, base: Id, exponent: Id) -> Option<Approximation> {
        let x = self.value(base)?;
        if let Some(whole) = exact(self.arena, exponent, self.budget) {
            if whole.is_integer() {
                return whole_power(x, whole.to_integer().to_i64()?);
            }
            // An odd root of a negative number is real where only real numbers are wanted.
            let is_odd = whole.denom().to_i64().is_some_and(|index| index % 2 == 1);
            if self.point.region == Region::Real && x.value.re < 0.0 && is_odd {
                let positive = Approximation { value: -x.value, ..x };
                let root = fractional_power(positive, self.value(exponent)?)?;
                let odd = whole.numer().to_i64()? % 2 != 0;
                return Some(if odd { Approximation { value: -root.value, ..root } } else { root });
            }
        }
        let y = self.value(exponent)?;
        fractional_power(x, y)
    }

    pub(super) fn call(&mut self, function: Function, arguments: &[Id]) -> Option<Approximation> {
        let x = self.value(*arguments.first()?)?;
        let z = x.value;
        let simple = |value: Complex, slope: f64| Some(x.mapped(value, slope));
        match function {
            Function::Sin => simple(z.sin(), z.cos().size()),
            Function::Cos => simple(z.cos(), z.sin().size()),
            Function::Sinh => simple(z.sinh(), z.cosh().size()),
            Function::Cosh => simple(z.cosh(), z.sinh().size()),
            Function::Exp => simple(z.exp(), z.exp().size()),
            Function::Ln => logarithm(x),
            Function::Log if self.point.logarithm == Logarithm::Natural => logarithm(x),
            Function::Log => logarithm(x)?.over(logarithm(Approximation::real(10.0))?),
            Function::LogBase => {
                let base = self.value(*arguments.get(1)?)?;
                logarithm(x)?.over(logarithm(base)?)
            }
            Function::Arcsin => simple(z.asin(), 1.0 / (ONE - z * z).sqrt().size()),
            Function::Arccos => simple(z.acos(), 1.0 / (ONE - z * z).sqrt().size()),
            Function::Arctan => simple(z.atan(), 1.0 / (ONE + z * z).size()),
            Function::Abs => simple(Complex::real(z.size()), 1.0),
            Function::Re => simple(Complex::real(z.re), 1.0),
            Function::Im => simple(Complex::real(z.im), 1.0),
            Function::Arg => simple(Complex::real(z.angle()), 1.0 / z.size()),
            Function::Max | Function::Min => self.extreme(function, x, &arguments[1..]),
            Function::Tan | Function::Cot | Function::Sec | Function::Csc | Function::Tanh => {
                quotient(function, x)
            }
            Function::Floor | Function::Ceil => self.rounded(function, arguments[0], x),
            Function::Factorial | Function::DoubleFactorial | Function::Binomial => {
                self.combinatorial(function, arguments, x)
            }
            Function::Gcd | Function::Lcm => None,
        }
    }

    fn extreme(
        &mut self,
        function: Function,
        first: Approximation,
        rest: &[Id],
    ) -> Option<Approximation> {
        let mut best = first;
        for id in rest {
            let next = self.value(*id)?;
            if (next.value.re > best.value.re) == (function == Function::Max) {
                best = next;
            }
        }
        best.value.is_real().then_some(best)
    }

    /// Rounding to integers, where it is certain which one.
    fn rounded(
        &mut self,
        function: Function,
        argument: Id,
        x: Approximation,
    ) -> Option<Approximation> {
        x.value.is_real().then_some(())?;
        let round = if function == Function::Floor { libm::floor } else { libm::ceil };
        if let Some(number) = exact(self.arena, argument, self.budget) {
            let number = if function == Function::Floor { number.floor() } else { number.ceil() };
            return Some(Approximation::real(super::float(&number)?));
        }
        let (low, high) = (round(x.value.re - 4.0 * x.error), round(x.value.re + 4.0 * x.error));
        (low.to_bits() == high.to_bits()).then(|| Approximation::real(low))
    }

    fn combinatorial(
        &mut self,
        function: Function,
        arguments: &[Id],
        x: Approximation,
    ) -> Option<Approximation> {
        x.value.is_real().then_some(())?;
        self.budget.spend(20)?;
        let gamma = |at: f64| Some(libm::tgamma(at)).filter(|value| value.is_finite());
        let n = x.value.re;
        match function {
            Function::Factorial => {
                let value = gamma(n + 1.0)?;
                let slope = value.abs() * (n.abs() + 2.0);
                let error = slope * x.error + GAMMA_ERROR * value.abs();
                Some(Approximation::new(Complex::real(value), error))
            }
            Function::Binomial => {
                let k = self.value(*arguments.get(1)?)?.value.re;
                let value = gamma(n + 1.0)? / gamma(k + 1.0)? / gamma(n - k + 1.0)?;
                Some(Approximation::new(Complex::real(value), 4.0 * GAMMA_ERROR * value.abs()))
            }
            _ => None,
        }
    }
}

fn logarithm(x: Approximation) -> Option<Approximation> {
    let size = x.value.size();
    (size > 4.0 * x.error).then(|| x.mapped(x.value.ln(), 1.0 / size))
}

fn quotient(function: Function, x: Approximation) -> Option<Approximation> {
    let z = x.value;
    let sin = x.mapped(z.sin(), z.cos().size());
    let cos = x.mapped(z.cos(), z.sin().size());
    match function {
        Function::Tan => sin.over(cos),
        Function::Cot => cos.over(sin),
        Function::Sec => Approximation::real(1.0).over(cos),
        Function::Csc => Approximation::real(1.0).over(sin),
        _ => x.mapped(z.sinh(), z.cosh().size()).over(x.mapped(z.cosh(), z.sinh().size())),
    }
}

/// A whole power: each of its factors adds its relative error.
fn whole_power(x: Approximation, exponent: i64) -> Option<Approximation> {
    let size = x.value.size();
    if size == 0.0 {
        return (exponent > 0).then_some(Approximation {
            value: Complex::real(0.0),
            error: if exponent == 1 { x.error } else { 0.0 },
            size: x.size,
        });
    }
    (exponent > 0 || size > 2.0 * x.error).then_some(())?;
    let value = x.value.whole_power(exponent);
    let relative = x.error / size + 2.0 * super::ROUNDING;
    let error = value.size() * relative * exponent.unsigned_abs() as f64;
    Some(Approximation::new(value, error))
}

fn fractional_power(x: Approximation, y: Approximation) -> Option<Approximation> {
    let size = x.value.size();
    if size <= 2.0 * x.error {
        // So close to zero that its logarithm says nothing.
        let is_zero = y.value.is_real() && y.value.re > 0.0;
        let bound = libm::pow(size + x.error, y.value.re);
        return is_zero.then_some(Approximation {
            value: Complex::real(0.0),
            error: if x.error == 0.0 { 0.0 } else { bound },
            size: x.size,
        });
    }
    let is_root = y.value.is_real() && y.value.re.to_bits() == 0.5_f64.to_bits();
    let value = if is_root { x.value.sqrt() } else { x.value.power(y.value) };
    let relative = y.value.size() * x.error / size + x.value.ln().size() * y.error;
    let own = 4.0
        * super::ROUNDING
        * (1.0 + if is_root { 0.0 } else { (y.value.size() * x.value.ln().size()).min(1e6) });
    Some(Approximation::new(value, value.size() * (relative + own)))
}
