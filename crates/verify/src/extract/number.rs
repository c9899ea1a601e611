//! Numbers and arithmetic in running text.

use std::ops::Range;

use super::{Behind, Candidate, Kind, compound, run};
use crate::unit::{self, grammar};

/// How many numbers are tried from the end.
const MAX_TRIES: usize = 8;

/// Signs that arithmetic in a line is made of.
const ARITHMETIC: &str = "0123456789.,+-*/^()×÷: ";

/// The last numbers of the text outside its mathematics, each with the arithmetic it ends.
pub(super) fn last<'a>(text: &'a str, math: &[Range<usize>]) -> Vec<(usize, Candidate<'a>)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut end = bytes.len();
    while found.len() < MAX_TRIES {
        let Some(last) = bytes[..end].iter().rposition(u8::is_ascii_digit) else { break };
        // What could not be read as mathematics is no number for having one in it.
        let passage = math.partition_point(|range| range.start <= last).checked_sub(1);
        if let Some(passage) = passage.map(|index| &math[index]).filter(|range| last < range.end) {
            end = passage.start;
            continue;
        }
        let start = number_start(text, last);
        if stands_alone(text, start) && !is_exponent_of_unit(text, start) {
            found.extend(candidates(text, start, last + 1));
        }
        end = start.min(last);
    }
    found
}

/// The last `三分之一` of a text.
pub(super) fn last_chinese_fraction(text: &str) -> Option<(usize, Candidate<'_>)> {
    let numeral =
        |mark: char| mark.is_ascii_digit() || "零一二两三四五六七八九十百千万".contains(mark);
    let at = text.rfind("分之")?;
    let start = text[..at].trim_end_matches(numeral).len();
    let behind = &text[at + "分之".len()..];
    let end = text.len() - behind.trim_start_matches(numeral).len();
    let is_whole = start < at && end > at + "分之".len();
    let candidate =
        Candidate { parts: vec![&text[start..end]], kind: Kind::Plain, behind: Behind::Nothing };
    is_whole.then_some((end, candidate))
}

/// The first number behind a place; one behind an equals sign goes before it.
pub(super) fn first<'a>(
    text: &'a str,
    from: usize,
    sentence: &str,
) -> Option<(usize, Candidate<'a>)> {
    let stop = from + (text.len() - from).min(sentence.len() + 8);
    let stop = (from..=stop).rev().find(|end| text.is_char_boundary(*end))?;
    let part = &text[from..stop];
    let begin = part.find('=').map_or(0, |at| at + 1);
    let mut at = from + begin;
    loop {
        let digit = at + text.as_bytes()[at..stop].iter().position(u8::is_ascii_digit)?;
        if digit - from > super::anchor::REACH {
            return None;
        }
        let mut end = digit;
        while end < stop
            && (text.as_bytes()[end].is_ascii_digit() || continues(text.as_bytes(), end))
        {
            end += 1;
        }
        let start = number_start(text, end - 1);
        if let Some(end) = compound::end_of(text, start).filter(|_| stands_alone(text, start)) {
            return Some((end, quantity(&text[start..end])));
        }
        if stands_alone(text, start) {
            let end = arithmetic_end(text, end, stop);
            let (behind, _) = Behind::of(&text[end..]);
            let start = start - currency_before(text, start);
            let candidate = Candidate { parts: vec![&text[start..end]], kind: Kind::Plain, behind };
            return Some((end, candidate));
        }
        at = end;
    }
}

/// The end of the arithmetic that goes on behind a number.
fn arithmetic_end(text: &str, end: usize, stop: usize) -> usize {
    let run =
        text[end..stop].find(|mark| !ARITHMETIC.contains(mark)).map_or(stop, |length| end + length);
    let run =
        text[..run].trim_end_matches(|mark: char| !mark.is_ascii_digit() && mark != ')').len();
    if text[end..run.max(end)].contains(['/', '*', '^', '+', '×', '÷', ':']) { run } else { end }
}

/// Whether a point or comma here stands inside a number.
fn continues(bytes: &[u8], at: usize) -> bool {
    matches!(bytes[at], b'.' | b',')
        && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
        && at > 0
        && bytes[at - 1].is_ascii_digit()
}

/// Where the number that ends with the digit at `last` begins, its sign included.
fn number_start(text: &str, last: usize) -> usize {
    let bytes = text.as_bytes();
    let mut start = last;
    while start > 0
        && (bytes[start - 1].is_ascii_digit()
            || (matches!(bytes[start - 1], b'.' | b',')
                && (start < 2 || bytes[start - 2].is_ascii_digit() || bytes[start - 1] == b'.')))
    {
        start -= 1;
    }
    let sign = start > 0
        && bytes[start - 1] == b'-'
        && (start < 2 || !bytes[start - 2].is_ascii_alphanumeric());
    if sign { start - 1 } else { start }
}

/// A number that a letter precedes is part of a name.
fn stands_alone(text: &str, start: usize) -> bool {
    text[..start]
        .chars()
        .next_back()
        .is_none_or(|before| !before.is_ascii_alphabetic() && before != '_' && before != '\\')
}

/// Whether the number that begins here is the exponent of a unit, and of one that stands behind mathematics or is a quotient:
/// `$5$ cm^2`, `2.7 g/cm^3`.
fn is_exponent_of_unit(text: &str, start: usize) -> bool {
    let Some(powered) = text[..start].strip_suffix('^') else { return false };
    let is_name = |mark: char| mark.is_ascii_alphabetic() || matches!(mark, '/' | '·');
    let before = powered.trim_end_matches(is_name);
    let name = &powered[before.len()..];
    let stands_behind_mathematics = before.trim_end().ends_with(['$', '}', ')', ']']);
    (stands_behind_mathematics || name.contains(['/', '·'])) && grammar::whole(name).is_some()
}

/// The notation that the number belongs to, and the number alone.
fn candidates(text: &str, start: usize, end: usize) -> Vec<(usize, Candidate<'_>)> {
    let candidate = |part, end: usize| {
        let behind = match Behind::of(&text[end..]) {
            // Far away it is about something else.
            (Behind::Percent, Some(length)) if length >= 16 => Behind::Nothing,
            (behind, _) => behind,
        };
        (end, Candidate { parts: vec![part], kind: Kind::Plain, behind })
    };
    if let Some((begin, end)) = compound::around(text, start) {
        return vec![(end, quantity(&text[begin..end]))];
    }
    let notation = run::around(text, start, end).map(|(end, notation)| candidate(notation, end));
    let begin = start - currency_before(text, start);
    notation.into_iter().chain([candidate(&text[begin..end], end)]).collect()
}

/// A quantity with its units.
fn quantity(part: &str) -> Candidate<'_> {
    Candidate { parts: vec![part], kind: Kind::Plain, behind: Behind::Nothing }
}

/// The length of the sign of a currency that touches the number which begins here, and so makes an amount of it.
fn currency_before(text: &str, start: usize) -> usize {
    let sign = text[..start].chars().next_back().filter(|sign| unit::currency(*sign).is_some());
    sign.filter(|_| !text[start..].starts_with('-')).map_or(0, char::len_utf8)
}
