//! Characters before they are tokens: wide, typographic, hatted and bold forms become plain ones.

use std::borrow::Cow;

/// A text whose unit vectors are bold in the manner of Markdown, `2**i** + 3**j**`, without the stars. Where an operand
/// follows, they raise to a power.
pub(super) fn without_bold(source: &str) -> Cow<'_, str> {
    if !["**i**", "**j**", "**k**"].iter().any(|bold| source.contains(bold)) {
        return source.into();
    }
    let mut plain = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, behind)) = rest.split_once("**") {
        plain.push_str(before);
        let end = behind.get(1..).and_then(|end| end.strip_prefix("**"));
        let is_operand = |next: char| next.is_alphanumeric() || matches!(next, '(' | '\\' | '-');
        match end {
            Some(end)
                if behind.starts_with(['i', 'j', 'k'])
                    && (end.starts_with(' ') || !end.starts_with(is_operand)) =>
            {
                plain.push_str(&behind[..1]);
                rest = end;
            }
            _ => {
                plain.push_str("**");
                rest = behind;
            }
        }
    }
    plain.push_str(rest);
    plain.into()
}

/// Full-width forms become narrow, hats on letters and bold print are dropped, and negative thin spaces go with what
/// follows them.
pub(super) fn tidy(source: &str) -> Vec<char> {
    let mut chars = Vec::with_capacity(source.len());
    let mut rest = source.chars().map(narrow).peekable();
    while let Some(next) = rest.next() {
        if let (Some('{'), '.' | ':', Some('}')) = (chars.last(), next, rest.peek())
            && chars.iter().rev().nth(1).is_some_and(char::is_ascii_digit)
        {
            // `7{:}45`
            rest.next();
            chars.pop();
            chars.push(next);
        } else if next == '\\' && rest.peek() == Some(&'!') {
            rest.next();
            while rest.peek().is_some_and(|next| next.is_whitespace()) {
                rest.next();
            }
        } else if next == WIDE_COMMA {
            // A wide comma stands between elements, and never inside of a number.
            chars.extend([',', ' ']);
        } else if !is_hat(next) {
            chars.push(next);
        }
    }
    chars
}

/// A comma as it is written between Chinese characters.
const WIDE_COMMA: char = '，';

/// Whether a character goes on top of the letter before it: the hat of a unit vector, the arrow of any other.
fn is_hat(mark: char) -> bool {
    matches!(mark, '\u{302}' | '\u{20d7}')
}

/// The ASCII form of a full-width or typographic character.
fn narrow(wide: char) -> char {
    match wide {
        WIDE_COMMA | '、' => WIDE_COMMA,
        '\u{1d400}'..='\u{1d6a3}' => styled(wide),
        'î' | 'ı' | '\u{1d6a4}' => 'i',
        'ĵ' | 'ȷ' | '\u{1d6a5}' => 'j',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(wide) - 0xfee0).unwrap_or(wide),
        '\u{3000}' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '\u{2002}' | '\u{2003}' => ' ',
        '。' => '.',
        '−' | '–' | '—' => '-',
        '‘' | '’' | '′' => '\'',
        '“' | '”' => '"',
        '∕' | '⁄' | '÷' => '/',
        '∶' => ':',
        '∗' | '×' | '·' | '⋅' | '•' => '*',
        '∣' | '∥' => '|',
        '⟨' => '(',
        '⟩' => ')',
        other => other,
    }
}

/// The letter of the alphabet that is printed bold, italic or otherwise: thirteen alphabets of 52 letters each.
fn styled(letter: char) -> char {
    let place = u8::try_from((u32::from(letter) - 0x1d400) % 52).unwrap_or(0);
    char::from(if place < 26 { b'A' + place } else { b'a' + place - 26 })
}
