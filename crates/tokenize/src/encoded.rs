//! Prompts and completions as ids, and which of them are learnt.

use forethought_schema::{Message, Role};
use serde::{Deserialize, Serialize};

use crate::{Conversation, Encoder, GenerationPrompt, TokenizeError};

/// What a model is asked.
#[derive(Clone, Copy, Debug)]
pub enum Prompt<'a> {
    /// Plain text, encoded as it is.
    Text(&'a str),
    /// Messages, rendered by the chat template with the assistant's turn opened.
    Chat(&'a [Message]),
}

/// Where a completion of a chat ends. One of plain text ends with the first of [`Encoder::eos_ids`], as in TRL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// With the token that ends the turn, after which sampling stops.
    #[default]
    AtEos,
    /// With all that the chat template writes after an answer; in `ChatML` a line break follows `<|im_end|>`. TRL trains
    /// on it.
    AsTemplate,
}

/// Whether the tokens of the prompt are the same with and without the completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// They are: the model is trained on what it will see.
    Clean,
    /// They are not: the end of the prompt and the start of the completion became one token, as `"= "` and `"5"` do.
    /// The mask starts at the first token that differs, as TRL's does.
    Merged {
        /// Length of the prompt, in tokens, without the completion.
        prompt_tokens: usize,
    },
}

/// A prompt and its completion as ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// `[token]`: the prompt, then the completion.
    pub ids: Vec<u32>,
    /// `[token]`: true on the tokens of the completion, its end included.
    pub completion_mask: Vec<bool>,
    /// Whether prompt and completion met at a token boundary.
    pub boundary: Boundary,
}

impl Encoded {
    /// The index of the first token of the completion.
    #[must_use]
    pub fn completion_start(&self) -> usize {
        self.completion_mask.iter().take_while(|is_completion| !**is_completion).count()
    }
}

impl Encoder {
    /// The ids of a prompt, as a model continues them.
    ///
    /// # Errors
    ///
    /// If there is no chat template for messages, or it refuses them, or the tokenizer fails.
    pub fn encode_prompt(&self, prompt: Prompt<'_>) -> Result<Vec<u32>, TokenizeError> {
        self.encode(&self.prompt_text(prompt)?)
    }

    /// The text of a prompt, as [`Encoder::encode_prompt`] encodes it.
    ///
    /// # Errors
    ///
    /// If there is no chat template for messages, or it refuses them.
    pub fn prompt_text(&self, prompt: Prompt<'_>) -> Result<String, TokenizeError> {
        match prompt {
            Prompt::Text(text) => Ok(text.to_owned()),
            Prompt::Chat(messages) => {
                let conversation = Conversation::new(messages);
                let conversation = conversation.generation_prompt(GenerationPrompt::Add);
                Ok(self.chat_template()?.render(&conversation)?)
            }
        }
    }

    /// The ids of a prompt with its completion and the end of the turn, and the mask of what is learnt.
    ///
    /// As in TRL, the whole text is encoded at once and the mask starts after the longest common beginning with the
    /// ids of the prompt alone; [`Encoded::boundary`] says when that is not all of them.
    ///
    /// # Errors
    ///
    /// As [`Encoder::encode_prompt`], and if no token ends a turn.
    pub fn encode_prompt_completion(
        &self,
        prompt: Prompt<'_>,
        completion: &str,
        ending: Ending,
    ) -> Result<Encoded, TokenizeError> {
        let prompt_ids = self.encode_prompt(prompt)?;
        let ids = self.encode(&self.whole_text(prompt, completion, ending)?)?;
        let shared = prompt_ids.iter().zip(&ids).take_while(|(a, b)| a == b).count();
        let boundary = if shared == prompt_ids.len() {
            Boundary::Clean
        } else {
            Boundary::Merged { prompt_tokens: prompt_ids.len() }
        };
        let completion_mask = (0..ids.len()).map(|index| shared <= index).collect();
        Ok(Encoded { ids, completion_mask, boundary })
    }

    fn whole_text(
        &self,
        prompt: Prompt<'_>,
        completion: &str,
        ending: Ending,
    ) -> Result<String, TokenizeError> {
        match prompt {
            Prompt::Text(text) => {
                let eos = self.eos_token()?;
                // A completion that brings its end does not get a second one.
                let completion = completion.strip_suffix(&eos).unwrap_or(completion);
                Ok(format!("{text}{completion}{eos}"))
            }
            Prompt::Chat(messages) => {
                let mut messages = messages.to_vec();
                messages.push(Message::new(Role::Assistant, completion));
                let mut text = self.chat_template()?.render(&Conversation::new(&messages))?;
                if ending == Ending::AtEos {
                    let end = self.turn_end()?;
                    // The last one is the template's: what comes before it may be the completion's own words.
                    text.truncate(text.rfind(end).map_or(text.len(), |start| start + end.len()));
                }
                Ok(text)
            }
        }
    }
}
