//! Lists, relations and unions: what is looser than a sum.

use super::Parser;
use crate::expression::{Id, Node, Relation};
use crate::lexer::Token;

/// How the elements of a list stand to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    Comma,
    Semicolon,
}

impl Parser<'_> {
    /// Elements between commas or semicolons; one element stands for itself.
    pub(super) fn list(&mut self) -> Option<Id> {
        self.nested(|parser| {
            let mut rows = vec![vec![parser.relation()?]];
            while let Some(separator) = parser.separator() {
                if parser.at_list_end() || parser.at_qualifier() {
                    break;
                }
                let element = parser.relation()?;
                match separator {
                    Separator::Comma => rows.last_mut()?.push(element),
                    Separator::Semicolon => rows.push(vec![element]),
                }
            }
            Some(parser.rows(rows))
        })
    }

    fn separator(&mut self) -> Option<Separator> {
        let separator = match self.peek() {
            Some(Token::Mark(',')) => Separator::Comma,
            Some(Token::Mark(';')) => Separator::Semicolon,
            _ => return None,
        };
        self.at += 1;
        while self.eat(',') || self.eat(';') {}
        Some(separator)
    }

    fn at_list_end(&self) -> bool {
        matches!(
            self.peek(),
            None | Some(Token::Mark(')' | ']' | '}' | '.') | Token::SetClose | Token::End(_))
        )
    }

    fn rows(&mut self, mut rows: Vec<Vec<Id>>) -> Id {
        if rows.iter().any(|row| row.len() > 1) && rows.len() > 1 {
            let tuples = rows.into_iter().map(|row| match row[..] {
                [only] => only,
                _ => self.arena.add(Node::Tuple(row)),
            });
            let tuples = tuples.collect();
            return self.arena.add(Node::List(tuples));
        }
        let mut elements = if rows.len() == 1 { rows.remove(0) } else { rows.concat() };
        if let [only] = elements[..] {
            only
        } else {
            if let Some(chain) = self.values_of_one_name(&elements) {
                return chain;
            }
            elements.shrink_to_fit();
            self.arena.add(Node::List(elements))
        }
    }

    /// `n = 1, 2, 3` gives one name three values.
    fn values_of_one_name(&mut self, elements: &[Id]) -> Option<Id> {
        let Node::Chain(sides, relations) = self.arena.node(elements[0]) else { return None };
        let ([name, value], [Relation::Equal | Relation::NotEqual]) = (&sides[..], &relations[..])
        else {
            return None;
        };
        let (name, value, relations) = (*name, *value, relations.clone());
        let rest = &elements[1..];
        let plain = rest.iter().all(|id| !matches!(self.arena.node(*id), Node::Chain(..)));
        if !plain || !matches!(self.arena.node(name), Node::Symbol(_) | Node::Apply(..)) {
            return None;
        }
        let values = std::iter::once(value).chain(rest.iter().copied()).collect();
        let values = self.arena.add(Node::List(values));
        Some(self.arena.add(Node::Chain(vec![name, values], relations)))
    }

    /// `a < b = c`; what follows ≈ is an approximation of what stands before it, and ⇒ leaves its last side.
    pub(super) fn relation(&mut self) -> Option<Id> {
        while matches!(self.peek(), Some(Token::Relation(Relation::Equal) | Token::Approximately)) {
            self.at += 1;
        }
        let mut sides = vec![self.set_operation()?];
        let mut relations = Vec::new();
        loop {
            self.budget.spend(1)?;
            match self.peek() {
                Some(Token::Relation(relation)) => {
                    let relation = *relation;
                    self.at += 1;
                    relations.push(relation);
                    sides.push(self.set_operation()?);
                }
                Some(Token::Approximately) => {
                    self.at += 1;
                    let side = self.set_operation()?;
                    if relations.is_empty() && matches!(self.arena.node(sides[0]), Node::Symbol(_))
                    {
                        relations.push(Relation::Equal);
                        sides.push(side);
                    }
                }
                Some(Token::Command("Rightarrow")) => {
                    self.at += 1;
                    return self.nested(Self::relation);
                }
                _ => break,
            }
        }
        if relations.is_empty() {
            return sides.pop();
        }
        Some(self.arena.add(Node::Chain(sides, relations)))
    }

    /// Whether `(mod …)` begins here.
    pub(super) fn at_modulus(&self) -> bool {
        self.at_mark('(') && self.ahead(1) == Some(&Token::Command("mod"))
    }

    /// Unions, intersections and differences of sets; remainders.
    pub(super) fn set_operation(&mut self) -> Option<Id> {
        let mut left = self.sum()?;
        loop {
            if self.eat_command("cup") {
                let right = self.sum()?;
                left = self.arena.add(Node::Union(vec![left, right]));
            } else if self.eat_command("cap") {
                let right = self.sum()?;
                left = self.arena.add(Node::Intersection(vec![left, right]));
            } else if self.eat_command("setminus") {
                let right = self.sum()?;
                left = self.arena.add(Node::Difference(left, right));
            } else if self.at_modulus() || self.at_command("mod") {
                let bracketed = self.eat('(');
                self.at += 1;
                let modulus = self.power()?;
                if bracketed {
                    self.need(')')?;
                }
                left = self.arena.add(Node::Apply("mod".into(), vec![left, modulus]));
            } else {
                return Some(left);
            }
        }
    }
}
