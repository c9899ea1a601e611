//! Expressions as text: readable for people, canonical for comparison.

use std::fmt::Write;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Signed as _;

use crate::expression::{Arena, Constant, End, Id, MAX_HEIGHT, Node, Relation, Upper};
use crate::limits::Budget;

/// The longest text that is written out.
const MAX_LENGTH: usize = 2_000;

/// An expression in infix notation, cut off with `…` where it is very long.
pub(crate) fn show(arena: &Arena, id: Id) -> String {
    let mut out = String::new();
    if arena.height(id) > MAX_HEIGHT {
        return "…".to_owned();
    }
    write_node(arena, id, &mut out);
    out
}

fn join(arena: &Arena, ids: &[Id], separator: &str, out: &mut String) {
    for (index, id) in ids.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        if out.len() > MAX_LENGTH {
            out.push('…');
            return;
        }
        write_node(arena, *id, out);
    }
}

/// Opening text, separator and closing text.
type Frame = (&'static str, &'static str, &'static str);

fn wrapped(arena: &Arena, (open, separator, close): Frame, ids: &[Id], out: &mut String) {
    out.push_str(open);
    join(arena, ids, separator, out);
    out.push_str(close);
}

/// The longest numbers that are written out, in bits: turning them into digits takes quadratic time.
const MAX_BITS: u64 = 4_096;

fn number(value: &BigRational) -> String {
    let bits = value.numer().bits() + value.denom().bits();
    if bits > MAX_BITS { format!("<number of {bits} bits>") } else { value.to_string() }
}

fn write_node(arena: &Arena, id: Id, out: &mut String) {
    if out.len() > MAX_LENGTH {
        if !out.ends_with('…') {
            out.push('…');
        }
        return;
    }
    match arena.node(id) {
        Node::Rational(value) => out.push_str(&number(value)),
        Node::Decimal(value) => {
            // The point is kept, for a decimal may have been rounded.
            match decimal(value) {
                Some(digits) => out.push_str(&digits),
                None => {
                    let _ = write!(out, "{}.", number(value));
                }
            }
        }
        Node::Constant(constant) => out.push_str(constant_name(*constant)),
        Node::Symbol(name) => out.push_str(name),
        Node::Text(words) => {
            let _ = write!(out, "\"{words}\"");
        }
        Node::Percent(inner) => wrapped(arena, ("", "", "%"), &[*inner], out),
        Node::Quantity(inner, unit) => {
            wrapped(arena, ("", "", " ["), &[*inner], out);
            let _ = write!(out, "{}", unit.scale);
            for (base, power) in &unit.dimensions {
                let _ = write!(out, " {base}^{power}");
            }
            out.push(']');
        }
        Node::Sum(ids) => wrapped(arena, ("(", " + ", ")"), ids, out),
        Node::Product(ids) => join(arena, ids, "*", out),
        Node::Ratio(a, b) => join(arena, &[*a, *b], ":", out),
        Node::Power(a, b) => wrapped(arena, ("(", ")^(", ")"), &[*a, *b], out),
        Node::PlusMinus(a, b, Upper::Plus) => wrapped(arena, ("(", " ± ", ")"), &[*a, *b], out),
        Node::PlusMinus(a, b, Upper::Minus) => wrapped(arena, ("(", " ∓ ", ")"), &[*a, *b], out),
        Node::Call(function, ids) => {
            out.push_str(&format!("{function:?}").to_lowercase());
            wrapped(arena, ("(", ", ", ")"), ids, out);
        }
        Node::Apply(name, ids) => {
            out.push_str(name);
            wrapped(arena, ("(", ", ", ")"), ids, out);
        }
        Node::Bound(binder, ids) => {
            out.push_str(&format!("{binder:?}").to_lowercase());
            wrapped(arena, ("(", "; ", ")"), ids, out);
        }
        node => write_collection(arena, node, out),
    }
}

fn write_collection(arena: &Arena, node: &Node, out: &mut String) {
    match node {
        Node::Matrix(columns, ids) => {
            out.push('[');
            for row in ids.chunks((*columns).max(1)) {
                wrapped(arena, ("[", ", ", "]"), row, out);
            }
            out.push(']');
        }
        Node::Tuple(ids) => wrapped(arena, ("(", ", ", ")"), ids, out),
        Node::List(ids) => join(arena, ids, ", ", out),
        Node::Set(ids) => wrapped(arena, ("{", ", ", "}"), ids, out),
        Node::Interval(low, low_end, high, high_end) => {
            out.push(if *low_end == End::Open { '(' } else { '[' });
            join(arena, &[*low, *high], ", ", out);
            out.push(if *high_end == End::Open { ')' } else { ']' });
        }
        Node::Union(ids) => join(arena, ids, " ∪ ", out),
        Node::Intersection(ids) => join(arena, ids, " ∩ ", out),
        Node::Difference(a, b) => join(arena, &[*a, *b], " \\ ", out),
        Node::Chain(sides, relations) => {
            for (index, side) in sides.iter().enumerate() {
                if let Some(relation) =
                    index.checked_sub(1).and_then(|before| relations.get(before))
                {
                    let _ = write!(out, " {} ", relation_sign(*relation));
                }
                write_node(arena, *side, out);
            }
        }
        _ => {}
    }
}

fn constant_name(constant: Constant) -> &'static str {
    match constant {
        Constant::Pi => "π",
        Constant::Euler => "e",
        Constant::Imaginary => "i",
        Constant::Infinity => "∞",
        Constant::EmptySet => "∅",
    }
}

