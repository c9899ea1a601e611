//! Whole conversations as ids, and which of them the assistant wrote.

use std::ops::Range;

use serde_json::Value;

use crate::{Conversation, Encoder, Ending, GenerationPrompt, Marked, TokenizeError};

/// A conversation as ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedChat {
    /// `[token]`: the rendered conversation.
    pub ids: Vec<u32>,
    /// `[token]`: true where the assistant wrote, in every one of its turns.
    pub assistant_mask: Vec<bool>,
}

impl Encoder {
    /// The ids of a conversation and the mask of what the assistant wrote.
    ///
    /// Where the chat template marks that with `{% generation %}`, the marks decide, as in transformers
    /// (`return_assistant_tokens_mask`); a token that is marked in part is the assistant's. Elsewhere a turn of the
    /// assistant is what its rendering adds to the rendering of the messages before it with the turn opened, up to its
    /// end as `ending` says.
    ///
    /// # Errors
    ///
    /// If there is no chat template, or it refuses the conversation, or it has no marks and writes a message otherwise
    /// when others follow; if no token ends a turn; if the tokenizer fails.
    pub fn encode_chat(
        &self,
        conversation: &Conversation,
        ending: Ending,
    ) -> Result<EncodedChat, TokenizeError> {
        let template = self.chat_template()?;
        let Marked { text, generated } = if template.has_marks() {
            template.render_marked(conversation)?
        } else {
            let text = template.render(conversation)?;
            let generated = self.turns(conversation, &text, ending)?;
            Marked { text, generated }
        };
        let (ids, offsets) = self.encode_with_offsets(&text)?;
        let is_generated = |token: &Range<usize>| {
            generated.iter().any(|part| token.start < part.end && part.start < token.end)
        };
        let assistant_mask = offsets.iter().map(is_generated).collect();
        Ok(EncodedChat { ids, assistant_mask })
    }

    /// The bytes of each turn of the assistant, found by rendering what comes before it and what comes up to it.
    fn turns(
        &self,
        conversation: &Conversation,
        text: &str,
        ending: Ending,
    ) -> Result<Vec<Range<usize>>, TokenizeError> {
        let messages = conversation.messages().iter().enumerate();
        let of_assistant = messages.filter(|(_, message)| {
            message.get("role").and_then(Value::as_str) == Some("assistant")
        });
        of_assistant.map(|(index, _)| self.turn(conversation, text, (index, ending))).collect()
    }

    fn turn(
        &self,
        conversation: &Conversation,
        text: &str,
        (index, ending): (usize, Ending),
    ) -> Result<Range<usize>, TokenizeError> {
        let template = self.chat_template()?;
        let opened = conversation.first(index).generation_prompt(GenerationPrompt::Add);
        let before = template.render(&opened)?;
        let closed = conversation.first(index + 1).generation_prompt(GenerationPrompt::Omit);
        let until = template.render(&closed)?;
        if !(until.starts_with(&before) && text.starts_with(&until)) {
            return Err(TokenizeError::Turn { folder: self.folder().to_path_buf(), index });
        }
        let end = match ending {
            Ending::AsTemplate => until.len(),
            Ending::AtEos => {
                let end = self.turn_end()?;
                let found = until[before.len()..].rfind(end);
                found.map_or(until.len(), |start| before.len() + start + end.len())
            }
        };
        Ok(before.len()..end)
    }
}
