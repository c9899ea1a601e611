//! Lengths as numbers to calculate with, and drawn numbers as lengths.

/// A length as a number; lengths of lists and texts are far below 2⁶³.
#[allow(clippy::cast_possible_wrap)]
pub(crate) fn number(length: usize) -> i64 {
    length as i64
}

/// A number as a length.
///
/// # Panics
///
/// If it is negative.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn length(number: i64) -> usize {
    assert!(number >= 0, "{number} is no length");
    number.unsigned_abs() as usize
}
