//! A last word that is an answer by itself: "the statement is true".

use super::{Candidate, Kind};

/// Marks of statements to choose from.
const CIRCLED: std::ops::RangeInclusive<char> = '①'..='⑳';

/// The last `①③` of a text: the statements that hold.
pub(super) fn last_circled(text: &str) -> Option<(usize, Candidate<'_>)> {
    let end = text.rfind(|mark| CIRCLED.contains(&mark))? + '①'.len_utf8();
    let joins = |mark: char| CIRCLED.contains(&mark) || matches!(mark, '、' | ',' | '，' | '和');
    let start = text[..end].trim_end_matches(joins).len();
    let marks = text[start..end].trim_start_matches(|mark| !CIRCLED.contains(&mark));
    let candidate = Candidate { parts: vec![marks], kind: Kind::Plain, is_percentage: false };
    Some((end, candidate))
}

/// The marks of a text that has nothing else.
pub(super) fn circled(text: &str) -> Option<Vec<char>> {
    let marks: Vec<char> = text.chars().filter(|mark| CIRCLED.contains(mark)).collect();
    let others = text.trim_matches(['.', '。', ' ']).chars().filter(|mark| !CIRCLED.contains(mark));
    let only = others.into_iter().all(|mark| matches!(mark, '、' | ',' | '，' | '和' | ' '));
    (only && !marks.is_empty()).then_some(marks)
}

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
