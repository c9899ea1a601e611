//! The first number of a text.

mod source;

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use serde::Serialize;

pub(crate) use source::Source;

/// Code points of every decimal zero (Unicode 14, category Nd); the digits of a script follow its zero.
#[rustfmt::skip]
const ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620,
    0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0,
    0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60,
    0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// A number and where it stood.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Extracted {
    /// The number; finite.
    pub value: f64,
    /// The characters it was read from.
    pub text: String,
    /// Their bytes in the text.
    pub range: Range<usize>,
}

/// The first number of a text, or `None` when it holds none.
///
/// A number is `-?` digits, then a point and digits where both follow, then an exponent (`e`, a sign, digits) where one
/// follows. It may stand anywhere, also right after letters of any script.
///
/// - Digits are those of every script: `１２` and `٣` are 12 and 3. Numerals that are no decimal digits (`三`, `½`, `Ⅳ`)
///   are words.
/// - A comma ends a number: `1,000` is 1, as a list `1,000` would begin. An underscore between digits is skipped, as
///   in Python: `1_000` is 1,000.
/// - Only `-` right before it makes a number negative, whatever stands before: `--5` and `a-5` are −5, `319-321` is 319.
/// - A number may begin with its point at the start of the text or after white space: `.5` is one half, `No.5` is 5.
/// - `nan`, `inf` and numbers beyond the range of `f64` are none.
#[must_use]
pub fn first_number(text: &str) -> Option<Extracted> {
    let start = find_start(text)?;
    let (canonical, length) = read(&text[start..]);
    let value = canonical.parse().ok().filter(|value: &f64| value.is_finite())?;
    let range = start..start + length;
    Some(Extracted { value, text: text[range.clone()].to_owned(), range })
}

/// Where the first number begins: at a digit, or at the sign or the point before it.
fn find_start(text: &str) -> Option<usize> {
    let (digit, _) = text.char_indices().find(|(_, character)| digit(*character).is_some())?;
    let before = &text[..digit];
    let unsigned = |text: &str| text.strip_suffix('-').map_or(text.len(), str::len);
    if let Some(point) = before.strip_suffix('.') {
        let start = unsigned(point);
        if text[..start].chars().next_back().is_none_or(char::is_whitespace) {
            return Some(start);
        }
    }
    Some(unsigned(before))
}

/// Reads the number at the start of a text into what [`str::parse`] reads; with its length in bytes.
fn read(text: &str) -> (String, usize) {
    let mut number =
        Reader { rest: text.char_indices().peekable(), canonical: String::new(), length: 0 };
    number.sign("-");
    number.digits();
    if number.is_before_digit(|character| character == '.') {
        number.take();
        number.digits();
    }
    number.exponent();
    (number.canonical, number.length)
}

struct Reader<'t> {
    rest: Peekable<CharIndices<'t>>,
    canonical: String,
    length: usize,
}

impl Reader<'_> {
    fn take(&mut self) {
        if let Some((index, character)) = self.rest.next() {
            self.length = index + character.len_utf8();
            match digit(character) {
                Some(value) => self.canonical.push(value),
                None => self.canonical.push(character),
            }
        }
    }

    fn sign(&mut self, signs: &str) {
        if self.rest.peek().is_some_and(|(_, character)| signs.contains(*character)) {
            self.take();
        }
    }

    fn digits(&mut self) {
        loop {
            if self.is_before_digit(|character| character == '_') && self.ends_in_digit() {
                self.rest.next();
            }
            if self.rest.peek().is_none_or(|(_, character)| digit(*character).is_none()) {
                return;
            }
            self.take();
        }
    }

    fn exponent(&mut self) {
        let mut ahead = self.rest.clone();
        let is_marked = ahead.next_if(|(_, character)| matches!(character, 'e' | 'E')).is_some();
        ahead.next_if(|(_, character)| matches!(character, '-' | '+'));
        if is_marked && ahead.peek().is_some_and(|(_, character)| digit(*character).is_some()) {
            self.take();
            self.sign("-+");
            self.digits();
        }
    }

    /// Whether the next character is such a one and a digit follows it.
    fn is_before_digit(&self, is_wanted: impl Fn(char) -> bool) -> bool {
        let mut ahead = self.rest.clone();
        ahead.next().is_some_and(|(_, character)| is_wanted(character))
            && ahead.next().is_some_and(|(_, character)| digit(character).is_some())
    }

    fn ends_in_digit(&self) -> bool {
        self.canonical.ends_with(|character: char| character.is_ascii_digit())
    }
}

/// A decimal digit of any script as its ASCII counterpart.
fn digit(character: char) -> Option<char> {
    let code = u32::from(character);
    let zero = ZEROS.iter().rev().find(|zero| **zero <= code)?;
    char::from_digit(code - zero, 10)
}
