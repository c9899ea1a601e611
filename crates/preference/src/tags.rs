//! What the turns of a conversation call their role and their text, under the keys of LLaMA-Factory's `tags`.

use forethought_schema::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The words of turns. As in LLaMA-Factory, a role without a tag is not known in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tags {
    /// The key of the role: `from`.
    pub role_tag: String,
    /// The key of the text: `value`.
    pub content_tag: String,
    /// What the user is called: `human`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_tag: Option<String>,
    /// What the assistant is called: `gpt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assistant_tag: Option<String>,
    /// What the answer of a tool is called: `observation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation_tag: Option<String>,
    /// What a turn of the assistant is called that calls tools: `function_call`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_tag: Option<String>,
    /// What the system is called: `system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_tag: Option<String>,
}

/// Whose a turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// One of the roles.
    Role(Role),
    /// The assistant, whose text is a call of tools.
    Function,
}

fn tags(names: [&str; 7]) -> Tags {
    let [role, content, user, assistant, observation, function, system] = names.map(str::to_owned);
    Tags {
        role_tag: role,
        content_tag: content,
        user_tag: Some(user),
        assistant_tag: Some(assistant),
        observation_tag: Some(observation),
        function_tag: Some(function),
        system_tag: Some(system),
    }
}

impl Tags {
    /// LLaMA-Factory's defaults: `from`, `value`, `human`, `gpt`, `observation`, `function_call`, `system`.
    #[must_use]
    pub fn sharegpt() -> Self {
        tags(["from", "value", "human", "gpt", "observation", "function_call", "system"])
    }

    /// The words of `OpenAI`, of TRL and of chat templates; `function_call` is LLaMA-Factory's, for turns that call tools.
    #[must_use]
    pub fn openai() -> Self {
        tags(["role", "content", "user", "assistant", "tool", "function_call", "system"])
    }

    /// The roles that have a word, in the order of [`Tags`].
    fn words(&self) -> [(Speaker, Option<&str>); 5] {
        [
            (Speaker::Role(Role::User), self.user_tag.as_deref()),
            (Speaker::Role(Role::Assistant), self.assistant_tag.as_deref()),
            (Speaker::Role(Role::Tool), self.observation_tag.as_deref()),
            (Speaker::Function, self.function_tag.as_deref()),
            (Speaker::Role(Role::System), self.system_tag.as_deref()),
        ]
    }

    pub(crate) fn speaker(&self, word: &str) -> Option<Speaker> {
        let words = self.words();
        words.into_iter().find(|(_, known)| *known == Some(word)).map(|(speaker, _)| speaker)
    }

    pub(crate) fn word(&self, speaker: Speaker) -> Option<&str> {
        self.words().into_iter().find(|(known, _)| *known == speaker).and_then(|(_, word)| word)
    }

    /// The words of all roles, in one text.
    pub(crate) fn listed(&self) -> String {
        let words: Vec<&str> = self.words().into_iter().filter_map(|(_, word)| word).collect();
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_that_the_tags_do_not_name_is_not_known() {
        let yaml = r#"{"role_tag": "who", "content_tag": "what", "user_tag": "me", "assistant_tag": "you"}"#;
        let tags: Tags = serde_json::from_str(yaml).expect("tags");
        assert_eq!(tags.speaker("me"), Some(Speaker::Role(Role::User)));
        assert_eq!((tags.speaker("system"), tags.word(Speaker::Function)), (None, None));
        assert_eq!(tags.listed(), "me, you");
        let error = serde_json::from_str::<Tags>(r#"{"role_tag": "who"}"#).expect_err("one key");
        assert!(error.to_string().contains("missing field `content_tag`"), "{error}");
    }
}
