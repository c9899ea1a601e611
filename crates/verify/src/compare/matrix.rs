//! Matrices: entry by entry, after sums and products of matrices are carried out.

use super::{Judge, vector};
use crate::expression::{Id, Node};
use crate::verdict::{Finding, Outcome, Rule};

/// The most entries that a product of matrices may have.
const MAX_ENTRIES: usize = 400;

/// A matrix, taken apart.
#[derive(Clone, Debug)]
struct Matrix {
    columns: usize,
    entries: Vec<Id>,
}

impl Matrix {
    fn rows(&self) -> usize {
        self.entries.len() / self.columns.max(1)
    }

    fn entry(&self, row: usize, column: usize) -> Id {
        self.entries[row * self.columns + column]
    }
}

impl Judge {
    /// Compares where a side is a matrix; `None` where none is.
    pub(super) fn matrices(&mut self, gold: Id, answer: Id) -> Option<Finding> {
        let any = |judge: &Self, id: Id| {
            judge.arena.any(id, &|node| matches!(node, Node::Matrix(..)))
                || vector::transposed(&judge.arena, id).is_some()
        };
        if !any(self, gold) && !any(self, answer) {
            return None;
        }
        let (gold, answer) = (self.evaluated(gold)?, self.evaluated(answer)?);

        let other = Finding { outcome: Outcome::Different, rule: Rule::Kind };
        let (x, y) = match (self.matrix(gold), self.matrix(answer)) {
            (Some(x), Some(y)) => (x, y),
            (Some(x), None) => {
                let y = self.vector(answer, &x);
                (x, y)
            }
            (None, Some(y)) => (self.vector(gold, &y), y),
            (None, None) => return Some(self.scalars(gold, answer)),
        };
        if x.entries.len() != y.entries.len() || x.columns != y.columns {
            return Some(other);
        }
        let mut finding = Finding::new(true, Rule::Entries);
        for (a, b) in x.entries.iter().zip(&y.entries) {
            finding = finding.and(|| self.compare(*a, *b).by(Rule::Entries));
        }
        Some(finding)
    }

    /// A tuple as the column or the rows it may stand for, or a sum of unit vectors as a column.
    fn vector(&mut self, id: Id, beside: &Matrix) -> Matrix {
        if let Some(elements) = vector::row(&self.arena, id) {
            let rows: Option<Vec<Vec<Id>>> =
                elements.iter().map(|each| vector::row(&self.arena, *each)).collect();
            return match rows {
                Some(rows) if rows.iter().all(|row| row.len() == rows[0].len()) => {
                    Matrix { columns: rows[0].len(), entries: rows.concat() }
                }
                // `[1, 2, 3]` may be the row just as well.
                _ if beside.rows() == 1 => Matrix { columns: elements.len(), entries: elements },
                _ => Matrix { columns: 1, entries: elements },
            };
        }
        let is_row = beside.rows() == 1;
        let count = if is_row { beside.columns } else { beside.rows() };
        match self.components(id, count) {
            Some(entries) if is_row => Matrix { columns: count, entries },
            Some(entries) if beside.columns == 1 => Matrix { columns: 1, entries },
            _ => Matrix { columns: 0, entries: Vec::new() },
        }
    }

    /// The rows of a matrix as columns.
    fn transposed(&mut self, id: Id) -> Option<Id> {
        let inner = vector::transposed(&self.arena, id)?;
        let inner = self.evaluated(inner)?;
        let matrix = if let Some(matrix) = self.matrix(inner) {
            matrix
        } else {
            let entries = vector::row(&self.arena, inner)?;
            Matrix { columns: entries.len(), entries }
        };
        let (rows, columns) = (matrix.rows(), matrix.columns);
        let entries = (0..columns)
            .flat_map(|column| (0..rows).map(move |row| (row, column)))
            .map(|(row, column)| matrix.entry(row, column))
            .collect();
        Some(self.arena.add(Node::Matrix(rows, entries)))
    }

    fn matrix(&self, id: Id) -> Option<Matrix> {
        match self.arena.node(id) {
            Node::Matrix(columns, entries) => {
                Some(Matrix { columns: *columns, entries: entries.clone() })
            }
            _ => None,
        }
    }

