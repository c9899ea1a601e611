//! Phrases that announce an answer: "the final answer is", "Answer:", `####`, 答案是.

use std::ops::Range;

use super::{Behind, Candidate, Kind, Notation, Rules, Unannounced, choice, delimited, number};

/// How many announcements are looked at from the end.
const MAX_ANCHORS: usize = 24;
/// How far behind an announcement its answer may stand, in bytes.
pub(super) const REACH: usize = 60;
/// How much of a sentence is read as an answer, in bytes.
const SENTENCE: usize = 240;

/// What links "the answer" with the answer.
const VERBS: [&str; 5] = ["is ", "would be ", "will be ", "should be ", "must be "];

/// Words before "answer" in a sentence that only considers it.
const HEDGES: [&str; 12] = [
    "maybe",
    "perhaps",
    "might",
    "could",
    "suppose",
    "guess",
    "wonder",
    "whether",
    "if the",
    "would the",
    "is the answer",
    "not the",
];

/// A place where an answer is announced.
struct Anchor {
    priority: u32,
    /// The byte behind the phrase.
    at: usize,
}

/// The answers that are announced, with their priorities and ends.
pub(super) fn find<'a>(
    text: &'a str,
    rules: &Rules,
    math: &[Range<usize>],
) -> Vec<(u32, usize, Candidate<'a>)> {
    let mut found = Vec::new();
    let anchors = match rules.unannounced {
        Unannounced::Read => anchors(text),
        Unannounced::Ignored => english(text),
    };
    for anchor in anchors {
        for (end, candidate) in announced(text, anchor.at, rules, math) {
            let hopes = text[end..]
                .trim_start_matches(['.', '$', '*', '"', '\\', ' ', '\n'])
                .starts_with("I hope");
            let priority = if anchor.priority == 50 && hopes { 0 } else { anchor.priority };
            found.push((priority, end, candidate));
        }
    }
    found
}

fn anchors(text: &str) -> Vec<Anchor> {
    let mut anchors = Vec::new();
    for (phrase, priority) in [
        ("####", 30),
        ("<answer>", 30),
        ("最终答案是", 50),
        ("最终答案为", 50),
        ("答案是", 100),
        ("答案为", 100),
        ("答案:", 100),
        ("答案：", 100),
        ("答：", 100),
        ("答:", 100),
        ("故选", 100),
        ("答案选", 100),
        ("答案】", 100),
        ("\nA: ", 100),
        ("选项是", 100),
        ("选项为", 100),
        ("答案", 200),
        ("option is", 100),
        ("choice is", 100),
    ] {
        let places = text.rmatch_indices(phrase).take(4);
        anchors.extend(places.map(|(at, _)| Anchor { priority, at: at + phrase.len() }));
    }
    anchors.extend(chosen(text));
    anchors.extend(concluded(text));
    anchors.extend(praised(text));
    anchors.extend(english(text));
    anchors
}

/// The places behind "option", "choice" and 选 where a letter follows.
fn chosen(text: &str) -> impl Iterator<Item = Anchor> {
    ["option ", "Option ", "choice ", "Choice ", "选择", "选"].into_iter().flat_map(move |phrase| {
        let places = text.rmatch_indices(phrase).take(4).map(|(at, _)| at + phrase.len());
        let letters = places.filter(|at| choice::letter(reach(text, *at, 12)).is_some());
        letters.map(|at| Anchor { priority: 100, at })
    })
}

/// The place behind "So it is" in the last sentence.
fn concluded(text: &str) -> Option<Anchor> {
    let phrases =
        ["o it is ", "o it's ", "hus it is ", "ence it is ", "herefore it is ", "o we get "];
    let at = phrases.iter().filter_map(|phrase| Some(text.rfind(phrase)? + phrase.len())).max()?;
    let rest = text[at..].trim_end_matches(['.', ' ', '\n', '*']);
    let ends = !rest.contains('\n')
        && rest.match_indices(". ").all(|(point, _)| labels(rest, point))
        && rest.len() < SENTENCE;
    ends.then_some(Anchor { priority: 250, at })
}

