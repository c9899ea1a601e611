//! Which columns of a file are read, and what becomes of the others.

use serde_json::Value;

use super::{Beside, FileLayout};
use crate::filter::Filter;
use crate::rows::{Json, RowProblem, Selection};

/// The columns that are read.
pub(super) struct Names<'a> {
    all: Vec<&'a str>,
    /// Those of them that hold text, whatever it looks like.
    texts: Vec<&'a str>,
    /// Those that a condition names.
    judged: Vec<&'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn of(layout: &'a FileLayout, filter: Option<&'a Filter>) -> Self {
        let layout = &layout.recognised.layout;
        let of_filter = filter.map(Filter::columns).unwrap_or_default();
        let texts = layout.text_columns().collect();
        let of_layout = layout.columns().values().map(String::as_str);
        let all = of_layout.chain(of_filter.iter().copied()).collect();
        Self { all, texts, judged: of_filter }
    }

    /// The fields that are read; of the others the names alone, for messages.
    pub(super) fn only(&self, fields: Vec<(String, Json)>) -> Result<Value, RowProblem> {
        let is_read = |(key, _): &(String, Json)| self.all.contains(&key.as_str());
        let (read, others): (Vec<_>, Vec<_>) = fields.into_iter().partition(is_read);
        let mut value = Json::Object(read).into_value()?;
        if let Value::Object(map) = &mut value {
            for (key, _) in others {
                map.entry(key).or_insert(Value::Null);
            }
        }
        Ok(value)
    }

    /// All fields. What JSON has no value for is a fault of a field that is read, and null in another, as is said.
    pub(super) fn with_others(
        &self,
        mut fields: Vec<(String, Json)>,
    ) -> Result<(Value, Vec<String>), RowProblem> {
        let mut lost = Vec::new();
        for (key, value) in &mut fields {
            if !self.all.contains(&key.as_str())
                && let Some(found) = value.take_foreign()
            {
                lost.push(format!("{key}: {found}"));
            }
        }
        Ok((Json::Object(fields).into_value()?, lost))
    }

    /// What the ledger says of the columns that the layout does not name.
    pub(super) fn others(&self, columns: &[String], beside: Beside) -> String {
        let others = columns.iter().map(String::as_str);
        let others: Vec<&str> = others.filter(|name| !self.all.contains(name)).collect();
        match (others.is_empty(), beside) {
            (true, _) => String::new(),
            (false, Beside::Kept) => format!("; beside it: {}", others.join(", ")),
            (false, Beside::LeftOut) => format!("; not read: {}", others.join(", ")),
        }
    }

    pub(super) fn selection(&self, beside: Beside) -> Selection<'_> {
        let only = (beside == Beside::LeftOut).then_some(self.all.as_slice());
        Selection { only, as_text: &self.texts, judged: &self.judged }
    }
}
