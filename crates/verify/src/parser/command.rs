//! Commands: fractions, roots, functions, sums, Greek letters.

use super::Parser;
use crate::expression::{Binder, Constant, Function, Id, Node};
use crate::lexer::Token;
use crate::number::Literal;

/// The function a command names.
fn function(name: &str) -> Option<Function> {
    Some(match name {
        "sin" => Function::Sin,
        "cos" => Function::Cos,
        "tan" => Function::Tan,
        "cot" => Function::Cot,
        "sec" => Function::Sec,
        "csc" => Function::Csc,
        "arcsin" => Function::Arcsin,
        "arccos" => Function::Arccos,
        "arctan" => Function::Arctan,
        "sinh" => Function::Sinh,
        "cosh" => Function::Cosh,
        "tanh" => Function::Tanh,
        "ln" => Function::Ln,
        "log" | "lg" => Function::Log,
        "exp" => Function::Exp,
        "gcd" => Function::Gcd,
        "lcm" => Function::Lcm,
        "max" => Function::Max,
        "min" => Function::Min,
        "abs" => Function::Abs,
        "floor" => Function::Floor,
        "ceil" => Function::Ceil,
        "Re" => Function::Re,
        "Im" => Function::Im,
        "arg" => Function::Arg,
        _ => return None,
    })
}

