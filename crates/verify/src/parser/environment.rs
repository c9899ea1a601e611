//! Environments: matrices, systems of equations, functions that are given by cases.

use super::Parser;
use crate::expression::{CASES, Id, Node, Relation};
use crate::lexer::Token;

/// What the rows of an environment are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Matrix,
    Determinant,
    /// Lines of equations.
    Lines,
    /// Lines of equations, or values with the conditions under which they hold.
    Cases,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        match name {
            "vmatrix" => Some(Self::Determinant),
            "cases" | "dcases" | "rcases" => Some(Self::Cases),
            "aligned" | "align" | "align*" | "gathered" | "split" => Some(Self::Lines),
            _ if name.contains("matrix") || name == "array" => Some(Self::Matrix),
            _ => None,
        }
    }

    fn is_matrix(self) -> bool {
        matches!(self, Self::Matrix | Self::Determinant)
    }
}

impl Parser<'_> {
    /// The rows of an environment.
    pub(super) fn environment(&mut self, name: &str) -> Option<Id> {
        let kind = Kind::of(name)?;
        let mut rows = self.entries(kind)?;
        rows.retain(|row| !row.is_empty());
        if kind.is_matrix() {
            return self.matrix(kind, &rows);
        }
        if let Some(cases) = self.cases(kind, &rows) {
            return Some(cases);
        }
        let mut lines: Vec<Id> = rows.into_iter().map(|row| self.row(row)).collect();
        match lines.len() {
            0 => None,
            1 => lines.pop(),
            _ => Some(self.arena.add(Node::List(lines))),
        }
    }

    /// What stands between the signs that separate cells and rows.
    fn entries(&mut self, kind: Kind) -> Option<Vec<Vec<Id>>> {
        let mut rows: Vec<Vec<Id>> = vec![Vec::new()];
        loop {
            self.budget.spend(1)?;
            match self.peek()? {
                Token::End(_) => {
                    self.at += 1;
                    return Some(rows);
                }
                Token::Row => {
                    self.at += 1;
                    rows.push(Vec::new());
                }
                Token::Mark('&' | ',' | ';' | '.') => self.at += 1,
                Token::Text(words) if kind == Kind::Cases && says_when(words) => self.at += 1,
                Token::Relation(relation) if !kind.is_matrix() => {
                    let relation = *relation;
                    self.at += 1;
                    self.continued(&mut rows, relation)?;
                }
                _ => {
                    let entry = self.relation()?;
                    rows.last_mut()?.push(entry);
                }
            }
        }
    }

    fn matrix(&mut self, kind: Kind, rows: &[Vec<Id>]) -> Option<Id> {
        let columns = rows.first()?.len();
        if rows.iter().any(|row| row.len() != columns) {
            return None;
        }
        let matrix = self.arena.add(Node::Matrix(columns, rows.concat()));
        Some(match kind {
            Kind::Determinant => self.arena.add(Node::Apply("det".into(), vec![matrix])),
            _ => matrix,
        })
    }

    /// Rows of a value and its condition, as values and conditions in turn; `None` where the rows are something else. The last
    /// row may do without a condition.
    fn cases(&mut self, kind: Kind, rows: &[Vec<Id>]) -> Option<Id> {
        if kind != Kind::Cases || rows.len() < 2 {
            return None;
        }
        let mut parts = Vec::with_capacity(2 * rows.len());
        let (last, rows) = rows.split_last()?;
        for row in rows {
            let [value, condition] = row[..] else { return None };
            matches!(self.arena.node(condition), Node::Chain(..)).then_some(())?;
            parts.extend([value, condition]);
        }
        parts.extend(self.last_case(last)?);
        let values = parts.iter().step_by(2);
        let is_system =
            values.into_iter().any(|id| matches!(self.arena.node(*id), Node::Chain(..)));
        (!is_system).then(|| self.arena.add(Node::Apply(CASES.into(), parts)))
    }

    /// The last value and its condition, which may be all that is left.
    fn last_case(&mut self, row: &[Id]) -> Option<[Id; 2]> {
        let (value, condition) = match *row {
            [value] => (value, None),
            [value, condition] => (value, Some(condition)),
            _ => return None,
        };
        let is_rest = match condition.map(|condition| self.arena.node(condition)) {
            Some(Node::Chain(..)) => false,
            Some(Node::Text(words)) if says_else(words) => true,
            None => true,
            _ => return None,
        };
        let rest = is_rest.then(|| self.arena.add(Node::Text("otherwise".to_owned())));
        Some([value, rest.or(condition)?])
    }

    /// A relation at the beginning of a cell goes on from the cell before it, be it in the line above.
    fn continued(&mut self, rows: &mut [Vec<Id>], relation: Relation) -> Option<()> {
        let side = self.set_operation()?;
        let Some(before) = rows.iter_mut().rev().find_map(|row| row.last_mut()) else {
            rows.last_mut()?.push(side);
            return Some(());
        };
        let (mut sides, mut relations) = match self.arena.node(*before) {
            Node::Chain(sides, relations) => (sides.clone(), relations.clone()),
            _ => (vec![*before], Vec::new()),
        };
        sides.push(side);
        relations.push(relation);
        *before = self.arena.add(Node::Chain(sides, relations));
        Some(())
    }

    fn row(&mut self, row: Vec<Id>) -> Id {
        match row[..] {
            [only] => only,
            _ => self.arena.add(Node::Tuple(row)),
        }
    }
}

/// Whether words before a condition only announce it.
fn says_when(words: &str) -> bool {
    let words = words.trim().to_lowercase();
    matches!(
        words.as_str(),
        "if" | "for" | "when" | "where" | "as" | "while" | "当" | "若" | "如果"
    )
}

/// Whether words stand for all that is left.
fn says_else(words: &str) -> bool {
    let words = words.trim().trim_end_matches('.').to_lowercase();
    matches!(words.as_str(), "otherwise" | "else" | "elsewhere" | "if otherwise" | "其他" | "其它")
}
