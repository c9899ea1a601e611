//! A row of a data set, whatever it holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Message, PreferencePair, Prompt, PromptCompletion, UnpairedPreference};

/// What a row can hold. The first six are TRL's dataset types.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A text to imitate from its start to its end.
    Text(String),
    /// A conversation, of which the turns of the assistant are to imitate.
    Messages(Vec<Message>),
    /// Something to complete.
    Prompt(Prompt),
    /// Something to complete, and how.
    PromptCompletion(PromptCompletion),
    /// Two completions of which one is preferred.
    Preference(PreferencePair),
    /// A completion and whether it is one to imitate.
    Unpaired(UnpairedPreference),
    /// A problem of which the answer is known.
    Exercise(Exercise),
}

/// Which of the kinds of [`Record`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// [`Record::Text`].
    Text,
    /// [`Record::Messages`].
    Messages,
    /// [`Record::Prompt`].
    Prompt,
    /// [`Record::PromptCompletion`].
    PromptCompletion,
    /// [`Record::Preference`].
    Preference,
    /// [`Record::Unpaired`].
    Unpaired,
    /// [`Record::Exercise`].
    Exercise,
}

impl Record {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        match self {
            Self::Text(_) => RecordKind::Text,
            Self::Messages(_) => RecordKind::Messages,
            Self::Prompt(_) => RecordKind::Prompt,
            Self::PromptCompletion(_) => RecordKind::PromptCompletion,
            Self::Preference(_) => RecordKind::Preference,
            Self::Unpaired(_) => RecordKind::Unpaired,
            Self::Exercise(_) => RecordKind::Exercise,
        }
    }
}

impl RecordKind {
    /// The kind in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Messages => "conversation",
            Self::Prompt => "prompt",
            Self::PromptCompletion => "prompt and completion",
            Self::Preference => "preference",
            Self::Unpaired => "unpaired preference",
            Self::Exercise => "exercise",
        }
    }
}

/// A problem as a row holds it, with its solution, its answer, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exercise {
    /// What is asked.
    pub question: String,
    /// The worked solution, without the mark that some files put before the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solution: Option<String>,
    /// The answer as it is written, such as `72` or `\frac{1}{2}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// A record with what stands beside it in its row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What the row holds.
    pub record: Record,
    /// The tools that a conversation may call: a list of JSON schemas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Value>,
    /// Where in the last text of the prompt a second field of the row begins, in bytes, behind the line end that joins the
    /// two; none where it was one field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub border: Option<usize>,
    /// The fields of the row that its shape does not name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl From<Record> for Example {
    fn from(record: Record) -> Self {
        Self { record, tools: None, border: None, extra: Map::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FunctionCall, Role, ToolCall};

    #[test]
    fn a_call_of_a_tool_is_written_as_chat_templates_read_it() {
        let json = r#"{"role":"assistant","content":"","reasoning_content":"Hm.","tool_calls":[{"type":"function","function":{"name":"add","arguments":{"a":1}}}]}"#;
        let message: Message = serde_json::from_str(json).expect("a message");
        let arguments = serde_json::json!({"a": 1});
        let call = FunctionCall { name: "add".to_owned(), arguments };
        assert_eq!(message.tool_calls, [ToolCall::Function(call)]);
        assert_eq!(serde_json::to_string(&message).expect("plain data"), json);
        assert!(!message.is_plain() && Message::new(Role::User, "x").is_plain());
    }

    #[test]
    fn an_example_shows_nothing_that_it_does_not_have() {
        let example = Example::from(Record::Text("a".to_owned()));
        let json = serde_json::to_string(&example).expect("plain data");
        assert_eq!(json, r#"{"record":{"text":"a"}}"#);
        assert_eq!(serde_json::from_str::<Example>(&json).expect("it was written so"), example);
        assert_eq!(example.record.kind(), RecordKind::Text);
    }
}
