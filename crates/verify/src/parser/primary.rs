//! Numbers, symbols and whatever begins with a command or a bracket.

use super::Parser;
use crate::display::show;
use crate::expression::{Constant, End, Id, Node};
use crate::lexer::Token;
use crate::number::Literal;

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Option<Id> {
        self.nested(|parser| {
            let token = parser.peek()?.clone();
            parser.at += 1;
            match token {
                Token::Number(literal) => Some(parser.number(&literal)),
                Token::Letter(letter) => parser.letter(letter),
                Token::Text(words) => parser.words(words),
                Token::NumberSet(letter) => Some(parser.number_set(letter)),
                Token::Command(name) => parser.command(name),
                Token::Mark('{') => parser.group(),
                Token::Mark(index @ ('^' | '_')) => parser.chosen_between(index),
                Token::Mark('|') => parser.absolute(),
                Token::Mark(opener @ ('(' | '[' | ']')) => parser.bracket(opener),
                Token::SetOpen => parser.set(),
                Token::Begin(kind) => parser.environment(&kind),
                _ => None,
            }
        })
    }

    fn number(&mut self, literal: &Literal) -> Id {
        if let Some(count) = self.chosen_in_line(literal) {
            return count;
        }
        let value = literal.value.clone();
        self.arena.add(if literal.is_decimal {
            Node::Decimal(value)
        } else {
            Node::Rational(value)
        })
    }

    /// Words. At the beginning, and behind an equals sign, they may announce the value that follows.
    fn words(&mut self, words: String) -> Option<Id> {
        let first = self.at == 1 || matches!(self.tokens.all[self.at - 2], Token::Relation(_));
        let is_value = self.starts_factor() || self.at_mark('-');
        if first && is_value && matches!(words.to_lowercase().as_str(), "negative" | "minus") {
            let value = self.power()?;
            return Some(self.arena.negate(value));
        }
        if first && is_value && announces(&words) {
            return self.power();
        }
        Some(self.arena.add(Node::Text(words)))
    }

    fn letter(&mut self, letter: char) -> Option<Id> {
        let named = self.at_mark('_') || self.at_mark('\'');
        match letter {
            'e' if !named => return Some(self.arena.add(Node::Constant(Constant::Euler))),
            'i' if !named && !self.indexed_by_i => {
                return Some(self.arena.add(Node::Constant(Constant::Imaginary)));
            }
            _ => {}
        }
        if let Some(count) = self.chosen_below(letter) {
            return Some(count);
        }
        if let Some(count) = self.chosen_in_brackets(letter) {
            return Some(count);
        }
        let name = self.name(letter.to_string())?;
        if self.at_mark('(') && self.is_function(letter, &name) {
            self.at += 1;
            return self.application(name);
        }
        if letter == 'P' && self.at_mark('(') && self.is_event() {
            self.at += 1;
            return self.event(name);
        }
        Some(self.arena.symbol(name))
    }

    /// A name with its primes and subscripts.
    pub(super) fn name(&mut self, mut name: String) -> Option<String> {
        loop {
            if self.eat('\'') {
                name.push('\'');
            } else if self.eat('_') {
                let below = self.nested(|parser| {
                    let sign = if parser.eat('+') { "+" } else { "" };
                    if parser.is_done() || (!sign.is_empty() && !parser.at_mark('{')) {
                        return Some(sign.to_owned());
                    }
                    let below = parser.primary()?;
                    Some(show(parser.arena, below))
                })?;
                name.push('_');
                name.push_str(&below.replace(['{', '}', ' ', '*'], ""));
            } else {
                return Some(name);
            }
        }
    }

    /// Whether a letter before a bracket is a function and not a factor.
    fn is_function(&self, letter: char, name: &str) -> bool {
        if matches!(letter, 'f' | 'g' | 'h' | 'F' | 'G' | 'H') {
            return true;
        }
        let lone = matches!(self.ahead(2), Some(Token::Mark(')')));
        match (letter, self.ahead(1)) {
            (
                'P' | 'Q' | 'W' | 'R' | 'S' | 'T' | 'N' | 'V' | 'A' | 'C',
                Some(Token::Letter(argument)),
            ) => lone && name != argument.to_string(),
            ('P' | 'Q' | 'W', Some(Token::Number(_))) => lone,
            ('p' | 'q' | 'u' | 'v' | 'y' | 'r' | 's' | 'w', Some(Token::Letter(argument))) => {
                lone && matches!(argument, 'x' | 't' | 'n' | 'z')
            }
            _ => false,
        }
    }

    /// Whether the bracket that begins here holds a relation: `P(X = 3)`.
    fn is_event(&self) -> bool {
        let mut depth = 0_usize;
        for token in &self.tokens.all[self.at..] {
            match token {
                Token::Mark('(') => depth += 1,
                Token::Mark(')') if depth == 1 => return false,
                Token::Mark(')') => depth -= 1,
                Token::Relation(_) => return true,
                _ => {}
            }
        }
        false
    }

    /// The probability of an event.
    fn event(&mut self, name: String) -> Option<Id> {
        let bars = std::mem::take(&mut self.bars);
        let event = self.list()?;
        self.bars = bars;
        self.need(')')?;
        Some(self.arena.add(Node::Apply(name, vec![event])))
    }

    /// The arguments of an unknown function.
    pub(super) fn application(&mut self, name: String) -> Option<Id> {
        let bars = std::mem::take(&mut self.bars);
        let mut arguments = vec![self.sum()?];
        while self.eat(',') {
            arguments.push(self.sum()?);
        }
        self.bars = bars;
        self.need(')')?;
        Some(self.arena.add(Node::Apply(name, arguments)))
    }

    /// ℝ is an interval; with a sign, half of it. The other number sets are symbols.
    fn number_set(&mut self, letter: char) -> Id {
        let mut sign = None;
        if self.at_mark('^') || self.at_mark('_') {
            let braced = usize::from(self.ahead(1) == Some(&Token::Mark('{')));
            if let Some(Token::Mark(mark @ ('+' | '-' | '*'))) = self.ahead(1 + braced) {
                sign = Some(*mark);
                self.at += 2 + 2 * braced;
            }
        }
        if letter != 'R' || sign == Some('*') {
            let sign = sign.map(String::from).unwrap_or_default();
            return self.arena.symbol(format!("\\mathbb{{{letter}}}{sign}"));
        }
        let infinity = self.arena.add(Node::Constant(Constant::Infinity));
        let zero = self.arena.integer(0);
        let (low, high) = match sign {
            Some('+') => (zero, infinity),
            Some(_) => (self.arena.negate(infinity), zero),
            None => (self.arena.negate(infinity), infinity),
        };
        self.arena.add(Node::Interval(low, End::Open, high, End::Open))
    }
}

/// Words that change the value behind them, and names that belong to a number.
const CHANGING: &[&str] = &[
    "no",
    "not",
    "negative",
    "minus",
    "less",
    "more",
    "fewer",
    "least",
    "most",
    "over",
    "under",
    "below",
    "above",
    "between",
    "from",
    "except",
    "but",
    "before",
    "after",
    "half",
    "twice",
    "square",
    "cube",
    "root",
    "squared",
    "greater",
    "smaller",
    "never",
    "nor",
    "neither",
    "log",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "such",
    "times",
    "plus",
    "sum",
    "product",
];

/// Whether words only say what the value behind them is: "Total:", "approximately".
fn announces(words: &str) -> bool {
    let lower = words.to_lowercase();
    let mut parts =
        lower.split(|mark: char| !mark.is_alphanumeric()).filter(|part| !part.is_empty());
    let is_label = lower.chars().filter(|mark| mark.is_alphabetic()).count() > 1;
    is_label && parts.all(|part| !CHANGING.contains(&part))
}
