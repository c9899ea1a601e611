//! Quantities of several units in running text: `2 hours and 30 minutes`, `5 kg 300 g`, 2小时30分钟.

use crate::lexer::is_han;
use crate::unit::Unit;

/// How far before a number the quantity that it ends may begin, in bytes.
const REACH: usize = 64;

/// Words between the parts.
const JOINING: [&str; 5] = ["and ", "，", ", ", "又", "零"];

/// Where the quantity that begins with the number at `start` ends, if it goes on in smaller units of the same kind.
pub(super) fn end_of(text: &str, start: usize) -> Option<usize> {
    let (mut unit, mut end) = part(text, start)?;
    let mut is_compound = false;
    while let Some((next, next_end)) = part(text, joined(text, end)) {
        if next.dimensions != unit.dimensions || next.scale >= unit.scale {
            break;
        }
        (unit, end, is_compound) = (next, next_end, true);
    }
    is_compound.then_some(end)
}

/// Where the quantity begins that holds the number at `start`, and where it ends.
pub(super) fn around(text: &str, start: usize) -> Option<(usize, usize)> {
    let earliest = text.floor_char_boundary(start.saturating_sub(REACH));
    let is_digit = |at: usize| text.as_bytes()[at].is_ascii_digit();
    let begins = |at: &usize| {
        let before = at.checked_sub(1).map(|before| text.as_bytes()[before]);
        is_digit(*at) && before.is_none_or(|mark| !mark.is_ascii_alphanumeric() && mark != b'.')
    };
    let mut places = (earliest..start).filter(begins);
    places.find_map(|begin| {
        let end = end_of(text, begin).filter(|end| *end > start)?;
        Some((begin, end))
    })
}

/// The unit of the number that begins here, and where its name ends.
fn part(text: &str, start: usize) -> Option<(Unit, usize)> {
    let rest = &text[start..];
    let number = rest.find(|mark: char| !mark.is_ascii_digit() && mark != '.')?;
    rest.starts_with(|mark: char| mark.is_ascii_digit()).then_some(())?;
    let behind = rest[number..].trim_start_matches([' ', '-']);
    let at = text.len() - behind.len();
    let (unit, length) = if behind.starts_with(is_han) { han(behind)? } else { word(behind)? };
    (!unit.dimensions.is_empty()).then_some((unit, at + length))
}

fn word(text: &str) -> Option<(Unit, usize)> {
    let length = text.find(|mark: char| !mark.is_ascii_alphabetic()).unwrap_or(text.len());
    Some((Unit::named(&text[..length]).filter(|_| length > 0)?, length))
}

/// The longest name of a unit that a text in Chinese begins with.
fn han(text: &str) -> Option<(Unit, usize)> {
    let ends = text.char_indices().take_while(|(_, mark)| is_han(*mark)).take(4);
    let ends: Vec<usize> = ends.map(|(at, mark)| at + mark.len_utf8()).collect();
    ends.into_iter().rev().find_map(|end| Some((Unit::named(&text[..end])?, end)))
}

/// Where the next part may begin.
fn joined(text: &str, end: usize) -> usize {
    let mut rest = text[end..].trim_start_matches(' ');
    for word in JOINING {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    text.len() - rest.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::around;

    #[test]
    fn parts_in_ever_smaller_units_are_one_quantity() {
        for (text, expected) in [
            ("It takes 2 hours and 30 minutes.", Some("2 hours and 30 minutes")),
            ("It takes 1 hour, 5 minutes and 30 seconds", Some("1 hour, 5 minutes and 30 seconds")),
            ("5 kg 300 g in total", Some("5 kg 300 g")),
            ("一共用了2小时30分钟。", Some("2小时30分钟")),
            ("He is 5 feet 3 inches tall.", Some("5 feet 3 inches")),
            ("30 minutes and 2 hours", None),
            ("2 hours and 30 apples", None),
            ("2 hours. 30 minutes", None),
            ("3 and 5 minutes", None),
        ] {
            let last = text.rfind(|mark: char| mark.is_ascii_digit()).expect("a digit");
            let start = text[..last].trim_end_matches(|mark: char| mark.is_ascii_digit()).len();
            let found = around(text, start).map(|(begin, end)| &text[begin..end]);
            assert_eq!(found, expected, "{text}");
        }
    }
}
