//! Equations and inequalities: definitions unfolded, sides compared, multiples of each other recognised.

use super::{Inequalities, Judge};
use crate::expression::{Constant, Function, Id, Node, Relation};
use crate::verdict::{Finding, Outcome, Rule};

/// A chain, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) sides: Vec<Id>,
    pub(super) relations: Vec<Relation>,
}

impl Judge {
    fn chain(&self, id: Id) -> Option<Chain> {
        match self.arena.node(id) {
            Node::Chain(sides, relations) => {
                Some(Chain { sides: sides.clone(), relations: relations.clone() })
            }
            _ => None,
        }
    }

    /// What is compared of two answers: the value, where one side is `name = value` and the other a value.
    pub(super) fn unfolded(&mut self, gold: Id, answer: Id) -> (Id, Id) {
        match (self.chain(gold), self.chain(answer)) {
            (None, None) => (gold, answer),
            (Some(chain), None) => (self.value_of(gold, &chain, answer), answer),
            (None, Some(chain)) => (gold, self.value_of(answer, &chain, gold)),
            // A computation is the value it comes to, be there a name before the other or not.
            (Some(x), Some(y)) if self.is_computation(&x) != self.is_computation(&y) => {
                (self.value_of(gold, &x, answer), self.value_of(answer, &y, gold))
            }
            (Some(x), Some(y)) => (self.shortened(gold, &x), self.shortened(answer, &y)),
        }
    }

    /// The value an equation gives to a name, or comes to by computation; else the equation itself. Beside an exact
    /// value, `x = 2/13 = 0.154` means the fraction.
    fn value_of(&mut self, id: Id, chain: &Chain, beside: Id) -> Id {
        let first = chain.sides[0];
        let stays = self.is_list_of_equations(beside) || self.names_others(first, beside);
        if stays && self.each_value(chain).is_some() {
            return id;
        }
        let decimal = |node: &Node| matches!(node, Node::Decimal(_));
        let last = match chain.sides[..] {
            [.., exact, last]
                if chain.sides.len() > 2
                    && self.arena.any(last, &decimal)
                    && !self.arena.any(exact, &decimal)
                    && !self.arena.any(beside, &decimal)
                    && self.arena.symbols(exact).is_empty() =>
            {
                exact
            }
            [.., last] => last,
            [] => return id,
        };
        if chain.relations == [Relation::In] && self.is_name(first) {
            return last;
        }
        if chain.relations.iter().any(|relation| *relation != Relation::Equal) {
            return id;
        }
        let is_computation = self.is_computation(chain);
        if self.is_name(first) || self.is_call(first) || is_computation || self.is_operation(first)
        {
            return last;
        }
        if self.is_name(last) && chain.sides.len() == 2 && self.arena.symbols(first).is_empty() {
            return first;
        }
        if self.scalars(first, last).is_equal() { last } else { id }
    }

    /// Whether it equates values without symbols.
    fn is_computation(&self, chain: &Chain) -> bool {
        let [first, .., last] = chain.sides[..] else { return false };
        chain.relations.iter().all(|relation| *relation == Relation::Equal)
            && self.arena.symbols(first).is_empty()
            && self.arena.symbols(last).is_empty()
            && !self.is_name(first)
    }

    /// `x ∈ {1, 2}` as `x = 1, 2`.
    fn as_values(&mut self, chain: &Chain) -> Option<Id> {
        let ([name, set], [Relation::In]) = (&chain.sides[..], &chain.relations[..]) else {
            return None;
        };
        let Node::Set(values) = self.arena.node(*set).clone() else { return None };
        let values = self.arena.add(Node::List(values));
        Some(self.arena.add(Node::Chain(vec![*name, values], vec![Relation::Equal])))
    }

    /// `x = a = b` without what lies between.
    fn shortened(&mut self, id: Id, chain: &Chain) -> Id {
        if let Some(values) = self.as_values(chain) {
            return values;
        }
        let all_equal = chain.relations.iter().all(|relation| *relation == Relation::Equal);
        if chain.relations.len() < 2 || !all_equal || !self.is_name(chain.sides[0]) {
            return id;
        }
        let sides = vec![chain.sides[0], chain.sides[chain.sides.len() - 1]];
        self.arena.add(Node::Chain(sides, vec![Relation::Equal]))
    }

