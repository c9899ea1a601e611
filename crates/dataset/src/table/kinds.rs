//! What the columns of rows hold, and their values as what the columns are.

use polars::prelude::{AnyValue, DataType, Field, Series};
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema, ExtensionType, Field as ArrowField};
use serde_json::{Number, Value};

use crate::rows::JSON;

/// 2^53: up to here every integer is a float.
const EXACT: i128 = 1 << 53;

/// What becomes of values that have no type in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Differing {
    /// Each is a text of JSON, so that a file gives it back as it was; objects differ by their keys and by their order.
    Json,
    /// They are kept apart from texts; objects are one with the keys of all.
    Apart,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Nothing,
    Flag,
    Number(Numbers),
    Text,
    List(Box<Kind>),
    /// Objects with these keys; in a file all have them, in this order.
    Object(Vec<(String, Kind)>),
    /// Values that have no type in common: objects of differing keys, or a text here and a number there. Each becomes a text
    /// of JSON, which Arrow knows as such.
    Json,
    /// The same where nothing may be taken for what it is not: each value becomes an object, whose `json` is its text.
    Apart,
}

/// What numbers there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Numbers {
    has_float: bool,
    /// The least and the greatest integer; both 0 where there is none.
    integers: (i128, i128),
}

impl Numbers {
    fn of(number: &Number) -> Self {
        let unsigned = number.as_u64().map(i128::from);
        match unsigned.or_else(|| number.as_i64().map(i128::from)) {
            Some(integer) => Self { has_float: false, integers: (integer.min(0), integer.max(0)) },
            None => Self { has_float: true, integers: (0, 0) },
        }
    }

    fn with(self, other: Self) -> Self {
        let ((least, most), (other_least, other_most)) = (self.integers, other.integers);
        let integers = (least.min(other_least), most.max(other_most));
        Self { has_float: self.has_float || other.has_float, integers }
    }

    /// The type that holds each of them as it is; nothing if there is none.
    fn dtype(self) -> Option<DataType> {
        let (least, most) = self.integers;
        if self.has_float {
            return (-EXACT <= least && most <= EXACT).then_some(DataType::Float64);
        }
        let is_signed = i64::try_from(least).is_ok() && i64::try_from(most).is_ok();
        let is_unsigned = least == 0 && u64::try_from(most).is_ok();
        is_signed.then_some(DataType::Int64).or(is_unsigned.then_some(DataType::UInt64))
    }
}

impl Differing {
    fn kind(self) -> Kind {
        match self {
            Self::Json => Kind::Json,
            Self::Apart => Kind::Apart,
        }
    }
}

