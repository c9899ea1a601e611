//! From tokens to an expression: a recursive descent whose depth is bounded.

mod arithmetic;
mod bracket;
mod command;
mod primary;
mod relation;
mod units;

use crate::expression::{Arena, Id};
use crate::lexer::{Style, Token, Tokens, lex};
use crate::limits::Budget;

/// Reads a whole text as one expression, list or relation; `None` where it is not one.
pub(crate) fn parse(source: &str, style: Style, arena: &mut Arena, budget: &Budget) -> Option<Id> {
    let tokens = bracket::collapse(lex(source, style, budget)?);
    if tokens.all.is_empty() {
        return None;
    }
    let mut parser =
        Parser { tokens, at: 0, depth: 0, bars: 0, indexed_by_i: false, arena, budget };
    let id = parser.list()?;
    while parser.eat('.') || parser.eat(',') || parser.eat(';') || parser.eat(':') {}
    parser.is_done().then_some(id)
}

struct Parser<'a> {
    tokens: Tokens,
    at: usize,
    depth: usize,
    /// How many `|` are open in the innermost bracket.
    bars: usize,
    /// Whether `i` is the index of a sum and not the imaginary unit.
    indexed_by_i: bool,
    arena: &'a mut Arena,
    budget: &'a Budget,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.all.get(self.at)
    }

    fn ahead(&self, steps: usize) -> Option<&Token> {
        self.tokens.all.get(self.at + steps)
    }

    fn is_done(&self) -> bool {
        self.at >= self.tokens.all.len()
    }

    /// Whether white space stands before the next token.
    fn is_spaced(&self) -> bool {
        self.tokens.spaced.get(self.at).copied().unwrap_or(false)
    }

    fn at_mark(&self, mark: char) -> bool {
        self.peek() == Some(&Token::Mark(mark))
    }

    fn at_command(&self, name: &str) -> bool {
        matches!(self.peek(), Some(Token::Command(command)) if *command == name)
    }

    fn eat(&mut self, mark: char) -> bool {
        let found = self.at_mark(mark);
        self.at += usize::from(found);
        found
    }

    fn eat_command(&mut self, name: &str) -> bool {
        let found = self.at_command(name);
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, mark: char) -> Option<()> {
        self.eat(mark).then_some(())
    }

    /// Goes one level deeper for as long as `read` lasts.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.budget.spend(1)?;
        if self.depth >= self.budget.limits.depth {
            return None;
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Whether the expression being read ends here.
    fn at_end(&self) -> bool {
        match self.peek() {
            Some(Token::Mark(mark)) => {
                matches!(mark, ')' | ']' | '}' | ',' | ';' | '.' | '&' | '|')
            }
            None
            | Some(
                Token::Relation(_)
                | Token::Row
                | Token::End(_)
                | Token::SetClose
                | Token::Approximately,
            ) => true,
            Some(Token::Command(name)) => matches!(*name, "cup" | "cap" | "Rightarrow" | "mod"),
            _ => false,
        }
    }
}