/// The letters of "C is the correct answer".
fn praised(text: &str) -> impl Iterator<Item = Anchor> {
    [" is the correct", " is correct"].into_iter().flat_map(move |phrase| {
        let places = text.rmatch_indices(phrase).take(4).filter_map(|(at, _)| {
            let letter = text[..at].trim_end_matches([')', '*']);
            let start =
                letter.len().checked_sub(1).filter(|start| text.is_char_boundary(*start))?;
            let before = text[..start].chars().next_back();
            let alone = before.is_none_or(|before| !before.is_alphanumeric());
            ('A'..='J').contains(&letter.chars().next_back()?).then_some(())?;
            alone.then_some(Anchor { priority: 100, at: start })
        });
        places.collect::<Vec<_>>()
    })
}

/// The places behind "answer", from the end.
fn english(text: &str) -> Vec<Anchor> {
    let bytes = text.as_bytes();
    let word = b"answer";
    let mut anchors = Vec::new();
    let mut end = bytes.len();
    while anchors.len() < MAX_ANCHORS && end >= word.len() {
        let start = end - word.len();
        if bytes[start] | 32 == b'a' && bytes[start..end].eq_ignore_ascii_case(word) {
            anchors.extend(announcements(text, start, end));
        }
        end -= 1;
    }
    anchors
}

/// What "answer" at this place announces: "final answer … is" goes before "answer:" and "answer".
fn announcements(text: &str, start: usize, end: usize) -> Vec<Anchor> {
    let mut anchors = Vec::new();
    if is_considered(text, start, end) {
        return anchors;
    }
    let before = text[..start].trim_end();
    let is_final =
        before.len() >= 5 && before.as_bytes()[before.len() - 5..].eq_ignore_ascii_case(b"final");
    let sentence = reach(text, end, 110);
    if is_final && let Some(at) = sentence.find(" is") {
        let behind = &sentence[at + 3..];
        if behind.is_empty() || behind.starts_with([':', ' ', '\n']) {
            anchors.push(Anchor { priority: 50, at: end + at + 3 });
        }
    }
    let after = text[end..].trim_start_matches('*');
    match after.strip_prefix([':', '：']) {
        Some(rest) => anchors.push(Anchor { priority: 100, at: text.len() - rest.len() }),
        None => anchors.push(Anchor { priority: 200, at: end }),
    }
    anchors
}

/// Whether "answer" stands in a question, behind "maybe", or before "is not".
fn is_considered(text: &str, start: usize, end: usize) -> bool {
    let from = (start.saturating_sub(60)..=start).find(|at| text.is_char_boundary(*at));
    let before = from.map_or("", |from| &text[from..start]);
    let begin = before.rfind(['.', '\n', '?', '!', ':']).map_or(0, |at| at + 1);
    let clause = before[begin..].to_lowercase();
    let is_wrong = ["wrong", "incorrect"].iter().any(|word| clause.trim_end().ends_with(word));
    if is_wrong || HEDGES.iter().any(|hedge| clause.contains(hedge)) {
        return true;
    }
    let behind = reach(text, end, 100);
    let denied =
        [" is not ", " isn't ", " cannot be ", " can't be ", " is no longer ", " was not "];
    if denied.iter().any(|verb| behind.starts_with(verb)) {
        return true;
    }
    let stop = behind.find(['\n', '?']).unwrap_or(behind.len());
    behind[stop..].starts_with('?') && !behind[..stop].contains(". ")
}

/// The text from a place on, at most so many bytes of it.
fn reach(text: &str, from: usize, length: usize) -> &str {
    let mut end = (from + length).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[from..end]
}

