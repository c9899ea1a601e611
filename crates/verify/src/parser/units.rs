//! Units and names behind a value.

use super::Parser;
use crate::expression::{Id, Node};
use crate::lexer::Token;
use crate::unit::Unit;

impl Parser<'_> {
    /// A unit, or words that name what was counted.
    pub(super) fn measured(&mut self, factors: &mut Vec<Id>) -> Option<()> {
        if let Some(Token::Text(words)) = self.peek() {
            let words = words.clone();
            if let ([hours], "am" | "pm") = (&factors[..], words.as_str()) {
                let (hours, minutes) = (*hours, self.arena.integer(0));
                *factors = vec![self.clock(hours, minutes)];
                return Some(());
            }
            self.at += 1;
            if self.at_end() {
                // Words behind a value name what was counted; they have no bearing on its value.
                return Some(());
            }
            factors.push(self.arena.add(Node::Text(words)));
            return Some(());
        }
        let unit = self.unit_product()?;
        // `2 h 30 min` is a sum.
        let before = match factors[..] {
            [first, _] if matches!(self.arena.node(first), Node::Quantity(..) | Node::Sum(_)) => {
                Some(factors.remove(0))
            }
            _ => None,
        };
        let value = self.arena.product(std::mem::take(factors));
        let quantity = self.arena.add(Node::Quantity(value, unit));
        factors.push(match before {
            Some(before) if self.arena.is_part_of(before, quantity) => {
                self.arena.sum(vec![before, quantity])
            }
            Some(before) => self.arena.product(vec![before, quantity]),
            None => quantity,
        });
        Some(())
    }

    /// `km / h`, `kg m^2 s^{-2}`.
    pub(super) fn unit_product(&mut self) -> Option<Unit> {
        let mut unit = self.unit_power()?;
        loop {
            self.budget.spend(1)?;
            let start = self.at;
            let divides = self.eat('/');
            if !divides
                && !self.eat('*')
                && !self.eat_command("cdot")
                && !matches!(self.peek(), Some(Token::Unit(_)))
            {
                return Some(unit);
            }
            match self.unit_power() {
                Some(next) => unit = unit.times(&if divides { next.power(-1) } else { next }),
                None if divides && matches!(self.peek(), Some(Token::Text(_))) => self.at += 1,
                None => {
                    self.at = start;
                    return Some(unit);
                }
            }
        }
    }

    fn unit_power(&mut self) -> Option<Unit> {
        let unit = match self.peek()? {
            Token::Unit(unit) => unit.clone(),
            Token::Letter(letter)
                if self.at > 0 && self.tokens.all[self.at - 1] == Token::Mark('/') =>
            {
                Unit::named(&letter.to_string())?
            }
            _ => return None,
        };
        self.at += 1;
        if !self.eat('^') {
            return Some(unit);
        }
        let exponent = self.nested(|parser| {
            let braced = parser.eat('{');
            let sign = if parser.eat('-') { -1 } else { 1 };
            let Some(Token::Number(literal)) = parser.peek() else { return None };
            let exponent: i32 = literal.digits.parse().ok()?;
            parser.at += 1;
            if braced {
                parser.need('}')?;
            }
            Some(sign * exponent)
        })?;
        Some(unit.power(exponent))
    }
}
