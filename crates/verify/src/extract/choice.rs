//! Letters of multiple choice: `(B)`, `B. 12`, 选B.

/// The letter a text begins with as the label of a choice.
pub(super) fn letter(text: &str) -> Option<char> {
    labelled(text).map(|(letter, _)| letter)
}

/// What stands behind the label of a choice.
pub(super) fn content(text: &str) -> Option<&str> {
    let (_, content) = labelled(text)?;
    let content = content.trim().trim_start_matches(['~', ':', '.', ' ', ')']);
    let content =
        content.strip_prefix("\\ ").or_else(|| content.strip_prefix("\\quad")).unwrap_or(content);
    (!content.is_empty()).then_some(content)
}

/// The letter a text begins with as the label of a choice, and what follows it.
fn labelled(text: &str) -> Option<(char, &str)> {
    let mut rest = text.trim().trim_start_matches('*');
    let mut braces = 0_usize;
    for style in
        ["\\textbf", "\\textrm", "\\textit", "\\text", "\\mathrm", "\\mathbf", "\\rm", "\\bf"]
    {
        if let Some(after) = rest.strip_prefix(style) {
            rest = after;
        }
    }
    while let Some(after) = rest.strip_prefix('{') {
        braces += 1;
        rest = after.trim_start();
    }
    rest = unannounced(rest.trim_start_matches(['*', ' ']));
    let (rest, opened) = match rest.strip_prefix('(') {
        Some(after) => (after, true),
        None => (rest, false),
    };
    let mut marks = rest.trim_start().chars();
    let letter = marks.next().filter(|letter| ('A'..='J').contains(letter))?;
    let mut after = marks.as_str();
    while braces > 0 && after.starts_with('}') {
        braces -= 1;
        after = &after[1..];
    }
    let label = if opened {
        after.strip_prefix(')')
    } else if after.is_empty() || after.starts_with(['}', '*', '，', '；', '。', '项']) {
        Some(after)
    } else {
        after
            .strip_prefix([')', '.', ':', '、', '：', '．'])
            .filter(|rest| !goes_on(rest))
            .or_else(|| justified(after))
    };
    let mut content = label?;
    if braces > 0 {
        let behind = content.trim_start().strip_prefix('}');
        content = behind.or_else(|| content.strip_suffix('}')).unwrap_or(content);
    }
    Some((letter, content.trim_start_matches(['}', '*'])))
}

/// Without the words that announce a letter.
fn unannounced(text: &str) -> &str {
    let mut rest = text;
    for word in [
        "The answer is",
        "the answer is",
        "Answer:",
        "The correct answer is",
        "Option",
        "option",
        "Choice",
        "choice",
        "选项",
        "选择",
        "选",
    ] {
        if let Some(after) = rest.strip_prefix(word) {
            rest = after.trim_start();
        }
    }
    rest
}

/// `A、C`, a list of letters.
fn goes_on(rest: &str) -> bool {
    let mut marks = rest.trim_start().chars();
    marks.next().is_some_and(|next| ('A'..='J').contains(&next))
        && marks.next().is_none_or(|next| !next.is_alphanumeric())
}

/// What follows a letter that a reason is given for: `B, since …`, `B because …`, `B正确`.
fn justified(after: &str) -> Option<&str> {
    let reasons =
        ["since", "because", "as ", "which", "so ", "is correct", "is the correct", "正确"];
    let rest = after.trim_start_matches([',', ' ', '*', ')']);
    let parted = rest.len() < after.len() || rest.starts_with('正');
    (parted && reasons.iter().any(|reason| rest.starts_with(reason))).then_some("")
}

#[cfg(test)]
mod tests {
    use super::{content, letter};

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
            ("A、C", None),
            (r"\text{Option B}", Some('B')),
            ("B, since A and C fail", Some('B')),
            ("选项B正确", Some('B')),
            ("选择C项", Some('C')),
            ("A is a set", None),
        ] {
            assert_eq!(letter(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_labelled_stands_behind_the_label() {
        for (text, expected) in [
            (r"\text{(E)}\ 30", Some("30")),
            (r"\textbf{(C) } 12", Some("12")),
            (r"\text{(B) 12}", Some("12")),
            ("B. 12", Some("12")),
            ("(B)", None),
        ] {
            assert_eq!(content(text), expected, "{text}");
        }
    }
}