impl Kind {
    /// Of a list and an object the kinds of all that is in them.
    pub(crate) fn of(value: &Value, differing: Differing) -> Self {
        let of = |value| Self::of(value, differing);
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(_) => Self::Flag,
            Value::Number(number) => Self::Number(Numbers::of(number)),
            Value::String(_) => Self::Text,
            Value::Array(items) => {
                let both = |one: Self, other| one.with(other, differing);
                Self::List(Box::new(items.iter().map(of).fold(Self::Nothing, both)))
            }
            // A column without columns in it cannot be written.
            Value::Object(fields) if fields.is_empty() && differing == Differing::Json => {
                Self::Json
            }
            Value::Object(fields) => {
                Self::Object(fields.iter().map(|(key, value)| (key.clone(), of(value))).collect())
            }
        }
    }

    /// One of each sort that a column may be of.
    pub(crate) fn samples() -> [Self; 4] {
        let numbers = Numbers { has_float: false, integers: (0, 0) };
        [Self::Text, Self::Number(numbers), Self::Flag, Self::List(Box::new(Self::Nothing))]
    }

    /// The kind that holds both.
    pub(crate) fn with(self, other: Self, differing: Differing) -> Self {
        match (self, other) {
            (Self::Nothing, kind) | (kind, Self::Nothing) => kind,
            (Self::Number(one), Self::Number(other)) => {
                let both = one.with(other);
                if both.dtype().is_some() { Self::Number(both) } else { differing.kind() }
            }
            (Self::List(one), Self::List(other)) => {
                Self::List(Box::new(one.with(*other, differing)))
            }
            (Self::Object(fields), Self::Object(others))
                if differing == Differing::Apart || has_keys_of(&fields, &others) =>
            {
                Self::Object(joined(fields, others, differing))
            }
            (one, other) if one == other => one,
            _ => differing.kind(),
        }
    }

    /// What it is, in the words of error messages.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Nothing => "null",
            Self::Flag => "true or false",
            Self::Number(_) => "a number",
            Self::Text => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
            Self::Json | Self::Apart => "of several kinds",
        }
    }

    /// The integer in it that is farthest from 0, if floats leave integers out in its size.
    pub(crate) fn beyond_floats(&self) -> Option<i128> {
        match self {
            Self::Number(Numbers { integers: (least, most), .. }) => {
                let farthest = if -least > *most { *least } else { *most };
                (farthest.abs() > EXACT).then_some(farthest)
            }
            Self::List(item) => item.beyond_floats(),
            Self::Object(fields) => fields.iter().find_map(|(_, kind)| kind.beyond_floats()),
            _ => None,
        }
    }

    pub(crate) fn dtype(&self) -> DataType {
        match self {
            Self::Nothing => DataType::Null,
            Self::Flag => DataType::Boolean,
            Self::Number(numbers) => numbers.dtype().unwrap_or(DataType::String),
            Self::Text | Self::Json => DataType::String,
            Self::List(item) => DataType::List(Box::new(item.dtype())),
            Self::Object(fields) => DataType::Struct(fields_of(fields)),
            Self::Apart => DataType::Struct(json_field()),
        }
    }

    /// A value of this kind.
    pub(super) fn value<'a>(&self, value: &'a Value) -> AnyValue<'a> {
        match (self, value) {
            (_, Value::Null) => AnyValue::Null,
            (Self::Json, value) => json(value),
            (Self::Apart, value) => {
                AnyValue::StructOwned(Box::new((vec![json(value)], json_field())))
            }
            (Self::Flag, Value::Bool(truth)) => AnyValue::Boolean(*truth),
            (Self::Number(numbers), Value::Number(number)) => {
                let value = match numbers.dtype() {
                    Some(DataType::Int64) => number.as_i64().map(AnyValue::Int64),
                    Some(DataType::UInt64) => number.as_u64().map(AnyValue::UInt64),
                    _ => number.as_f64().map(AnyValue::Float64),
                };
                value.unwrap_or(AnyValue::Null)
            }
            (Self::Text, Value::String(text)) => AnyValue::String(text),
            (Self::List(item), Value::Array(items)) => {
                let values: Vec<AnyValue<'_>> = items.iter().map(|one| item.value(one)).collect();
                let series =
                    Series::from_any_values_and_dtype("".into(), &values, &item.dtype(), true);
                series.map_or(AnyValue::Null, AnyValue::List)
            }
            (Self::Object(fields), Value::Object(map)) => {
                let values = fields.iter().map(|(key, kind)| {
                    kind.value(map.get(key).unwrap_or(&Value::Null)).into_static()
                });
                AnyValue::StructOwned(Box::new((values.collect(), fields_of(fields))))
            }
            _ => AnyValue::Null,
        }
    }

    /// The places in it that hold JSON, such as `messages[].tool_calls`.
    pub(super) fn json_places(&self, place: &str) -> Vec<String> {
        match self {
            Self::Json => vec![place.to_owned()],
            Self::List(item) => item.json_places(&format!("{place}[]")),
            Self::Object(fields) => {
                let places =
                    |(key, kind): &(String, Kind)| kind.json_places(&format!("{place}.{key}"));
                fields.iter().flat_map(places).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A type of Arrow in which what is JSON is called so.
    fn named(&self, of: ArrowDataType) -> ArrowDataType {
        match (self, of) {
            (Self::Json, inner) => {
                let (name, metadata) = (JSON.into(), Some("".into()));
                ArrowDataType::Extension(Box::new(ExtensionType { name, inner, metadata }))
            }
            (Self::List(item), ArrowDataType::LargeList(field)) => {
                ArrowDataType::LargeList(Box::new(item.named_field(&field)))
            }
            (Self::Object(kinds), ArrowDataType::Struct(fields)) => {
                let fields =
                    kinds.iter().zip(&fields).map(|((_, kind), one)| kind.named_field(one));
                ArrowDataType::Struct(fields.collect())
            }
            (_, other) => other,
        }
    }

    fn named_field(&self, field: &ArrowField) -> ArrowField {
        field.with_dtype(self.named(field.dtype.clone()))
    }
}

fn json<'a>(value: &Value) -> AnyValue<'a> {
    AnyValue::StringOwned(value.to_string().as_str().into())
}

fn json_field() -> Vec<Field> {
    vec![Field::new("json".into(), DataType::String)]
}

/// The fields of both, those of the first before the others.
fn joined(
    mut fields: Vec<(String, Kind)>,
    others: Vec<(String, Kind)>,
    differing: Differing,
) -> Vec<(String, Kind)> {
    if has_keys_of(&fields, &others) {
        let both = fields.into_iter().zip(others);
        return both.map(|((key, one), (_, other))| (key, one.with(other, differing))).collect();
    }
    for (key, other) in others {
        match fields.iter_mut().find(|(known, _)| *known == key) {
            Some((_, kind)) => {
                *kind = std::mem::replace(kind, Kind::Nothing).with(other, differing);
            }
            None => fields.push((key, other)),
        }
    }
    fields
}

fn has_keys_of(fields: &[(String, Kind)], others: &[(String, Kind)]) -> bool {
    fields.iter().map(|(key, _)| key).eq(others.iter().map(|(key, _)| key))
}

pub(super) fn fields_of(fields: &[(String, Kind)]) -> Vec<Field> {
    fields.iter().map(|(key, kind)| Field::new(key.as_str().into(), kind.dtype())).collect()
}

/// The schema in Arrow's words.
pub(super) fn named(schema: &ArrowSchema, kinds: &[(String, Kind)]) -> ArrowSchema {
    let fields = schema.iter_values().zip(kinds).map(|(field, (_, kind))| kind.named_field(field));
    fields.map(|field| (field.name.clone(), field)).collect()
}