    /// The expression with its matrix arithmetic carried out where shapes fit.
    fn evaluated(&mut self, id: Id) -> Option<Id> {
        self.budget.spend(2)?;
        let node = self.arena.node(id).clone();
        if !matches!(node, Node::Sum(_) | Node::Product(_) | Node::Power(..) | Node::Apply(..)) {
            return Some(id);
        }
        if let Some(matrix) = self.transposed(id) {
            return Some(matrix);
        }
        let mut children = Vec::new();
        for child in node.children() {
            children.push(self.evaluated(child)?);
        }
        let result = match &node {
            Node::Sum(_) => self.matrix_sum(&children),
            Node::Product(_) => self.matrix_product(&children),
            Node::Apply(name, _) if name == "det" => self.determinant(children[0]),
            _ => None,
        };
        if let Some(result) = result {
            return Some(result);
        }
        let mut next = children.into_iter();
        let node = node.with_children(|child| next.next().unwrap_or(child));
        Some(self.arena.add(node))
    }

    fn matrix_sum(&mut self, ids: &[Id]) -> Option<Id> {
        let terms: Option<Vec<Matrix>> = ids.iter().map(|id| self.matrix(*id)).collect();
        let terms = terms?;
        let first = terms.first()?.clone();
        if terms
            .iter()
            .any(|term| term.columns != first.columns || term.entries.len() != first.entries.len())
        {
            return None;
        }
        let entries = (0..first.entries.len())
            .map(|at| self.arena.sum(terms.iter().map(|term| term.entries[at]).collect()));
        let entries = entries.collect();
        Some(self.arena.add(Node::Matrix(first.columns, entries)))
    }

    /// Numbers before a matrix scale it; matrices multiply from left to right.
    fn matrix_product(&mut self, ids: &[Id]) -> Option<Id> {
        let mut scalars = Vec::new();
        let mut product: Option<Matrix> = None;
        for id in ids {
            match (self.matrix(*id), product.take()) {
                (None, before) => {
                    scalars.push(*id);
                    product = before;
                }
                (Some(next), None) => product = Some(next),
                (Some(next), Some(before)) => product = Some(self.multiplied(&before, &next)?),
            }
        }
        let product = product?;
        if scalars.is_empty() {
            return Some(self.arena.add(Node::Matrix(product.columns, product.entries)));
        }
        let scale = self.arena.product(scalars);
        let entries =
            product.entries.iter().map(|entry| self.arena.product(vec![scale, *entry])).collect();
        Some(self.arena.add(Node::Matrix(product.columns, entries)))
    }

    fn multiplied(&mut self, a: &Matrix, b: &Matrix) -> Option<Matrix> {
        if a.columns != b.rows() || a.rows() * b.columns > MAX_ENTRIES {
            return None;
        }
        let mut entries = Vec::with_capacity(a.rows() * b.columns);
        for row in 0..a.rows() {
            for column in 0..b.columns {
                self.budget.spend(4 * a.columns as u64)?;
                let terms = (0..a.columns)
                    .map(|k| self.arena.product(vec![a.entry(row, k), b.entry(k, column)]));
                let terms = terms.collect();
                entries.push(self.arena.sum(terms));
            }
        }
        Some(Matrix { columns: b.columns, entries })
    }

    /// The determinant of up to three rows, written out.
    fn determinant(&mut self, id: Id) -> Option<Id> {
        let matrix = self.matrix(id)?;
        let m = |row: usize, column: usize| matrix.entry(row, column);
        let permutations: &[(&[usize], bool)] = match (matrix.rows(), matrix.columns) {
            (1, 1) => &[(&[0], true)],
            (2, 2) => &[(&[0, 1], true), (&[1, 0], false)],
            (3, 3) => &[
                (&[0, 1, 2], true),
                (&[1, 2, 0], true),
                (&[2, 0, 1], true),
                (&[2, 1, 0], false),
                (&[1, 0, 2], false),
                (&[0, 2, 1], false),
            ],
            _ => return None,
        };
        let mut terms = Vec::new();
        for (columns, positive) in permutations {
            let factors = columns.iter().enumerate().map(|(row, column)| m(row, *column)).collect();
            let term = self.arena.product(factors);
            terms.push(if *positive { term } else { self.arena.negate(term) });
        }
        Some(self.arena.sum(terms))
    }
}
