//! `{% generation %}`: which parts of a rendered text the assistant wrote.
//!
//! Training templates put the tag around the assistant's words; transformers adds it to jinja2. Here it becomes a scope
//! and a filter over what stands in it, which puts a mark before and one behind. Every text is rendered without marks
//! first. Then marks are chosen that do not occur in it, the conversation is rendered again, and what is left when the
//! marks are taken out must be the first text, or else the template depends on them and nothing is said.

use std::ops::Range;

/// The filter that a tag becomes. Nobody writes a filter of this name by chance.
pub(crate) const FILTER: &str = "forethought_generated";
/// The variable with the two marks; not defined where nothing is to be marked.
pub(crate) const VARIABLE: &str = "forethought_marks";

/// The source with its tags as filters, and whether there were any.
pub(crate) fn as_filters(source: &str) -> (String, bool) {
    let mut rest = source;
    let mut rewritten = String::with_capacity(source.len());
    let mut is_marked = false;
    while let Some(start) = rest.find("{%") {
        let (before, tag) = rest.split_at(start + 2);
        rewritten.push_str(before);
        rest = tag;
        let Some(end) = tag.find("%}") else { break };
        let inside = &tag[..end];
        // Signs that take blanks away stay on the outer sides of what replaces the tag.
        let replacement = match inside.trim_matches(['-', '+', ' ', '\t', '\n', '\r']) {
            "generation" => {
                let filter = format!("with %}}{{% filter {FILTER}({VARIABLE})");
                inside.replace("generation", &filter)
            }
            "endgeneration" => inside.replace("endgeneration", "endfilter %}{% endwith"),
            _ => continue,
        };
        is_marked = true;
        rewritten.push_str(&replacement);
        rest = &tag[end..];
    }
    rewritten.push_str(rest);
    (rewritten, is_marked)
}

/// The filter: what the assistant wrote, between the marks where there are any.
#[expect(clippy::needless_pass_by_value, reason = "filters get their arguments by value")]
pub(crate) fn enclose(written: String, marks: Option<Vec<String>>) -> String {
    match marks.as_deref() {
        Some([open, close]) => format!("{open}{written}{close}"),
        _ => written,
    }
}

/// Two marks that do not occur in a text: a private character with a number.
pub(crate) fn choose(text: &str) -> [String; 2] {
    let is_new = |mark: &String| !text.contains(mark.as_str());
    let mut numbers = (0u32..).map(|number| format!("\u{f8f0}{number}\u{f8f1}"));
    let mut next = || numbers.by_ref().find(is_new).unwrap_or_default();
    [next(), next()]
}

/// Where the marked parts are in `text`, in bytes, or none if `marked` without its marks is another text. Parts inside
/// parts belong to the outer one.
pub(crate) fn locate(
    marked: &str,
    text: &str,
    [open, close]: &[String; 2],
) -> Option<Vec<Range<usize>>> {
    let mut parts = Vec::new();
    let (mut plain, mut rest) = (String::with_capacity(text.len()), marked);
    let mut starts = Vec::new();
    loop {
        let opens = rest.find(open.as_str());
        let closes = rest.find(close.as_str());
        let at = match (opens, closes) {
            (None, None) => break,
            (opens, closes) => opens.unwrap_or(usize::MAX).min(closes.unwrap_or(usize::MAX)),
        };
        plain.push_str(&rest[..at]);
        let mark = if opens == Some(at) { open } else { close };
        rest = &rest[at + mark.len()..];
        if opens == Some(at) {
            starts.push(plain.len());
        } else {
            let start = starts.pop()?;
            if starts.is_empty() {
                parts.push(start..plain.len());
            }
        }
    }
    plain.push_str(rest);
    (starts.is_empty() && plain == text).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_filters_with_their_signs_outside() {
        let (source, is_marked) =
            as_filters("a {%- generation -%} b {% endgeneration +%}{% if x %}");
        assert!(is_marked);
        assert_eq!(
            source,
            "a {%- with %}{% filter forethought_generated(forethought_marks) -%} b \
             {% endfilter %}{% endwith +%}{% if x %}"
        );
        assert_eq!(as_filters("{% x {{ y"), ("{% x {{ y".to_owned(), false));
    }

    #[test]
    fn marks_avoid_what_stands_in_the_text() {
        let [open, close] = choose("a \u{f8f0}0\u{f8f1} b \u{f8f0}2\u{f8f1}");
        assert_eq!([open.as_str(), &close], ["\u{f8f0}1\u{f8f1}", "\u{f8f0}3\u{f8f1}"]);
    }

    #[test]
    fn parts_are_where_the_marks_were() {
        let marks = ["<".to_owned(), ">".to_owned()];
        assert_eq!(locate("ab<cd>e<>f<g<h>>", "abcdefgh", &marks), Some(vec![2..4, 5..5, 6..8]));
        assert_eq!(locate("ab", "ab", &marks), Some(vec![]));
        for marked in ["a<b", "a>b", "<ab>c"] {
            assert_eq!(locate(marked, "ab", &marks), None, "{marked}");
        }
    }
}
