//! Antiderivatives: `F(x) + C`, where C is any constant.

use super::Judge;
use crate::expression::{Id, Node};
use crate::numeric::Region;
use crate::verdict::{Finding, Rule};

/// Points at which the difference of two antiderivatives must be the same.
const POINTS: u64 = 6;

impl Judge {
    /// Whether both have a constant of integration and differ by a constant beside it.
    pub(super) fn antiderivatives(&mut self, gold: Id, answer: Id) -> Finding {
        let (Some(x), Some(y)) = (self.without_constant(gold), self.without_constant(answer))
        else {
            return Finding::OTHER_KIND;
        };
        let (names, others) = (self.arena.symbols(x), self.arena.symbols(y));
        if names.len() != 1 || names != others {
            return Finding::OTHER_KIND;
        }
        let difference = self.arena.subtract(x, y);
        self.is_constant(difference)
    }

    /// A sum without its constant of integration.
    fn without_constant(&mut self, id: Id) -> Option<Id> {
        let Node::Sum(terms) = self.arena.node(id).clone() else { return None };
        let is_constant = |id: &Id| match self.arena.node(*id) {
            Node::Symbol(name) => matches!(name.as_str(), "C" | "c" | "K" | "C_1" | "C_0"),
            Node::Text(words) => words.to_lowercase().starts_with("const"),
            _ => false,
        };
        let rest: Vec<Id> = terms.iter().copied().filter(|id| !is_constant(id)).collect();
        (rest.len() + 1 == terms.len()).then(|| self.arena.sum(rest))
    }

    fn is_constant(&self, id: Id) -> Finding {
        let mut first: Option<(f64, f64)> = None;
        let mut agreed = 0;
        for salt in 1..=2 * POINTS {
            let region = if salt % 2 == 0 { Region::Large } else { Region::Small };
            let Some(value) = self.at(id, &self.point(region, salt)).0 else { continue };
            if !value.value.is_real() && value.value.im.abs() > 16.0 * value.error {
                continue;
            }
            let bound = 64.0 * value.error + 1e-12 * value.size;
            match first {
                None => first = Some((value.value.re, bound)),
                Some((before, error)) if (value.value.re - before).abs() > bound + error => {
                    return Finding::new(false, Rule::Numeric);
                }
                Some(_) => agreed += 1,
            }
        }
        if agreed >= 3 { Finding::new(true, Rule::Numeric) } else { Finding::UNKNOWN }
    }
}
