//! What a candidate may mean.

use std::borrow::Cow;

use super::phrase::Ends;
use super::{Behind, Candidate, Euler, Kind, choice, domain, phrase, word};
use crate::expression::{Arena, End, Id, Node, Relation};
use crate::lexer::{Style, is_han, is_small_word};
use crate::limits::Budget;
use crate::number::Literal;
use crate::parser::parse;
use crate::settle::settle;
use crate::unit::Unit;
use crate::wording::meaning;

/// The longest text that is tried as a whole, in bytes.
const MAX_WHOLE: usize = 1_000;

/// The meanings of a candidate, the likeliest first; none where it is no notation.
pub(super) fn readings(
    candidate: &Candidate<'_>,
    euler: Euler,
    arena: &mut Arena,
    budget: &Budget,
) -> Vec<Id> {
    let mut reader = Reader { euler, arena, budget };
    let mut found = match candidate.parts[..] {
        [only] => reader.single(only, candidate.kind),
        _ => reader.several(&candidate.parts).into_iter().collect(),
    };
    for id in &mut found {
        *id = reader.with_what_is_behind(*id, &candidate.behind);
    }
    found.into_iter().filter_map(|id| settle(arena, id, budget)).collect()
}

struct Reader<'a> {
    euler: Euler,
    arena: &'a mut Arena,
    budget: &'a Budget,
}

