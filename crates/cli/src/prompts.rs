//! The prompts of rows: plain text, or messages that the chat template renders.

use forethought_schema::Role;
use forethought_tokenize::{Conversation, Encoder, GenerationPrompt};
use serde::Deserialize as _;
use serde_json::Value;

use crate::rows::{Row, RowError};

/// The text of a row's prompt, as the model continues it, and the field it came from: `prompt` (a string, or a list of
/// messages as TRL has it) or `messages`. Messages are rendered with the assistant's turn opened, and with the row's
/// `tools`.
pub(crate) fn prompt_text(
    row: &Row,
    encoder: &Encoder,
) -> Result<(&'static str, String), RowError> {
    let (prompt, messages) = (row.value("prompt"), row.value("messages"));
    let (field, value) = match (prompt, messages) {
        (Some(Value::String(text)), None) => return Ok(("prompt", text.clone())),
        (Some(value), None) => ("prompt", value),
        (None, Some(value)) => ("messages", value),
        (Some(_), Some(_)) => {
            let reason = "the row has a prompt, too, and only one of them can be meant";
            return Err(row.refused("messages", reason));
        }
        (None, None) => return Err(row.expected("prompt", "a prompt or messages", None)),
    };
    Ok((field, rendered(row, field, value, encoder, GenerationPrompt::Add)?))
}

/// The text of the messages under a field.
pub(crate) fn rendered(
    row: &Row,
    field: &str,
    messages: &Value,
    encoder: &Encoder,
    tail: GenerationPrompt,
) -> Result<String, RowError> {
    check(row, field, messages)?;
    let tools = row.value("tools").cloned().unwrap_or_default();
    let conversation =
        Conversation::from_json(messages.clone()).tools(tools).generation_prompt(tail);
    let template = encoder.chat_template().map_err(|error| row.refused(field, error))?;
    template.render(&conversation).map_err(|error| row.refused(field, error))
}

/// Templates write whatever role they are given, so a misspelt one must be found before.
fn check(row: &Row, field: &str, messages: &Value) -> Result<(), RowError> {
    let expected = "a string or a list of messages";
    let list = messages.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| row.expected(field, expected, Some(messages)))?;
    for (index, message) in list.iter().enumerate() {
        let below = |key: &str| format!("{field}[{index}]{key}");
        if !message.is_object() {
            return Err(row.expected(&below(""), "an object with role and content", Some(message)));
        }
        if Role::deserialize(&message["role"]).is_err() {
            let expected = "system, user, assistant or tool";
            return Err(row.expected(&below(".role"), expected, message.get("role")));
        }
        let content = &message["content"];
        let may_be_missing = message.get("tool_calls").is_some_and(|calls| !calls.is_null());
        if !(content.is_string() || content.is_null() && may_be_missing) {
            return Err(row.expected(&below(".content"), "a string", message.get("content")));
        }
    }
    Ok(())
}
