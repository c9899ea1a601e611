//! From tokens to an expression: a recursive descent whose depth is bounded.

mod arithmetic;
mod bracket;
mod chosen;
mod command;
mod environment;
mod primary;
mod relation;
mod units;

use crate::expression::{Arena, Id, Node, Relation};
use crate::lexer::{Style, Token, Tokens, lex};
use crate::limits::Budget;

pub(crate) use chosen::Counted;

/// Reads a whole text as one expression, list or relation; `None` where it is not one.
pub(crate) fn parse(source: &str, style: Style, arena: &mut Arena, budget: &Budget) -> Option<Id> {
    let tokens = bracket::collapse(lex(source, style, budget)?);
    if tokens.all.is_empty() {
        return None;
    }
    let mut parser =
        Parser { tokens, at: 0, depth: 0, bars: 0, indexed_by_i: false, arena, budget };
    if parser.is_labelled() {
        parser.at = 2;
    }
    let id = parser.list()?;
    let id = parser.unqualified(id);
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

    /// Without what says for which values it holds: `7k + 2, k ∈ ℤ`, `x² for all x`.
    fn unqualified(&mut self, id: Id) -> Id {
        if self.at_qualifier() {
            self.at = self.tokens.all.len();
        }
        let Node::List(elements) = self.arena.node(id).clone() else { return id };
        match self.arena.without_domain(&elements) {
            [only] => *only,
            rest if rest.len() < elements.len() => self.arena.add(Node::List(rest.to_vec())),
            _ => id,
        }
    }

    /// Whether an equation has a name before it: `ℓ: 3x + 2y = 6`.
    fn is_labelled(&self) -> bool {
        let all = &self.tokens.all;
        let is_name = matches!(all.first(), Some(Token::Letter(_) | Token::Command("ell")));
        let equals = all.iter().position(|token| *token == Token::Relation(Relation::Equal));
        let colons =
            |part: &[Token]| part.iter().filter(|token| **token == Token::Mark(':')).count();
        is_name
            && all.get(1) == Some(&Token::Mark(':'))
            && equals.is_some_and(|at| at > 3 && colons(all) == 1)
    }

    /// Whether "for", "where", a domain in brackets, or "n is an integer" begins here.
    fn at_qualifier(&self) -> bool {
        match self.peek() {
            Some(Token::Text(words)) => is_qualifier(words),
            Some(Token::Mark('(')) => {
                matches!(self.ahead(1), Some(Token::Letter(_)))
                    && (self.ahead(2) == Some(&Token::Relation(Relation::In))
                        || self.ahead(2).is_some_and(says_whole))
            }
            Some(Token::Letter(_)) => self.ahead(1).is_some_and(says_whole),
            _ => false,
        }
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
        self.ends_at(self.at)
    }

    /// Whether nothing at this place goes on with the expression before it.
    fn ends_at(&self, place: usize) -> bool {
        match self.tokens.all.get(place) {
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

impl Arena {
    /// Elements without the last, where it only says what a letter in the others stands for: `7k + 2, k ∈ ℤ`.
    pub(crate) fn without_domain<'a>(&self, elements: &'a [Id]) -> &'a [Id] {
        let is_bound = |id: &Id| {
            matches!(self.node(*id), Node::Chain(_, relations)
                if relations.iter().any(|relation| *relation != Relation::Equal))
        };
        let Some((last, rest)) = elements.split_last() else { return elements };
        let is_domain = matches!(self.node(*last), Node::Chain(sides, relations)
            if relations[..] == [Relation::In] && matches!(self.node(sides[0]), Node::Symbol(_)));
        if is_domain && !rest.is_empty() && !rest.iter().any(is_bound) { rest } else { elements }
    }
}

/// Whether words say of the letter before them that it is a whole number.
fn says_whole(token: &Token) -> bool {
    let Token::Text(words) = token else { return false };
    ["integer", "整数", "自然数", "natural number"].iter().any(|noun| words.contains(noun))
}

/// Whether words begin a clause on the values of variables.
fn is_qualifier(words: &str) -> bool {
    let first = words.split(|mark: char| !mark.is_alphanumeric()).next().unwrap_or_default();
    matches!(first, "for" | "where" | "For" | "Where" | "with") || words.starts_with("其中")
}
