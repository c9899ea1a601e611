//! Numbers in running text: separators of thousands, decimal points, repeating digits, exponents.

use super::{Lexer, Token};
use crate::number::Literal;

/// The most digits of a literal; turning digits into a number takes quadratic time.
const MAX_DIGITS: usize = 10_000;
/// The most characters of a repeating part.
const MAX_REPEATING: usize = 400;

/// Whether every comma outside brackets stands between groups of three digits, so that commas separate thousands.
pub(super) fn commas_group(chars: &[char]) -> bool {
    let mut depth = 0_i32;
    let mut found = false;
    for (at, mark) in chars.iter().enumerate() {
        match mark {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 && at > 0 && chars[at - 1] != '{' => {
                if !is_group(chars, at) || !starts_number(chars, at) {
                    return false;
                }
                found = true;
            }
            _ => {}
        }
    }
    found
}

/// Whether exactly three digits follow the separator at this place.
fn is_group(chars: &[char], at: usize) -> bool {
    let digit = |index: usize| chars.get(index).is_some_and(char::is_ascii_digit);
    (1..=3).all(|step| digit(at + step)) && !digit(at + 4)
}

/// Whether up to three digits, or a longer grouped number, end before this place.
fn starts_number(chars: &[char], at: usize) -> bool {
    let run = chars[..at].iter().rev().take_while(|mark| mark.is_ascii_digit()).count();
    let before = at.checked_sub(run + 1).map(|index| chars[index]);
    let is_zero = run == 1 && chars[at - 1] == '0';
    match before {
        Some(',') => run == 3,
        Some('.') => false,
        _ => (1..=3).contains(&run) && !is_zero,
    }
}

impl Lexer {
    pub(super) fn number(&mut self) -> Option<()> {
        let whole = self.whole();
        if whole.len() > MAX_DIGITS {
            return None;
        }
        let mut literal = Literal::integer(&whole);
        if self.peek() == Some('.') {
            let digits = self.ahead(1).is_some_and(|next| next.is_ascii_digit());
            if digits || self.repeats_at(1) {
                self.at += 1;
                let fraction = self.digits();
                let repeating = self.repeating();
                if fraction.len() + repeating.len() > MAX_DIGITS {
                    return None;
                }
                literal = Literal::decimal(&whole, &fraction, &repeating);
                if self.skip_ellipsis() && repeating.is_empty() {
                    literal = Literal::continued(&whole, &fraction);
                }
            }
        }
        if let Some(exponent) = self.exponent() {
            literal = literal.scaled(exponent)?;
        }
        self.push(Token::Number(literal));
        Some(())
    }

    /// Whether `…` follows, which is passed.
    fn skip_ellipsis(&mut self) -> bool {
        let written = ["\\ldots", "\\dots", "\\cdots", "...", "…"];
        let dots = written.iter().find(|dots| self.looking_at(dots));
        self.at += dots.map_or(0, |dots| dots.chars().count());
        dots.is_some()
    }

    fn digits(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|next| next.is_ascii_digit()) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    /// The digits before the point, with groups of thousands put together.
    fn whole(&mut self) -> String {
        let mut whole = self.digits();
        if whole.is_empty() || whole.len() > 3 || whole.starts_with('0') {
            return whole;
        }
        while let Some(width) = self.separator_width() {
            let start = self.at + width;
            whole.extend(&self.chars[start..start + 3]);
            self.at = start + 3;
        }
        whole
    }

    /// The length of a separator of thousands here, if three digits and no more follow it.
    fn separator_width(&self) -> Option<usize> {
        let mut separators = vec!["{,}", "\\,", "{\\,}", "\\ ", "~", " ", "\\;", "\\:", "{ }"];
        if self.commas_group {
            separators.push(",");
        }
        let found = separators.into_iter().find(|separator| self.looking_at(separator))?;
        let width = found.chars().count();
        let digit =
            |step: usize| self.ahead(width + step).is_some_and(|next| next.is_ascii_digit());
        // `1 200/7` is a mixed number with a slip, or two numbers, but no group of thousands.
        let slash = found == " " && self.ahead(width + 3) == Some('/');
        ((0..3).all(digit) && !digit(3) && !slash).then_some(width)
    }

    /// Whether a repeating part begins this far ahead.
    pub(super) fn repeats_at(&self, steps: usize) -> bool {
        let rest: String = self.chars[self.at..].iter().skip(steps).take(24).collect();
        repeating(&rest).is_some()
    }

    /// The digits of `\overline{3}`, `\bar 3`, `\dot{3}` or, right behind the point, `(3)`.
    fn repeating(&mut self) -> String {
        let behind_digits = self.chars[self.at - 1] != '.';
        if self.peek() == Some('(') && behind_digits {
            return String::new();
        }
        let rest: String = self.chars[self.at..].iter().take(MAX_REPEATING).collect();
        let Some((length, digits)) = repeating(&rest) else { return String::new() };
        self.at += length;
        digits
    }

    /// `e-10` right behind the digits.
    fn exponent(&mut self) -> Option<i64> {
        let mut end = 0;
        if !matches!(self.peek(), Some('e' | 'E')) {
            return None;
        }
        end += 1;
        if matches!(self.ahead(end), Some('+' | '-')) {
            end += 1;
        }
        let digits =
            self.chars[self.at + end..].iter().take_while(|next| next.is_ascii_digit()).count();
        let after = self.ahead(end + digits);
        if !(1..=4).contains(&digits)
            || after.is_some_and(|next| next.is_alphanumeric() || next == '^')
        {
            return None;
        }
        let text: String = self.chars[self.at + 1..self.at + end + digits].iter().collect();
        self.at += end + digits;
        text.trim_start_matches('+').parse().ok()
    }
}

/// The length of a repeating part that a text begins with, and its digits. Without braces TeX takes one digit.
fn repeating(text: &str) -> Option<(usize, String)> {
    if let Some(rest) = text.strip_prefix('(') {
        let length = digits_at(rest);
        let closes = length > 0 && rest[length..].starts_with(')');
        return closes.then(|| (length + 2, rest[..length].to_owned()));
    }
    let (at, mut digits) = dotted(text)?;
    // `\dot{1}23\dot{4}` marks the first and the last digit.
    if text.starts_with("\\dot") {
        let between = digits_at(&text[at..]);
        if let Some((length, last)) = dotted(&text[at + between..]) {
            digits.push_str(&text[at..at + between]);
            digits.push_str(&last);
            return Some((at + between + length, digits));
        }
    }
    Some((at, digits))
}

/// The length of `\overline{12}`, `\bar 3` or `\dot{3}`, and the digits in it.
fn dotted(text: &str) -> Option<(usize, String)> {
    let command =
        ["\\overline", "\\bar", "\\dot"].into_iter().find(|each| text.starts_with(each))?;
    let rest = &text[command.len()..];
    let open = rest.trim_start();
    let at = command.len() + rest.len() - open.len();
    if let Some(group) = open.strip_prefix('{') {
        let length = digits_at(group);
        let closes = length > 0 && group[length..].starts_with('}');
        return closes.then(|| (at + length + 2, group[..length].to_owned()));
    }
    (digits_at(open) > 0).then(|| (at + 1, open[..1].to_owned()))
}

fn digits_at(text: &str) -> usize {
    text.len() - text.trim_start_matches(|mark: char| mark.is_ascii_digit()).len()
}
