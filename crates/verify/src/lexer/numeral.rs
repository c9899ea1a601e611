//! Numerals with a base, raised and lowered digits, and fractions that are one character.

use super::{Lexer, Token};
use crate::number::{Literal, in_base};

/// Names of bases, from two on.
pub(crate) const BASES: [&str; 15] = [
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen",
];

/// Commands that set digits upright.
const UPRIGHT: [&str; 4] = ["\\text{", "\\mathrm{", "\\textrm{", "\\texttt{"];

/// The base that a number or its name says.
pub(crate) fn base_named(name: &str) -> Option<u32> {
    if let Ok(base) = name.parse() {
        return Some(base);
    }
    let lower = name.to_lowercase();
    let index = BASES.iter().position(|each| *each == lower)?;
    u32::try_from(index + 2).ok()
}

/// The base of a phrase such as `in base 2` or `base-eight`.
pub(super) fn base_of(phrase: &str) -> Option<u32> {
    let phrase = phrase.trim().trim_start_matches('(').trim_end_matches(')');
    let rest = phrase.strip_prefix("in ").unwrap_or(phrase).strip_prefix("base")?;
    base_named(rest.trim_matches([' ', '-', '~']))
}

/// The digit or sign that a raised character is.
fn raised(mark: char) -> Option<char> {
    Some(match mark {
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁰' | '⁴'..='⁹' => char::from_digit(u32::from(mark) - u32::from('⁰'), 10)?,
        '⁺' => '+',
        '⁻' => '-',
        'ⁿ' => 'n',
        _ => return None,
    })
}

/// The digit that a lowered character is.
fn lowered(mark: char) -> Option<char> {
    ('₀'..='₉').contains(&mark).then(|| char::from_digit(u32::from(mark) - u32::from('₀'), 10))?
}

/// Numerator and denominator of a fraction that is one character.
fn vulgar(mark: char) -> Option<(&'static str, &'static str)> {
    Some(match mark {
        '½' => ("1", "2"),
        '⅓' => ("1", "3"),
        '⅔' => ("2", "3"),
        '¼' => ("1", "4"),
        '¾' => ("3", "4"),
        '⅕' => ("1", "5"),
        '⅖' => ("2", "5"),
        '⅗' => ("3", "5"),
        '⅘' => ("4", "5"),
        '⅙' => ("1", "6"),
        '⅚' => ("5", "6"),
        '⅐' => ("1", "7"),
        '⅛' => ("1", "8"),
        '⅜' => ("3", "8"),
        '⅝' => ("5", "8"),
        '⅞' => ("7", "8"),
        '⅑' => ("1", "9"),
        '⅒' => ("1", "10"),
        _ => return None,
    })
}

impl Lexer {
    /// `10⁻³`, `x₁`, `⅔`.
    pub(super) fn small_digits(&mut self, mark: char) -> bool {
        if let Some((above, below)) = vulgar(mark) {
            self.at += 1;
            self.push(Token::Command("frac"));
            self.grouped(above);
            self.grouped(below);
            return true;
        }
        for (sign, plain) in [('^', raised as fn(char) -> Option<char>), ('_', lowered)] {
            let run: String =
                self.chars[self.at..].iter().take(32).map_while(|mark| plain(*mark)).collect();
            if !run.is_empty() {
                self.at += run.chars().count();
                self.push(Token::Mark(sign));
                self.grouped(&run);
                return true;
            }
        }
        false
    }

    /// Digits, letters and signs as a group.
    fn grouped(&mut self, run: &str) {
        self.push(Token::Mark('{'));
        let mut rest = run;
        while let Some(mark) = rest.chars().next() {
            let digits =
                rest.len() - rest.trim_start_matches(|mark: char| mark.is_ascii_digit()).len();
            let length = digits.max(mark.len_utf8());
            self.push(match mark {
                '0'..='9' => Token::Number(Literal::integer(&rest[..digits])),
                '+' | '-' | '(' | ')' => Token::Mark(mark),
                letter => Token::Letter(letter),
            });
            rest = &rest[length..];
        }
        self.push(Token::Mark('}'));
    }

