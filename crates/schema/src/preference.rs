//! Records of preferences between completions.

use serde::{Deserialize, Serialize};

use crate::Message;

/// What a completion answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Prompt {
    /// A text, as what a user says or as it stands: whoever encodes it knows.
    Text(String),
    /// A conversation, the last turn of which is to be answered.
    Messages(Vec<Message>),
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Two completions of one prompt, of which one is preferred.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreferencePair {
    /// What both answer.
    pub prompt: Prompt,
    /// The preferred completion.
    pub chosen: String,
    /// The other one.
    pub rejected: String,
    /// By how much the score of the preferred one should be higher, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
}

/// A completion and whether it is one to imitate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnpairedPreference {
    /// What it answers.
    pub prompt: Prompt,
    /// The completion.
    pub completion: String,
    /// Whether it is desirable.
    pub label: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    #[test]
    fn a_prompt_is_a_text_or_a_conversation() {
        let text = r#"{"prompt":"Why?","chosen":"So.","rejected":"No."}"#;
        let pair: PreferencePair = serde_json::from_str(text).expect("a text");
        assert_eq!((&pair.prompt, pair.margin), (&Prompt::Text("Why?".to_owned()), None));
        assert_eq!(serde_json::to_string(&pair).expect("plain data"), text);

        let turns =
            r#"{"prompt":[{"role":"user","content":"Why?"}],"completion":"So.","label":true}"#;
        let unpaired: UnpairedPreference = serde_json::from_str(turns).expect("a conversation");
        assert_eq!(unpaired.prompt, Prompt::Messages(vec![Message::new(Role::User, "Why?")]));
        assert_eq!(serde_json::to_string(&unpaired).expect("plain data"), turns);
    }

    #[test]
    fn an_unknown_field_is_an_error() {
        let text = r#"{"prompt":"Why?","chosen":"So.","rejected":"No.","margins":1.0}"#;
        let error = serde_json::from_str::<PreferencePair>(text).expect_err("one field too many");
        assert!(error.to_string().contains("margins"), "{error}");
    }
}
