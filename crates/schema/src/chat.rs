//! Conversations, and the examples that supervised fine-tuning reads.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Prompt;

/// Who speaks in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The text that sets the rules.
    System,
    /// The person or program that asks.
    User,
    /// The model.
    Assistant,
    /// What a tool answered.
    Tool,
}

impl Role {
    /// The name that chat templates know.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said; empty where the turn does nothing but call tools.
    #[serde(default)]
    pub content: String,
    /// What the assistant thought before, under the name that chat templates know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The tools that the assistant calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
}

impl Message {
    /// A turn of this role.
    #[must_use]
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        let content = content.into();
        Self { role, content, reasoning_content: None, tool_calls: Vec::new() }
    }

    /// Whether the turn is a text and nothing beside.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.reasoning_content.is_none() && self.tool_calls.is_empty()
    }

    /// A text with the reasoning of this turn before it, between `<think>` tags as reasoning models write it; the text
    /// alone where there is none.
    ///
    /// ```
    /// use forethought_schema::{Message, Role};
    ///
    /// let mut turn = Message::new(Role::Assistant, "Seven.");
    /// assert_eq!(turn.after_reasoning(&turn.content), "Seven.");
    /// turn.reasoning_content = Some("3 + 4 = 7".to_owned());
    /// assert_eq!(turn.after_reasoning(&turn.content), "<think>\n3 + 4 = 7\n</think>\n\nSeven.");
    /// ```
    #[must_use]
    pub fn after_reasoning(&self, text: &str) -> String {
        match &self.reasoning_content {
            Some(reasoning) => format!("<think>\n{reasoning}\n</think>\n\n{text}"),
            None => text.to_owned(),
        }
    }
}

/// A call of a tool, as chat templates read it: `{"type": "function", "function": {"name": …, "arguments": {…}}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "function", rename_all = "snake_case")]
pub enum ToolCall {
    /// A function and what it is called with.
    Function(FunctionCall),
}

impl ToolCall {
    /// The function that is called.
    #[must_use]
    pub fn function(&self) -> &FunctionCall {
        match self {
            Self::Function(function) => function,
        }
    }
}

/// A function and what it is called with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionCall {
    /// The function.
    pub name: String,
    /// The arguments by name; some files hold them as JSON in a text.
    pub arguments: Value,
}

/// A prompt and the completion that answers it, as TRL's prompt-completion datasets hold them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptCompletion {
    /// What the model reads.
    pub prompt: Prompt,
    /// The text the model shall write.
    pub completion: String,
}

/// A LLaMA-Factory example in its alpaca form: the user says `instruction`, a line break, and `input`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instruction {
    /// What to do.
    pub instruction: String,
    /// On what to do it; may be empty.
    pub input: String,
    /// The answer to learn.
    pub output: String,
}

impl Instruction {
    /// The user's turn, joined as LLaMA-Factory joins it: the parts that are not empty, with one line break between.
    #[must_use]
    pub fn prompt(&self) -> String {
        let parts = [self.instruction.as_str(), self.input.as_str()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_of_an_instruction_skips_what_is_empty() {
        let mut example =
            Instruction { instruction: "Count.".into(), input: "a b".into(), output: "2".into() };
        assert_eq!(example.prompt(), "Count.\na b");
        example.input.clear();
        assert_eq!(example.prompt(), "Count.");
    }

    #[test]
    fn roles_are_the_words_of_chat_templates() {
        for role in [Role::System, Role::User, Role::Assistant, Role::Tool] {
            let json = serde_json::to_string(&role).expect("a role is a string");
            assert_eq!(json, format!("\"{}\"", role.as_str()));
        }
    }

    #[test]
    fn an_unknown_field_is_an_error() {
        let json = r#"{"prompt": "p", "completion": "c", "complection": "d"}"#;
        let error = serde_json::from_str::<PromptCompletion>(json).expect_err("one field too many");
        assert!(error.to_string().contains("complection"), "{error}");
    }
}
