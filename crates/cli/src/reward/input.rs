//! A row as reward functions see it.

use std::collections::{BTreeMap, BTreeSet};

use forethought_reward::{Field, Fields, MissingNeed, RewardSet, Sample, Tokens};
use serde_json::Value;

use crate::rows::{Row, RowError};

/// The completion of a row, and its columns.
#[derive(Clone, Debug)]
pub(crate) struct Completion {
    text: String,
    tokens: Option<Vec<u32>>,
    columns: Fields,
}

/// Where the tokens of a completion may stand.
const TOKENS: [&str; 2] = ["completion_ids", "ids"];

impl Completion {
    /// Reads a row, which must have what the functions need.
    pub(crate) fn of_row(row: &Row, set: &RewardSet) -> Result<Self, RowError> {
        let text = completion(row)?;
        let field = TOKENS.into_iter().find(|field| row.value(field).is_some());
        let tokens = field.map(|field| row.ids(field)).transpose()?;
        let others = row.fields().iter().filter(|(name, value)| {
            !value.is_null() && name.as_str() != "completion" && !TOKENS.contains(&name.as_str())
        });
        let columns: Fields =
            others.map(|(name, value)| (name.clone(), Field::from(value.clone()))).collect();
        let names: BTreeSet<String> = columns.keys().cloned().collect();
        let known = if tokens.is_some() { Tokens::Known } else { Tokens::Unknown };
        set.check(&names, known).map_err(|missing| match &missing {
            MissingNeed::Column { reward, column, .. } if row.fields().contains_key(column) => {
                row.refused(column, format!("is null, and the reward {reward} needs it"))
            }
            MissingNeed::Column { column, .. } => row.refused(column, &missing),
            _ => row.refused(TOKENS[0], &missing),
        })?;
        Ok(Self { text, tokens, columns })
    }

    pub(crate) fn sample(&self) -> Sample<'_> {
        Sample { tokens: self.tokens.as_deref(), ..Sample::new(&self.text, &self.columns) }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// A completion of text, or the last of a list of messages.
fn completion(row: &Row) -> Result<String, RowError> {
    let value = row.value("completion");
    let last = value.and_then(Value::as_array).and_then(|messages| messages.last());
    match (value, last) {
        (Some(Value::String(text)), _) => Ok(text.clone()),
        (_, Some(message)) => match message.get("content") {
            Some(Value::String(text)) => Ok(text.clone()),
            other => Err(row.expected("completion", "a message with content", other)),
        },
        _ => Err(row.expected("completion", "a string or a list of messages", value)),
    }
}

/// Groups by the value of a column.
#[derive(Debug)]
pub(crate) struct Groups {
    column: String,
    numbers: BTreeMap<String, usize>,
    num_alone: usize,
}

impl Groups {
    pub(crate) fn new(column: &str) -> Self {
        Self { column: column.to_owned(), numbers: BTreeMap::new(), num_alone: 0 }
    }

    /// The group of a row: rows with the same value have one, a row without a value is alone.
    pub(crate) fn of(&mut self, completion: &Completion) -> usize {
        let Some(field) = completion.columns.get(&self.column) else {
            self.num_alone += 1;
            return usize::MAX - self.num_alone;
        };
        let key = match field {
            Field::Text(text) => text.clone(),
            Field::Number(number) => number.to_string(),
            Field::Other(value) => value.to_string(),
        };
        let next = self.numbers.len();
        *self.numbers.entry(key).or_insert(next)
    }
}