fn relation_sign(relation: Relation) -> &'static str {
    match relation {
        Relation::Equal => "=",
        Relation::NotEqual => "≠",
        Relation::Less => "<",
        Relation::LessEqual => "≤",
        Relation::Greater => ">",
        Relation::GreaterEqual => "≥",
        Relation::In => "∈",
    }
}

/// The most places of a decimal that are written out.
const MAX_PLACES: usize = 30;

/// A decimal in its digits, `0.5`; none where they have no end or are many.
fn decimal(value: &BigRational) -> Option<String> {
    (value.numer().bits() + value.denom().bits() <= MAX_BITS).then_some(())?;
    let (mut scaled, mut places) = (value.abs(), 0);
    while !scaled.is_integer() {
        if places == MAX_PLACES {
            return None;
        }
        scaled *= BigRational::from(BigInt::from(10));
        places += 1;
    }
    let digits = scaled.to_integer().to_string();
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
    let sign = if value.is_negative() { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(format!("{sign}{whole}.{fraction:0>places$}"))
}

/// A text that is the same for expressions which differ in the order of sums, products and sets only.
pub(crate) fn canonical(arena: &Arena, id: Id, budget: &Budget) -> String {
    if budget.spend(4).is_none() || arena.height(id) > MAX_HEIGHT {
        return "…".to_owned();
    }
    let node = arena.node(id);
    let children = node.children();
    if children.is_empty() {
        let mut out = String::new();
        write_node(arena, id, &mut out);
        return out;
    }
    let mut parts: Vec<String> =
        children.iter().map(|child| canonical(arena, *child, budget)).collect();
    if matches!(
        node,
        Node::Sum(_) | Node::Product(_) | Node::Set(_) | Node::Union(_) | Node::Intersection(_)
    ) {
        parts.sort();
    }
    let head = match node {
        Node::Call(function, _) => format!("{function:?}"),
        Node::Apply(name, _) => name.clone(),
        Node::Bound(binder, _) => format!("{binder:?}"),
        Node::Chain(_, relations) => format!("{relations:?}"),
        Node::Quantity(_, unit) => format!("{unit:?}"),
        Node::Matrix(columns, _) => format!("matrix{columns}"),
        Node::Interval(_, low, _, high) => format!("interval{low:?}{high:?}"),
        Node::Sum(_) => "+".to_owned(),
        Node::Product(_) => "*".to_owned(),
        Node::Power(..) => "^".to_owned(),
        Node::Set(_) => "set".to_owned(),
        Node::Tuple(_) => "tuple".to_owned(),
        Node::List(_) => "list".to_owned(),
        Node::Percent(_) => "%".to_owned(),
        Node::Ratio(..) => ":".to_owned(),
        Node::Union(_) => "cup".to_owned(),
        Node::Intersection(_) => "cap".to_owned(),
        Node::Difference(..) => "minus".to_owned(),
        other => format!("{:?}", std::mem::discriminant(other)),
    };
    format!("({head} {})", parts.join(" "))
}
