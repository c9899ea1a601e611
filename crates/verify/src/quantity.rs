//! Quantities of several units, such as 2 hours and 30 minutes.

use crate::expression::{Arena, Id, Node};
use crate::unit::Unit;

impl Arena {
    /// Whether a quantity goes on from another of the same kind in a smaller unit.
    pub(crate) fn is_part_of(&self, larger: Id, smaller: Id) -> bool {
        let (Some(x), Some(y)) = (self.unit(larger), self.unit(smaller)) else { return false };
        !x.dimensions.is_empty() && x.dimensions == y.dimensions && x.scale > y.scale
    }

    /// Whether it is a sum of quantities in several units.
    pub(crate) fn is_compound(&self, terms: &[Id]) -> bool {
        terms.len() > 1 && terms.windows(2).all(|pair| self.is_part_of(pair[0], pair[1]))
    }

    /// The unit of a quantity, or of the last of a sum.
    fn unit(&self, id: Id) -> Option<&Unit> {
        match self.node(id) {
            Node::Quantity(_, unit) => Some(unit),
            Node::Sum(terms) => self.unit(*terms.last()?),
            _ => None,
        }
    }
}
