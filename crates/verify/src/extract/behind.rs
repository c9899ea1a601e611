//! What stands right behind an answer and belongs to it: a per cent sign, or the unit of a value.

use crate::unit::Unit;
use crate::unit::grammar;

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
    let written = grammar::read(trimmed)?;
    let behind = &trimmed[written.length..];
    // A letter that touches a number may be a factor, and a single one in prose an article: `5 A-rated ones`.
    let is_letter = trimmed.starts_with(|mark: char| mark.is_ascii_alphabetic());
    let touches = trimmed.len() == near.len();
    let is_lone = is_letter && written.length == 1;
    let goes_on = behind.starts_with([' ', '-']);
    if is_lone && (touches || goes_on) {
        return None;
    }
    let ends = !behind.starts_with(|mark: char| mark.is_ascii_alphanumeric() || mark == '\\');
    let unit = written.unit();
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