impl Reader<'_> {
    fn parse(&mut self, text: &str, style: Style) -> Option<Id> {
        let text = domain::without(text);
        let text = match (self.euler, style) {
            (Euler::Factor, Style::Latex) => apart(text),
            _ => text.into(),
        };
        parse(&text, style, self.arena, self.budget)
    }

    /// A reading with the per cent sign or the unit that stands behind it, where it has none of its own.
    fn with_what_is_behind(&mut self, id: Id, behind: &Behind) -> Id {
        match (behind, self.arena.node(id).clone()) {
            (Behind::Percent, node) if !matches!(node, Node::Percent(_)) => {
                self.arena.add(Node::Percent(id))
            }
            // `x = 5` before a unit gives a name to so many of it.
            (Behind::Unit(_), Node::Chain(mut sides, relations))
                if relations.iter().all(|relation| *relation == Relation::Equal) =>
            {
                if let Some(last) = sides.last_mut() {
                    *last = self.with_what_is_behind(*last, behind);
                }
                self.arena.add(Node::Chain(sides, relations))
            }
            (Behind::Unit(unit), _) if self.takes_unit(id) => {
                self.arena.add(Node::Quantity(id, unit.clone()))
            }
            _ => id,
        }
    }

    /// Whether it is a value without a unit.
    fn takes_unit(&self, id: Id) -> bool {
        let is_value = matches!(
            self.arena.node(id),
            Node::Rational(_)
                | Node::Decimal(_)
                | Node::Constant(_)
                | Node::Sum(_)
                | Node::Product(_)
                | Node::Power(..)
                | Node::Call(..)
        );
        is_value && !self.arena.any(id, &|node| matches!(node, Node::Quantity(..)))
    }

    fn single(&mut self, text: &str, kind: Kind) -> Vec<Id> {
        let mut found = Vec::new();
        match kind {
            Kind::Latex => found.extend(self.latex(text).or_else(|| self.last_side(text))),
            Kind::Plain => found.extend(self.plain(text)),
            Kind::Whole if text.len() <= MAX_WHOLE => found.extend(self.whole(text)),
            Kind::Whole => {}
        }
        found.extend(self.decimal_comma(text));
        found.extend(self.letters(text));
        if kind == Kind::Plain
            && let Some(said) = predicate(text)
        {
            found.extend(self.phrases(said));
            if is_words(said) {
                found.push(self.arena.add(Node::Text(said.to_owned())));
            }
        }
        found.extend(self.in_words(text));
        found.extend(self.phrases(text));
        found.extend(self.statements(text));
        if let Some(letter) = choice::letter(text).filter(|_| text.len() <= MAX_WHOLE) {
            found.push(self.arena.symbol(letter.to_string()));
            if let Some(content) = choice::content(text) {
                found.extend(self.latex(content));
            }
        }
        if let Some(said) = phrase::decision(&only_text(text).unwrap_or(text.into())) {
            found.push(self.arena.add(Node::Text(said.to_owned())));
        }
        found
    }

    /// LaTeX as it stands, or the words of one `\text{…}`.
    fn latex(&mut self, text: &str) -> Option<Id> {
        if let Some(words) = only_text(text) {
            let inner = self.parse(&words, Style::Plain);
            return Some(inner.unwrap_or_else(|| self.arena.add(Node::Text(words.into_owned()))));
        }
        self.parse(text, Style::Latex)
    }

    /// What follows the last equals sign of something that cannot be read as a whole.
    fn last_side(&mut self, text: &str) -> Option<Id> {
        let (_, last) = text.rsplit_once('=').filter(|_| !text.contains([',', ';']))?;
        self.parse(last, Style::Latex)
    }

    fn plain(&mut self, text: &str) -> Option<Id> {
        let text = without_label(text);
        if let Some(id) = self.whole(text) {
            return Some(id);
        }
        let clause = word::without_mathematics(text);
        let says = is_words(text) || meaning(&clause).is_some();
        says.then(|| self.arena.add(Node::Text(clause)))
    }

    /// A text that is an expression, but not one that is prose.
    fn whole(&mut self, text: &str) -> Option<Id> {
        let bold = text.trim().strip_prefix("**").and_then(|rest| rest.strip_suffix("**"));
        let text = without_label(bold.unwrap_or(text));
        if only_text(text).is_some() {
            return self.latex(text);
        }
        if let Some(parts) = in_angles(text) {
            return self.parse(&format!("({parts})"), Style::Plain);
        }
        self.parse(text, Style::Plain).or_else(|| is_notation(text).then(|| self.latex(text))?)
    }

    /// `1,5` is one and a half in much of the world.
    fn decimal_comma(&mut self, text: &str) -> Option<Id> {
        let (whole, fraction) = text.trim().split_once(',')?;
        let (sign, whole) = match whole.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", whole),
        };
        let digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole)
            || !digits(fraction)
            || (fraction.len() == 3 && whole.len() <= 3 && whole != "0")
        {
            return None;
        }
        let id = self.arena.add(Node::Decimal(Literal::decimal(whole, fraction, "").value));
        Some(if sign.is_empty() { id } else { self.arena.negate(id) })
    }

    /// "two thirds", "twenty-five".
    fn in_words(&mut self, text: &str) -> Option<Id> {
        let value = phrase::value(&only_text(text).unwrap_or(text.into()))?;
        Some(self.arena.rational(value))
    }

    /// A date, or the numbers between two others.
    fn phrases(&mut self, text: &str) -> Vec<Id> {
        let mut found = Vec::new();
        if let Some(parts) = phrase::date(text) {
            let parts = parts.into_iter().map(|part| self.arena.integer(part)).collect();
            found.push(self.arena.add(Node::Apply("date".into(), parts)));
        }
        let words = only_text(text).unwrap_or(text.into());
        if let Some((low, high, ends)) = phrase::range(&words)
            && let (Some(low), Some(high)) =
                (self.parse(low, Style::Plain), self.parse(high, Style::Plain))
        {
            if ends != Some(Ends::Excluded) {
                found.push(self.arena.add(Node::Interval(low, End::Closed, high, End::Closed)));
            }
            if ends != Some(Ends::Included) {
                found.push(self.arena.add(Node::Interval(low, End::Open, high, End::Open)));
            }
        }
        found
    }

    /// `①③`, the marks of the statements that hold.
    fn statements(&mut self, text: &str) -> Option<Id> {
        let marks = word::circled(&only_text(text).unwrap_or(text.into()))?;
        let marks = marks.into_iter().map(|mark| self.arena.symbol(mark.to_string())).collect();
        Some(self.arena.add(Node::List(marks)))
    }

    /// `ABD`, the letters of several choices.
    fn letters(&mut self, text: &str) -> Option<Id> {
        let words = only_text(text).unwrap_or(text.into());
        let word = words.trim_matches([' ', '.', '*', '。', '．']);
        let rises = word.as_bytes().windows(2).all(|pair| pair[0] < pair[1]);
        if !(2..=6).contains(&word.len())
            || !rises
            || !word.bytes().all(|letter| (b'A'..=b'H').contains(&letter))
        {
            return None;
        }
        let letters = word.chars().map(|letter| self.arena.symbol(letter.to_string())).collect();
        Some(self.arena.add(Node::List(letters)))
    }

    /// Several passages are a list.
    fn several(&mut self, parts: &[&str]) -> Option<Id> {
        let mut elements = Vec::new();
        for part in parts {
            let id = self.latex(part)?;
            match self.arena.node(id) {
                Node::List(ids) => elements.extend(ids.iter().copied()),
                _ => elements.push(id),
            }
        }
        let count = self.arena.without_domain(&elements).len();
        elements.truncate(count);
        if elements.len() == 1 {
            return elements.pop();
        }
        Some(self.arena.add(Node::List(elements)))
    }
}

