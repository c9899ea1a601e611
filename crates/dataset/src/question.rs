//! When two questions are the same.

use sha2::{Digest, Sha256};

/// 128 bits of a SHA-256: what is remembered of a text to know it again. Two of a billion texts agree with a probability
/// of 1e-21.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// That of a text.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let digest: [u8; 32] = Sha256::digest(text).into();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        Self(half)
    }
}

/// The question as it is compared: white space at its ends left out, and every run of it one space.
pub(crate) fn normalised(question: &str) -> String {
    question.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_does_not_make_another_question() {
        assert_eq!(normalised(" How\n\tmany\u{3000}apples? "), "How many apples?");
    }
}
