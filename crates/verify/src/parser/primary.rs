//! Numbers, symbols and whatever begins with a command or a bracket.

use super::Parser;
use crate::display::show;
use crate::expression::{Constant, End, Function, Id, Node};
use crate::lexer::Token;
use crate::number::{Literal, in_base};

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Option<Id> {
        self.nested(|parser| {
            let token = parser.peek()?.clone();
            parser.at += 1;
            match token {
                Token::Number(literal) => Some(parser.number(&literal)),
                Token::Letter(letter) => parser.letter(letter),
                Token::Text(words) => Some(parser.arena.add(Node::Text(words))),
                Token::NumberSet(letter) => Some(parser.number_set(letter)),
                Token::Command(name) => parser.command(name),
                Token::Mark('{') => parser.group(),
                Token::Mark('|') => parser.absolute(),
                Token::Mark(opener @ ('(' | '[' | ']')) => parser.bracket(opener),
                Token::SetOpen => parser.set(),
                Token::Begin(kind) => parser.environment(&kind),
                _ => None,
            }
        })
    }

    fn number(&mut self, literal: &Literal) -> Id {
        if let Some(id) = self.letters_as_digits(literal) {
            return id;
        }
        let value = literal.value.clone();
        self.arena.add(if literal.is_decimal {
            Node::Decimal(value)
        } else {
            Node::Rational(value)
        })
    }

    /// `2AF_{16}`: letters that are digits, known by the base behind them.
    fn letters_as_digits(&mut self, literal: &Literal) -> Option<Id> {
        if !matches!(self.peek(), Some(Token::Letter('A'..='F'))) || self.is_spaced() {
            return None;
        }
        let start = self.at;
        let mut digits = literal.digits.clone();
        let mut steps = 0;
        loop {
            match self.ahead(steps) {
                Some(Token::Letter(letter @ 'A'..='F')) => digits.push(*letter),
                Some(Token::Number(more)) if !more.digits.is_empty() => {
                    digits.push_str(&more.digits);
                }
                Some(Token::Mark('_')) => break,
                _ => return None,
            }
            steps += 1;
        }
        self.at += steps + 1;
        let below = self.nested(Self::primary);
        let number =
            below.and_then(|below| self.base(below)).and_then(|base| in_base(&digits, base));
        if number.is_none() {
            self.at = start;
        }
        number.map(|number| self.arena.rational(number))
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
        if letter == 'C'
            && let Some(count) = self.combinations()
        {
            return Some(count);
        }
        let name = self.name(letter.to_string())?;
        if self.at_mark('(') && self.is_function(letter, &name) {
            self.at += 1;
            return self.application(name);
        }
        Some(self.arena.symbol(name))
    }

    /// `C_{8}^{3}`, a binomial coefficient, where both are whole and the upper is not the greater one.
    fn combinations(&mut self) -> Option<Id> {
        let start = self.at;
        let count = self.index_below().and_then(|(all, chosen)| {
            let whole = |id: Id| match self.arena.node(id) {
                Node::Rational(value) if value.is_integer() => Some(value.to_integer()),
                _ => None,
            };
            let fits = whole(chosen)? <= whole(all)?;
            fits.then(|| self.arena.call(Function::Binomial, vec![all, chosen]))
        });
        if count.is_none() {
            self.at = start;
        }
        count
    }

    /// `_a^b`.
    fn index_below(&mut self) -> Option<(Id, Id)> {
        if !self.eat('_') {
            return None;
        }
        let below = self.nested(Self::primary)?;
        self.need('^')?;
        let above = self.nested(Self::primary)?;
        Some((below, above))
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

    /// The arguments of an unknown function.
    fn application(&mut self, name: String) -> Option<Id> {
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