impl Parser<'_> {
    pub(super) fn command(&mut self, name: &'static str) -> Option<Id> {
        match name {
            "frac" => {
                let above = self.argument()?;
                let below = self.argument()?;
                Some(self.arena.divide(above, below))
            }
            "binom" => self.binomial(),
            "cis" => self.on_the_circle(),
            "sqrt" => self.root(),
            "pi" => Some(self.arena.add(Node::Constant(Constant::Pi))),
            "infty" => Some(self.arena.add(Node::Constant(Constant::Infinity))),
            "emptyset" => Some(self.arena.add(Node::Constant(Constant::EmptySet))),
            "lfloor" => self.rounded("rfloor", Function::Floor),
            "lceil" => self.rounded("rceil", Function::Ceil),
            "overline" | "tilde" | "det" => {
                let inner = self.argument()?;
                Some(self.arena.add(Node::Apply(name.into(), vec![inner])))
            }
            "sum" => self.bound(Binder::Sum),
            "prod" => self.bound(Binder::Product),
            "int" => self.bound(Binder::Integral),
            "lim" => self.bound(Binder::Limit),
            "to" | "mod" | "cup" | "cap" | "setminus" | "cdot" | "div" | "pm" | "mp" | "rfloor"
            | "rceil" | "Rightarrow" | "over" | "choose" | "parts" => None,
            _ => {
                if let Some(function) = function(name) {
                    self.function(function, name)
                } else {
                    let called =
                        matches!(name, "zeta" | "Gamma" | "varphi" | "phi" | "sigma" | "tau")
                            && self.at_mark('(')
                            && self.ahead(2) == Some(&Token::Mark(')'));
                    let name = self.name(format!("\\{name}"))?;
                    if called {
                        self.at += 1;
                        return self.application(name);
                    }
                    Some(self.arena.symbol(name))
                }
            }
        }
    }

    /// One argument of TeX: a group, or a single token, of a number its first digit.
    fn argument(&mut self) -> Option<Id> {
        if let Some(Token::Number(literal)) = self.peek()
            && literal.digits.len() > 1
        {
            let (first, rest) = literal.digits.split_at(1);
            let (first, rest) = (Literal::integer(first), Literal::integer(rest));
            self.tokens.all[self.at] = Token::Number(rest);
            return Some(self.arena.rational(first.value));
        }
        if self.eat('-') {
            let inner = self.nested(Self::argument)?;
            return Some(self.arena.negate(inner));
        }
        self.primary()
    }

    fn binomial(&mut self) -> Option<Id> {
        let first = self.argument()?;
        if let Node::Tuple(both) = self.arena.node(first)
            && both.len() == 2
        {
            let both = both.clone();
            return Some(self.arena.call(Function::Binomial, both));
        }
        let second = self.argument()?;
        Some(self.arena.call(Function::Binomial, vec![first, second]))
    }

    /// `cis x`, which is cos x + i sin x.
    fn on_the_circle(&mut self) -> Option<Id> {
        let angle = self.function_argument()?;
        let i = self.arena.add(Node::Constant(Constant::Imaginary));
        let exponent = self.arena.product(vec![i, angle]);
        let e = self.arena.add(Node::Constant(Constant::Euler));
        Some(self.arena.add(Node::Power(e, exponent)))
    }

    /// `\sqrt[n]{a}`; without braces the whole number behind it is meant.
    fn root(&mut self) -> Option<Id> {
        let index = if self.eat('[') {
            let index = self.sum()?;
            self.need(']')?;
            index
        } else {
            self.arena.integer(2)
        };
        let inner = self.primary()?;
        let one = self.arena.integer(1);
        let exponent = self.arena.divide(one, index);
        Some(self.arena.add(Node::Power(inner, exponent)))
    }

    fn rounded(&mut self, closer: &str, function: Function) -> Option<Id> {
        let bars = std::mem::take(&mut self.bars);
        let inner = self.sum()?;
        self.bars = bars;
        self.eat_command(closer).then_some(())?;
        Some(self.arena.call(function, vec![inner]))
    }

    /// `\sin^2 x`, `\log_2 8`, `\max(a, b)`.
    fn function(&mut self, function: Function, name: &str) -> Option<Id> {
        let (mut base, mut exponent) = (None, None);
        loop {
            if self.eat('_') {
                base = Some(self.argument()?);
            } else if self.eat('^') {
                exponent = Some(self.nested(|parser| {
                    let sign = parser.eat('-');
                    let exponent = parser.primary()?;
                    Some(if sign { parser.arena.negate(exponent) } else { exponent })
                })?);
            } else {
                break;
            }
        }
        let inner = self.function_argument()?;
        let mut arguments = match self.arena.node(inner) {
            Node::Tuple(ids) | Node::List(ids) | Node::Set(ids) => ids.clone(),
            _ => vec![inner],
        };
        let ten = (name == "lg").then(|| self.arena.integer(10));
        let function = match (function, base.or(ten)) {
            (Function::Log, Some(base)) => {
                arguments.truncate(1);
                arguments.push(base);
                Function::LogBase
            }
            (Function::Log, None) if arguments.len() == 2 => Function::LogBase,
            (function, _) => function,
        };
        Some(self.raised(function, arguments, exponent))
    }

    /// A function with the exponent that stands on its name; −1 is the inverse of a trigonometric function.
    fn raised(&mut self, function: Function, arguments: Vec<Id>, exponent: Option<Id>) -> Id {
        let inverse = match function {
            Function::Sin => Some(Function::Arcsin),
            Function::Cos => Some(Function::Arccos),
            Function::Tan => Some(Function::Arctan),
            _ => None,
        };
        let is_inverse = exponent.is_some_and(|exponent| {
            matches!(self.arena.node(exponent), Node::Rational(value) if *value == num_rational::BigRational::from(num_bigint::BigInt::from(-1)))
        });
        if let (Some(inverse), true) = (inverse, is_inverse) {
            return self.arena.call(inverse, arguments);
        }
        let value = self.arena.call(function, arguments);
        match exponent {
            Some(exponent) => self.arena.add(Node::Power(value, exponent)),
            None => value,
        }
    }

    /// A bracket, or the factors up to the next function or operator.
    fn function_argument(&mut self) -> Option<Id> {
        if matches!(self.peek(), Some(Token::Mark('(' | '{' | '[' | '|') | Token::SetOpen)) {
            return self.primary();
        }
        let mut factors = Vec::new();
        if self.eat('-') {
            factors.push(self.arena.integer(-1));
        }
        factors.push(self.power()?);
        loop {
            match self.peek() {
                Some(Token::Number(_) | Token::Letter(_)) => {}
                Some(Token::Command(name))
                    if function(name).is_none()
                        && !matches!(*name, "sum" | "prod" | "int" | "lim")
                        && self.starts_factor() => {}
                Some(Token::Mark('/')) if matches!(self.ahead(1), Some(Token::Number(_))) => {
                    self.at += 1;
                    let divisor = self.power()?;
                    factors.push(self.arena.invert(divisor));
                    continue;
                }
                Some(Token::Unit(_)) => {
                    self.measured(&mut factors)?;
                    break;
                }
                _ => break,
            }
            factors.push(self.power()?);
        }
        Some(self.arena.product(factors))
    }

    /// Sums, products, integrals and limits: bounds, then the body.
    fn bound(&mut self, binder: Binder) -> Option<Id> {
        let before = self.indexed_by_i;
        self.indexed_by_i |= self.ahead(1) == Some(&Token::Mark('{'))
            && self.ahead(2) == Some(&Token::Letter('i'))
            && matches!(self.ahead(3), Some(Token::Relation(_)));
        let bound = self.bounds_and_body(binder);
        self.indexed_by_i = before;
        bound
    }

    fn bounds_and_body(&mut self, binder: Binder) -> Option<Id> {
        let (mut below, mut above) = (Vec::new(), Vec::new());
        loop {
            if self.eat('_') {
                below = self.limits()?;
            } else if self.eat('^') {
                above = self.limits()?;
            } else {
                break;
            }
        }
        let body = self.nested(Self::body)?;
        let mut children = below;
        children.extend(above);
        children.push(body);
        Some(self.arena.add(Node::Bound(binder, children)))
    }

    /// The body of a binder: a product, up to the next sum or difference.
    fn body(&mut self) -> Option<Id> {
        let mut factors = vec![self.power()?];
        loop {
            self.budget.spend(1)?;
            if self.eat('*') || self.eat_command("cdot") || self.starts_factor() {
                factors.push(self.power()?);
            } else if self.eat('/') || self.eat_command("div") {
                let divisor = self.power()?;
                factors.push(self.arena.invert(divisor));
            } else {
                return Some(self.arena.product(factors));
            }
        }
    }

    /// `k=1`, `n`, `x \to 0`.
    fn limits(&mut self) -> Option<Vec<Id>> {
        if !self.eat('{') {
            let sign = self.eat('-');
            let limit = self.argument()?;
            return Some(vec![if sign { self.arena.negate(limit) } else { limit }]);
        }
        let mut limits = vec![self.list()?];
        if self.eat_command("to") {
            limits.push(self.sum()?);
            if self.eat('^') {
                let _ = self.eat('+') || self.eat('-');
            }
        }
        self.need('}')?;
        Some(limits)
    }
}
