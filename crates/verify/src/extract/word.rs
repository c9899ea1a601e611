//! A last word that is an answer by itself: "the statement is true".

use super::{Candidate, Kind};

/// Words that answer a question of either or.
const ANSWERS: [&str; 4] = ["true", "false", "yes", "no"];

/// The last word of a text, if it is one of those.
pub(super) fn last(text: &str) -> Option<(usize, Candidate<'_>)> {
    let end = text.trim_end_matches(|mark: char| !mark.is_alphanumeric()).len();
    let start = text[..end].trim_end_matches(|mark: char| mark.is_ascii_alphabetic()).len();
    let word = &text[start..end];
    let is_answer = ANSWERS.iter().any(|one| word.eq_ignore_ascii_case(one));
    let candidate = Candidate { parts: vec![word], kind: Kind::Plain, is_percentage: false };
    is_answer.then_some((end, candidate))
}
