//! Finds the answer in a text: boxes, phrases that announce it, mathematics, numbers.

mod about;
mod anchor;
mod behind;
mod bold;
mod boxed;
mod choice;
mod compound;
mod delimited;
mod domain;
mod number;
mod phrase;
mod read;
mod run;
mod term;
mod word;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::display::show;
use crate::expression::{Arena, Id, Node};
use crate::limits::{Budget, Limits};

use behind::Behind;

pub use boxed::last_boxed;
pub(crate) use domain::{Domain, Parameter};

/// Which notations are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notation {
    /// LaTeX between delimiters or in boxes, and plain numbers and expressions.
    #[default]
    Any,
    /// LaTeX between delimiters or in boxes.
    Latex,
    /// Plain numbers and expressions.
    Plain,
}

/// What becomes of a text without boxes and delimiters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bare {
    /// It is read as an expression, or as words where it is short.
    #[default]
    Read,
    /// Only numbers in it are looked for.
    Search,
}

/// What becomes of mathematics that nothing announces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unannounced {
    /// The last of it may be the answer.
    #[default]
    Read,
    /// Only closed boxes count, and what stands behind "answer", as Math-Verify does without `try_extract_without_anchor`.
    Ignored,
}

/// What `e` between digits means in LaTeX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Euler {
    /// `1e3` is 1,000.
    #[default]
    Exponent,
    /// `1e3` is 1 · e · 3, as Math-Verify reads it.
    Factor,
}

/// What becomes of thoughts before `</think>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thoughts {
    /// They are passed over, unless nothing can be read behind them.
    #[default]
    PassedOver,
    /// They are a part of the text like any other.
    Read,
}

/// Where an answer is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Notations. Default: any.
    pub notation: Notation,
    /// The priority of `\boxed{…}` among what announces an answer, 0 being the first: "final answer is … I hope" has 0,
    /// `####` and `<answer>` 30, "final answer is" 50, "answer:" 100, "answer" 200, the last mathematics or number 300.
    /// `None` ignores boxes. Default 0.
    pub boxed: Option<u32>,
    /// Texts without boxes and delimiters. Default: read.
    pub bare: Bare,
    /// Mathematics that nothing announces. Default: read.
    pub unannounced: Unannounced,
    /// `e` between digits in LaTeX. Default: an exponent.
    pub euler: Euler,
    /// What is thought before `</think>`. Default: passed over.
    pub thoughts: Thoughts,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            notation: Notation::default(),
            boxed: Some(0),
            bare: Bare::default(),
            unannounced: Unannounced::default(),
            euler: Euler::default(),
            thoughts: Thoughts::default(),
        }
    }
}

/// An answer as it was found and read.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    pub(crate) arena: Arena,
    /// What the text may mean, the likeliest first.
    pub(crate) readings: Vec<Id>,
    text: Option<String>,
    /// The letter of the choice that it is labelled with.
    pub(crate) label: Option<char>,
    /// The letter in it that the text says is a whole number.
    pub(crate) parameter: Option<Parameter>,
}

impl Answers {
    /// Whether a meaning was found.
    #[must_use]
    pub fn is_read(&self) -> bool {
        !self.readings.is_empty()
    }

    /// The text that was taken for the answer.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The answer as it was read, in infix notation.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        self.readings.first().map(|id| show(&self.arena, *id))
    }
}

impl Answers {
    /// Whether the letters of both are said to stand for different numbers.
    pub(crate) fn is_about_others(&self, other: &Self) -> bool {
        matches!((&self.parameter, &other.parameter), (Some(x), Some(y)) if x.domain != y.domain)
    }

    /// Keeps the letter that is said to be whole, where it is in the answer, and reads the answer under its usual name as
    /// well: whatever its name, it is the same letter.
    fn say_whole(&mut self, parameter: Option<Parameter>) {
        let Some(first) = self.readings.first().copied() else { return };
        let names = self.arena.symbols(first);
        self.parameter = parameter.filter(|said| names.contains(&said.name));
        if let Some(said) = self.parameter.as_ref().filter(|_| !names.contains(&USUAL.to_owned())) {
            let rename =
                |each: &str| if each == said.name { USUAL.to_owned() } else { each.to_owned() };
            self.readings.push(self.arena.with_symbols(first, &rename));
        }
    }
}

