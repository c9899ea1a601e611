//! Sums and products over a range, multiplied out; integrals and limits, which stand for themselves.

use num_traits::ToPrimitive;

use super::{Approximation, Evaluator};
use crate::exact::exact;
use crate::expression::{Binder, Id, Node, Relation};

/// The longest range that is walked.
const MAX_RANGE: i64 = 5_000;

impl Evaluator<'_> {
    pub(super) fn binder(
        &mut self,
        binder: Binder,
        children: &[Id],
        id: Id,
    ) -> Option<Approximation> {
        if matches!(binder, Binder::Sum | Binder::Product)
            && let Some((name, low, high)) = self.range(children)
        {
            return self.unrolled(binder, children[2], &name, low..=high);
        }
        Some(self.opaque(id))
    }

    /// The variable and the bounds of `\sum_{k=1}^{9}`.
    fn range(&self, children: &[Id]) -> Option<(String, i64, i64)> {
        let [first, last, _] = children else { return None };
        let Node::Chain(sides, relations) = self.arena.node(*first) else { return None };
        let ([variable, low], [Relation::Equal]) = (&sides[..], &relations[..]) else {
            return None;
        };
        let Node::Symbol(name) = self.arena.node(*variable) else { return None };
        let whole = |id: Id| {
            let bound = self.bound_value(id).or_else(|| {
                exact(self.arena, id, self.budget)
                    .and_then(|value| value.is_integer().then(|| value.to_integer().to_i64())?)
            });
            bound.filter(|value| value.abs() < 1 << 50)
        };
        let (low, high) = (whole(*low)?, whole(*last)?);
        (high - low <= MAX_RANGE).then(|| (name.clone(), low, high))
    }

    /// The value of a bound that is the variable of an outer sum.
    fn bound_value(&self, id: Id) -> Option<i64> {
        let Node::Symbol(name) = self.arena.node(id) else { return None };
        let (_, value) = self.point.bound.iter().rev().find(|(bound, _)| bound == name)?;
        value.to_i64()
    }

    fn unrolled(
        &mut self,
        binder: Binder,
        body: Id,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<Approximation> {
        let mut result = Approximation::real(if binder == Binder::Sum { 0.0 } else { 1.0 });
        let depth = self.point.bound.len();
        for index in range {
            self.point.bound.push((name.to_owned(), index as f64));
            let term = self.value(body);
            self.point.bound.truncate(depth);
            let term = term?;
            result = if binder == Binder::Sum { result.plus(term) } else { result.times(term) };
        }
        Some(result)
    }
}
