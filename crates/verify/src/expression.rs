//! Expressions in an arena: nodes refer to each other by number, so dropping and walking them needs no deep stack.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use crate::unit::Unit;

/// The number of a node in its arena. A node's children have smaller numbers than the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(u32);

/// Constants with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Constant {
    Pi,
    Euler,
    Imaginary,
    Infinity,
    EmptySet,
}

/// Functions whose values are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Function {
    Sin,
    Cos,
    Tan,
    Cot,
    Sec,
    Csc,
    Arcsin,
    Arccos,
    Arctan,
    Sinh,
    Cosh,
    Tanh,
    Ln,
    /// A logarithm without a base: 10 or e, whichever makes the answers agree.
    Log,
    /// The logarithm of the first argument to the base of the second.
    LogBase,
    Exp,
    Abs,
    Floor,
    Ceil,
    Factorial,
    DoubleFactorial,
    Binomial,
    Gcd,
    Lcm,
    Max,
    Min,
    Re,
    Im,
    Arg,
}

impl Function {
    /// Whether it takes an angle.
    pub(crate) fn is_trigonometric(self) -> bool {
        matches!(self, Self::Sin | Self::Cos | Self::Tan | Self::Cot | Self::Sec | Self::Csc)
    }
}

/// Operators that bind a variable; their bodies are compared as they stand unless they can be unrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Binder {
    Sum,
    Product,
    Integral,
    Limit,
}

/// How two sides of a relation stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// The left side is an element of the right.
    In,
}

impl Relation {
    /// The relation read from right to left.
    pub(crate) fn flip(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            other => other,
        }
    }

    /// Whether it orders its sides.
    pub(crate) fn is_order(self) -> bool {
        matches!(self, Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual)
    }
}

/// Which sign of `a ± b` belongs to the upper reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Upper {
    Plus,
    Minus,
}

/// Whether an interval holds an end point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Open,
    Closed,
}

/// The name of a function given by cases, as an unknown function of its values and conditions in turn.
pub(crate) const CASES: &str = "cases";

/// One node of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// An integer or a quotient of integers.
    Rational(BigRational),
    /// A number written with a decimal point, and so perhaps rounded.
    Decimal(BigRational),
    Constant(Constant),
    Symbol(String),
    /// Words.
    Text(String),
    Percent(Id),
    /// A value with a unit.
    Quantity(Id, Unit),
    Sum(Vec<Id>),
    Product(Vec<Id>),
    Power(Id, Id),
    PlusMinus(Id, Id, Upper),
    /// `a:b`.
    Ratio(Id, Id),
    Call(Function, Vec<Id>),
    /// An unknown function at its arguments.
    Apply(String, Vec<Id>),
    Bound(Binder, Vec<Id>),
    /// Rows of equal length: the number of columns, and the entries row by row.
    Matrix(usize, Vec<Id>),
    /// `(a, b, …)`; with two elements perhaps an open interval.
    Tuple(Vec<Id>),
    /// `a, b, …` without brackets.
    List(Vec<Id>),
    /// `{a, b, …}`.
    Set(Vec<Id>),
    Interval(Id, End, Id, End),
    Union(Vec<Id>),
    Intersection(Vec<Id>),
    Difference(Id, Id),
    /// `a < b ≤ c`: one more operand than relations.
    Chain(Vec<Id>, Vec<Relation>),
}

impl Node {
    /// The nodes directly below.
    pub(crate) fn children(&self) -> Vec<Id> {
        match self {
            Self::Rational(_)
            | Self::Decimal(_)
            | Self::Constant(_)
            | Self::Symbol(_)
            | Self::Text(_) => Vec::new(),
            Self::Percent(a) | Self::Quantity(a, _) => vec![*a],
            Self::Power(a, b)
            | Self::PlusMinus(a, b, _)
            | Self::Ratio(a, b)
            | Self::Interval(a, _, b, _)
            | Self::Difference(a, b) => vec![*a, *b],
            Self::Sum(ids)
            | Self::Product(ids)
            | Self::Call(_, ids)
            | Self::Apply(_, ids)
            | Self::Bound(_, ids)
            | Self::Matrix(_, ids)
            | Self::Tuple(ids)
            | Self::List(ids)
            | Self::Set(ids)
            | Self::Union(ids)
            | Self::Intersection(ids)
            | Self::Chain(ids, _) => ids.clone(),
        }
    }

    /// The same node over other children, taken from `next` in order.
    pub(crate) fn with_children(&self, mut next: impl FnMut(Id) -> Id) -> Self {
        let mut node = self.clone();
        match &mut node {
            Self::Rational(_)
            | Self::Decimal(_)
            | Self::Constant(_)
            | Self::Symbol(_)
            | Self::Text(_) => {}
            Self::Percent(a) | Self::Quantity(a, _) => *a = next(*a),
            Self::Power(a, b)
            | Self::PlusMinus(a, b, _)
            | Self::Ratio(a, b)
            | Self::Interval(a, _, b, _)
            | Self::Difference(a, b) => {
                *a = next(*a);
                *b = next(*b);
            }
            Self::Sum(ids)
            | Self::Product(ids)
            | Self::Call(_, ids)
            | Self::Apply(_, ids)
            | Self::Bound(_, ids)
            | Self::Matrix(_, ids)
            | Self::Tuple(ids)
            | Self::List(ids)
            | Self::Set(ids)
            | Self::Union(ids)
            | Self::Intersection(ids)
            | Self::Chain(ids, _) => ids.iter_mut().for_each(|id| *id = next(*id)),
        }
        node
    }
}

