//! Words: names, yes and no, letters of choices.

use super::Judge;
use crate::expression::{Constant, Id, Node};
use crate::verdict::{Finding, Rule};

impl Judge {
    /// Compares where a side is words; `None` where neither is.
    pub(super) fn words(&mut self, gold: Id, answer: Id) -> Option<Finding> {
        let is_text = |judge: &Self, id: Id| matches!(judge.arena.node(id), Node::Text(_));
        if let (Some(x), Some(y)) = (self.spelled(gold), self.spelled(answer)) {
            let written = is_text(self, gold) || is_text(self, answer);
            if written || (x.len() > 1 && x == y) {
                return Some(Finding::new(x == y || plain(&x) == plain(&y), Rule::Words));
            }
        }
        // A single letter is a symbol and not a word, so two symbols are compared by name.
        if let (Node::Symbol(x), Node::Symbol(y)) = (self.arena.node(gold), self.arena.node(answer))
        {
            return Some(Finding::new(x == y, Rule::Words));
        }
        (is_text(self, gold) != is_text(self, answer)).then_some(Finding::OTHER_KIND)
    }

    /// The letters of a text, or of a product of single letters such as `o d d`.
    fn spelled(&self, id: Id) -> Option<String> {
        let letter = |id: &Id| match self.arena.node(*id) {
            Node::Symbol(name) if name.chars().count() == 1 => Some(name.clone()),
            Node::Constant(Constant::Euler) => Some("e".to_owned()),
            Node::Constant(Constant::Imaginary) => Some("i".to_owned()),
            _ => None,
        };
        match self.arena.node(id) {
            Node::Text(words) => Some(normal(words)),
            Node::Product(ids) if ids.len() > 1 => {
                let digits = |id: &Id| match self.arena.node(*id) {
                    Node::Rational(value) if value.is_integer() => Some(value.to_string()),
                    _ => None,
                };
                let first = letter(&ids[0]);
                let rest = ids[1..].iter().map(|id| letter(id).or_else(|| digits(id)));
                let letters: Option<String> = std::iter::once(first).chain(rest).collect();
                letters.map(|letters| letters.to_lowercase())
            }
            _ => letter(&id).map(|letter| letter.to_lowercase()),
        }
    }
}

/// Words that an answer may be put in without changing it.
const PASSED: &[&str] = &[
    "a",
    "an",
    "the",
    "it",
    "is",
    "was",
    "will",
    "be",
    "so",
    "thus",
    "therefore",
    "hence",
    "function",
    "number",
    "winner",
    "wins",
    "falls",
    "answer",
    "on",
];

/// Letters and digits in lower case, without the words that change nothing.
fn normal(words: &str) -> String {
    let lower = words.to_lowercase();
    let parts = || lower.split(|mark: char| !mark.is_alphanumeric());
    let kept: String = parts().filter(|part| !PASSED.contains(part)).collect();
    if kept.is_empty() { parts().collect() } else { kept }
}

/// One word for those that say the same.
fn plain(words: &str) -> &str {
    match words {
        "t" | "正确" | "对" => "true",
        "f" | "错误" | "错" => "false",
        "是" | "是的" => "yes",
        "否" | "不是" => "no",
        "dne" => "undefined",
        words => words,
    }
}
