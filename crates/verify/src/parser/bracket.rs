//! Brackets: groups, tuples, intervals, sets, absolute values.

use super::Parser;
use crate::expression::{Constant, End, Function, Id, Node, Relation};
use crate::lexer::{Token, Tokens};

/// Drops brackets that hold nothing but another pair, so that their depth costs nothing.
pub(super) fn collapse(tokens: Tokens) -> Tokens {
    let mut open = Vec::new();
    let mut partner = vec![usize::MAX; tokens.all.len()];
    for (at, token) in tokens.all.iter().enumerate() {
        match token {
            Token::Mark(mark @ ('(' | '{')) => open.push((*mark, at)),
            Token::Mark(mark @ (')' | '}')) => {
                let wanted = if *mark == ')' { '(' } else { '{' };
                match open.pop() {
                    Some((found, start)) if found == wanted => {
                        partner[start] = at;
                        partner[at] = start;
                    }
                    _ => return tokens,
                }
            }
            _ => {}
        }
    }
    let redundant = |at: usize| {
        let other = partner[at];
        let (start, end) = (at.min(other), at.max(other));
        other != usize::MAX
            && start + 1 < end
            && partner[start + 1] == end - 1
            && tokens.all[start] == tokens.all[start + 1]
    };
    let keep: Vec<bool> = (0..tokens.all.len()).map(|at| !redundant(at)).collect();
    let mut kept = keep.iter();
    let mut all = tokens.all;
    all.retain(|_| *kept.next().unwrap_or(&true));
    let mut kept = keep.iter();
    let mut spaced = tokens.spaced;
    spaced.retain(|_| *kept.next().unwrap_or(&true));
    Tokens { all, spaced }
}

impl Parser<'_> {
    /// `(…)`, `[…]` and their mixtures, `]…[` among them.
    pub(super) fn bracket(&mut self, opener: char) -> Option<Id> {
        let bars = std::mem::take(&mut self.bars);
        let mut elements = vec![self.relation()?];
        while self.eat(',') || self.eat(';') {
            elements.push(self.relation()?);
        }
        self.bars = bars;
        let closer = match self.peek()? {
            Token::Mark(mark @ (')' | ']' | '[')) => *mark,
            _ => return None,
        };
        self.at += 1;
        let is_square = (opener, closer) != ('(', ')');
        match elements[..] {
            [low, high] if is_square => {
                let low_end = if opener == '[' { End::Closed } else { End::Open };
                let high_end = if closer == ']' { End::Closed } else { End::Open };
                Some(self.arena.add(Node::Interval(low, low_end, high, high_end)))
            }
            [only] if matches!((opener, closer), ('(', ')') | ('[', ']')) => Some(only),
            [_] => None,
            _ => Some(self.arena.add(Node::Tuple(elements))),
        }
    }

    /// `{…}` of TeX, which only groups; `{x | …}` of plain text is a set.
    pub(super) fn group(&mut self) -> Option<Id> {
        let bars = std::mem::take(&mut self.bars);
        let is_argument = self.at > 1
            && matches!(
                self.tokens.all[self.at - 2],
                Token::Command(_) | Token::Mark('^' | '_' | '}')
            );
        let names_element = matches!(self.peek(), Some(Token::Letter(_)))
            && matches!(self.ahead(1), Some(Token::Mark('|' | ':')));
        let is_set = names_element && !is_argument;
        let start = if is_set { self.condition_start() } else { None };
        let id = match start {
            Some(start) => self.comprehension(start)?,
            None => self.list()?,
        };
        self.bars = bars;
        self.need('}')?;
        Some(id)
    }

    pub(super) fn absolute(&mut self) -> Option<Id> {
        self.bars += 1;
        let inner = self.sum()?;
        self.bars -= 1;
        self.need('|')?;
        Some(self.arena.call(Function::Abs, vec![inner]))
    }

    /// `\{…\}`, with elements or a condition.
    pub(super) fn set(&mut self) -> Option<Id> {
        if self.eat_set_close() {
            return Some(self.arena.add(Node::Constant(Constant::EmptySet)));
        }
        // `\left\{\begin{array}{l}x=1\\y=2\end{array}\right.`
        if self.peek() == Some(&Token::Begin("array".to_owned())) {
            self.at += 1;
            let system = self.environment("cases")?;
            self.eat_set_close();
            return Some(system);
        }
        let bars = std::mem::take(&mut self.bars);
        let set = if let Some(start) = self.condition_start() {
            self.comprehension(start)?
        } else {
            let inner = self.list()?;
            let elements = match self.arena.node(inner) {
                Node::List(elements) => elements.clone(),
                _ => vec![inner],
            };
            self.arena.add(Node::Set(elements))
        };
        self.bars = bars;
        self.eat_set_close().then_some(set)
    }

    fn eat_set_close(&mut self) -> bool {
        let found = self.peek() == Some(&Token::SetClose);
        self.at += usize::from(found);
        found
    }

    /// Where the condition of `\{x | …\}` begins.
    fn condition_start(&self) -> Option<usize> {
        let mut depth = 0_usize;
        let (mut bars, mut colons) = (Vec::new(), Vec::new());
        for (at, token) in self.tokens.all.iter().enumerate().skip(self.at) {
            match token {
                Token::SetOpen | Token::Mark('(' | '[' | '{') => depth += 1,
                Token::SetClose | Token::Mark('}') if depth == 0 => break,
                Token::SetClose | Token::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
                Token::Mark('|') if depth == 0 => bars.push(at),
                Token::Mark(':') if depth == 0 => colons.push(at),
                _ => {}
            }
        }
        match (bars.len() % 2, &colons[..]) {
            (1, _) => bars.first().map(|at| at + 1),
            (0, [only]) => Some(only + 1),
            _ => None,
        }
    }

    /// A condition on a plain variable stands for the set of its solutions.
    fn comprehension(&mut self, start: usize) -> Option<Id> {
        // A bar here separates and does not open an absolute value.
        self.bars = 1;
        self.tokens.all[start - 1] = Token::Mark('|');
        let head = self.list_until(start - 1)?;
        self.bars = 0;
        self.at = start;
        let condition = self.list()?;
        let plain = match self.arena.node(head) {
            Node::Symbol(_) => true,
            Node::Chain(sides, _) => matches!(self.arena.node(*sides.last()?), Node::Interval(..)),
            _ => false,
        };
        if plain {
            return Some(condition);
        }
        // `\{k\pi | k \in \mathbb{Z}\}` is as good as the general term.
        if matches!(self.arena.node(condition), Node::Chain(sides, relations)
            if relations[..] == [Relation::In] && matches!(self.arena.node(sides[1]), Node::Symbol(_)))
        {
            return Some(head);
        }
        Some(self.arena.add(Node::Apply("such that".into(), vec![head, condition])))
    }

    fn list_until(&mut self, end: usize) -> Option<Id> {
        let id = self.relation()?;
        (self.at == end).then_some(id)
    }
}
