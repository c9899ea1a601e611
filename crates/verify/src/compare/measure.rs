//! Units, per cents and remainders: passed over where one side does without, compared where both have them.

use num_rational::BigRational;
use num_traits::One as _;

use super::{Judge, Manner};
use crate::expression::{Constant, Function, Id, Node};
use crate::verdict::{Finding, Rule};

impl Judge {
    /// Compares two answers with what is known of their units.
    pub(super) fn measured(&mut self, gold: Id, answer: Id) -> Finding {
        let (with, without) = (self.has_units(gold), self.has_units(answer));
        let lenient = self.comparison.manner == Manner::MathVerify;
        let finding = match (with, without) {
            (false, false) => self.compare(gold, answer),
            // A congruence has other solutions than an equation.
            _ if self.is_chain(gold)
                && self.is_chain(answer)
                && self.is_remainder(gold) != self.is_remainder(answer) =>
            {
                Finding::new(false, Rule::Relation)
            }
            (true, true) if !lenient => {
                let finding = self.compare(gold, answer).or(|| self.in_one_scale(gold, answer));
                finding.or(|| self.with_letters_as_units(gold, answer))
            }
            _ => {
                let (bare_gold, bare_answer) = (self.bare(gold), self.bare(answer));
                let finding = self.compare(bare_gold, bare_answer);
                // An angle in degrees is a number, too, which the other side may give in radians.
                // The remainder of a division is a number as well.
                if self.is_angle(gold, answer) || self.has_remainder(gold, answer) {
                    finding.or(|| self.compare(gold, answer))
                } else if lenient {
                    finding
                } else {
                    finding.or(|| self.with_letters_as_units(gold, answer))
                }
            }
        };
        if lenient {
            let (gold, answer) = (self.bare(gold), self.bare(answer));
            return finding.or(|| self.without_per_cent(gold, answer));
        }
        if self.counts_per_cents(gold) || self.counts_per_cents(answer) {
            return finding.or(|| self.without_per_cent(gold, answer));
        }
        finding
    }

    /// `198 %`, whose sign a question for the percentage lets out like a unit. Up to 1 a number may as well be a share,
    /// and there 0.5 % is not 0.5.
    fn counts_per_cents(&self, id: Id) -> bool {
        let Node::Percent(inner) = self.arena.node(id) else { return false };
        match self.arena.node(*inner) {
            Node::Rational(value) | Node::Decimal(value) => value > &BigRational::one(),
            _ => false,
        }
    }

    fn has_units(&self, id: Id) -> bool {
        self.arena.any(id, &|node| match node {
            Node::Quantity(_, unit) => !unit.dimensions.is_empty(),
            Node::Apply(name, _) => name == "mod",
            _ => false,
        })
    }

    fn has_remainder(&self, gold: Id, answer: Id) -> bool {
        self.is_remainder(gold) || self.is_remainder(answer)
    }

    fn is_remainder(&self, id: Id) -> bool {
        self.arena.any(id, &|node| matches!(node, Node::Apply(name, _) if name == "mod"))
    }

    fn is_angle(&self, gold: Id, answer: Id) -> bool {
        let degrees = |node: &Node| matches!(node, Node::Quantity(_, unit) if unit.is_degrees());
        let pi = |node: &Node| match node {
            Node::Constant(constant) => *constant == Constant::Pi,
            Node::Call(Function::Arcsin | Function::Arccos | Function::Arctan, _) => true,
            _ => false,
        };
        let any = |claim: &dyn Fn(&Node) -> bool| {
            self.arena.any(gold, &claim) || self.arena.any(answer, &claim)
        };
        any(&degrees) && any(&pi)
    }

    /// Values without their units, wherever a value stands; inside functions units remain.
    fn bare(&mut self, id: Id) -> Id {
        let node = self.arena.node(id).clone();
        match &node {
            Node::Quantity(inner, _) => self.bare(*inner),
            Node::Apply(name, arguments) if name == "mod" => self.bare(arguments[0]),
            // 2 hours and 30 minutes are not 32 of anything.
            Node::Sum(terms) if self.arena.is_compound(terms) => id,
            Node::Sum(_)
            | Node::Tuple(_)
            | Node::List(_)
            | Node::Set(_)
            | Node::Interval(..)
            | Node::Union(_)
            | Node::Chain(..)
            | Node::Product(_)
            | Node::Ratio(..) => {
                let children: Vec<Id> =
                    node.children().into_iter().map(|child| self.bare(child)).collect();
                let mut next = children.into_iter();
                let node = node.with_children(|child| next.next().unwrap_or(child));
                self.arena.add(node)
            }
            _ => id,
        }
    }

    /// `28 %` as 28, where the other side has no per cent sign.
    fn without_per_cent(&mut self, gold: Id, answer: Id) -> Finding {
        match (self.arena.node(gold), self.arena.node(answer)) {
            (Node::Percent(inner), other) if !matches!(other, Node::Percent(_)) => {
                let inner = *inner;
                self.compare(inner, answer)
            }
            (other, Node::Percent(inner)) if !matches!(other, Node::Percent(_)) => {
                let inner = *inner;
                self.compare(gold, inner)
            }
            _ => Finding::OTHER_KIND,
        }
    }
}
