//! Numbers as they are written: digits, separators, repeating decimals, exponents, bases.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Pow, Zero};

/// The largest power of ten a literal may carry.
const MAX_EXPONENT: i64 = 5_000;

/// A literal: its value, and whether it has a decimal point or an exponent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Literal {
    pub(crate) value: BigRational,
    pub(crate) is_decimal: bool,
    /// The digits as written, which `\frac12` and bases need.
    pub(crate) digits: String,
}

fn big(digits: &str) -> BigInt {
    digits.parse().unwrap_or_default()
}

fn ten(exponent: usize) -> BigInt {
    Pow::pow(BigInt::from(10), exponent)
}

impl Literal {
    /// An integer from its digits.
    pub(crate) fn integer(digits: &str) -> Self {
        Self { value: big(digits).into(), is_decimal: false, digits: digits.to_owned() }
    }

    /// `whole.fraction`, with the last digits of the fraction repeated for ever.
    pub(crate) fn decimal(whole: &str, fraction: &str, repeating: &str) -> Self {
        let places = fraction.len();
        let mut value = BigRational::new(big(&format!("0{whole}{fraction}")), ten(places));
        if !repeating.is_empty() {
            let nines = ten(repeating.len()) - 1;
            value += BigRational::new(big(repeating), nines * ten(places));
        }
        // A repeating decimal is exact.
        Self { value, is_decimal: repeating.is_empty(), digits: String::new() }
    }

    /// `0.1666…`: a block of digits that stands at the end twice, or three times if it is one digit, goes on; else the
    /// digits are as good as they are.
    pub(crate) fn continued(whole: &str, fraction: &str) -> Self {
        let ends_in = |block: &str, times: usize| fraction.ends_with(&block.repeat(times));
        let block = (1..=fraction.len().min(40) / 2)
            .map(|length| &fraction[fraction.len() - length..])
            .find(|block| ends_in(block, if block.len() == 1 { 3 } else { 2 }));
        // What the digits after the last one are is a guess, so the value is no more exact than it is written.
        Self { is_decimal: true, ..Self::decimal(whole, fraction, block.unwrap_or_default()) }
    }

    /// The literal times a power of ten.
    pub(crate) fn scaled(mut self, exponent: i64) -> Option<Self> {
        if exponent.abs() > MAX_EXPONENT {
            return None;
        }
        let factor = BigRational::from(ten(usize::try_from(exponent.unsigned_abs()).ok()?));
        if exponent < 0 {
            self.value /= factor;
        } else {
            self.value *= factor;
        }
        self.is_decimal = exponent < 0 || !self.value.is_integer();
        self.digits.clear();
        Some(self)
    }
}

/// Digits read in a base from 2 to 36.
pub(crate) fn in_base(digits: &str, base: u32) -> Option<BigRational> {
    if !(2..=36).contains(&base) || digits.is_empty() {
        return None;
    }
    let mut value = BigInt::zero();
    for digit in digits.chars() {
        value = value * base + digit.to_digit(base)?;
    }
    Some(value.into())
}
