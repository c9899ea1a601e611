//! Functions that are given by cases: compared at the boundaries of their conditions, beside them and between them.

use super::Judge;
use super::line::probes;
use super::scalar::agreement;
use crate::expression::{CASES, Id, Node};
use crate::numeric::{Approximation, Point, Region};
use crate::verdict::{Finding, Outcome, Rule};

/// What a function is at a point.
#[derive(Clone, Copy, Debug)]
enum Value {
    /// No case holds, or the value is not real.
    Undefined,
    Defined(Approximation),
}

impl Judge {
    /// Compares functions of which at least one is given by cases, in the one variable of its conditions.
    pub(super) fn piecewise(&mut self, gold: Id, answer: Id) -> Option<Finding> {
        let conditions = [self.conditions(gold), self.conditions(answer)].concat();
        if !self.is_by_cases(gold) && !self.is_by_cases(answer) {
            return None;
        }
        let variable = match &self.symbols_of(&conditions)[..] {
            [only] => only.clone(),
            _ => return Some(Finding::UNKNOWN),
        };
        let mut boundaries = Vec::new();
        for condition in conditions {
            if self.condition_boundaries(condition, &variable, &mut boundaries).is_none() {
                return Some(Finding::UNKNOWN);
            }
        }
        Some(self.values_agree(gold, answer, &variable, boundaries))
    }

    fn is_by_cases(&self, id: Id) -> bool {
        matches!(self.arena.node(id), Node::Apply(name, _) if name == CASES)
    }

    /// The conditions of a function, those that are relations.
    fn conditions(&self, id: Id) -> Vec<Id> {
        let Node::Apply(name, parts) = self.arena.node(id) else { return Vec::new() };
        let conditions = parts.iter().skip(1).step_by(2).copied();
        let is_relation = |id: &Id| matches!(self.arena.node(*id), Node::Chain(..));
        if name == CASES { conditions.filter(is_relation).collect() } else { Vec::new() }
    }

    fn symbols_of(&self, ids: &[Id]) -> Vec<String> {
        let mut names: Vec<String> = ids.iter().flat_map(|id| self.arena.symbols(*id)).collect();
        names.sort();
        names.dedup();
        names
    }

    fn values_agree(
        &mut self,
        gold: Id,
        answer: Id,
        variable: &str,
        boundaries: Vec<f64>,
    ) -> Finding {
        let mut agreed = 0;
        for (salt, x) in (1..).zip(probes(boundaries)) {
            let bound = vec![(variable.to_owned(), x)];
            let point = Point { bound, ..self.point(Region::Real, salt) };
            let both = (
                self.case_value(gold, variable, x, &point),
                self.case_value(answer, variable, x, &point),
            );
            let (Some(one), Some(other)) = both else { return Finding::UNKNOWN };
            match (one, other) {
                (Value::Undefined, Value::Undefined) => {}
                (Value::Defined(one), Value::Defined(other)) => match agreement(one, other) {
                    Outcome::Equal => agreed += 1,
                    Outcome::Different => return Finding::new(false, Rule::RealLine),
                    Outcome::Unknown => {}
                },
                _ => return Finding::new(false, Rule::RealLine),
            }
        }
        if agreed > 2 { Finding::new(true, Rule::RealLine) } else { Finding::UNKNOWN }
    }

    /// The value at x of the first case whose condition holds; `None` where it cannot be told.
    fn case_value(&self, id: Id, variable: &str, x: f64, point: &Point) -> Option<Value> {
        if !self.is_by_cases(id) {
            return self.value_at(id, point);
        }
        let Node::Apply(_, parts) = self.arena.node(id) else { return None };
        for pair in parts.chunks_exact(2) {
            let holds = match self.arena.node(pair[1]) {
                Node::Chain(sides, relations) => self.holds(sides, relations, x, variable)?,
                _ => true,
            };
            if holds {
                return self.value_at(pair[0], point);
            }
        }
        Some(Value::Undefined)
    }

    fn value_at(&self, id: Id, point: &Point) -> Option<Value> {
        if self.budget.is_spent() {
            return None;
        }
        let (value, is_opaque) = self.at(id, point);
        if is_opaque {
            return None;
        }
        Some(value.map_or(Value::Undefined, Value::Defined))
    }
}
