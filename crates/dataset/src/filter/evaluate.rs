//! The value of an expression for one row.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Arithmetic, Case, Comparison, Function, Node};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Datum {
    Null,
    Flag(bool),
    Number(f64),
    Text(String),
    /// A list, of which the number of items is all that can be asked for.
    List(usize),
    Object,
}

impl Datum {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object => "an object",
        }
    }

    fn of(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Null,
            Some(Value::Bool(truth)) => Self::Flag(*truth),
            Some(Value::Number(number)) => number.as_f64().map_or(Self::Null, Self::Number),
            Some(Value::String(text)) => Self::Text(text.clone()),
            Some(Value::Array(items)) => Self::List(items.len()),
            Some(Value::Object(_)) => Self::Object,
        }
    }
}

type Evaluated = Result<Datum, String>;

pub(super) fn evaluate(node: &Node, row: &Value) -> Evaluated {
    match node {
        Node::Column(name) => Ok(Datum::of(row.get(name))),
        Node::Literal(datum) => Ok(datum.clone()),
        Node::Not(one) => Ok(flag(truth(one, row)?.map(|truth| !truth))),
        Node::And(one, other) => {
            let (one, other) = (truth(one, row)?, truth(other, row)?);
            let is_false = one == Some(false) || other == Some(false);
            Ok(if is_false { Datum::Flag(false) } else { flag(one.and(other)) })
        }
        Node::Or(one, other) => {
            let (one, other) = (truth(one, row)?, truth(other, row)?);
            let is_true = one == Some(true) || other == Some(true);
            Ok(if is_true { Datum::Flag(true) } else { flag(one.and(other)) })
        }
        Node::IsNull(one) => Ok(Datum::Flag(evaluate(one, row)? == Datum::Null)),
        Node::Compare(how, one, other) => {
            let order = compare(&evaluate(one, row)?, &evaluate(other, row)?)?;
            Ok(flag(order.map(|order| how.holds(order))))
        }
        Node::In(one, list) => is_in(&evaluate(one, row)?, list, row),
        Node::Like(case, one, pattern) => {
            let (text, pattern) = (evaluate(one, row)?, evaluate(pattern, row)?);
            let texts = texts("LIKE", [text, pattern])?;
            Ok(flag(texts.map(|[text, pattern]| case.like(&text, &pattern))))
        }
        Node::Negative(one) => {
            Ok(number("-", evaluate(one, row)?)?.map_or(Datum::Null, |one| Datum::Number(-one)))
        }
        Node::Arithmetic(how, one, other) => {
            let one = number(how.sign(), evaluate(one, row)?)?;
            let other = number(how.sign(), evaluate(other, row)?)?;
            Ok(one.zip(other).map_or(Datum::Null, |(one, other)| how.apply(one, other)))
        }
        Node::Call(function, arguments) => {
            let values = arguments.iter().map(|one| evaluate(one, row));
            call(*function, values.collect::<Result<Vec<_>, _>>()?)
        }
    }
}

fn flag(truth: Option<bool>) -> Datum {
    truth.map_or(Datum::Null, Datum::Flag)
}

fn truth(node: &Node, row: &Value) -> Result<Option<bool>, String> {
    match evaluate(node, row)? {
        Datum::Flag(truth) => Ok(Some(truth)),
        Datum::Null => Ok(None),
        other => Err(format!("{} is not a condition", other.kind())),
    }
}

/// The order of two values of the same kind; none where one of them is null.
fn compare(one: &Datum, other: &Datum) -> Result<Option<Ordering>, String> {
    match (one, other) {
        (Datum::Null, _) | (_, Datum::Null) => Ok(None),
        (Datum::Number(one), Datum::Number(other)) => Ok(one.partial_cmp(other)),
        (Datum::Text(one), Datum::Text(other)) => Ok(Some(one.cmp(other))),
        (Datum::Flag(one), Datum::Flag(other)) => Ok(Some(one.cmp(other))),
        (one, other) => Err(format!("{} and {} cannot be compared", one.kind(), other.kind())),
    }
}

/// As in SQL: unknown, and not false, where the value is not in the list and null is.
fn is_in(value: &Datum, list: &[Node], row: &Value) -> Evaluated {
    let mut has_null = *value == Datum::Null;
    for one in list {
        match compare(value, &evaluate(one, row)?)? {
            Some(Ordering::Equal) => return Ok(Datum::Flag(true)),
            Some(_) => {}
            None => has_null = true,
        }
    }
    Ok(if has_null { Datum::Null } else { Datum::Flag(false) })
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
        }
    }
}

