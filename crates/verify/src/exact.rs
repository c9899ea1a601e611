//! Exact values: rational numbers of bounded size.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};

use crate::angle::circular;
use crate::expression::{Arena, Function, Id, Node};
use crate::limits::Budget;

/// The largest argument of a factorial that is multiplied out.
const MAX_FACTORIAL: u64 = 3_000;

/// The rational value of an expression, where it has one and the limits allow it.
pub(crate) fn exact(arena: &Arena, id: Id, budget: &Budget) -> Option<BigRational> {
    budget.spend(1)?;
    let value = |id: Id| exact(arena, id, budget);
    match arena.node(id) {
        Node::Rational(number) | Node::Decimal(number) => Some(number.clone()),
        Node::Percent(inner) => Some(value(*inner)? / BigInt::from(100)),
        Node::Quantity(inner, unit) if unit.dimensions.is_empty() => {
            Some(value(*inner)? * &unit.scale)
        }
        Node::Sum(terms) => {
            let mut sum = BigRational::zero();
            for term in terms {
                sum = sized(sum + value(*term)?, budget)?;
            }
            Some(sum)
        }
        Node::Product(factors) => {
            let mut product = BigRational::one();
            for factor in factors {
                product = sized(product * value(*factor)?, budget)?;
            }
            Some(product)
        }
        Node::Ratio(above, below) => {
            let below = value(*below)?;
            (!below.is_zero()).then_some(())?;
            Some(value(*above)? / below)
        }
        Node::Power(base, exponent) => power(&value(*base)?, &value(*exponent)?, budget),
        Node::Call(function, arguments) if function.is_trigonometric() => {
            let argument = *arguments.first()?;
            let at_angle = circular(arena, *function, argument, budget);
            at_angle.or_else(|| call(*function, &[value(argument)?], budget))
        }
        Node::Call(function, arguments) => {
            let arguments: Option<Vec<_>> =
                arguments.iter().map(|argument| value(*argument)).collect();
            call(*function, &arguments?, budget)
        }
        Node::Apply(name, arguments) if name == "mod" => {
            let (a, m) = (value(*arguments.first()?)?, value(*arguments.get(1)?)?);
            m.is_positive().then(|| &a - &m * (&a / &m).floor())
        }
        _ => None,
    }
}

/// Pays for a number by its length, and refuses one that is too long.
fn sized(number: BigRational, budget: &Budget) -> Option<BigRational> {
    let bits = number.numer().bits() + number.denom().bits();
    budget.spend(bits / 256)?;
    (bits <= 2 * budget.limits.bits).then_some(number)
}

fn power(base: &BigRational, exponent: &BigRational, budget: &Budget) -> Option<BigRational> {
    if base.is_zero() && !exponent.is_positive() {
        return None;
    }
    if exponent.is_integer() {
        return integer_power(base, exponent.to_integer().to_i64()?, budget);
    }
    if base.is_negative() {
        return None;
    }
    let index = exponent.denom().to_u32().filter(|index| *index <= 64)?;
    let bits = base.numer().bits().max(base.denom().bits());
    (bits <= 4_096).then_some(())?;
    budget.spend(bits)?;
    let root = |number: &BigInt| {
        Some(number.nth_root(index)).filter(|root| Pow::pow(root, index) == *number)
    };
    let root = BigRational::new(root(base.numer())?, root(base.denom())?);
    integer_power(&root, exponent.numer().to_i64()?, budget)
}

fn integer_power(base: &BigRational, exponent: i64, budget: &Budget) -> Option<BigRational> {
    let is_unit = base.numer().magnitude().is_one() && base.denom().is_one();
    if is_unit || base.is_zero() {
        let odd = exponent % 2 != 0;
        return Some(if odd { base.clone() } else { base * base });
    }
    let bits = base.numer().bits().max(base.denom().bits());
    let total = bits.checked_mul(exponent.unsigned_abs())?;
    (total <= budget.limits.bits).then_some(())?;
    budget.spend(total / 16)?;
    Some(Pow::pow(base, i32::try_from(exponent).ok()?))
}

