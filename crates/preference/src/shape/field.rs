//! Fields of rows.

use forethought_schema::{Message, Role};
use serde_json::{Map, Value};

use crate::RowFault;

/// A row.
pub(super) type Row = Map<String, Value>;

pub(super) fn object(row: &Value) -> Result<&Row, RowFault> {
    row.as_object().ok_or(RowFault::NoObject { found: kind(row) })
}

/// A field that is there and not null.
pub(super) fn field<'a>(row: &'a Row, name: &'static str) -> Result<&'a Value, RowFault> {
    row.get(name).filter(|value| !value.is_null()).ok_or(RowFault::Missing { field: name })
}

pub(super) fn text(row: &Row, name: &'static str) -> Result<String, RowFault> {
    let value = field(row, name)?;
    let text = value.as_str().ok_or_else(|| wrong(name, "a text", value))?;
    Ok(text.to_owned())
}

pub(super) fn flag(row: &Row, name: &'static str) -> Result<bool, RowFault> {
    let value = field(row, name)?;
    value.as_bool().ok_or_else(|| wrong(name, "true or false", value))
}

pub(super) fn optional_number(row: &Row, name: &'static str) -> Result<Option<f64>, RowFault> {
    match row.get(name).filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| wrong(name, "a number", value)),
    }
}

/// A list of turns, `role` and `content` or `from` and `value`.
pub(super) fn messages(name: &'static str, value: &Value) -> Result<Vec<Message>, RowFault> {
    let turns = value.as_array().ok_or_else(|| wrong(name, "a list of messages", value))?;
    turns.iter().map(|turn| message(name, turn)).collect()
}

/// One turn, `role` and `content` or `from` and `value`.
pub(super) fn message(name: &'static str, value: &Value) -> Result<Message, RowFault> {
    let turn = value.as_object().ok_or_else(|| wrong(name, "a message", value))?;
    let is_sharegpt = turn.contains_key("from");
    let [role, content] = if is_sharegpt { ["from", "value"] } else { ["role", "content"] };
    let role = text(turn, role)?;
    let known = match role.as_str() {
        "system" => Role::System,
        "user" | "human" => Role::User,
        "assistant" | "gpt" => Role::Assistant,
        "tool" | "observation" => Role::Tool,
        _ => return Err(RowFault::Role { field: name, role }),
    };
    Ok(Message::new(known, text(turn, content)?))
}

/// The only turn after the prompt, which must be the assistant's.
pub(super) fn completion(name: &'static str, turns: &[Message]) -> Result<String, RowFault> {
    match turns {
        [turn] if turn.role == Role::Assistant => Ok(turn.content.clone()),
        _ => Err(RowFault::Completion { field: name, num_turns: turns.len() }),
    }
}

pub(super) fn wrong(field: &'static str, expected: &'static str, value: &Value) -> RowFault {
    RowFault::Kind { field, expected, found: kind(value) }
}

/// What a value is, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