/// The name under which general solutions are compared.
const USUAL: &str = "k";

/// How far behind an answer it may be said what its letter stands for, in bytes.
const BEHIND: usize = 120;

/// Where a part of a text begins in it.
fn offset(text: &str, part: &str) -> Option<usize> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    (start + part.len() <= text.len()).then_some(start)
}

/// The answer with the rest of its paragraph, which may say what its letter stands for.
fn surroundings<'a>(text: &'a str, candidate: &Candidate<'_>) -> &'a str {
    let (Some(first), Some(last)) = (candidate.parts.first(), candidate.parts.last()) else {
        return "";
    };
    let (Some(start), Some(last_start)) = (offset(text, first), offset(text, last)) else {
        return "";
    };
    let stop = text.floor_char_boundary(last_start + last.len() + BEHIND);
    let near = text.get(start..stop).unwrap_or("");
    near.split("\n\n").next().unwrap_or("")
}

/// A part of the text that may be the answer.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'a> {
    /// Several parts are a list.
    parts: Vec<&'a str>,
    kind: Kind,
    /// What follows it and belongs to it.
    behind: Behind,
}

/// What a candidate was found as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Latex,
    Plain,
    /// The whole text, which may be prose.
    Whole,
}

/// Finds the answer in a text.
///
/// ```
/// use forethought_verify::{Limits, Rules, extract};
///
/// let answers = extract(r"Thus $x = 2$, so the area is $\boxed{\frac{9}{2}}$.", &Rules::default(), &Limits::default());
/// assert_eq!(answers.text(), Some(r"\frac{9}{2}"));
/// ```
#[must_use]
pub fn extract(text: &str, rules: &Rules, limits: &Limits) -> Answers {
    if rules.thoughts == Thoughts::PassedOver
        && let Some((_, behind)) = text.rsplit_once("</think>")
    {
        let answers = found(behind, rules, limits);
        if answers.is_read() {
            return answers;
        }
    }
    found(text, rules, limits)
}

/// Finds the answer in a text without thoughts.
fn found(text: &str, rules: &Rules, limits: &Limits) -> Answers {
    let whole = without_aside(text);
    let text = domain::without(whole);
    let budget = Budget::new(*limits);
    let mut answers = Answers::default();
    let math = if rules.notation == Notation::Plain { Vec::new() } else { delimited::find(text) };
    let mut first = None;
    let mut ranked = candidates(text, rules, &math);
    while let Some(candidate) = ranked.next() {
        first = first
            .or_else(|| Some(candidate.parts.join(", ")).filter(|text| !text.trim().is_empty()));
        answers.readings = read::readings(&candidate, rules.euler, &mut answers.arena, &budget);
        if answers.is_read() {
            if let Some(exact) = about::exact_before(text, &candidate, &mut ranked) {
                let exact = read::readings(&exact, rules.euler, &mut answers.arena, &budget);
                answers.readings.splice(0..0, exact);
            }
            if let (Some(said), Bare::Read) = (phrase::decision(text), rules.bare) {
                answers.readings.push(answers.arena.add(Node::Text(said.to_owned())));
            }
            if let [only] = candidate.parts[..] {
                answers.label = choice::letter(only);
            }
            answers.text = Some(candidate.parts.join(", "));
            answers.say_whole(domain::parameter(surroundings(whole, &candidate)));
            return answers;
        }
    }
    answers.text = first;
    answers
}

/// A text without the bracket at its end that says the same once more, or why: `160 minutes (or 2 hours and 40 minutes)`,
/// `x = 4 (x = -2 is rejected)`.
fn without_aside(text: &str) -> &str {
    let end = text.trim_end_matches([' ', '\n', '.', '。']);
    let bracket = |open: char, close: char| end.strip_suffix(close)?.rsplit_once(open);
    let Some((before, inner)) = bracket('(', ')').or_else(|| bracket('（', '）')) else {
        return text;
    };
    let repeats = ["or ", "i.e.", "about ", "approximately ", "that is", "约"];
    let reasons = ["since ", "because ", "as ", "where ", "for "];
    let rejects =
        ["rejected", "discarded", "extraneous", "not valid", "invalid", "舍去", "不合题意"];
    let starts = |words: &[&str]| words.iter().any(|word| inner.starts_with(word));
    let is_plain = !inner.contains(['$', '\\', '\n', ')']);
    let is_aside = (starts(&repeats) && is_plain)
        || (starts(&reasons) && !inner.contains('\n'))
        || rejects.iter().any(|word| inner.ends_with(word));
    if is_aside && !before.trim().is_empty() { before.trim_end() } else { text }
}

