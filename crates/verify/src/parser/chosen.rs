//! Numbers of choices in their many notations: `C_8^3`, `{}_8C_3`, `8C3`, `P_{10}^{3}`, `A_{10}^{3}`.

use num_bigint::BigInt;

use super::Parser;
use crate::expression::{Function, Id, Node, Relation};
use crate::lexer::Token;
use crate::number::Literal;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    Subsets,
    Arrangements,
}

impl Counted {
    /// What a letter stands for.
    pub(crate) fn named(letter: char) -> Option<Self> {
        match letter {
            'C' => Some(Self::Subsets),
            'P' | 'A' => Some(Self::Arrangements),
            _ => None,
        }
    }
}

impl Parser<'_> {
    fn whole(&self, id: Id) -> Option<BigInt> {
        match self.arena.node(id) {
            Node::Rational(value) if value.is_integer() => Some(value.to_integer()),
            _ => None,
        }
    }

    /// The number of choices, where both are whole and no more are chosen than there are.
    fn count(&mut self, counted: Counted, all: Id, chosen: Id) -> Option<Id> {
        let fits = self.whole(chosen)? <= self.whole(all)?;
        fits.then(|| self.arena.count(counted, all, chosen))
    }

    /// `C_{8}^{3}`, behind its letter.
    pub(super) fn chosen_below(&mut self, letter: char) -> Option<Id> {
        let counted = Counted::named(letter)?;
        self.tried(|parser| {
            parser.need('_')?;
            let all = parser.nested(Self::primary)?;
            parser.need('^')?;
            let chosen = parser.nested(Self::primary)?;
            parser.count(counted, all, chosen)
        })
    }

    /// `_{8}C_{3}` or `^{8}C_{3}`, behind the first sign.
    pub(super) fn chosen_between(&mut self, _index: char) -> Option<Id> {
        let all = self.nested(Self::primary)?;
        let Some(Token::Letter(letter)) = self.peek() else { return None };
        let counted = Counted::named(*letter)?;
        self.at += 1;
        self.need('_')?;
        let chosen = self.nested(Self::primary)?;
        self.count(counted, all, chosen)
    }

    /// `8C3`, behind its first number.
    pub(super) fn chosen_in_line(&mut self, all: &Literal) -> Option<Id> {
        let (Some(Token::Letter(letter)), Some(Token::Number(chosen))) =
            (self.peek(), self.ahead(1))
        else {
            return None;
        };
        let spaced = [self.at, self.at + 1].into_iter().any(|at| self.tokens.spaced[at]);
        let counted = Counted::named(*letter).filter(|_| !spaced && *letter != 'A')?;
        let (all, chosen) = (all.value.clone(), chosen.value.clone());
        self.tried(|parser| {
            parser.at += 2;
            let (all, chosen) = (parser.arena.rational(all), parser.arena.rational(chosen));
            parser.count(counted, all, chosen)
        })
    }

    /// `C(6, 2)` in a quotient or a sum; alone it may be a point as well.
    pub(super) fn chosen_in_brackets(&mut self, letter: char) -> Option<Id> {
        let counted = Counted::named(letter).filter(|counted| *counted == Counted::Subsets)?;
        let [
            Token::Mark('('),
            Token::Number(all),
            Token::Mark(','),
            Token::Number(chosen),
            Token::Mark(')'),
        ] = self.tokens.all.get(self.at..self.at + 5)?
        else {
            return None;
        };
        let operates = |token: Option<&Token>| {
            matches!(
                token,
                Some(
                    Token::Mark('+' | '-' | '*' | '/' | '!')
                        | Token::Command("cdot" | "div")
                        | Token::Letter('C')
                        | Token::Relation(Relation::Equal)
                )
            )
        };
        let before = self.at.checked_sub(2).and_then(|at| self.tokens.all.get(at));
        if !operates(before) && !operates(self.ahead(5)) {
            return None;
        }
        let (all, chosen) = (all.value.clone(), chosen.value.clone());
        self.tried(|parser| {
            parser.at += 5;
            let (all, chosen) = (parser.arena.rational(all), parser.arena.rational(chosen));
            parser.count(counted, all, chosen)
        })
    }

    /// Reads something or nothing.
    fn tried(&mut self, read: impl FnOnce(&mut Self) -> Option<Id>) -> Option<Id> {
        let start = self.at;
        let found = read(self);
        if found.is_none() {
            self.at = start;
        }
        found
    }
}

impl crate::expression::Arena {
    /// The number of subsets, or of arrangements as a quotient of factorials.
    pub(crate) fn count(&mut self, counted: Counted, all: Id, chosen: Id) -> Id {
        match counted {
            Counted::Subsets => self.call(Function::Binomial, vec![all, chosen]),
            Counted::Arrangements => {
                let left = self.subtract(all, chosen);
                let above = self.call(Function::Factorial, vec![all]);
                let below = self.call(Function::Factorial, vec![left]);
                self.divide(above, below)
            }
        }
    }
}
