//! When two questions are the same.

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
