//! Vectors written with unit vectors, transposed rows, and rows of rows: `3i − j`, `[1, 2]^T`, `[[1, 2], [3, 4]]`.

use num_traits::Zero as _;

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
    /// The components of an expression that is linear in the unit vectors and has a j or k; of so many of them as the
    /// other side has.
    pub(super) fn components(&mut self, id: Id, count: usize) -> Option<Vec<Id>> {
        let mut parts: [Vec<Id>; 3] = Default::default();
        self.resolve(id, &[], &mut parts)?;
        let fits = (2..=3).contains(&count) && parts[count..].iter().all(Vec::is_empty);
        let named = !parts[1].is_empty() || !parts[2].is_empty();
        if !fits || !named {
            return None;
        }
        Some(parts.into_iter().take(count).map(|part| self.arena.sum(part)).collect())
    }

    /// Adds what an expression times some factors has in each direction.
    fn resolve(&mut self, id: Id, factors: &[Id], parts: &mut [Vec<Id>; 3]) -> Option<()> {
        self.budget.spend(2)?;
        if let Some(place) = direction(self.arena.node(id)) {
            let coefficient = self.arena.product(factors.to_vec());
            parts[place].push(coefficient);
            return Some(());
        }
        match self.arena.node(id).clone() {
            Node::Sum(terms) => {
                terms.into_iter().try_for_each(|term| self.resolve(term, factors, parts))
            }
            Node::Product(ids) => {
                let (vectors, numbers): (Vec<Id>, Vec<Id>) =
                    ids.into_iter().partition(|id| self.has_direction(*id));
                let [vector] = vectors[..] else { return None };
                self.resolve(vector, &[factors, &numbers].concat(), parts)
            }
            Node::Rational(value) if value.is_zero() => Some(()),
            _ => None,
        }
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
