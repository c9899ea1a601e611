//! Fields of a row by their part.

use std::collections::BTreeSet;

use forethought_schema::{Message, Prompt, Role};
use serde_json::{Map, Value};

use super::Layout;
use crate::{Part, RowFault, verdict};

/// One row being read.
pub(super) struct Fields<'a> {
    pub(super) layout: &'a Layout,
    pub(super) row: &'a Map<String, Value>,
    /// What of the row is not in its record.
    pub(super) notes: BTreeSet<String>,
    /// Where a second field begins in the last text of the prompt.
    pub(super) border: Option<usize>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(layout: &'a Layout, row: &'a Value) -> Result<Self, RowFault> {
        let row = row.as_object().ok_or(RowFault::NoObject { found: kind(row) })?;
        Ok(Self { layout, row, border: None, notes: BTreeSet::new() })
    }

    /// The column of a part; a part that is not read has its own name.
    pub(super) fn name(&self, part: Part) -> String {
        self.layout.columns.get(&part).cloned().unwrap_or_else(|| part.name())
    }

    /// A field that may be missing or null.
    pub(super) fn optional(&self, part: Part) -> Option<&'a Value> {
        let column = self.layout.columns.get(&part)?;
        self.row.get(column).filter(|value| !value.is_null())
    }

    /// A field that is there and not null.
    pub(super) fn value(&self, part: Part) -> Result<&'a Value, RowFault> {
        self.optional(part).ok_or_else(|| {
            let field = self.name(part);
            if self.row.contains_key(&field) {
                RowFault::Null { field }
            } else {
                RowFault::missing(field, self.row.keys())
            }
        })
    }

    pub(super) fn text(&self, part: Part) -> Result<String, RowFault> {
        let value = self.value(part)?;
        value.as_str().map(str::to_owned).ok_or_else(|| self.wrong(part, "a text", value))
    }

    pub(super) fn optional_text(&self, part: Part) -> Result<Option<String>, RowFault> {
        self.optional(part).map(|_| self.text(part)).transpose()
    }

    /// A text that says something.
    pub(super) fn answer(&self, part: Part) -> Result<String, RowFault> {
        let text = self.text(part)?;
        self.require_some(part, &text)?;
        Ok(text)
    }

    pub(super) fn require_some(&self, part: Part, text: &str) -> Result<(), RowFault> {
        if text.trim().is_empty() {
            Err(RowFault::Empty { field: self.name(part) })
        } else {
            Ok(())
        }
    }

    /// A text, or a number in its shortest form.
    pub(super) fn result(&self, part: Part) -> Result<String, RowFault> {
        match self.value(part)? {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) if number.is_f64() => {
                Ok(number.as_f64().map_or_else(|| number.to_string(), |one| one.to_string()))
            }
            Value::Number(number) => Ok(number.to_string()),
            other => Err(self.wrong(part, "a text or a number", other)),
        }
    }

    /// True or false, 1 or 0, or a word for it.
    pub(super) fn flag(&self, part: Part) -> Result<bool, RowFault> {
        let value = self.value(part)?;
        verdict::told(value).ok_or_else(|| self.wrong(part, "true or false", value))
    }

    pub(super) fn optional_number(&self, part: Part) -> Result<Option<f64>, RowFault> {
        let number =
            |value: &Value| value.as_f64().ok_or_else(|| self.wrong(part, "a number", value));
        self.optional(part).map(number).transpose()
    }

    /// A text, or turns.
    pub(super) fn prose(&mut self, part: Part) -> Result<Prompt, RowFault> {
        match self.value(part)? {
            Value::String(text) => Ok(Prompt::Text(text.clone())),
            Value::Array(_) => Ok(Prompt::Messages(self.turns(part)?)),
            other => Err(self.wrong(part, "a text or a list of turns", other)),
        }
    }

    /// A list of turns.
    pub(super) fn turns(&mut self, part: Part) -> Result<Vec<Message>, RowFault> {
        let value = self.value(part)?;
        let turns = value.as_array().ok_or_else(|| self.wrong(part, "a list of turns", value))?;
        let turns = turns.iter().enumerate();
        turns.map(|(index, turn)| self.turn(part, Some(index), turn)).collect()
    }

    /// Turns with the text of the system part before them, unless they begin with the system themselves.
    pub(super) fn conversation(&mut self) -> Result<Vec<Message>, RowFault> {
        let mut turns = self.turns(Part::Messages)?;
        if turns.is_empty() {
            return Err(RowFault::Empty { field: self.name(Part::Messages) });
        }
        self.add_system(&mut turns)?;
        Ok(turns)
    }

    /// The system's text as the first turn, where there is one and no turn of the system yet.
    pub(super) fn add_system(&mut self, turns: &mut Vec<Message>) -> Result<(), RowFault> {
        let system = self.optional_text(Part::System)?.filter(|text| !text.is_empty());
        let Some(system) = system else { return Ok(()) };
        if turns.first().is_some_and(|turn| turn.role == Role::System) {
            self.notes.insert(format!("{}: the conversation has its own", self.name(Part::System)));
        } else {
            turns.insert(0, Message::new(Role::System, system));
        }
        Ok(())
    }

    /// The tools: a list, or JSON of one in a text.
    pub(super) fn tools(&self) -> Option<Value> {
        match self.optional(Part::Tools)? {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => {
                let parsed = serde_json::from_str::<Value>(text).ok().filter(Value::is_array);
                Some(parsed.unwrap_or_else(|| Value::String(text.clone())))
            }
            other => Some(other.clone()),
        }
    }

    /// The fields that the layout does not name.
    pub(super) fn extra(&self) -> Map<String, Value> {
        let is_named = |key: &String| self.layout.columns.values().any(|column| column == key);
        let others = self.row.iter().filter(|(key, _)| !is_named(key));
        others.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    pub(super) fn wrong(&self, part: Part, expected: &'static str, value: &Value) -> RowFault {
        RowFault::Kind { field: self.name(part), expected, found: kind(value) }
    }
}

/// What a value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
