//! YAML as plain values. They have no word for what YAML writes as `.nan` and `.inf`, so that it would be taken for nothing.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How YAML writes what is no finite number.
const NOT_FINITE: [&str; 3] = [".nan", ".inf", "-.inf"];

/// The value of a text. What is no finite number becomes the text that YAML has for it, which no setting takes for a number.
pub(super) fn parse(text: &str) -> Result<Value, serde_yaml::Error> {
    serde_yaml::from_str::<Plain>(text).map(|plain| plain.0)
}

/// What serde says of a text in the place of a number, in words where the text is one of [`NOT_FINITE`].
pub(super) fn in_words(message: &str) -> Option<String> {
    let rest = message.strip_prefix("invalid type: string \"")?;
    let found = NOT_FINITE.iter().find(|text| rest.starts_with(&format!("{text}\"")))?;
    Some(format!("must be a finite number, found `{found}`"))
}

struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Self)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of YAML")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        let [nan, above, below] = NOT_FINITE;
        Ok(match Number::from_f64(value) {
            Some(number) => Value::Number(number),
            None if value.is_nan() => nan.into(),
            None => if value > 0.0 { above } else { below }.into(),
        })
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Plain(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Plain(value))) = entries.next_entry::<String, _>()? {
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_what_they_are_in_json() {
        let text =
            "{a: [1, -2, 18446744073709551615, 0.5, 1e-4], b: {c: yes, 2: ~, d: true}, e: '.nan'}";
        let value = parse(text).expect("YAML");
        assert_eq!(value, serde_yaml::from_str::<Value>(text).expect("YAML"));
        assert_eq!(value["a"], json!([1, -2, u64::MAX, 0.5, 1e-4]));
    }

    #[test]
    fn what_is_no_finite_number_is_no_nothing() {
        assert_eq!(
            parse("[.nan, .inf, -.inf, .NaN]").expect("YAML"),
            json!([".nan", ".inf", "-.inf", ".nan"])
        );
        let read = |value: &str| serde_json::from_value::<Option<f64>>(parse(value).expect("YAML"));
        let message = read("-.inf").expect_err("no number").to_string();
        assert_eq!(in_words(&message).as_deref(), Some("must be a finite number, found `-.inf`"));
        assert_eq!(in_words("invalid type: string \"a\", expected f64"), None);
    }
}
