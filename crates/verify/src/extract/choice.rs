//! Letters of multiple choice: `(B)`, `B. 12`, 选B.

/// The letter a text begins with as the label of a choice.
pub(super) fn letter(text: &str) -> Option<char> {
    let mut rest = text.trim();
    for word in ["Option", "option", "Choice", "choice", "选项", "选"] {
        if let Some(after) = rest.strip_prefix(word) {
            rest = after.trim_start();
        }
    }
    for style in ["\\textbf", "\\text", "\\mathrm", "\\mathbf", "\\rm"] {
        if let Some(after) = rest.strip_prefix(style) {
            rest = after;
        }
    }
    let rest = rest.trim_start_matches(['{', '*', ' ']);
    let (rest, opened) = match rest.strip_prefix('(') {
        Some(after) => (after, true),
        None => (rest, false),
    };
    let mut marks = rest.trim_start().chars();
    let letter = marks.next().filter(|letter| ('A'..='J').contains(letter))?;
    let after = marks.as_str();
    let labelled = if opened {
        after.starts_with(')')
    } else {
        after.is_empty()
            || after.starts_with([')', '.', ':', '、', '：', '．', '。', '，', '；', '}', '*'])
    };
    labelled.then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::letter;

    #[test]
    fn labels_are_told_from_words_and_numbers() {
        for (text, expected) in [
            ("(B)", Some('B')),
            ("B. 12", Some('B')),
            (r"\textbf{(C)}\ 12", Some('C')),
            ("选A", Some('A')),
            ("Because", None),
            ("12", None),
            ("A+B", None),
        ] {
            assert_eq!(letter(text), expected, "{text}");
        }
    }
}
