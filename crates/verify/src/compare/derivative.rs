//! Derivatives in their notations: `dy/dx`, `y'`, `f'(x)`, `d/dx (…)`.

use super::Judge;
use crate::expression::{Id, Node};

impl Judge {
    /// Whether something is done to a function: an integral, a limit, a derivative.
    pub(super) fn is_operation(&self, id: Id) -> bool {
        let is_d = |id: Id| match self.arena.node(id) {
            Node::Symbol(name) => name == "d",
            Node::Power(base, _) => {
                matches!(self.arena.node(*base), Node::Symbol(name) if name == "d")
            }
            _ => false,
        };
        let is_sign = |id: Id| {
            let Node::Product(ids) = self.arena.node(id) else { return false };
            let [above, below] = ids[..] else { return false };
            let Node::Power(base, exponent) = self.arena.node(below) else { return false };
            let over = matches!(self.arena.node(*base), Node::Product(ids) if is_d(ids[0]));
            is_d(above) && over && self.is_minus_one(*exponent)
        };
        match self.arena.node(id) {
            Node::Bound(..) => true,
            Node::Product(ids) => is_sign(ids[0]),
            _ => false,
        }
    }

    /// The function whose derivative is meant: `y` of `y'`, `y'(x)` and `dy/dx`.
    pub(super) fn derivative(&self, id: Id) -> Option<String> {
        let (Node::Symbol(name) | Node::Apply(name, _)) = self.arena.node(id) else {
            let Node::Product(ids) = self.arena.node(id) else { return None };
            let [above, below] = ids[..] else { return None };
            let d = |id: Id| match self.arena.node(id) {
                Node::Product(ids) => match ids[..] {
                    [d, name] if self.is_symbol(d, "d") => Some(name),
                    _ => None,
                },
                _ => None,
            };
            let Node::Power(base, exponent) = self.arena.node(below) else { return None };
            let function =
                d(above).filter(|_| d(*base).is_some() && self.is_minus_one(*exponent))?;
            let Node::Symbol(name) = self.arena.node(function) else { return None };
            return Some(name.clone());
        };
        name.strip_suffix('\'').map(str::to_owned)
    }

    fn is_symbol(&self, id: Id, wanted: &str) -> bool {
        matches!(self.arena.node(id), Node::Symbol(name) if name == wanted)
    }
}
