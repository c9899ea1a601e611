//! One row, its fields, and what is said about those that are wrong.

use std::collections::HashSet;
use std::fmt;
use std::rc::Rc;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Where a row stands: the file, or what stands for it, and the line, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Rc<str>,
    pub(crate) line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RowError {
    /// The line is not JSON.
    #[error("{place}: is not JSON: {reason}")]
    Syntax { place: Place, reason: String },
    /// The line is too long to be held.
    #[error("{place}: the line is longer than {limit} bytes")]
    TooLong { place: Place, limit: usize },
    /// The line is JSON, but no object.
    #[error("{place}: expected a JSON object, found {found}")]
    NoObject { place: Place, found: String },
    /// A field is there twice: which of them was meant?
    #[error("{place}: {field}: is there twice")]
    Twice { place: Place, field: String },
    /// A field is missing or of the wrong kind.
    #[error("{place}: {field}: expected {expected}, found {found}")]
    Field { place: Place, field: String, expected: String, found: String },
    /// A field is of the right kind, but what it says cannot be used.
    #[error("{place}: {field}: {reason}")]
    Content { place: Place, field: String, reason: String },
}

/// A row: an object with its fields in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    place: Place,
    fields: Map<String, Value>,
}

impl Row {
    /// Parses a line.
    pub(crate) fn parse(line: &[u8], place: Place) -> Result<Self, RowError> {
        let line = line.trim_ascii_end();
        let value = match std::str::from_utf8(line) {
            Ok(text) => serde_json::from_str(text).map_err(|error| without_line(&error)),
            Err(error) => Err(format!("not valid UTF-8 from byte {} on", error.valid_up_to() + 1)),
        };
        let row = Self::of_value(value, place)?;
        match repeated(line) {
            Some(field) => Err(RowError::Twice { place: row.place, field }),
            None => Ok(row),
        }
    }

    /// Takes a row that was read already, or the reason why it could not be.
    pub(crate) fn of_value(value: Result<Value, String>, place: Place) -> Result<Self, RowError> {
        match value {
            Ok(Value::Object(fields)) => Ok(Self { place, fields }),
            Ok(other) => Err(RowError::NoObject { place, found: shown(Some(&other)) }),
            Err(reason) => Err(RowError::Syntax { place, reason }),
        }
    }

    /// All fields.
    pub(crate) fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// The value of a field; null is as good as none.
    pub(crate) fn value(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    /// A field that must be a string.
    pub(crate) fn text(&self, field: &str) -> Result<&str, RowError> {
        let value = self.value(field);
        value.and_then(Value::as_str).ok_or_else(|| self.expected(field, "a string", value))
    }

    /// A field that must be a list of token ids.
    pub(crate) fn ids(&self, field: &str) -> Result<Vec<u32>, RowError> {
        let expected = "a list of token ids";
        let value = self.value(field);
        let items = value.and_then(Value::as_array);
        let items = items.ok_or_else(|| self.expected(field, expected, value))?;
        let id = |(index, item): (usize, &Value)| {
            let id = item.as_u64().and_then(|id| u32::try_from(id).ok());
            let place = format!("{field}[{index}]");
            id.ok_or_else(|| self.expected(&place, "a token id", Some(item)))
        };
        items.iter().enumerate().map(id).collect()
    }

    /// Sets a field, behind the others if it is new.
    pub(crate) fn set(&mut self, field: &str, value: Value) {
        self.fields.insert(field.to_owned(), value);
    }

    /// The error of a field that is missing or of the wrong kind.
    pub(crate) fn expected(&self, field: &str, expected: &str, found: Option<&Value>) -> RowError {
        RowError::Field {
            place: self.place.clone(),
            field: field.to_owned(),
            expected: expected.to_owned(),
            found: shown(found),
        }
    }

    /// The error of a field whose content cannot be used.
    pub(crate) fn refused(&self, field: &str, reason: impl fmt::Display) -> RowError {
        let place = self.place.clone();
        RowError::Content { place, field: field.to_owned(), reason: reason.to_string() }
    }
}

/// The first field that an object has twice; a parser keeps the last of them and says nothing.
fn repeated(object: &[u8]) -> Option<String> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Option<String>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let (mut known, mut repeated) = (HashSet::new(), None);
            while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
                if repeated.is_none() && known.contains(&name) {
                    repeated = Some(name);
                } else {
                    known.insert(name);
                }
            }
            Ok(repeated)
        }
    }
    serde_json::Deserializer::from_slice(object).deserialize_map(Names).ok().flatten()
}

