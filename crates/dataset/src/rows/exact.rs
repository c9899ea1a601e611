//! Integers of JSON that have no room in 64 bits, as texts of their digits, so that none is rounded.

use std::io::{BufRead, Read};

/// Digits that any integer of 64 bits may have.
const ALWAYS_FIT: usize = 18;

/// Where in a text of JSON one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Between,
    InText,
    /// Behind a backslash in a text.
    Escaped,
    InNumber,
}

/// What has been seen of a text of JSON that comes in pieces.
#[derive(Debug, Default)]
struct Quoting {
    place: Place,
    /// The number that has not ended yet.
    number: Vec<u8>,
}

impl Quoting {
    /// Adds a piece of the text to what is handed on.
    fn add(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for byte in piece {
            if self.place == Place::InNumber && !is_of_number(*byte) {
                self.end_number(out);
            }
            self.place = match (self.place, byte) {
                (Place::InText, b'\\') => Place::Escaped,
                (Place::InText, b'"') => Place::Between,
                (Place::InText | Place::Escaped, _) | (Place::Between, b'"') => Place::InText,
                (Place::Between | Place::InNumber, byte) if is_of_number(*byte) => Place::InNumber,
                _ => Place::Between,
            };
            if self.place == Place::InNumber { &mut self.number } else { &mut *out }.push(*byte);
        }
    }

    fn end_number(&mut self, out: &mut Vec<u8>) {
        self.place = Place::Between;
        let quote: &[u8] = if has_no_room(&self.number) { b"\"" } else { b"" };
        out.extend_from_slice(quote);
        out.append(&mut self.number);
        out.extend_from_slice(quote);
    }
}

/// Letters too: an `e` belongs to a number, and words such as `true` are handed on as they are.
fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

/// Whether it is an integer that neither a signed nor an unsigned number of 64 bits holds.
fn has_no_room(number: &[u8]) -> bool {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    // What is written with more zeros before it is no JSON, and stays none.
    let is_integer = digits.iter().all(u8::is_ascii_digit) && digits.first() != Some(&b'0');
    if !is_integer || digits.len() <= ALWAYS_FIT {
        return false;
    }
    let text = std::str::from_utf8(number).unwrap_or_default();
    text.parse::<i64>().is_err() && text.parse::<u64>().is_err()
}

/// A text of JSON with those integers in quotes.
pub(super) fn quoted(text: &[u8]) -> Vec<u8> {
    let (mut quoting, mut out) = (Quoting::default(), Vec::with_capacity(text.len() + 2));
    quoting.add(text, &mut out);
    quoting.end_number(&mut out);
    out
}

/// The same of a text that is read.
pub(super) struct Quoted<R> {
    reader: R,
    quoting: Quoting,
    out: Vec<u8>,
    /// How much of that has been handed on.
    taken: usize,
}

impl<R: BufRead> Quoted<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, quoting: Quoting::default(), out: Vec::new(), taken: 0 }
    }
}

impl<R: BufRead> Read for Quoted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.taken == self.out.len() {
            self.out.clear();
            self.taken = 0;
            let piece = self.reader.fill_buf()?;
            let length = piece.len();
            if length == 0 {
                self.quoting.end_number(&mut self.out);
                break;
            }
            self.quoting.add(piece, &mut self.out);
            self.reader.consume(length);
        }
        let length = buffer.len().min(self.out.len() - self.taken);
        buffer[..length].copy_from_slice(&self.out[self.taken..self.taken + length]);
        self.taken += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"12345678901234567890": [18446744073709551615, 18446744073709551616, -9223372036854775808,-9223372036854775809],
        "a\"1": "99999999999999999999999", "b": 1e30, "c": 123456789012345678901234567890.5, "d": [true,null], "e":  100000000000000000000}"#;

    #[test]
    fn integers_without_room_are_quoted_and_nothing_else_changes() {
        let expected = TEXT
            .replace("18446744073709551616", "\"18446744073709551616\"")
            .replace("-9223372036854775809", "\"-9223372036854775809\"")
            .replace(" 100000000000000000000}", " \"100000000000000000000\"}");
        assert_eq!(String::from_utf8(quoted(TEXT.as_bytes())), Ok(expected));
        assert_eq!(quoted(b"18446744073709551616"), b"\"18446744073709551616\"");
        assert_eq!(quoted(b"018446744073709551616"), b"018446744073709551616");
    }

    #[test]
    fn it_matters_not_in_which_pieces_a_text_is_read() {
        for size in 1..30 {
            let reader = std::io::BufReader::with_capacity(size, TEXT.as_bytes());
            let mut out = Vec::new();
            Quoted::new(reader).read_to_end(&mut out).expect("memory");
            assert_eq!(out, quoted(TEXT.as_bytes()), "in pieces of {size}");
        }
    }
}