/// How many nodes may lie on a way from a node down to a leaf. Everything that walks an expression recurses this deep
/// at most, which fits the stack of any thread.
pub(crate) const MAX_HEIGHT: u16 = 400;

/// All nodes of some expressions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Arena {
    nodes: Vec<Node>,
    heights: Vec<u16>,
}

impl Arena {
    /// Puts a node in.
    pub(crate) fn add(&mut self, node: Node) -> Id {
        let id = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let below = node.children().into_iter().map(|child| self.height(child)).max().unwrap_or(0);
        self.nodes.push(node);
        self.heights.push(below.saturating_add(1));
        Id(id)
    }

    /// The number of nodes on the longest way down from a node, itself included.
    pub(crate) fn height(&self, id: Id) -> u16 {
        self.heights[id.0 as usize]
    }

    pub(crate) fn node(&self, id: Id) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// Copies all nodes of another arena in, and says where its node went.
    pub(crate) fn absorb(&mut self, other: &Self) -> impl Fn(Id) -> Id + use<> {
        let offset = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let shift = move |id: Id| Id(id.0 + offset);
        self.nodes.extend(other.nodes.iter().map(|node| node.with_children(shift)));
        self.heights.extend(&other.heights);
        shift
    }

    pub(crate) fn rational(&mut self, value: BigRational) -> Id {
        self.add(Node::Rational(value))
    }

    pub(crate) fn integer(&mut self, value: i64) -> Id {
        self.rational(BigRational::from(BigInt::from(value)))
    }

    pub(crate) fn symbol(&mut self, name: impl Into<String>) -> Id {
        self.add(Node::Symbol(name.into()))
    }

    pub(crate) fn call(&mut self, function: Function, arguments: Vec<Id>) -> Id {
        self.add(Node::Call(function, arguments))
    }

    /// −a.
    pub(crate) fn negate(&mut self, id: Id) -> Id {
        match self.node(id) {
            Node::Rational(value) => {
                let value = -value.clone();
                self.rational(value)
            }
            Node::Decimal(value) => {
                let value = -value.clone();
                self.add(Node::Decimal(value))
            }
            _ => {
                let minus = self.integer(-1);
                self.add(Node::Product(vec![minus, id]))
            }
        }
    }

    /// 1/a.
    pub(crate) fn invert(&mut self, id: Id) -> Id {
        let minus = self.integer(-1);
        self.add(Node::Power(id, minus))
    }

    /// a/b, as one number where both are integers.
    pub(crate) fn divide(&mut self, a: Id, b: Id) -> Id {
        if let (Node::Rational(x), Node::Rational(y)) = (self.node(a), self.node(b))
            && !y.is_zero()
        {
            let quotient = x / y;
            return self.rational(quotient);
        }
        let inverse = self.invert(b);
        if self.is_one(a) {
            return inverse;
        }
        self.add(Node::Product(vec![a, inverse]))
    }

    /// a − b.
    pub(crate) fn subtract(&mut self, a: Id, b: Id) -> Id {
        let minus = self.negate(b);
        self.add(Node::Sum(vec![a, minus]))
    }

    /// A sum of one term is that term.
    pub(crate) fn sum(&mut self, mut terms: Vec<Id>) -> Id {
        match (terms.pop(), terms.is_empty()) {
            (Some(only), true) => only,
            (Some(last), false) => {
                terms.push(last);
                self.add(Node::Sum(terms))
            }
            (None, _) => self.integer(0),
        }
    }

    /// A product of one factor is that factor.
    pub(crate) fn product(&mut self, mut factors: Vec<Id>) -> Id {
        match (factors.pop(), factors.is_empty()) {
            (Some(only), true) => only,
            (Some(last), false) => {
                factors.push(last);
                self.add(Node::Product(factors))
            }
            (None, _) => self.integer(1),
        }
    }

    fn is_one(&self, id: Id) -> bool {
        matches!(self.node(id), Node::Rational(value) if value.is_one())
    }

    /// Whether some node at or below satisfies a claim.
    pub(crate) fn any(&self, id: Id, claim: &impl Fn(&Node) -> bool) -> bool {
        let mut open = vec![id];
        let mut seen = 0_usize;
        while let Some(id) = open.pop() {
            let node = self.node(id);
            seen += 1;
            // Shared nodes are walked once for each way to them; the bound keeps a dense graph from growing that.
            if claim(node) || seen > 100_000 {
                return true;
            }
            open.extend(node.children());
        }
        false
    }

    /// The names of the symbols at or below, sorted; an unknown function counts by its name with `()`.
    pub(crate) fn symbols(&self, id: Id) -> Vec<String> {
        let mut names = std::collections::BTreeSet::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            match self.node(id) {
                Node::Symbol(name) => {
                    names.insert(name.clone());
                }
                Node::Apply(name, _) => {
                    names.insert(format!("{name}()"));
                }
                node => open.extend(node.children()),
            }
            if names.len() > 64 {
                break;
            }
        }
        names.into_iter().collect()
    }
}