/// Numbers with as many digits as tell a 32-bit float from its neighbours; as 64-bit floats they would have seventeen.
pub(crate) fn numbers(values: &[f32]) -> Value {
    values
        .iter()
        .map(|value| value.to_string().parse::<f64>().map_or(Value::Null, Value::from))
        .collect()
}

/// Characters of a value that a message shows.
const MAX_SHOWN: usize = 60;

/// A value as a message shows it: what it is, and its beginning.
fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    let text = value.to_string();
    let kind = match value {
        Value::Null => return "null".to_owned(),
        Value::Bool(_) => "the truth value",
        Value::Number(_) => "the number",
        Value::String(_) => "the string",
        Value::Array(_) => "the list",
        Value::Object(_) => "the object",
    };
    let start: String = text.chars().take(MAX_SHOWN).collect();
    let rest = if start.len() < text.len() { "…" } else { "" };
    format!("{kind} {start}{rest}")
}

/// A line is parsed alone, so that the line the parser names is always the first.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line 1 column ") {
        Some((reason, column)) => format!("{reason} at column {column}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { file: "rows.jsonl".into(), line: 7 }
    }

    fn row(line: &str) -> Row {
        Row::parse(line.as_bytes(), place()).expect("an object")
    }

    fn error<T: fmt::Debug>(result: Result<T, RowError>) -> String {
        result.expect_err("it is wrong").to_string()
    }

    #[test]
    fn a_line_that_is_no_object_says_where_and_what() {
        let parse = |line: &str| error(Row::parse(line.as_bytes(), place()));
        assert_eq!(parse("{\"a\": }"), "rows.jsonl:7: is not JSON: expected value at column 7");
        assert_eq!(parse("[1]"), "rows.jsonl:7: expected a JSON object, found the list [1]");
        let bytes = error(Row::parse(b"{\"a\": \"\xff\"}", place()));
        assert_eq!(bytes, "rows.jsonl:7: is not JSON: not valid UTF-8 from byte 8 on");
        let cut = "rows.jsonl:7: is not JSON: EOF while parsing an object at column 7";
        assert_eq!(parse("{\"a\": 1\n"), cut);
        let twice = r#"{"prompt": "a", "b": {"b": 1}, "prompt": "a"}"#;
        assert_eq!(parse(twice), "rows.jsonl:7: prompt: is there twice");
    }

    #[test]
    fn a_field_of_the_wrong_kind_is_named_with_what_was_found() {
        let row = row(r#"{"prompt": 7, "ids": [1, -2], "none": null}"#);
        assert_eq!(
            error(row.text("prompt")),
            "rows.jsonl:7: prompt: expected a string, found the number 7"
        );
        assert_eq!(error(row.text("none")), "rows.jsonl:7: none: expected a string, found nothing");
        assert_eq!(
            error(row.ids("ids")),
            "rows.jsonl:7: ids[1]: expected a token id, found the number -2"
        );
        assert_eq!(
            error(row.ids("prompt")),
            "rows.jsonl:7: prompt: expected a list of token ids, found the number 7"
        );
    }

    #[test]
    fn a_long_value_is_shown_by_its_beginning() {
        let row = row(&format!(r#"{{"text": ["{}"]}}"#, "é".repeat(500)));
        let text = error(row.text("text"));
        assert!(text.ends_with('…') && text.chars().count() < 150, "{text}");
    }

    #[test]
    fn a_number_is_written_with_the_digits_it_has() {
        assert_eq!(numbers(&[-0.1, 1e-9, -3.0]).to_string(), "[-0.1,1e-9,-3.0]");
    }

    #[test]
    fn a_new_field_goes_behind_the_others_and_an_old_one_keeps_its_place() {
        let mut row = row(r#"{"z": 1, "a": {"unknown": [null]}}"#);
        row.set("z", 2.into());
        row.set("m", true.into());
        assert_eq!(
            serde_json::to_string(row.fields()).expect("JSON"),
            r#"{"z":2,"a":{"unknown":[null]},"m":true}"#
        );
    }
}
