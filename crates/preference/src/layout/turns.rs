//! Turns of conversations, under whatever tags.

use forethought_schema::{FunctionCall, Message, Role, ToolCall};
use serde_json::{Map, Value, json};

use super::fields::{Fields, kind};
use crate::tags::{Speaker, Tags};
use crate::{Part, RowFault};

const CALLS: &str = "JSON of a call with `name` and `arguments`, or of a list of them";
/// What is lost where the reasoning of a turn becomes a part of its text.
const REASONING: &str = "reasoning_content as a field: it is in <think> tags now";

/// Where a turn stands: in a list, or as a field of its own.
#[derive(Clone, Debug)]
struct Place {
    /// The part with the number of the turn, from 0: `messages[1]`.
    turn: String,
    /// The part alone, for what is counted over all turns: `messages[]`.
    any: String,
}

impl Place {
    fn field(&self, key: &str) -> String {
        format!("{}.{key}", self.turn)
    }

    fn wrong(&self, key: &str, expected: &'static str) -> RowFault {
        RowFault::Kind { field: self.field(key), expected, found: "something else" }
    }
}

impl Fields<'_> {
    /// One turn, and its number in the list that it is of.
    pub(super) fn turn(
        &mut self,
        part: Part,
        index: Option<usize>,
        value: &Value,
    ) -> Result<Message, RowFault> {
        let name = self.name(part);
        let turn = index.map_or_else(|| name.clone(), |index| format!("{name}[{index}]"));
        let place = Place { turn, any: format!("{name}[]") };
        let turn = value.as_object().ok_or_else(|| RowFault::Kind {
            field: place.turn.clone(),
            expected: "a turn",
            found: kind(value),
        })?;
        let layout = self.layout;
        let tags = &layout.tags;
        let role = turn.get(&tags.role_tag).filter(|value| !value.is_null());
        let missing = || RowFault::missing(place.field(&tags.role_tag), turn.keys());
        let role = role.ok_or_else(missing)?;
        let word = role.as_str().ok_or_else(|| RowFault::Kind {
            field: place.field(&tags.role_tag),
            expected: "a text",
            found: kind(role),
        })?;
        let speaker = tags.speaker(word).ok_or_else(|| RowFault::Role {
            field: place.turn.clone(),
            role: word.to_owned(),
            known: tags.listed(),
        })?;
        let mut message = Message::new(
            match speaker {
                Speaker::Role(role) => role,
                Speaker::Function => Role::Assistant,
            },
            "",
        );
        self.fill(&mut message, turn, tags, &place)?;
        if speaker == Speaker::Function && message.tool_calls.is_empty() {
            self.call_of_text(&mut message, &place)
                .ok_or_else(|| place.wrong(&tags.content_tag, CALLS))?;
        }
        Ok(message)
    }

    /// Text, reasoning and calls of a turn; keys that nobody knows are noted.
    fn fill(
        &mut self,
        message: &mut Message,
        turn: &Map<String, Value>,
        tags: &Tags,
        place: &Place,
    ) -> Result<(), RowFault> {
        for (key, value) in turn.iter().filter(|(_, value)| !value.is_null()) {
            match (key.as_str(), value) {
                (key, _) if key == tags.role_tag => {}
                (key, Value::String(text)) if key == tags.content_tag => {
                    message.content.push_str(text);
                }
                (key, Value::Array(pieces)) if key == tags.content_tag => {
                    let mut pieces = pieces.iter();
                    pieces.try_for_each(|piece| self.fill_piece(message, piece, (place, key)))?;
                }
                ("reasoning_content", Value::String(text)) if !text.is_empty() => {
                    message.reasoning_content = Some(text.clone());
                }
                ("tool_calls", Value::Array(calls)) => {
                    for call in calls {
                        let call = self.tool_call(call, place);
                        let wrong = || place.wrong("tool_calls", CALLS);
                        message.tool_calls.push(call.ok_or_else(wrong)?);
                    }
                }
                (key, _) if key == tags.content_tag => {
                    let field = place.field(key);
                    return Err(RowFault::Kind { field, expected: "a text", found: kind(value) });
                }
                (key, _) => {
                    self.notes.insert(format!("{}.{key}", place.any));
                }
            }
        }
        let is_something = turn.get(&tags.content_tag).is_some_and(|value| !value.is_null());
        if !is_something && message.tool_calls.is_empty() {
            let field = place.field(&tags.content_tag);
            let is_null = turn.contains_key(&tags.content_tag);
            let missing = || RowFault::missing(field.clone(), turn.keys());
            return Err(if is_null { RowFault::Null { field } } else { missing() });
        }
        Ok(())
    }

    /// A piece of a text that comes in pieces: `{type: text | reasoning | tool_call, text or value}`.
    fn fill_piece(
        &mut self,
        message: &mut Message,
        piece: &Value,
        (place, key): (&Place, &str),
    ) -> Result<(), RowFault> {
        let text = piece.get("text").or_else(|| piece.get("value")).and_then(Value::as_str);
        match (piece.get("type").and_then(Value::as_str), text) {
            (Some("text"), Some(text)) => message.content.push_str(text),
            (Some("reasoning"), Some(text)) => {
                message.reasoning_content.get_or_insert_default().push_str(text);
            }
            (Some("tool_call"), Some(text)) => {
                let call = serde_json::from_str(text).ok();
                let call = call.and_then(|call| self.tool_call(&call, place));
                message.tool_calls.push(call.ok_or_else(|| place.wrong("value", CALLS))?);
            }
            _ => return Err(place.wrong(key, "pieces of the types text, reasoning or tool_call")),
        }
        Ok(())
    }

    /// The text of a turn that calls tools becomes the calls; thinking may stand before them.
    fn call_of_text(&mut self, message: &mut Message, place: &Place) -> Option<()> {
        let content = std::mem::take(&mut message.content);
        let mut rest = content.trim();
        if let Some((thinking, after)) =
            rest.strip_prefix("<think>").and_then(|text| text.split_once("</think>"))
        {
            message.reasoning_content = Some(thinking.trim_matches('\n').to_owned());
            rest = after.trim();
        }
        let calls = match serde_json::from_str(rest).ok()? {
            Value::Array(calls) => calls,
            call => vec![call],
        };
        let calls = calls.iter().map(|call| self.tool_call(call, place));
        message.tool_calls = calls.collect::<Option<_>>()?;
        (!message.tool_calls.is_empty()).then_some(())
    }

    /// A call, with or without `{"type": "function", "function": …}` around it. Other keys, such as its `id`, are noted.
    fn tool_call(&mut self, value: &Value, place: &Place) -> Option<ToolCall> {
        let call = value.get("function").unwrap_or(value);
        let name = call.get("name")?.as_str()?.to_owned();
        let arguments = call.get("arguments").cloned().unwrap_or_else(|| json!({}));
        let is_read = |key: &str| ["type", "function", "name", "arguments"].contains(&key);
        for fields in [value, call].into_iter().filter_map(Value::as_object) {
            let others = fields.iter().filter(|(key, value)| !is_read(key) && !value.is_null());
            self.notes.extend(others.map(|(key, _)| format!("{}.tool_calls[].{key}", place.any)));
        }
        Some(ToolCall::Function(FunctionCall { name, arguments }))
    }
}

