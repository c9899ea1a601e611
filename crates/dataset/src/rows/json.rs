//! JSON values that forget nothing: a key that stands twice is still there twice.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::exact;
use super::problem::RowProblem;

/// 2^63. Integers from there on, of either sign, may have no room in 64 bits.
const LARGE: f64 = 9_223_372_036_854_775_808.0;

/// One value of a row, whatever container it comes from.
///
/// It is JSON, except that a key may stand twice in an object: whether that is an error depends on whether the key is
/// read.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Json {
    /// Nothing.
    #[default]
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// UTF-8 text.
    Text(String),
    /// Values in order.
    List(Vec<Json>),
    /// The keys in the order of the file, repeated ones included.
    Object(Vec<(String, Json)>),
    /// A value of another container that JSON has none for, such as NaN, in words.
    Foreign(String),
}

impl Json {
    /// What it is, in the words of error messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
            Self::Foreign(_) => "a value that JSON does not have",
        }
    }

    /// What a text of JSON says. An integer that has no room in 64 bits becomes the text of its digits.
    pub(crate) fn parse(text: &str) -> serde_json::Result<Self> {
        let json: Self = serde_json::from_str(text)?;
        if json.has_large_number() {
            return serde_json::from_slice(&exact::quoted(text.as_bytes()));
        }
        Ok(json)
    }

    /// Whether there is a float that an integer may have been rounded to.
    fn has_large_number(&self) -> bool {
        match self {
            Self::Number(number) => {
                number.is_f64() && number.as_f64().is_some_and(|one| one.abs() >= LARGE)
            }
            Self::List(items) => items.iter().any(Self::has_large_number),
            Self::Object(fields) => fields.iter().any(|(_, value)| value.has_large_number()),
            _ => false,
        }
    }

    /// A number of decimal digits, or a text of them where no number of 64 bits is equal to it.
    pub(crate) fn number(digits: String) -> Self {
        if !digits.contains('.') {
            let whole = digits.parse::<i64>().map(Number::from);
            let whole = whole.or_else(|_| digits.parse::<u64>().map(Number::from));
            return whole.map_or(Self::Text(digits), Self::Number);
        }
        let shortest = digits.trim_end_matches('0').trim_end_matches('.');
        match digits.parse::<f64>() {
            Ok(number) if number.to_string() == shortest => Self::float(number),
            _ => Self::Text(digits),
        }
    }

    /// The fields of an object.
    #[must_use]
    pub fn fields(&self) -> Option<&[(String, Json)]> {
        if let Self::Object(fields) = self { Some(fields) } else { None }
    }

    /// A number. JSON has those that are finite.
    pub(crate) fn float(number: f64) -> Self {
        Number::from_f64(number).map_or_else(|| Self::Foreign(number.to_string()), Self::Number)
    }

    /// Puts null in the place of what JSON does not have, in this value and those within it, and returns what that was.
    pub(crate) fn take_foreign(&mut self) -> Option<String> {
        match self {
            Self::Foreign(found) => {
                let found = std::mem::take(found);
                *self = Self::Null;
                Some(found)
            }
            // The first names them all; the others are cleared too.
            Self::List(items) => {
                items.iter_mut().fold(None, |found, item| found.or(item.take_foreign()))
            }
            Self::Object(fields) => {
                fields.iter_mut().fold(None, |found, (_, value)| found.or(value.take_foreign()))
            }
            _ => None,
        }
    }

    /// The same as `serde_json` has it, where no object can hold a key twice.
    ///
    /// # Errors
    ///
    /// If a key stands twice, since which of its values counts would be a guess; if it holds what JSON has no value for.
    pub fn into_value(self) -> Result<Value, RowProblem> {
        self.value_at("")
    }

    fn value_at(self, place: &str) -> Result<Value, RowProblem> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Boolean(truth) => Value::Bool(truth),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::String(text),
            Self::List(items) => {
                let items = items.into_iter().enumerate();
                let item = |(index, item): (usize, Self)| match item {
                    Self::List(_) | Self::Object(_) | Self::Foreign(_) => {
                        item.value_at(&format!("{place}[{index}]"))
                    }
                    plain => plain.value_at(""),
                };
                Value::Array(items.map(item).collect::<Result<_, _>>()?)
            }
            Self::Object(fields) => Value::Object(object(fields, place)?),
            Self::Foreign(found) => {
                return Err(RowProblem::NotInJson { field: place.to_owned(), found });
            }
        })
    }
}

fn object(fields: Vec<(String, Json)>, place: &str) -> Result<Map<String, Value>, RowProblem> {
    let mut map = Map::with_capacity(fields.len());
    for (key, value) in fields {
        let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        if map.insert(key, value.value_at(&place)?).is_some() {
            return Err(RowProblem::DuplicateKey { field: place, count: 2 });
        }
    }
    Ok(map)
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Json, E> {
        Ok(Json::Boolean(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = access.next_entry()? {
            fields.push(field);
        }
        Ok(Json::Object(fields))
    }
}

/// The keys of an object, without its values: what a first pass over a file needs.
pub(crate) struct Keys(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Keys, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, IgnoredAny)) = access.next_entry()? {
            keys.push(key);
        }
        Ok(Keys(keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Json {
        serde_json::from_str(text).expect("it is JSON")
    }

    #[test]
    fn every_kind_of_value_is_read_and_repeated_keys_are_kept() {
        let list = vec![
            Json::Null,
            Json::Boolean(true),
            Json::Number((-1).into()),
            Json::Number(u64::MAX.into()),
            Json::float(0.5),
            Json::Text("é".into()),
        ];
        let fields = vec![("a".into(), Json::List(list)), ("a".into(), Json::Object(vec![]))];
        let text = r#"{"a": [null, true, -1, 18446744073709551615, 0.5, "é"], "a": {}}"#;
        assert_eq!(parse(text), Json::Object(fields));
    }

    #[test]
    fn a_value_is_what_serde_json_reads_unless_a_key_stands_twice() {
        let text = r#"{"z": [null, true, -1, 2.5e-3, "é", {"b": {}}], "a": [[]]}"#;
        let expected: Value = serde_json::from_str(text).expect("it is JSON");
        assert_eq!(parse(text).into_value(), Ok(expected));
        let twice = parse(r#"{"a": [0, {"b": 1, "c": 2, "b": 1}]}"#).into_value();
        let field = "a[1].b".to_owned();
        assert_eq!(twice, Err(RowProblem::DuplicateKey { field, count: 2 }));
    }
}
