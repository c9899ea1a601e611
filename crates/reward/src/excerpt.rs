//! Beginnings of texts that may be long.

/// The most characters that a reason shows of a text.
const SHOWN: usize = 120;

/// A text, or its beginning and how long it is.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_shown_by_its_beginning_and_says_so() {
        assert_eq!(excerpt("答案"), "答案");
        let long = excerpt(&"é".repeat(500));
        assert!(long.starts_with("éé") && long.ends_with("é… (1000 bytes)"), "{long}");
    }
}