/// The answer behind an announcement: mathematics, a whole sentence that is an expression, or a number.
fn announced<'a>(
    text: &'a str,
    from: usize,
    rules: &Rules,
    math: &[Range<usize>],
) -> Vec<(usize, Candidate<'a>)> {
    let first = math.partition_point(|range| range.start < from);
    if let Some(range) = math.get(first)
        && range.start - from <= REACH
        && leads_to(&text[from..range.start])
        && rules.notation != Notation::Plain
    {
        let (candidate, end) = delimited::group_from(text, math, first);
        return vec![(end, candidate)];
    }
    if rules.notation == Notation::Latex {
        return Vec::new();
    }
    let sentence = sentence(reach(text, from, SENTENCE));
    let clean = sentence.trim_matches([' ', ':', '*', '\n', '"', '.', '：', '。', '=']);
    if clean.is_empty() {
        return Vec::new();
    }
    let clean = VERBS
        .iter()
        .find_map(|verb| clean.strip_prefix(verb))
        .unwrap_or(clean)
        .trim_start_matches([' ', ':', '*', '"', '`', '\n'])
        .trim_end_matches(['*', '`', ' ']);
    let mut found = Vec::new();
    if is_expression(clean) {
        let end = clean.as_ptr().addr() - text.as_ptr().addr() + clean.len();
        let sentence = Candidate { parts: vec![clean], kind: Kind::Plain, behind: Behind::Nothing };
        found.push((end, sentence));
    }
    // A sentence that turns out to be prose still has its first number.
    found.extend(number::first(text, from, sentence));
    found
}

/// Whether what is between an announcement and a passage lets it be the answer: no new paragraph begins, or it holds
/// nothing but the passage.
fn leads_to(gap: &str) -> bool {
    !gap.contains("\n\n") || !gap.contains(char::is_alphanumeric)
}

/// Up to the end of the sentence or line.
fn sentence(text: &str) -> &str {
    let text = text.trim_start_matches([' ', ':', '*', '\n']);
    let mut end = text
        .match_indices(". ")
        .map(|(at, _)| at)
        .find(|at| !labels(text, *at))
        .unwrap_or(text.len());
    for stop in ["\n", "。", "</answer>", "<|", ".\n", "I hope"] {
        if let Some(at) = text.find(stop) {
            end = end.min(at);
        }
    }
    let mut commas = text[..end].match_indices('，').map(|(at, _)| at);
    let clause = commas.find(|at| !is_listed(&text[..*at], &text[at + '，'.len_utf8()..end]));
    &text[..clause.unwrap_or(end)]
}

/// Whether a comma between these stands between elements: `（1，2）`, `x=3，y=4`; else a clause ends there.
fn is_listed(before: &str, after: &str) -> bool {
    let is_value = before.trim_end().ends_with(|mark: char| {
        mark.is_ascii_digit() || matches!(mark, ')' | '）' | ']' | '}' | 'π' | '∞' | '$')
    });
    let after = after.trim_start();
    let is_name = after.starts_with(|mark: char| mark.is_ascii_alphabetic())
        && after[1..].trim_start().starts_with(['=', '_', '₁', '₂']);
    is_value
        && (is_name
            || after.starts_with(|mark: char| {
                mark.is_ascii_digit()
                    || matches!(
                        mark,
                        '(' | '（' | '-' | '−' | '+' | '√' | '∛' | '∜' | '\\' | '$' | 'π' | '∞'
                    )
            }))
}

/// Whether the point here stands behind the letter of a choice, as in `B. 12`.
fn labels(text: &str, point: usize) -> bool {
    let mut before = text[..point].chars().rev();
    before.next().is_some_and(|letter| ('A'..='J').contains(&letter))
        && before.next().is_none_or(|before| !before.is_alphanumeric())
}

/// Whether a sentence has no prose in it: few words, and those short or known to be units.
fn is_expression(sentence: &str) -> bool {
    let words = sentence
        .split(|mark: char| !mark.is_alphabetic())
        .filter(|word| word.chars().count() > 2 && word.is_ascii());
    words.count() <= 3 && sentence.len() <= 120
}