/// The components of `<3, 5, 4>`.
fn in_angles(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix('<')?.strip_suffix('>')?;
    (inner.contains(',') && !inner.contains(['<', '>', '='])).then_some(inner)
}

/// A text whose `e` between digits stand apart from the digits before them.
fn apart(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let is_exponent = |at: usize| {
        matches!(bytes[at], b'e' | b'E')
            && bytes[..at].last().is_some_and(u8::is_ascii_digit)
            && bytes.get(at + 1).is_some_and(|next| next.is_ascii_digit() || b"+-".contains(next))
    };
    if !(0..bytes.len()).any(is_exponent) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for (at, mark) in text.char_indices() {
        if is_exponent(at) {
            out.push(' ');
        }
        out.push(mark);
    }
    out.into()
}

/// The words of a text that is one `\text{…}` and nothing else.
fn only_text(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim().trim_end_matches('.');
    for command in ["\\text{", "\\textbf{", "\\mathrm{", "\\textit{", "\\mbox{", "\\textrm{"] {
        let Some(inner) = text.strip_prefix(command).and_then(|rest| rest.strip_suffix('}')) else {
            continue;
        };
        if !inner.contains(['{', '}', '\\']) {
            return Some(inner.trim().into());
        }
        let plain = ["\\$", "\\%", "\\ ", "\\,", "\\#", "\\&"]
            .iter()
            .fold(inner.to_owned(), |text, mark| text.replace(mark, &mark[1..]));
        if !plain.contains(['{', '}', '\\']) {
            return Some(plain.trim().to_owned().into());
        }
    }
    None
}

/// A text without the name of what was counted, as in `9 (apples)`.
fn without_label(text: &str) -> &str {
    let text = text.trim();
    let label = text.strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    match label {
        Some((value, name))
            if (name.len() > 1 || Unit::named(name).is_some())
                && name
                    .chars()
                    .all(|mark| mark.is_alphabetic() || matches!(mark, ' ' | '-' | '.'))
                && value
                    .trim_end()
                    .ends_with(|mark: char| mark.is_ascii_digit() || mark == '%')
                && value.ends_with(' ') =>
        {
            value.trim_end()
        }
        _ => text,
    }
}

/// Whether a text without delimiters is LaTeX: it has a command, and no prose beside it.
pub(super) fn is_notation(text: &str) -> bool {
    let prose = ["所以", "因此", "解得", "可得", "答案", "综上"];
    if prose.iter().any(|word| text.contains(word)) {
        return false;
    }
    let is_plain = text.contains(['/', '²', '³']) && !text.contains(is_han);
    if !is_plain && !text.contains(['\\', '^', '_', '=', '+', '<', '>', '(']) {
        return false;
    }
    let mut long = 0;
    let mut before = ' ';
    let mut run = String::new();
    for mark in text.chars().chain([' ']) {
        if mark.is_ascii_alphabetic() {
            run.push(mark);
            continue;
        }
        if !run.is_empty() {
            let length = run.chars().count();
            // `GMm` is a product.
            let vowels = ['a', 'e', 'i', 'o', 'u', 'y'];
            let is_long = length > 3 || (length == 3 && run.to_lowercase().contains(vowels));
            let is_word = is_long || (mark == ' ' && is_small_word(&run));
            long += usize::from(is_word && before != '\\' && before != '{');
            run.clear();
        }
        before = mark;
    }
    long == 0 || (long == 1 && text.contains('\\'))
}

/// What a short sentence says of its subject: "even" of "the function is even".
fn predicate(text: &str) -> Option<&str> {
    let sentence = text.trim().trim_end_matches(['.', '!']);
    let said = [" is ", " was ", " are ", " were ", " be ", " on ", " facing "]
        .into_iter()
        .filter_map(|verb| sentence.rfind(verb).map(|at| at + verb.len()))
        .max()?;
    let words = sentence[said..].trim_matches(['*', ' ', '"']);
    let words =
        ["a ", "an ", "the "].iter().find_map(|word| words.strip_prefix(word)).unwrap_or(words);
    (!words.is_empty()).then_some(words)
}

/// Whether a text is a few words and nothing else.
fn is_words(text: &str) -> bool {
    let words = text.split_whitespace().count();
    (1..=6).contains(&words)
        && text
            .chars()
            .all(|mark| mark.is_alphabetic() || mark.is_whitespace() || "-'.,!*()".contains(mark))
        && text.chars().any(char::is_alphabetic)
}
