//! What stands right behind an answer and belongs to it: a per cent sign, or the unit of a value.

use crate::lexer::is_han;
use crate::unit::Unit;

/// The longest name of a unit, in bytes.
const LONGEST: usize = 48;

/// What belongs to the answer before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Behind {
    #[default]
    Nothing,
    Percent,
    Unit(Unit),
}

impl Behind {
    /// What a text begins with, closing delimiters passed over, and the length of a per cent sign.
    pub(super) fn of(rest: &str) -> (Self, Option<usize>) {
        if let Some(length) = percentage(rest) {
            return (Self::Percent, Some(length));
        }
        (unit(rest).map_or(Self::Nothing, Self::Unit), None)
    }
}

/// Whether a per cent sign or word stands at the beginning, closing delimiters passed over; and where it ends.
fn percentage(rest: &str) -> Option<usize> {
    let trimmed = rest.trim_start_matches(['$', ' ', '}', '*']);
    let trimmed = trimmed
        .strip_prefix("\\)")
        .or_else(|| trimmed.strip_prefix("\\]"))
        .unwrap_or(trimmed)
        .trim_start();
    let signs = ["\\%", "%", "percentage", "percent", "pct", "Percent", "Pct", "个百分点"];
    let sign = signs.iter().find(|sign| trimmed.starts_with(**sign))?;
    // Percentage points are counted, and "percent sign" is about the sign.
    Some(rest.len() - trimmed.len() + sign.len())
}

/// The unit at the beginning: ` cm^2`, `$ square feet`, `厘米`, `}\text{ km}/h`. What only counts has no bearing.
fn unit(rest: &str) -> Option<Unit> {
    let near = &rest[..rest.floor_char_boundary(2 * LONGEST)];
    let trimmed = without_closers(near);
    let (first, length) = named(trimmed)?;
    // A letter that touches a number may be a factor.
    let touches = length == 1 && trimmed.len() == near.len();
    (!touches).then_some(())?;
    let (mut unit, mut behind) = match quotient(trimmed) {
        Some((above, below, length)) => {
            let (below, behind) = powered(below, &trimmed[length..]);
            (above.times(&below.power(-1)), behind)
        }
        None => powered(first, &trimmed[length..]),
    };
    if let Some(below) = behind.strip_prefix('/')
        && let Some((divisor, length)) = named(below)
    {
        let (divisor, rest) = powered(divisor, &below[length..]);
        unit = unit.times(&divisor.power(-1));
        behind = rest;
    }
    let ends = !behind.starts_with(|mark: char| mark.is_ascii_alphanumeric() || mark == '\\');
    (ends && !unit.dimensions.is_empty()).then_some(unit)
}

/// A text without what closes the mathematics before it.
fn without_closers(text: &str) -> &str {
    let mut rest = text;
    loop {
        let before = rest.len();
        rest = rest.trim_start_matches(['$', ' ', '}', '*', '~']);
        for closer in ["\\)", "\\]", "\\,", "\\;", "\\ "] {
            rest = rest.strip_prefix(closer).unwrap_or(rest);
        }
        if rest.len() == before {
            return rest;
        }
    }
}

/// The text of an upright group that a text begins with, and the length of the whole.
fn upright(text: &str) -> Option<(&str, usize)> {
    ["\\text{", "\\mathrm{", "\\textrm{", "\\mbox{"].into_iter().find_map(|command| {
        let (inner, _) = text.strip_prefix(command)?.split_once('}')?;
        Some((inner, command.len() + inner.len() + 1))
    })
}

/// Both units of an upright quotient, of which an exponent behind it raises the second: `\text{g/cm}^3`.
fn quotient(text: &str) -> Option<(Unit, Unit, usize)> {
    let (inner, length) = upright(text)?;
    let (above, below) = Unit::quotient_named(inner)?;
    Some((above, below, length))
}

/// The unit that a text begins with by name, upright in LaTeX, in words or in Chinese; and the length of the name.
fn named(text: &str) -> Option<(Unit, usize)> {
    if let Some((inner, length)) = upright(text) {
        return Some((Unit::named(inner)?, length));
    }
    if text.starts_with(is_han) {
        let run = &text[..text.find(|mark| !is_han(mark)).unwrap_or(text.len())];
        let ends = run.char_indices().map(|(at, mark)| at + mark.len_utf8());
        let ends: Vec<usize> = ends.take(8).collect();
        return ends.into_iter().rev().find_map(|end| Some((Unit::named(&run[..end])?, end)));
    }
    let words = |mark: char| mark.is_ascii_alphabetic() || mark == ' ' || mark == '-';
    let phrase = text[..text.find(|mark| !words(mark)).unwrap_or(text.len())].trim_end();
    let (unit, length) = Unit::leading(phrase, 1)?;
    // A single letter ends a phrase or is no unit: `5 m.`, but not `5 A-rated ones`.
    (length > 1 || phrase.len() == 1).then_some((unit, length))
}

/// A unit with the exponent behind it, and what follows.
fn powered(unit: Unit, rest: &str) -> (Unit, &str) {
    for (written, exponent) in [("^2", 2), ("^{2}", 2), ("²", 2), ("^3", 3), ("^{3}", 3), ("³", 3)]
    {
        if let Some(behind) = rest.strip_prefix(written) {
            return (unit.power(exponent), behind);
        }
    }
    (unit, rest)
}
