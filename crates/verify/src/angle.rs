//! Angles that are rational multiples of π, and the rational values of trigonometric functions at them.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use crate::exact::exact;
use crate::expression::{Arena, Constant, Function, Id, Node};
use crate::limits::Budget;

/// The value of a trigonometric function at qπ, where it is rational; by Niven's theorem sines are 0, ±1/2 and ±1 there.
pub(crate) fn circular(
    arena: &Arena,
    function: Function,
    argument: Id,
    budget: &Budget,
) -> Option<BigRational> {
    let angle = half_turns(arena, argument, budget)?;
    let quarter = fraction(1, 2);
    match function {
        Function::Sin => sine(&angle),
        Function::Cos => sine(&(angle + quarter)),
        Function::Tan => tangent(&angle),
        Function::Cot => tangent(&(quarter - angle)),
        Function::Sec => inverse(&sine(&(angle + quarter))?),
        Function::Csc => inverse(&sine(&angle)?),
        _ => None,
    }
}

/// q of an angle that is qπ.
fn half_turns(arena: &Arena, id: Id, budget: &Budget) -> Option<BigRational> {
    budget.spend(1)?;
    let inner = |id: Id| half_turns(arena, id, budget);
    match arena.node(id) {
        Node::Constant(Constant::Pi) => Some(BigRational::one()),
        Node::Rational(number) if number.is_zero() => Some(number.clone()),
        Node::Quantity(value, unit) if unit.is_degrees() => {
            Some(exact(arena, *value, budget)? * &unit.scale / BigInt::from(180))
        }
        Node::Sum(terms) => {
            terms.iter().try_fold(BigRational::zero(), |sum, term| Some(sum + inner(*term)?))
        }
        Node::Product(factors) => {
            let angle = |(place, id): (usize, &Id)| Some((place, inner(*id)?));
            let (at, angle) = factors.iter().enumerate().find_map(angle)?;
            let others = factors.iter().enumerate().filter(|(place, _)| *place != at);
            others
                .into_iter()
                .try_fold(angle, |angle, (_, factor)| Some(angle * exact(arena, *factor, budget)?))
        }
        _ => None,
    }
}

fn fraction(above: i64, below: i64) -> BigRational {
    BigRational::new(BigInt::from(above), BigInt::from(below))
}

/// sin(qπ).
fn sine(angle: &BigRational) -> Option<BigRational> {
    let two = fraction(2, 1);
    let turned = angle - &two * (angle / &two).floor();
    let sixths = turned * BigInt::from(6);
    let sixths = sixths.is_integer().then(|| sixths.to_integer())?;
    Some(match i64::try_from(sixths).ok()? {
        0 | 6 => fraction(0, 1),
        1 | 5 => fraction(1, 2),
        3 => fraction(1, 1),
        7 | 11 => fraction(-1, 2),
        9 => fraction(-1, 1),
        _ => return None,
    })
}

/// tan(qπ).
fn tangent(angle: &BigRational) -> Option<BigRational> {
    let fourths = (angle - angle.floor()) * BigInt::from(4);
    let fourths = fourths.is_integer().then(|| fourths.to_integer())?;
    Some(match i64::try_from(fourths).ok()? {
        0 => fraction(0, 1),
        1 => fraction(1, 1),
        3 => fraction(-1, 1),
        _ => return None,
    })
}

fn inverse(value: &BigRational) -> Option<BigRational> {
    (!value.is_zero()).then(|| value.recip())
}
