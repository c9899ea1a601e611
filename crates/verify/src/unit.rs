//! Units of measurement: a scale and powers of base units.

pub(crate) mod grammar;
mod table;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Pow};

use table::{COUNTERS, PREFIXABLE, PREFIXES, TABLE};

/// A product of powers of base units, with a scale.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unit {
    /// How many of the base units one of it is.
    pub(crate) scale: BigRational,
    /// Base units with their exponents, sorted by name; degrees of angle are `deg`.
    pub(crate) dimensions: Vec<(&'static str, i32)>,
}

impl Unit {
    /// A unit that counts and scales nothing.
    pub(crate) fn count() -> Self {
        Self { scale: BigRational::one(), dimensions: Vec::new() }
    }

    /// The unit of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        if name.contains(['\u{b5}', '\u{2126}']) {
            return Self::named(&with_greek(name));
        }
        if COUNTERS.contains(&name) {
            return Some(Self::count());
        }
        let lower = name.to_lowercase();
        let compound = compound_name(name)
            .or_else(|| if lower == name { None } else { compound_name(&lower) });
        if compound.is_some() {
            return compound;
        }
        // `T` is no ton.
        let folded = || if name.len() > 1 { entry(&lower) } else { None };
        entry(name).or_else(|| prefixed(name)).or_else(folded)
    }

    /// The unit that most of the first words of a phrase name, at least so many of them, and the length of its name. `in`
    /// before a word is no inch: `80 dollars in total`.
    pub(crate) fn leading(phrase: &str, at_least: usize) -> Option<(Self, usize)> {
        let mut ends: Vec<usize> = phrase.match_indices([' ', '-']).map(|(at, _)| at).collect();
        ends.push(phrase.len());
        let named = |(place, end): (usize, usize)| {
            let name = &phrase[..end];
            let is_inch = name != "in" || end == phrase.len();
            if name.ends_with([' ', '-']) {
                return None;
            }
            let unit = Self::named(name).filter(|_| is_inch && place + 1 >= at_least)?;
            Some((unit, end))
        };
        ends.into_iter().enumerate().rev().find_map(named)
    }

    /// The unit of a symbol, in a place where only a unit can stand: `C` and `F` among them.
    pub(crate) fn symbol(name: &str) -> Option<Self> {
        let of_prefixable = PREFIXABLE.iter().find(|(symbol, ..)| *symbol == name);
        match of_prefixable {
            Some((_, dimensions, scale, _)) => {
                Some(Self { scale: quotient(*scale), dimensions: dimensions.to_vec() })
            }
            None => entry(name),
        }
    }

    /// The unit of a symbol of the SI, with or without a prefix.
    pub(crate) fn of_si(name: &str) -> Option<Self> {
        let is_symbol = PREFIXABLE.iter().any(|(symbol, ..)| *symbol == name);
        let is_plain = matches!(name, "kg" | "K" | "cm" | "mm" | "km") || is_symbol;
        if is_plain { Self::symbol(name) } else { prefixed(name) }
    }

    /// The unit raised to a power.
    pub(crate) fn power(&self, exponent: i32) -> Self {
        let dimensions = self
            .dimensions
            .iter()
            .map(|&(base, power)| (base, power.saturating_mul(exponent)))
            .collect();
        Self { scale: Pow::pow(&self.scale, exponent.clamp(-9, 9)), dimensions }
    }

    /// The product of two units.
    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut powers = std::collections::BTreeMap::new();
        for &(base, power) in self.dimensions.iter().chain(&other.dimensions) {
            *powers.entry(base).or_insert(0_i32) += power;
        }
        let dimensions = powers.into_iter().filter(|&(_, power)| power != 0).collect();
        Self { scale: &self.scale * &other.scale, dimensions }
    }

    /// Whether it is an angle in degrees.
    pub(crate) fn is_degrees(&self) -> bool {
        self.dimensions == [("deg", 1)]
    }
}

/// The unit of a name in the table.
fn entry(name: &str) -> Option<Unit> {
    let entry = TABLE.iter().find(|entry| entry.names.contains(&name))?;
    Some(Unit { scale: quotient(entry.scale), dimensions: entry.dimensions.to_vec() })
}

fn quotient((above, below): (i128, i128)) -> BigRational {
    BigRational::new(BigInt::from(above), BigInt::from(below))
}

/// `kN`, `mA`, `MPa`, `μm`: a symbol of the SI behind one of its prefixes.
fn prefixed(name: &str) -> Option<Unit> {
    let first = name.chars().next()?;
    let (prefix, symbol) = name.split_at(first.len_utf8());
    let (_, dimensions, scale, _) = PREFIXABLE
        .iter()
        .find(|(wanted, .., prefixes)| *wanted == symbol && prefixes.contains(first))?;
    let (_, factor) = PREFIXES.iter().find(|(names, _)| names.contains(&prefix))?;
    Some(Unit { scale: quotient(*scale) * quotient(*factor), dimensions: dimensions.to_vec() })
}

/// A text whose micro and ohm are single signs: `\mu m` is `μm`.
pub(crate) fn with_greek(text: &str) -> String {
    // U+2126 is the sign of the ohm, U+00B5 that of micro.
    let text = text.replace("\\Omega", "Ω").replace('\u{2126}', "Ω");
    ["\\mu ", "\\mu", "\u{b5}"].iter().fold(text, |text, micro| text.replace(micro, "μ"))
}

/// The name of the currency whose sign stands before its amounts.
pub(crate) fn currency(sign: char) -> Option<&'static str> {
    Some(match sign {
        '$' => "dollar",
        '€' => "euro",
        '£' => "£",
        '¥' | '￥' => "yuan",
        '₹' => "rupee",
        _ => return None,
    })
}

/// `square feet`, `miles per hour`, `km/h`, `mph`, `seconds squared`.
fn compound_name(name: &str) -> Option<Unit> {
    for (word, exponent) in [
        ("square ", 2),
        ("sq ", 2),
        ("sq. ", 2),
        ("cubic ", 3),
        ("cu ", 3),
        ("平方", 2),
        ("立方", 3),
    ] {
        if let Some(rest) = name.strip_prefix(word)
            && !rest.trim_start().starts_with("unit")
        {
            return Some(Unit::named(rest)?.power(exponent));
        }
    }
    for separator in [" per ", " an ", " a "] {
        if let Some((above, below)) = name.split_once(separator) {
            return Some(Unit::named(above)?.times(&Unit::named(below)?.power(-1)));
        }
    }
    let powers = [(" squared", 2), (" cubed", 3)];
    let (base, exponent) =
        powers.iter().find_map(|(end, exponent)| Some((name.strip_suffix(end)?, *exponent)))?;
    Some(Unit::named(base)?.power(exponent))
}