    /// `1011 base 2`, `1011 (base 2)`, `1011 in base two`: the phrase becomes a subscript.
    pub(super) fn base_phrase(&mut self) -> bool {
        if !matches!(self.last(), Some(Token::Number(_) | Token::Mark(')'))) {
            return false;
        }
        let rest: String = self.chars[self.at..].iter().take(24).collect();
        let inner = rest.strip_prefix('(').unwrap_or(&rest);
        let Some(after) = inner.strip_prefix("in ").unwrap_or(inner).strip_prefix("base") else {
            return false;
        };
        let named = after.trim_start_matches([' ', '-', '~']);
        let name = named.split(|mark: char| !mark.is_ascii_alphanumeric()).next().unwrap_or("");
        let Some(base) = base_named(name) else { return false };
        let end = rest.len() - named.len() + name.len();
        let closes = rest.starts_with('(') && rest[end..].starts_with(')');
        if rest.starts_with('(') && !closes {
            return false;
        }
        self.at += rest[..end].chars().count() + usize::from(closes);
        self.subscript(base);
        true
    }

    /// A base behind a numeral.
    pub(super) fn subscript(&mut self, base: u32) {
        self.push(Token::Mark('_'));
        self.push(Token::Number(Literal::integer(&base.to_string())));
    }

    /// `2AF_{16}`, `(2AF)_{16}`, `\text{2AF}_{16}`: letters that are digits, known by the base behind them.
    pub(super) fn lettered_numeral(&mut self) -> bool {
        let rest: String = self.chars[self.at..].iter().take(64).collect();
        let Some((length, value)) = lettered(&rest) else { return false };
        self.at += rest[..length].chars().count();
        self.push(Token::Number(value));
        true
    }

    /// `0x2AF` and `0b1011`.
    pub(super) fn prefixed_numeral(&mut self) -> bool {
        let base = match self.ahead(1) {
            Some('x') => 16,
            Some('b') => 2,
            _ => return false,
        };
        let digits: String = self.chars[self.at + 2..]
            .iter()
            .take(64)
            .take_while(|mark| mark.is_ascii_alphanumeric())
            .collect();
        let Some(value) = in_base(&digits, base) else { return false };
        self.at += 2 + digits.len();
        self.push(Token::Number(Literal { value, is_decimal: false, digits: String::new() }));
        true
    }
}

/// The length of a numeral with letters among its digits, and its value.
fn lettered(text: &str) -> Option<(usize, Literal)> {
    let mut rest = text;
    let bracketed = rest.starts_with('(');
    rest = rest.strip_prefix('(').unwrap_or(rest);
    let mut digits = String::new();
    loop {
        let upright = UPRIGHT.iter().find_map(|command| rest.strip_prefix(command));
        let run = upright.unwrap_or(rest);
        let length = run
            .find(|mark: char| !mark.is_ascii_digit() && !('A'..='F').contains(&mark))
            .unwrap_or(run.len());
        if length == 0 {
            break;
        }
        digits.push_str(&run[..length]);
        rest = &run[length..];
        if upright.is_some() {
            rest = rest.strip_prefix('}')?;
        }
    }
    if bracketed {
        rest = rest.strip_prefix(')')?;
    }
    let below = rest.strip_prefix('_')?;
    let (base, after) = match below.strip_prefix('{') {
        Some(group) => group.split_once('}')?,
        None => (below.get(..2)?, below.get(2..)?),
    };
    let base = base.trim_matches(['(', ')', ' ']);
    let base: u32 = base.parse().ok().filter(|base| (11..=36).contains(base))?;
    // `C_{20}^3` is about choices, and a lone letter with a subscript a name.
    let is_name = digits.len() < 2 || after.trim_start().starts_with('^');
    if is_name || !digits.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let value = in_base(&digits, base)?;
    Some((text.len() - after.len(), Literal { value, is_decimal: false, digits: String::new() }))
}

#[cfg(test)]
mod tests {
    use super::{base_of, lettered};

    #[test]
    fn letters_are_digits_before_a_base() {
        for (text, expected) in [
            ("2AF_{16}", Some("687")),
            ("FC_{16}", Some("252")),
            (r"\text{2AF}_{16}", Some("687")),
            (r"2\text{AF}_{16}", Some("687")),
            ("(2AF)_{16}", Some("687")),
            ("A9_12", Some("129")),
            ("AF_{3}", None),
            ("C_{20}^3", None),
            ("AB", None),
        ] {
            let value = lettered(text).map(|(_, literal)| literal.value.to_string());
            assert_eq!(value.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn phrases_name_a_base() {
        assert_eq!(base_of("(base 2)"), Some(2));
        assert_eq!(base_of("in base eight"), Some(8));
        assert_eq!(base_of("basement"), None);
    }
}