/// A turn under these tags, for programs that know nothing but a role and a text.
///
/// Reasoning goes before the text in `<think>` tags, as reasoning models write it. What else cannot be held is named.
pub(super) fn flat_turn(
    message: &Message,
    tags: &Tags,
    lost: &mut Vec<String>,
) -> Result<Value, RowFault> {
    let speaker =
        if message.tool_calls.is_empty() { Speaker::Role(message.role) } else { Speaker::Function };
    let role = if speaker == Speaker::Function { "calls of tools" } else { message.role.as_str() };
    let word = tags.word(speaker).ok_or(RowFault::NoTag { role })?;
    let text = if speaker == Speaker::Function {
        if !message.content.is_empty() {
            lost.push("text beside tool calls".to_owned());
        }
        // Read back, it is the reasoning of the turn again.
        message.after_reasoning(&calls_text(&message.tool_calls))
    } else {
        let (text, of_text) = thinking_text(message);
        lost.extend(of_text.map(str::to_owned));
        text
    };
    let mut turn = Map::new();
    turn.insert(tags.role_tag.clone(), json!(word));
    turn.insert(tags.content_tag.clone(), Value::String(text));
    Ok(Value::Object(turn))
}

/// The text of a turn that calls no tools, with its reasoning before it, and what is lost by that.
pub(crate) fn thinking_text(message: &Message) -> (String, Option<&'static str>) {
    let lost = message.reasoning_content.as_ref().map(|_| REASONING);
    (message.after_reasoning(&message.content), lost)
}

/// One call as an object, several as a list.
fn calls_text(calls: &[ToolCall]) -> String {
    match calls {
        [call] => json!(call.function()).to_string(),
        calls => json!(calls.iter().map(ToolCall::function).collect::<Vec<_>>()).to_string(),
    }
}
