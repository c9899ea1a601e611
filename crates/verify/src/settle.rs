//! What an expression means as an answer: both signs of ±, values of one name gathered, definitions unfolded.

use crate::expression::{Arena, Constant, End, Id, MAX_HEIGHT, Node, Relation, Upper};
use crate::limits::Budget;
use crate::wording::{Meaning, meaning};

/// Brings an expression into the form that is compared; `None` when the budget is used up.
pub(crate) fn settle(arena: &mut Arena, id: Id, budget: &Budget) -> Option<Id> {
    if arena.height(id) > MAX_HEIGHT {
        return None;
    }
    let mut settler = Settler { arena, budget };
    let id = settler.top(id)?;
    (settler.arena.height(id) <= MAX_HEIGHT).then_some(id)
}

struct Settler<'a> {
    arena: &'a mut Arena,
    budget: &'a Budget,
}

impl Settler<'_> {
    fn top(&mut self, id: Id) -> Option<Id> {
        self.budget.spend(1)?;
        match self.arena.node(id).clone() {
            Node::List(ids) if self.arena.is_compound(&ids) => Some(self.arena.add(Node::Sum(ids))),
            Node::List(ids) => {
                let ids = self.elements(&ids)?;
                if let Some(gathered) = self.roots(&ids).or_else(|| self.gathered(&ids)) {
                    return Some(gathered);
                }
                Some(self.arena.add(Node::List(ids)))
            }
            Node::Set(ids) => {
                let ids = self.elements(&ids)?;
                Some(self.arena.add(Node::Set(ids)))
            }
            Node::Chain(sides, _) if self.has_signs(sides[0]) => {
                let both = [self.choose(id, Upper::Plus)?, self.choose(id, Upper::Minus)?];
                Some(self.arena.add(Node::List(both.to_vec())))
            }
            Node::Chain(mut sides, relations)
                if relations == [Relation::Equal] || relations == [Relation::In] =>
            {
                sides[0] = self.without_indices(sides[0]);
                sides[1] = self.top(sides[1])?;
                Some(self.arena.add(Node::Chain(sides, relations)))
            }
            Node::Union(_) | Node::Intersection(_) | Node::Difference(..) => self.finite_union(id),
            Node::Text(words) => Some(self.said(&words).unwrap_or(id)),
            Node::Product(ids) if self.denies(&ids) => {
                Some(self.arena.add(Node::Constant(Constant::EmptySet)))
            }
            _ if self.has_signs(id) => {
                let both = [self.choose(id, Upper::Plus)?, self.choose(id, Upper::Minus)?];
                Some(self.arena.add(Node::List(both.to_vec())))
            }
            _ => Some(id),
        }
    }

    /// What words say, where they stand for mathematics.
    fn said(&mut self, words: &str) -> Option<Id> {
        Some(match meaning(words)? {
            Meaning::Nothing => self.arena.add(Node::Constant(Constant::EmptySet)),
            Meaning::Undefined => self.arena.add(Node::Text("undefined".to_owned())),
            Meaning::Infinite => self.arena.add(Node::Constant(Constant::Infinity)),
            Meaning::Integers => self.arena.symbol("\\mathbb{Z}"),
            Meaning::Reals => {
                let infinity = self.arena.add(Node::Constant(Constant::Infinity));
                let low = self.arena.negate(infinity);
                self.arena.add(Node::Interval(low, End::Open, infinity, End::Open))
            }
        })
    }

    /// `\text{no such } x`: words that deny and symbols.
    fn denies(&self, ids: &[Id]) -> bool {
        let is_denial = |words: &str| {
            let lower = words.to_lowercase();
            ["no such", "no solution", "no real", "no value", "no integer", "no positive"]
                .iter()
                .any(|start| lower.starts_with(start))
        };
        matches!(self.arena.node(ids[0]), Node::Text(words) if is_denial(words))
            && ids.iter().all(|id| matches!(self.arena.node(*id), Node::Text(_) | Node::Symbol(_)))
    }

    /// `x` of `x_{1,2} = …`, which gives one name several values.
    fn without_indices(&mut self, id: Id) -> Id {
        let Node::Symbol(name) = self.arena.node(id) else { return id };
        match name.strip_suffix("_1,2").or_else(|| name.strip_suffix("_1,2,3")) {
            Some(name) => {
                let name = name.to_owned();
                self.arena.symbol(name)
            }
            None => id,
        }
    }

    /// Elements, those with ± twice.
    fn elements(&mut self, ids: &[Id]) -> Option<Vec<Id>> {
        let mut elements = Vec::with_capacity(ids.len());
        for id in ids {
            let signed = self.has_signs(*id);
            let settled = self.top(*id)?;
            match self.arena.node(settled) {
                Node::List(both) if signed => elements.extend(both.iter().copied()),
                _ => elements.push(settled),
            }
        }
        Some(elements)
    }

    fn has_signs(&self, id: Id) -> bool {
        self.arena.any(id, &|node| matches!(node, Node::PlusMinus(..)))
    }

    /// The expression with all signs of ± chosen alike.
    fn choose(&mut self, id: Id, sign: Upper) -> Option<Id> {
        self.budget.spend(1)?;
        if !self.has_signs(id) {
            return Some(id);
        }
        let node = self.arena.node(id).clone();
        if let Node::PlusMinus(left, right, upper) = node {
            let left = self.choose(left, sign)?;
            let right = self.choose(right, sign)?;
            let right = if upper == sign { right } else { self.arena.negate(right) };
            return Some(self.arena.sum(vec![left, right]));
        }
        let mut children = Vec::new();
        for child in node.children() {
            children.push(self.choose(child, sign)?);
        }
        let mut next = children.into_iter();
        let node = node.with_children(|child| next.next().unwrap_or(child));
        Some(self.arena.add(node))
    }

    /// `x = 1, x = 2` is `x = 1, 2`.
    fn gathered(&mut self, ids: &[Id]) -> Option<Id> {
        let mut name = None;
        let mut values = Vec::new();
        for id in ids {
            let Node::Chain(sides, relations) = self.arena.node(*id) else { return None };
            let ([left, right], [Relation::Equal]) = (&sides[..], &relations[..]) else {
                return None;
            };
            if !matches!(self.arena.node(*left), Node::Symbol(_) | Node::Apply(..)) {
                return None;
            }
            let first = *name.get_or_insert(*left);
            if !same(self.arena, first, *left, self.budget) {
                return None;
            }
            match self.arena.node(*right) {
                Node::List(more) => values.extend(more.iter().copied()),
                _ => values.push(*right),
            }
        }
        let values = self.arena.add(Node::List(values));
        Some(self.arena.add(Node::Chain(vec![name?, values], vec![Relation::Equal])))
    }

    /// `x_1 = 1, x_2 = 2` is `x = 1, 2`: of the two roots of an equation either may be called the first. More than two
    /// are taken for the unknowns of a system.
    fn roots(&mut self, ids: &[Id]) -> Option<Id> {
        let [first, second] = ids else { return None };
        let ((name, one, x), (other, two, y)) = (self.numbered(*first)?, self.numbered(*second)?);
        let values = match (one, two) {
            ('1', '2') if name == other => vec![x, y],
            ('2', '1') if name == other => vec![y, x],
            _ => return None,
        };
        let (name, values) = (self.arena.symbol(name), self.arena.add(Node::List(values)));
        Some(self.arena.add(Node::Chain(vec![name, values], vec![Relation::Equal])))
    }

    /// The unknown of `x_1 = 2`, its number and its value.
    fn numbered(&self, id: Id) -> Option<(String, char, Id)> {
        let Node::Chain(sides, relations) = self.arena.node(id) else { return None };
        let ([name, value], [Relation::Equal]) = (&sides[..], &relations[..]) else { return None };
        let Node::Symbol(name) = self.arena.node(*name) else { return None };
        let (unknown, number) = name.split_once('_')?;
        let number = number.parse().ok().filter(|_| matches!(unknown, "x" | "\\lambda"))?;
        let is_value = !matches!(self.arena.node(*value), Node::List(_));
        is_value.then(|| (unknown.to_owned(), number, *value))
    }

    /// A union of finite sets is a finite set.
    fn finite_union(&mut self, id: Id) -> Option<Id> {
        let Node::Union(parts) = self.arena.node(id).clone() else { return Some(id) };
        let mut elements = Vec::new();
        for part in parts {
            let part = self.top(part)?;
            match self.arena.node(part) {
                Node::Set(ids) => elements.extend(ids.iter().copied()),
                Node::Constant(Constant::EmptySet) => {}
                _ => return Some(id),
            }
        }
        Some(self.arena.add(Node::Set(elements)))
    }
}

/// Whether two expressions are written alike, up to the order of sums and products of two.
pub(crate) fn same(arena: &Arena, a: Id, b: Id, budget: &Budget) -> bool {
    if a == b {
        return true;
    }
    if budget.spend(1).is_none() {
        return false;
    }
    let (x, y) = (arena.node(a), arena.node(b));
    let (below, others) = (x.children(), y.children());
    if below.len() != others.len() || std::mem::discriminant(x) != std::mem::discriminant(y) {
        return false;
    }
    let mut next = below.iter().copied();
    // With the children of `x` in place, everything else in the two nodes must be equal.
    let alike = y.with_children(|child| next.next().unwrap_or(child)) == *x;
    alike && below.iter().zip(&others).all(|(a, b)| same(arena, *a, *b, budget))
}
