//! Identity testing: an expression's value at a seeded point of the field of 2^61 − 1 elements.
//!
//! Two rational functions whose values differ at one point are different. If they agree at a random point, they are
//! different with a probability of at most degree / 2^61 (Schwartz 1980, Zippel 1979).

use num_bigint::{BigInt, Sign};
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};

use crate::exact::exact;
use crate::expression::{Arena, Id, Node};
use crate::limits::Budget;
use crate::seeded::mix;

/// The order of the field, a Mersenne prime.
const PRIME: u64 = (1 << 61) - 1;

fn multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    // 2^61 is 1 in this field, so the high part is added to the low one.
    let low = u64::try_from(product & u128::from(PRIME)).unwrap_or(0);
    let high = u64::try_from(product >> 61).unwrap_or(0);
    add(low % PRIME, high % PRIME)
}

fn add(a: u64, b: u64) -> u64 {
    (a + b) % PRIME
}

fn raise(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base);
        }
        base = multiply(base, base);
        exponent >>= 1;
    }
    result
}

fn residue(number: &BigInt, modulus: u64) -> u64 {
    if let Some(small) = number.to_i64() {
        let rest = small.unsigned_abs() % modulus;
        return if small < 0 && rest > 0 { modulus - rest } else { rest };
    }
    let rest = (number.magnitude() % modulus).to_u64().unwrap_or(0);
    if number.sign() == Sign::Minus && rest > 0 { modulus - rest } else { rest }
}

fn rational(number: &BigRational) -> Option<u64> {
    let below = residue(number.denom(), PRIME);
    (below != 0).then(|| multiply(residue(number.numer(), PRIME), raise(below, PRIME - 2)))
}

/// The value at the point that `salt` names; `None` for what is no rational function with integer exponents, or where
/// it divides by zero.
pub(crate) fn evaluate(arena: &Arena, id: Id, salt: u64, budget: &Budget) -> Option<u64> {
    budget.spend(1)?;
    let value = |id: Id| evaluate(arena, id, salt, budget);
    match arena.node(id) {
        Node::Rational(number) | Node::Decimal(number) => {
            budget.spend((number.numer().bits() + number.denom().bits()) / 256)?;
            rational(number)
        }
        Node::Symbol(name) => Some(1 + mix(name, salt) % (PRIME - 1)),
        Node::Percent(inner) => Some(multiply(value(*inner)?, raise(100, PRIME - 2))),
        Node::Quantity(inner, unit) => {
            let mut result = multiply(value(*inner)?, rational(&unit.scale)?);
            for (base, exponent) in &unit.dimensions {
                (*base != "deg").then_some(())?;
                let base = 1 + mix(base, salt ^ 0x756e_6974) % (PRIME - 1);
                result = multiply(result, signed_power(base, i64::from(*exponent))?);
            }
            Some(result)
        }
        Node::Sum(terms) => terms.iter().try_fold(0, |sum, term| Some(add(sum, value(*term)?))),
        Node::Product(factors) => {
            factors.iter().try_fold(1, |product, factor| Some(multiply(product, value(*factor)?)))
        }
        Node::Ratio(above, below) => {
            Some(multiply(value(*above)?, signed_power(value(*below)?, -1)?))
        }
        Node::Power(base, exponent) => {
            let exponent = exact(arena, *exponent, budget)?;
            if !exponent.is_integer() {
                return rational(&exact(arena, id, budget)?);
            }
            let base = value(*base)?;
            if base == 0 {
                return exponent.is_positive().then_some(0);
            }
            // Fermat: exponents count modulo p − 1.
            Some(raise(base, residue(exponent.numer(), PRIME - 1)))
        }
        Node::Call(..) => rational(&exact(arena, id, budget)?),
        _ => None,
    }
}

fn signed_power(base: u64, exponent: i64) -> Option<u64> {
    if base == 0 {
        return None;
    }
    let positive = raise(base, exponent.unsigned_abs());
    Some(if exponent < 0 { raise(positive, PRIME - 2) } else { positive })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverses_multiply_to_one_and_negatives_add_to_zero() {
        let third = rational(&BigRational::new(1.into(), 3.into())).unwrap();
        assert_eq!(multiply(third, 3), 1);
        let minus = rational(&BigRational::from(BigInt::from(-7))).unwrap();
        assert_eq!(add(minus, 7), 0);
        assert_eq!(multiply(PRIME - 1, PRIME - 1), 1);
    }
}