fn natural(number: &BigRational) -> Option<u64> {
    number.is_integer().then(|| number.to_integer().to_u64())?
}

fn call(function: Function, arguments: &[BigRational], budget: &Budget) -> Option<BigRational> {
    let first = arguments.first()?;
    let fold = |choose: fn(BigRational, &BigRational) -> BigRational| {
        Some(arguments[1..].iter().fold(first.clone(), choose))
    };
    match function {
        Function::Abs => Some(first.abs()),
        Function::Floor => Some(first.floor()),
        Function::Ceil => Some(first.ceil()),
        Function::Factorial => factorial(natural(first)?, 1, budget),
        Function::DoubleFactorial => factorial(natural(first)?, 2, budget),
        Function::Binomial => binomial(natural(first)?, natural(arguments.get(1)?)?, budget),
        Function::Max => fold(|a, b| if a < *b { b.clone() } else { a }),
        Function::Min => fold(|a, b| if a > *b { b.clone() } else { a }),
        Function::Gcd | Function::Lcm => {
            arguments.iter().all(BigRational::is_integer).then_some(())?;
            budget.spend(first.numer().bits())?;
            if function == Function::Gcd { fold(|a, b| gcd(&a, b)) } else { fold(lcm) }
        }
        Function::LogBase => logarithm(first, arguments.get(1)?, budget),
        Function::Re => Some(first.clone()),
        Function::Im => Some(BigRational::zero()),
        Function::Sin | Function::Tan | Function::Arcsin | Function::Arctan if first.is_zero() => {
            Some(first.clone())
        }
        Function::Cos | Function::Exp if first.is_zero() => Some(BigRational::one()),
        Function::Ln | Function::Log if first.is_one() => Some(BigRational::zero()),
        _ => None,
    }
}

/// n (n − step) (n − 2 step) …
fn factorial(n: u64, step: usize, budget: &Budget) -> Option<BigRational> {
    (n <= MAX_FACTORIAL).then_some(())?;
    budget.spend(n * 8)?;
    let factors = (1..=n).rev().step_by(step);
    Some(factors.fold(BigInt::one(), |product, factor| product * factor).into())
}

fn binomial(n: u64, k: u64, budget: &Budget) -> Option<BigRational> {
    if k > n {
        return Some(BigRational::zero());
    }
    let k = k.min(n - k);
    (k <= MAX_FACTORIAL).then_some(())?;
    budget.spend(k * 8)?;
    Some((0..k).fold(BigInt::one(), |value, i| value * (n - i) / (i + 1)).into())
}

// The remainders of Euclid's algorithm on integers held as quotients.
fn gcd(a: &BigRational, b: &BigRational) -> BigRational {
    let (mut a, mut b) = (a.to_integer(), b.to_integer());
    while !b.is_zero() {
        let rest = &a % &b;
        a = b;
        b = rest;
    }
    a.abs().into()
}

fn lcm(a: BigRational, b: &BigRational) -> BigRational {
    let divisor = gcd(&a, b);
    if divisor.is_zero() { divisor } else { (a * b / divisor).abs() }
}

/// The logarithm of a power of the base.
fn logarithm(number: &BigRational, base: &BigRational, budget: &Budget) -> Option<BigRational> {
    let bits = |number: &BigRational| number.numer().bits().max(number.denom().bits());
    if !number.is_positive()
        || !base.is_positive()
        || base.is_one()
        || bits(number) > 4_096
        || bits(base) > 64
    {
        return None;
    }
    if number.is_one() {
        return Some(BigRational::zero());
    }
    budget.spend(bits(number))?;
    let one = BigRational::one();
    let inverted = (*number > one) != (*base > one);
    let base = if inverted { base.recip() } else { base.clone() };
    let (mut power, mut exponent) = (base.clone(), 1_i64);
    while bits(&power) <= bits(number) && exponent < 5_000 {
        if power == *number {
            let exponent = if inverted { -exponent } else { exponent };
            return Some(BigInt::from(exponent).into());
        }
        power *= &base;
        exponent += 1;
    }
    None
}
