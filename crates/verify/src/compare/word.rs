//! Words: names, yes and no, letters of choices.

use super::Judge;
use crate::expression::{Constant, Id, Node};
use crate::verdict::{Finding, Rule};

/// Ways to say that there is nothing.
const NOTHING: &[&str] = &[
    "nosolution",
    "nosolutions",
    "none",
    "emptyset",
    "norealsolution",
    "norealsolutions",
    "无解",
    "不存在",
    "空集",
];

impl Judge {
    /// Compares where a side is words; `None` where neither is.
    pub(super) fn words(&mut self, gold: Id, answer: Id) -> Option<Finding> {
        let is_text = |judge: &Self, id: Id| matches!(judge.arena.node(id), Node::Text(_));
        if let (Some(x), Some(y)) = (self.spelled(gold), self.spelled(answer)) {
            let written = is_text(self, gold) || is_text(self, answer);
            if written || (x.len() > 1 && x == y) {
                return Some(Finding::new(
                    x == y || (x.len() > 1 && plain(&x) == plain(&y)),
                    Rule::Words,
                ));
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
                let letters: Option<String> = ids.iter().map(letter).collect();
                letters.map(|letters| letters.to_lowercase())
            }
            _ => letter(&id).map(|letter| letter.to_lowercase()),
        }
    }
}

/// Letters and digits in lower case.
fn normal(words: &str) -> String {
    let kept: String = words.chars().filter(|mark| mark.is_alphanumeric()).collect();
    kept.to_lowercase()
}

/// Without an article, and with one word for nothing.
fn plain(words: &str) -> &str {
    if NOTHING.contains(&words) {
        return "none";
    }
    words
}
