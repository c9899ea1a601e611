//! Where in a completion the thinking stands.

/// The tag that opens the thinking.
const OPEN: &str = "<think>";
/// The tag that closes the thinking.
const CLOSE: &str = "</think>";

/// Something about a completion that is worth counting, though the trace is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ThinkingNote {
    /// `</think>` without `<think>` before it: R1's chat template has opened the thinking.
    FinishedWithoutOpenTag,
    /// Nothing but white space between the tags, as Qwen3 writes it with its thinking switched off.
    EmptyThinking,
    /// Nothing but white space after `</think>`.
    EmptyAnswer,
    /// Text before `<think>`; it is part of neither the thinking nor the answer.
    TextBeforeThinking,
    /// More than one `<think>`; the first one opens the thinking.
    SeveralOpenTags,
    /// More than one `</think>`; the first one closes the thinking.
    SeveralCloseTags,
    /// No `</think>`: the length of the thinking is only a lower bound.
    Unfinished,
}

impl ThinkingNote {
    /// The name that the ledger uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FinishedWithoutOpenTag => "finished_without_open_tag",
            Self::EmptyThinking => "empty_thinking",
            Self::EmptyAnswer => "empty_answer",
            Self::TextBeforeThinking => "text_before_thinking",
            Self::SeveralOpenTags => "several_open_tags",
            Self::SeveralCloseTags => "several_close_tags",
            Self::Unfinished => "unfinished",
        }
    }
}

/// A completion, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thinking<'a> {
    /// What stands between `<think>` and `</think>`, trimmed.
    pub text: &'a str,
    /// What follows `</think>`, trimmed; empty where the thinking is unfinished.
    pub answer: &'a str,
    /// Whether `</think>` was there.
    pub is_finished: bool,
    /// What is worth counting.
    pub notes: Vec<ThinkingNote>,
}

/// Takes a completion apart at its first `</think>` and the first `<think>` before it; `None` without either tag.
///
/// ```
/// let thinking = forethought_dataset::split_thinking("<think>\n2 + 2 = 4\n</think>\n\nFour.");
/// let thinking = thinking.expect("there are tags");
/// assert_eq!((thinking.text, thinking.answer), ("2 + 2 = 4", "Four."));
/// ```
#[must_use]
pub fn split_thinking(completion: &str) -> Option<Thinking<'_>> {
    match completion.split_once(CLOSE) {
        Some((before, after)) => Some(finished(before, after)),
        None => completion.split_once(OPEN).map(|(before, after)| unfinished(before, after)),
    }
}

fn finished<'a>(before: &'a str, after: &'a str) -> Thinking<'a> {
    let mut notes = Vec::new();
    let (lead, inside) = before.split_once(OPEN).unwrap_or_else(|| {
        notes.push(ThinkingNote::FinishedWithoutOpenTag);
        ("", before)
    });
    let (text, answer) = (inside.trim(), after.trim());
    let claims = [
        (text.is_empty(), ThinkingNote::EmptyThinking),
        (answer.is_empty(), ThinkingNote::EmptyAnswer),
        (!lead.trim().is_empty(), ThinkingNote::TextBeforeThinking),
        (inside.contains(OPEN) || after.contains(OPEN), ThinkingNote::SeveralOpenTags),
        (after.contains(CLOSE), ThinkingNote::SeveralCloseTags),
    ];
    notes.extend(claims.into_iter().filter(|(holds, _)| *holds).map(|(_, note)| note));
    Thinking { text, answer, is_finished: true, notes }
}

fn unfinished<'a>(before: &'a str, inside: &'a str) -> Thinking<'a> {
    let text = inside.trim();
    let claims = [
        (true, ThinkingNote::Unfinished),
        (text.is_empty(), ThinkingNote::EmptyThinking),
        (!before.trim().is_empty(), ThinkingNote::TextBeforeThinking),
        (inside.contains(OPEN), ThinkingNote::SeveralOpenTags),
    ];
    let notes = claims.into_iter().filter(|(holds, _)| *holds).map(|(_, note)| note).collect();
    Thinking { text, answer: "", is_finished: false, notes }
}

#[cfg(test)]
mod tests {
    use ThinkingNote::{
        EmptyAnswer, EmptyThinking, FinishedWithoutOpenTag, SeveralCloseTags, SeveralOpenTags,
        TextBeforeThinking, Unfinished,
    };

    use super::*;

    #[track_caller]
    fn check(completion: &str, text: &str, answer: &str, notes: &[ThinkingNote]) {
        let thinking = split_thinking(completion).expect("there is a tag");
        assert_eq!((thinking.text, thinking.answer), (text, answer));
        assert_eq!(thinking.notes, notes);
        assert_eq!(thinking.is_finished, !notes.contains(&Unfinished));
    }

    #[test]
    fn thinking_and_answer_are_trimmed() {
        check("<think>\n a\n\n b \n</think>\n\n c\n", "a\n\n b", "c", &[]);
    }

    #[test]
    fn a_missing_open_tag_is_accepted_and_noted() {
        check("a</think>b", "a", "b", &[FinishedWithoutOpenTag]);
    }

    #[test]
    fn a_missing_close_tag_is_unfinished() {
        check("<think>a", "a", "", &[Unfinished]);
        check(
            "x<think>a<think>",
            "a<think>",
            "",
            &[Unfinished, TextBeforeThinking, SeveralOpenTags],
        );
    }

    #[test]
    fn without_tags_there_is_no_thinking_to_measure() {
        assert_eq!(split_thinking("Just an answer."), None);
        assert_eq!(split_thinking("<Think>a</Think>"), None);
    }

    #[test]
    fn the_thinking_ends_at_the_first_close_tag() {
        check("<think>a</think>b</think>c", "a", "b</think>c", &[SeveralCloseTags]);
        check(
            "<think>a<think>b</think>c</think>d",
            "a<think>b",
            "c</think>d",
            &[SeveralOpenTags, SeveralCloseTags],
        );
    }

    #[test]
    fn an_open_tag_after_the_close_tag_opens_nothing() {
        check("a</think>b<think>c", "a", "b<think>c", &[FinishedWithoutOpenTag, SeveralOpenTags]);
    }

    #[test]
    fn empty_parts_and_text_before_the_thinking_are_noted() {
        check("<think>\n\n</think>\n\nb", "", "b", &[EmptyThinking]);
        check("Hm. <think>a</think>", "a", "", &[EmptyAnswer, TextBeforeThinking]);
    }
}
