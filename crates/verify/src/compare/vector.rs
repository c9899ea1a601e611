//! Vectors written with unit vectors, transposed rows, and rows of rows: `3i − j`, `[1, 2]^T`, `[[1, 2], [3, 4]]`.

use super::Judge;
use crate::expression::{Arena, Constant, End, Id, Node};

/// The place of a unit vector's letter.
fn direction(node: &Node) -> Option<usize> {
    match node {
        Node::Constant(Constant::Imaginary) => Some(0),
        Node::Symbol(name) => match name.as_str() {
            "j" => Some(1),
            "k" => Some(2),
            _ => None,
        },
        _ => None,
    }
}

impl Judge {
    /// The components of a sum of unit vectors, if it has a j or k; of so many of them as the other side has.
    pub(super) fn components(&mut self, id: Id, count: usize) -> Option<Vec<Id>> {
        let terms = match self.arena.node(id) {
            Node::Sum(terms) => terms.clone(),
            _ => vec![id],
        };
        let mut parts: Vec<Vec<Id>> = vec![Vec::new(); 3];
        for term in terms {
            let (place, coefficient) = self.term(term)?;
            parts[place].push(coefficient);
        }
        let fits = (2..=3).contains(&count) && parts[count..].iter().all(Vec::is_empty);
        let named = !parts[1].is_empty() || !parts[2].is_empty();
        if !fits || !named {
            return None;
        }
        parts.truncate(count);
        Some(parts.into_iter().map(|part| self.arena.sum(part)).collect())
    }

    /// The direction of one term and its coefficient.
    fn term(&mut self, id: Id) -> Option<(usize, Id)> {
        let factors = match self.arena.node(id) {
            Node::Product(factors) => factors.clone(),
            _ => vec![id],
        };
        let mut place = None;
        let mut rest = Vec::new();
        for factor in factors {
            match direction(self.arena.node(factor)) {
                Some(found) if place.is_none() => place = Some(found),
                Some(_) => return None,
                // `-(i + j)` and `i/2` are not needed often enough to be multiplied out.
                None if self.has_direction(factor) => return None,
                None => rest.push(factor),
            }
        }
        Some((place?, self.arena.product(rest)))
    }

    fn has_direction(&self, id: Id) -> bool {
        self.arena.any(id, &|node| direction(node).is_some())
    }
}

/// What is below `^T`.
pub(super) fn transposed(arena: &Arena, id: Id) -> Option<Id> {
    let Node::Power(base, exponent) = arena.node(id) else { return None };
    let is_sign = match arena.node(*exponent) {
        Node::Symbol(name) => matches!(name.as_str(), "T" | "t" | "\\top" | "\\intercal"),
        Node::Text(name) => matches!(name.as_str(), "T" | "t"),
        _ => false,
    };
    is_sign.then_some(*base)
}

/// The elements of a row; `[1, 2]` is read as an interval.
pub(super) fn row(arena: &Arena, id: Id) -> Option<Vec<Id>> {
    match arena.node(id) {
        Node::Tuple(elements) => Some(elements.clone()),
        Node::Interval(low, End::Closed, high, End::Closed) => Some(vec![*low, *high]),
        _ => None,
    }
}
