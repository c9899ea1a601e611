//! Sums, products and powers.

use num_traits::Signed;

use super::Parser;
use crate::expression::{Function, Id, Node, Upper};
use crate::lexer::{Token, base_named};
use crate::number::in_base;

/// The sign before a term.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
    Both(Upper),
}

impl Parser<'_> {
    fn sign(&mut self) -> Option<Sign> {
        let sign = match self.peek()? {
            Token::Mark('+') => Sign::Plus,
            Token::Mark('-') => Sign::Minus,
            Token::Command("pm") => Sign::Both(Upper::Plus),
            Token::Command("mp") => Sign::Both(Upper::Minus),
            _ => return None,
        };
        self.at += 1;
        Some(sign)
    }

    pub(super) fn sum(&mut self) -> Option<Id> {
        self.nested(|parser| {
            let sign = parser.sign().unwrap_or(Sign::Plus);
            let first = parser.product()?;
            let zero = Vec::new();
            let mut terms = parser.signed(zero, sign, first);
            while let Some(sign) = parser.sign() {
                parser.budget.spend(1)?;
                let term = parser.product()?;
                terms = parser.signed(terms, sign, term);
            }
            let above = parser.arena.sum(terms);
            parser.infix_fraction(above)
        })
    }

    /// Puts a term with its sign behind others.
    fn signed(&mut self, mut terms: Vec<Id>, sign: Sign, term: Id) -> Vec<Id> {
        match sign {
            Sign::Plus => terms.push(term),
            Sign::Minus => terms.push(self.arena.negate(term)),
            Sign::Both(upper) => {
                let left = self.arena.sum(terms);
                terms = vec![self.arena.add(Node::PlusMinus(left, term, upper))];
            }
        }
        terms
    }

    /// `{a \over b}` and `{n \choose k}`.
    fn infix_fraction(&mut self, above: Id) -> Option<Id> {
        if self.eat_command("over") {
            let below = self.sum()?;
            return Some(self.arena.divide(above, below));
        }
        if self.eat_command("choose") {
            let below = self.sum()?;
            return Some(self.arena.call(Function::Binomial, vec![above, below]));
        }
        Some(above)
    }

    /// A factor with signs before it.
    fn signed_factor(&mut self) -> Option<Id> {
        let mut negative = false;
        loop {
            if self.eat('-') {
                negative = !negative;
            } else if !self.eat('+') {
                break;
            }
        }
        let factor = self.power()?;
        Some(if negative { self.arena.negate(factor) } else { factor })
    }

    fn product(&mut self) -> Option<Id> {
        if self.at_mark('-') || self.at_mark('+') {
            let negative = self.at_mark('-');
            self.at += 1;
            let rest = self.nested(Self::product)?;
            return Some(if negative { self.arena.negate(rest) } else { rest });
        }
        let mut factors = vec![self.power()?];
        loop {
            self.budget.spend(1)?;
            if self.eat('*') || self.eat_command("cdot") {
                let factor = self.signed_factor()?;
                factors.push(factor);
            } else if self.at_division() {
                self.at += 1;
                let divisor = self.signed_factor()?;
                self.divide_last(&mut factors, divisor);
            } else if self.eat(':') {
                return self.ratio(factors);
            } else if self.eat_command("parts") {
                let above = self.signed_factor()?;
                let below = self.arena.product(factors);
                factors = vec![self.arena.divide(above, below)];
            } else if self.at_qualifier() {
                return Some(self.arena.product(factors));
            } else if matches!(self.peek(), Some(Token::Unit(_) | Token::Text(_))) {
                self.measured(&mut factors)?;
            } else if self.starts_factor() {
                self.juxtaposed(&mut factors)?;
            } else {
                return Some(self.arena.product(factors));
            }
        }
    }

    fn at_division(&self) -> bool {
        self.at_mark('/') || self.at_command("div")
    }

    /// `a b / c` divides all that stands before it; two integers become one number.
    fn divide_last(&mut self, factors: &mut Vec<Id>, divisor: Id) {
        if let [only] = factors[..] {
            *factors = vec![self.arena.divide(only, divisor)];
        } else {
            let inverse = self.arena.invert(divisor);
            factors.push(inverse);
        }
    }

    /// A factor without a sign of multiplication before it, or the fraction of a mixed number.
    fn juxtaposed(&mut self, factors: &mut Vec<Id>) -> Option<()> {
        let after_number =
            matches!(self.tokens.all.get(self.at.wrapping_sub(1)), Some(Token::Number(_)));
        let is_number = matches!(self.peek(), Some(Token::Number(_)));
        let is_fraction = self.at_command("frac");
        // Behind `\frac32` a number is a factor.
        let is_broken = factors.last().is_some_and(
            |last| matches!(self.arena.node(*last), Node::Rational(value) if !value.is_integer()),
        );
        if is_number && after_number && !is_broken {
            return self.mixed_in_line(factors);
        }
        let factor = self.power()?;
        let (part, is_percentage) = match self.arena.node(factor) {
            Node::Percent(inner) => (*inner, true),
            _ => (factor, false),
        };
        if is_fraction && after_number && self.is_mixed(factors, part) {
            let whole = factors.pop()?;
            let mixed = self.arena.sum(vec![whole, part]);
            factors.push(if is_percentage { self.arena.add(Node::Percent(mixed)) } else { mixed });
        } else {
            factors.push(factor);
        }
        Some(())
    }

    /// Whether `2\frac13` is meant as two and a third.
    fn is_mixed(&self, factors: &[Id], fraction: Id) -> bool {
        let is_integer =
            |id: Id| matches!(self.arena.node(id), Node::Rational(value) if value.is_integer());
        let is_proper =
            matches!(self.arena.node(fraction), Node::Rational(value) if value.is_positive());
        matches!(factors, [whole] if is_integer(*whole)) && is_proper
    }

    /// `2 1/3`. Two numbers side by side are nothing else.
    fn mixed_in_line(&mut self, factors: &mut Vec<Id>) -> Option<()> {
        let [whole] = factors[..] else { return None };
        let (Some(Token::Number(above)), Some(Token::Mark('/')), Some(Token::Number(below))) =
            (self.peek(), self.ahead(1), self.ahead(2))
        else {
            return None;
        };
        let is_integer =
            matches!(self.arena.node(whole), Node::Rational(value) if value.is_integer());
        if above.value >= below.value || above.is_decimal || below.is_decimal || !is_integer {
            return None;
        }
        let fraction = &above.value / &below.value;
        self.at += 3;
        let fraction = self.arena.rational(fraction);
        *factors = vec![self.arena.sum(vec![whole, fraction])];
        Some(())
    }

    /// `a:b`, a time of day, or `a:b:c`.
    fn ratio(&mut self, factors: Vec<Id>) -> Option<Id> {
        let left = self.arena.product(factors);
        let is_clock = matches!(self.peek(), Some(Token::Number(minutes)) if minutes.digits.len() == 2 && minutes.digits.starts_with('0'));
        let mut parts = vec![left, self.nested(Self::ratio_part)?];
        while self.eat(':') {
            parts.push(self.ratio_part()?);
        }
        if let ([hours, minutes], Some(Token::Text(half))) = (&parts[..], self.peek())
            && matches!(half.as_str(), "am" | "pm")
        {
            return Some(self.clock(*hours, *minutes));
        }
        // What the shares are of.
        while matches!(self.peek(), Some(Token::Text(_) | Token::Unit(_))) {
            self.at += 1;
        }
        match parts[..] {
            [hours, minutes] if is_clock => {
                Some(self.arena.add(Node::Apply("clock".into(), vec![hours, minutes])))
            }
            [left, right] => Some(self.arena.add(Node::Ratio(left, right))),
            _ => {
                let first = parts[0];
                let shares =
                    parts[1..].iter().map(|part| self.arena.divide(*part, first)).collect();
                Some(self.arena.add(Node::Apply("ratio".into(), shares)))
            }
        }
    }

    /// A time with its half of the day, which is the next token.
    pub(super) fn clock(&mut self, hours: Id, minutes: Id) -> Id {
        let half = match self.peek() {
            Some(Token::Text(half)) => half.clone(),
            _ => String::new(),
        };
        self.at += 1;
        let half = self.arena.add(Node::Text(half));
        self.arena.add(Node::Apply("clock".into(), vec![hours, minutes, half]))
    }

    fn ratio_part(&mut self) -> Option<Id> {
        let mut factors = vec![self.signed_factor()?];
        loop {
            if self.at_division() {
                self.at += 1;
                let divisor = self.signed_factor()?;
                self.divide_last(&mut factors, divisor);
            } else if self.starts_factor() {
                self.juxtaposed(&mut factors)?;
            } else {
                return Some(self.arena.product(factors));
            }
        }
    }

    /// Whether a factor can begin here without a sign of multiplication.
    pub(super) fn starts_factor(&self) -> bool {
        match self.peek() {
            Some(
                Token::Number(_)
                | Token::Letter(_)
                | Token::Begin(_)
                | Token::SetOpen
                | Token::NumberSet(_),
            ) => true,
            Some(Token::Mark('(')) if self.at_modulus() || self.at_qualifier() => false,
            // `]1, 2[` ends here.
            Some(Token::Mark('[')) if self.ends_at(self.at + 1) => false,
            Some(Token::Mark(mark)) => {
                matches!(mark, '(' | '[' | '{') || (*mark == '|' && self.bars == 0)
            }
            Some(Token::Command(name)) => !matches!(
                *name,
                "cup"
                    | "cap"
                    | "setminus"
                    | "pm"
                    | "mp"
                    | "rfloor"
                    | "rceil"
                    | "to"
                    | "mod"
                    | "cdot"
                    | "div"
                    | "Rightarrow"
                    | "over"
                    | "choose"
                    | "parts"
            ),
            _ => false,
        }
    }

    /// A primary with exponents, factorials, per cents and bases behind it.
    pub(super) fn power(&mut self) -> Option<Id> {
        let mut base = self.primary()?;
        loop {
            self.budget.spend(1)?;
            if self.at_mark('^') {
                base = self.exponent(base)?;
            } else if self.eat('!') {
                let function =
                    if self.eat('!') { Function::DoubleFactorial } else { Function::Factorial };
                base = self.arena.call(function, vec![base]);
            } else if self.eat('%') {
                base = self.arena.add(Node::Percent(base));
            } else if self.eat('_') {
                base = self.subscript(base)?;
            } else if !self.eat('\'') {
                return Some(base);
            }
        }
    }

    /// `^x`; towers lean to the right.
    fn exponent(&mut self, base: Id) -> Option<Id> {
        self.need('^')?;
        if self.eat('\'') {
            return Some(base);
        }
        let exponent = self.nested(|parser| {
            let sign = parser.eat('-');
            parser.eat('+');
            let braced = parser.at_mark('{');
            let mut exponent = parser.primary()?;
            if !braced && parser.at_mark('^') {
                exponent = parser.exponent(exponent)?;
            }
            Some(if sign { parser.arena.negate(exponent) } else { exponent })
        })?;
        Some(self.arena.add(Node::Power(base, exponent)))
    }

    /// A subscript on something that is no symbol: the base of a number, or a name.
    fn subscript(&mut self, value: Id) -> Option<Id> {
        let below = self.nested(Self::primary)?;
        if let Node::Rational(number) = self.arena.node(value)
            && number.is_integer()
        {
            let digits = number.to_integer().to_string();
            let base = self.base(below)?;
            let number = in_base(&digits, base)?;
            return Some(self.arena.rational(number));
        }
        Some(self.arena.add(Node::Apply("sub".into(), vec![value, below])))
    }

    /// The base a subscript names.
    pub(super) fn base(&self, below: Id) -> Option<u32> {
        match self.arena.node(below) {
            Node::Rational(base) => u32::try_from(base.to_integer()).ok(),
            Node::Text(word) => base_named(word),
            _ => None,
        }
    }
}
