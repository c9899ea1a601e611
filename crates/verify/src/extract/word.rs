//! A last word that is an answer by itself: "the statement is true".

use super::read::is_notation;
use super::{Behind, Candidate, Kind};
use crate::unit::grammar;
use crate::wording::meaning;

/// Marks of statements to choose from.
const CIRCLED: std::ops::RangeInclusive<char> = '①'..='⑳';

/// The last `①③` of a text: the statements that hold.
pub(super) fn last_circled(text: &str) -> Option<(usize, Candidate<'_>)> {
    let end = text.rfind(|mark| CIRCLED.contains(&mark))? + '①'.len_utf8();
    let joins = |mark: char| CIRCLED.contains(&mark) || matches!(mark, '、' | ',' | '，' | '和');
    let start = text[..end].trim_end_matches(joins).len();
    let marks = text[start..end].trim_start_matches(|mark| !CIRCLED.contains(&mark));
    let candidate = Candidate { parts: vec![marks], kind: Kind::Plain, behind: Behind::Nothing };
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
    let candidate = Candidate { parts: vec![word], kind: Kind::Plain, behind: Behind::Nothing };
    is_answer.then_some((end, candidate))
}

/// Verbs before what a sentence says of its subject.
const VERBS: [&str; 6] = [" is ", " are ", " get ", " be ", " obtain ", " have "];

/// How many sentences from the end are looked at.
const SENTENCES: usize = 4;

/// The last sentences of a text, the last one first, each with the place of its end in the text.
fn sentences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let from = text.ceil_char_boundary(text.len().saturating_sub(TAIL));
    let mut rest = &text[from..];
    let next = move || {
        rest = rest.trim_end_matches([' ', '\n', '.', '!', '*']);
        let marks = [". ", "\n", "? ", "! "].iter();
        let start = marks.filter_map(|mark| rest.rfind(mark)).max().map_or(0, |at| at + 1);
        let (before, sentence) = rest.split_at(start);
        let end = from + rest.len();
        rest = before;
        (!sentence.is_empty()).then_some((end, sentence))
    };
    std::iter::from_fn(next).take(SENTENCES)
}

fn has_value(sentence: &str) -> bool {
    sentence.contains(|mark: char| mark.is_ascii_digit() || matches!(mark, '$' | '\\'))
}

/// What a sentence says of its subject: what follows its last verb.
fn behind_verb(sentence: &str) -> Option<&str> {
    let behind = VERBS.iter().filter_map(|verb| Some(sentence.rfind(verb)? + verb.len())).max()?;
    Some(sentence[behind..].trim_matches([' ', '*', '"']))
}

/// What the last sentence says in a word and without any number: "The statement is true.", "Thus, the result is E.", "we get
/// infinity".
pub(super) fn said(text: &str) -> Option<(usize, Candidate<'_>)> {
    let (_, sentence) = sentences(text).next().filter(|(_, sentence)| !has_value(sentence))?;
    let word = behind_verb(sentence)?.trim_matches(['(', ')']);
    let is_letter = matches!(word.as_bytes(), [b'A'..=b'J']);
    let is_answer = ANSWERS.iter().any(|one| word.eq_ignore_ascii_case(one));
    let candidate = Candidate { parts: vec![word], kind: Kind::Plain, behind: Behind::Nothing };
    (is_letter || is_answer || meaning(word).is_some()).then_some((text.len(), candidate))
}

/// The formula that a sentence says its subject is, where no later sentence has a number: "the expression is kx²/2. Hope this
/// helps!"
pub(super) fn formula_said(text: &str) -> Option<(usize, Candidate<'_>)> {
    for (end, sentence) in sentences(text) {
        if let Some(formula) = behind_verb(sentence).filter(|formula| is_formula(formula)) {
            let parts = vec![formula];
            return Some((end, Candidate { parts, kind: Kind::Plain, behind: Behind::Nothing }));
        }
        if has_value(sentence) {
            break;
        }
    }
    None
}

/// Whether it is notation with letters in plain text, and more than a number with its unit.
fn is_formula(text: &str) -> bool {
    let number = |mark: char| mark.is_ascii_digit() || matches!(mark, '.' | ',' | ' ' | '-');
    let is_quantity = grammar::whole(text.trim_start_matches(number)).is_some();
    text.contains(|mark: char| mark.is_ascii_alphabetic())
        && !text.contains(['$', '\\'])
        && !is_quantity
        && is_notation(text)
}

/// How much of the end of a text is looked at, in bytes.
const TAIL: usize = 400;

/// Terms of logic that a Chinese text ends with.
const TERMS: [&str; 5] =
    ["充分不必要条件", "必要不充分条件", "既不充分也不必要条件", "充要条件", "充分必要条件"];

/// The last clause of a text, if it says that there is no solution, no value, or the like.
pub(super) fn last_clause(text: &str) -> Option<(usize, Candidate<'_>)> {
    let end = text.trim_end_matches([' ', '\n', '.', '!', '*', '。']).len();
    let from = text.ceil_char_boundary(text.len().saturating_sub(TAIL));
    let tail = text.get(from..end)?;
    let term = TERMS.iter().filter(|term| tail.ends_with(**term)).max_by_key(|term| term.len());
    let clause = match term {
        Some(term) => &tail[tail.len() - term.len()..],
        None => clauses(tail).find(|clause| meaning(&without_mathematics(clause)).is_some())?,
    };
    let candidate = Candidate { parts: vec![clause], kind: Kind::Plain, behind: Behind::Nothing };
    Some((text.len(), candidate))
}

/// The last sentence, and what follows its last comma.
fn clauses(tail: &str) -> impl Iterator<Item = &str> {
    let behind = |marks: &'static [&'static str]| {
        let start =
            marks.iter().filter_map(|mark| tail.rfind(mark).map(|at| at + mark.len())).max();
        tail[start.unwrap_or(0)..].trim()
    };
    [behind(&[". ", "\n", "。", "! ", "? "]), behind(&[". ", "\n", "。", ", ", "，"])].into_iter()
}

/// A clause with a letter for each `$…$` in it.
pub(super) fn without_mathematics(clause: &str) -> String {
    clause.split('$').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "x" }).collect()
}