    /// Whether an expression is made of names only, such as `x`, `f(x)`, `(p, q)`, `A:B`.
    fn is_name(&self, id: Id) -> bool {
        match self.arena.node(id) {
            Node::Symbol(_) | Node::Text(_) => true,
            Node::Constant(constant) => matches!(constant, Constant::Imaginary | Constant::Euler),
            Node::Apply(name, ids) if name == "ratio" => ids.iter().all(|id| self.is_name(*id)),
            Node::Apply(name, _) => name != "clock",
            // The sine of an angle that has a name.
            Node::Call(function, ids) if function.is_trigonometric() => {
                !self.arena.symbols(ids[0]).is_empty()
            }
            Node::Tuple(ids)
            | Node::Product(ids)
            | Node::Sum(ids)
            | Node::Call(Function::Abs, ids) => {
                ids.iter().all(|id| self.is_name(*id)) && !self.arena.symbols(id).is_empty()
            }
            Node::Ratio(a, b) => self.is_name(*a) && self.is_name(*b),
            Node::Power(base, exponent) => {
                self.is_name(*base) && (self.is_name(*exponent) || self.is_minus_one(*exponent))
            }
            Node::Quantity(inner, _) => self.is_name(*inner),
            _ => false,
        }
    }

    /// `P(8, 2)`: a symbol and its arguments, which is read as a product.
    fn is_call(&self, id: Id) -> bool {
        let Node::Product(ids) = self.arena.node(id) else { return false };
        matches!(ids[..], [name, arguments]
            if matches!(self.arena.node(name), Node::Symbol(_))
                && matches!(self.arena.node(arguments), Node::Tuple(_)))
    }

    pub(super) fn is_minus_one(&self, id: Id) -> bool {
        matches!(self.arena.node(id), Node::Rational(value) if value.is_integer() && value.numer() == &num_bigint::BigInt::from(-1))
    }

    /// Compares where at least one side is a relation.
    pub(super) fn relations(&mut self, gold: Id, answer: Id) -> Finding {
        match (self.chain(gold), self.chain(answer)) {
            (Some(x), Some(y)) => self.chains(gold, answer, &x, &y),
            (Some(chain), None) => self.chain_and_set(gold, answer, &chain),
            (None, Some(_)) if self.comparison.inequalities == Inequalities::AreSetsInGold => {
                Finding::OTHER_KIND
            }
            (None, Some(chain)) => self.chain_and_set(answer, gold, &chain),
            (None, None) => Finding::OTHER_KIND,
        }
    }

    /// Whether it lists equations that do not give values to names.
    fn is_list_of_equations(&self, id: Id) -> bool {
        let Node::List(ids) = self.arena.node(id) else { return false };
        ids.iter().all(|id| self.chain(*id).is_some_and(|chain| !self.is_name(chain.sides[0])))
    }

    /// Whether a list gives values to other names than this one: `y = 2, z = 3` beside x, but not `x_1 = 2, x_2 = 3`.
    fn names_others(&self, name: Id, list: Id) -> bool {
        let (Node::Symbol(name), Node::List(ids)) = (self.arena.node(name), self.arena.node(list))
        else {
            return false;
        };
        let others = ids.iter().filter_map(|id| match self.arena.node(*id) {
            Node::Chain(sides, _) => match self.arena.node(sides[0]) {
                Node::Symbol(other) => Some(other),
                _ => None,
            },
            _ => None,
        });
        let is_other = |other: &String| {
            other
                .strip_prefix(name.as_str())
                .is_none_or(|rest| !rest.is_empty() && !rest.starts_with('_'))
        };
        others.into_iter().any(is_other)
    }

    /// `y = 2x, -2x` as one equation for each value.
    fn each_value(&mut self, chain: &Chain) -> Option<Vec<Id>> {
        let ([name, values], [Relation::Equal]) = (&chain.sides[..], &chain.relations[..]) else {
            return None;
        };
        let Node::List(values) = self.arena.node(*values).clone() else { return None };
        let equation = |value| Node::Chain(vec![*name, value], vec![Relation::Equal]);
        Some(values.into_iter().map(|value| self.arena.add(equation(value))).collect())
    }

    fn chain_and_set(&mut self, chain: Id, other: Id, parts: &Chain) -> Finding {
        if let Node::List(others) = self.arena.node(other).clone()
            && let Some(equations) = self.each_value(parts)
        {
            return self.matched(&equations, &others);
        }
        let ordered = parts.relations.iter().any(|relation| *relation != Relation::Equal);
        if !ordered || !self.is_collection(other) {
            return Finding::OTHER_KIND;
        }
        self.real_sets(chain, other).unwrap_or(Finding::UNKNOWN)
    }