/// What the last sentences say in words, in bold type or as a formula.
fn said<'a>(text: &'a str, rules: &Rules) -> Vec<(u32, usize, Candidate<'a>)> {
    let at = |priority: u32| move |(end, candidate)| (priority, end, candidate);
    let mut ranked = Vec::new();
    if rules.notation != Notation::Latex {
        if let Some(date) = phrase::last_date(text) {
            let candidate =
                Candidate { parts: vec![date], kind: Kind::Plain, behind: Behind::Nothing };
            let end = date.as_ptr().addr() - text.as_ptr().addr() + date.len();
            ranked.push((300, end + 1, candidate));
        }
        ranked.extend(word::formula_said(text).map(at(290)));
        ranked.extend(bold::last_said(text).map(at(260)));
        ranked.extend(bold::last_relation(text).map(at(300)));
    }
    ranked.extend(word::last_clause(text).map(at(300)));
    ranked.extend(word::said(text).map(at(300)));
    ranked.extend(word::last_circled(text).map(at(300)));
    ranked
}

/// What may be the answer, the likeliest first.
fn candidates<'a>(
    text: &'a str,
    rules: &Rules,
    math: &[Range<usize>],
) -> impl Iterator<Item = Candidate<'a>> {
    let mut ranked: Vec<(u32, usize, Candidate<'a>)> = Vec::new();
    if let (Some(priority), true) = (rules.boxed, rules.notation != Notation::Plain)
        && let Some((end, candidate)) = boxed::find(text)
    {
        ranked.push((priority, end, candidate));
    }
    ranked.extend(anchor::find(text, rules, math));
    let is_whole = rules.bare == Bare::Read && math.is_empty() && rules.notation != Notation::Latex;
    if is_whole {
        let whole =
            Candidate { parts: vec![text.trim()], kind: Kind::Whole, behind: Behind::Nothing };
        // Before phrases, for a text that is an expression as a whole announces nothing; after boxes.
        ranked.push((1, text.len(), whole));
    }
    if let Some((end, candidate)) =
        boxed::unclosed(text).filter(|_| rules.notation != Notation::Plain)
    {
        ranked.push((250, end, candidate));
    }
    for (end, candidate) in delimited::last(text, math) {
        ranked.push((300, end, candidate));
    }
    if math.is_empty() && rules.notation != Notation::Plain {
        ranked.extend(delimited::last_fraction(text).map(|(end, candidate)| (300, end, candidate)));
    }
    if rules.notation != Notation::Latex {
        let numbers =
            number::last(text, math).into_iter().chain(number::last_chinese_fraction(text));
        ranked.extend(numbers.map(|(end, candidate)| (300, end, candidate)));
    }
    ranked.extend(said(text, rules));
    if math.is_empty()
        && rules.notation != Notation::Latex
        && !text.bytes().any(|byte| byte.is_ascii_digit())
        && let Some(words) = phrase::last_number(text)
    {
        let candidate =
            Candidate { parts: vec![words], kind: Kind::Plain, behind: Behind::Nothing };
        ranked.push((300, text.len(), candidate));
    }
    ranked.extend(word::last(text).map(|(end, candidate)| (350, end, candidate)));
    if is_whole && text.trim().chars().count() <= 60 {
        let words =
            Candidate { parts: vec![text.trim()], kind: Kind::Plain, behind: Behind::Nothing };
        ranked.push((400, text.len(), words));
    }
    if rules.unannounced == Unannounced::Ignored {
        ranked.retain(|(priority, _, candidate)| *priority < 250 && candidate.kind != Kind::Whole);
    }
    // Stable: of two candidates that end alike, the one found first is the fuller one.
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    ranked.into_iter().map(|(_, _, candidate)| candidate)
}