impl Arithmetic {
    fn sign(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Over => "/",
            Self::Remainder => "%",
        }
    }

    /// A division by 0 has no value.
    fn apply(self, one: f64, other: f64) -> Datum {
        let value = match self {
            Self::Plus => one + other,
            Self::Minus => one - other,
            Self::Times => one * other,
            Self::Over => one / other,
            Self::Remainder => one % other,
        };
        if value.is_finite() { Datum::Number(value) } else { Datum::Null }
    }
}

impl Case {
    /// `%` stands for any text, `_` for one character.
    fn like(self, text: &str, pattern: &str) -> bool {
        let characters = |text: &str| match self {
            Self::Matters => text.chars().collect::<Vec<_>>(),
            Self::Ignored => text.to_lowercase().chars().collect(),
        };
        matches(&characters(text), &characters(pattern))
    }
}

/// One row of the table of which beginnings of the text fit which beginnings of the pattern.
fn matches(text: &[char], pattern: &[char]) -> bool {
    let mut fits = vec![false; text.len() + 1];
    fits[0] = true;
    for sign in pattern {
        let mut next = vec![false; text.len() + 1];
        next[0] = *sign == '%' && fits[0];
        for (index, character) in text.iter().enumerate() {
            next[index + 1] = match sign {
                '%' => next[index] || fits[index + 1],
                '_' => fits[index],
                sign => sign == character && fits[index],
            };
        }
        fits = next;
    }
    fits[text.len()]
}

fn number(what: &str, value: Datum) -> Result<Option<f64>, String> {
    match value {
        Datum::Number(number) => Ok(Some(number)),
        Datum::Null => Ok(None),
        other => Err(format!("{what} takes a number, got {}", other.kind())),
    }
}

fn text(what: &str, value: Datum) -> Result<Option<String>, String> {
    match value {
        Datum::Text(text) => Ok(Some(text)),
        Datum::Null => Ok(None),
        other => Err(format!("{what} takes a text, got {}", other.kind())),
    }
}

fn texts(what: &str, [one, other]: [Datum; 2]) -> Result<Option<[String; 2]>, String> {
    Ok(text(what, one)?.zip(text(what, other)?).map(|(one, other)| [one, other]))
}

fn call(function: Function, arguments: Vec<Datum>) -> Evaluated {
    let name = function.name();
    if function == Function::Coalesce {
        let first = arguments.into_iter().find(|value| *value != Datum::Null);
        return Ok(first.unwrap_or(Datum::Null));
    }
    let mut arguments = arguments.into_iter();
    let mut next = || arguments.next().unwrap_or(Datum::Null);
    let on_text = |value, change: fn(&str) -> String| {
        Ok(text(name, value)?.map_or(Datum::Null, |text| Datum::Text(change(&text))))
    };
    let on_texts = |values, test: fn(&str, &str) -> bool| {
        Ok(flag(texts(name, values)?.map(|[one, other]| test(&one, &other))))
    };
    match function {
        Function::Length => match next() {
            Datum::List(count) => Ok(Datum::Number(count as f64)),
            value => {
                let count = text(name, value)?.map(|text| text.chars().count() as f64);
                Ok(count.map_or(Datum::Null, Datum::Number))
            }
        },
        Function::ArrayLength => match next() {
            Datum::List(count) => Ok(Datum::Number(count as f64)),
            Datum::Null => Ok(Datum::Null),
            other => Err(format!("{name} takes a list, got {}", other.kind())),
        },
        Function::Lower => on_text(next(), str::to_lowercase),
        Function::Upper => on_text(next(), str::to_uppercase),
        Function::Trim => on_text(next(), |text| text.trim().to_owned()),
        Function::Abs => {
            Ok(number(name, next())?.map_or(Datum::Null, |one| Datum::Number(one.abs())))
        }
        Function::Contains => on_texts([next(), next()], |text, part| text.contains(part)),
        Function::StartsWith => on_texts([next(), next()], |text, part| text.starts_with(part)),
        Function::EndsWith => on_texts([next(), next()], |text, part| text.ends_with(part)),
        Function::Coalesce => Ok(Datum::Null),
    }
}