    fn chains(&mut self, gold: Id, answer: Id, x: &Chain, y: &Chain) -> Finding {
        let sided = self.side_by_side(x, y);
        if sided.is_equal() {
            return sided.by(Rule::Relation);
        }
        if let Some((gold, answer)) = self.defined_alike(x, y) {
            let defined = self.compare(gold, answer);
            if defined.is_equal() {
                return defined.by(Rule::Relation);
            }
        }
        let member = |chain: &Chain| chain.relations.contains(&Relation::In);
        let equations = |chain: &Chain| {
            chain.relations == [Relation::Equal] || chain.relations == [Relation::NotEqual]
        };
        if let ([_, _], [_, _]) = (&x.sides[..], &y.sides[..])
            && equations(x)
            && equations(y)
            && x.relations == y.relations
        {
            return sided.or(|| self.multiples(x, y));
        }
        if let Some(finding) = self.equal_throughout(x, y).filter(|finding| finding.is_equal()) {
            return finding;
        }
        let comparable = member(x) == member(y)
            || self.comparison.inequalities == Inequalities::AreSets
            || member(y);
        let ordered =
            |chain: &Chain| chain.relations.iter().all(|relation| *relation != Relation::Equal);
        if ordered(x) && ordered(y) && comparable {
            let by_ratio = if x.sides.len() == 2 && y.sides.len() == 2 && !member(x) && !member(y) {
                self.multiples(x, y)
            } else {
                Finding::OTHER_KIND
            };
            if by_ratio.is_equal() {
                return by_ratio;
            }
            return self.real_sets(gold, answer).unwrap_or(sided);
        }
        sided
    }

    /// Each side and relation beside its counterpart, from left to right or from right to left.
    fn side_by_side(&mut self, x: &Chain, y: &Chain) -> Finding {
        if x.sides.len() != y.sides.len() {
            return Finding { outcome: Outcome::Different, rule: Rule::Relation };
        }
        let flipped = Chain {
            sides: y.sides.iter().rev().copied().collect(),
            relations: y.relations.iter().rev().map(|relation| relation.flip()).collect(),
        };
        let straight = self.aligned(x, y);
        straight.or(|| self.aligned(x, &flipped)).by(Rule::Relation)
    }

    fn aligned(&mut self, x: &Chain, y: &Chain) -> Finding {
        let different = Finding { outcome: Outcome::Different, rule: Rule::Relation };
        if x.relations != y.relations {
            return different;
        }
        let renamed = self.with_same_argument(x, y);
        let y = renamed.as_ref().unwrap_or(y);
        let mut finding = Finding::new(true, Rule::Relation);
        for (a, b) in x.sides.iter().zip(&y.sides) {
            finding = finding.and(|| self.compare(*a, *b));
        }
        finding
    }

    /// What is on the right of `y = 2x` and `f(x) = 2x`, or of `y = 2x` and `y(x) = 2x`.
    fn defined_alike(&self, x: &Chain, y: &Chain) -> Option<(Id, Id)> {
        let ([first, gold], [second, answer]) = (&x.sides[..], &y.sides[..]) else { return None };
        let is_equation = |chain: &Chain| chain.relations == [Relation::Equal];
        let (one, other) = (self.derivative(*first), self.derivative(*second));
        if (one.is_some() && self.is_operation(*second))
            || (other.is_some() && self.is_operation(*first))
        {
            return (is_equation(x) && is_equation(y)).then_some((*gold, *answer));
        }
        if let (Some(one), Some(other)) = (one, other) {
            // `dy/dx` and `f'(x)`, as of `y = 2x` and `f(x) = 2x`.
            let alike = one == other || one == "y" || other == "y";
            return (alike && is_equation(x) && is_equation(y)).then_some((*gold, *answer));
        }
        let alike = match (self.arena.node(*first), self.arena.node(*second)) {
            (Node::Symbol(name), Node::Apply(function, arguments))
            | (Node::Apply(function, arguments), Node::Symbol(name)) => {
                (name == "y" || name == function) && arguments.len() == 1
            }
            _ => false,
        };
        (alike && is_equation(x) && is_equation(y)).then_some((*gold, *answer))
    }

    /// `f(n) = n²` with the argument of `f(x) = x²`: a definition does not depend on its argument's name.
    fn with_same_argument(&mut self, x: &Chain, y: &Chain) -> Option<Chain> {
        let argument = |judge: &Self, id: Id| match judge.arena.node(id) {
            Node::Apply(name, arguments) => match arguments[..] {
                [argument] => match judge.arena.node(argument) {
                    Node::Symbol(symbol) => Some((name.clone(), symbol.clone())),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        let (name, wanted) = argument(self, x.sides[0])?;
        let (other, found) = argument(self, y.sides[0])?;
        if name != other || wanted == found || x.relations != [Relation::Equal] {
            return None;
        }
        let rename =
            |symbol: &str| if symbol == found { wanted.clone() } else { symbol.to_owned() };
        let sides = y.sides.iter().map(|side| self.arena.with_symbols(*side, &rename)).collect();
        Some(Chain { sides, relations: y.relations.clone() })
    }
}
