//! Records as ids, each with the mask of what is learnt of it.

use forethought_schema::{Example, Message, Prompt as RecordPrompt, Record, Role};

use crate::{Boundary, Conversation, Encoded, EncodedChat, Encoder, Ending, Prompt, TokenizeError};

impl Encoder {
    /// The ids of what an example holds, and the mask of what is learnt: a completion, every turn of the assistant, a whole
    /// text but its first token. Pairs are two sequences, the chosen one first; of prompts and exercises, the question
    /// is all there is, and nothing of it is learnt.
    ///
    /// Texts that are prompts are what a user says. Tools go into the chat template.
    ///
    /// # Errors
    ///
    /// As [`Encoder::encode_chat`] and [`Encoder::encode_prompt_completion`].
    pub fn encode_example(
        &self,
        example: &Example,
        ending: Ending,
    ) -> Result<Vec<Encoded>, TokenizeError> {
        let answered = |prompt: &RecordPrompt, completion: &str| {
            self.encode_answer(example, &turns(prompt), (completion, ending))
        };
        Ok(match &example.record {
            Record::Text(text) => vec![self.encode_text(text)?],
            Record::Messages(turns) => vec![self.encode_turns(example, turns, ending)?],
            Record::Prompt(prompt) => vec![self.encode_question(example, &turns(prompt))?],
            Record::PromptCompletion(one) => vec![answered(&one.prompt, &one.completion)?],
            Record::Unpaired(one) => vec![answered(&one.prompt, &one.completion)?],
            Record::Preference(pair) => {
                let chosen = answered(&pair.prompt, &pair.chosen)?;
                vec![chosen, answered(&pair.prompt, &pair.rejected)?]
            }
            Record::Exercise(exercise) => {
                let turns = [Message::new(Role::User, exercise.question.as_str())];
                vec![self.encode_question(example, &turns)?]
            }
        })
    }

    fn encode_answer(
        &self,
        example: &Example,
        prompt: &[Message],
        (completion, ending): (&str, Ending),
    ) -> Result<Encoded, TokenizeError> {
        if example.tools.is_none() && prompt.iter().all(Message::is_plain) {
            return self.encode_prompt_completion(Prompt::Chat(prompt), completion, ending);
        }
        let mut turns = prompt.to_vec();
        turns.push(Message::new(Role::Assistant, completion));
        let mut encoded = self.encode_turns(example, &turns, ending)?;
        // Only the last turn is the completion; those before it are part of the prompt.
        let num_before = self.encode_turns(example, prompt, ending)?.ids.len();
        for is_learnt in encoded.completion_mask.iter_mut().take(num_before) {
            *is_learnt = false;
        }
        // What a template writes behind the last turn is no part of the completion.
        if let Some(last) = encoded.completion_mask.iter().rposition(|is_learnt| *is_learnt) {
            encoded.ids.truncate(last + 1);
            encoded.completion_mask.truncate(last + 1);
        }
        Ok(encoded)
    }

    fn encode_turns(
        &self,
        example: &Example,
        turns: &[Message],
        ending: Ending,
    ) -> Result<Encoded, TokenizeError> {
        let EncodedChat { ids, assistant_mask } =
            self.encode_chat(&conversation(example, turns), ending)?;
        Ok(Encoded { ids, completion_mask: assistant_mask, boundary: Boundary::Clean })
    }

    fn encode_question(
        &self,
        example: &Example,
        turns: &[Message],
    ) -> Result<Encoded, TokenizeError> {
        let opened = conversation(example, turns).generation_prompt(crate::GenerationPrompt::Add);
        let ids = self.encode(&self.chat_template()?.render(&opened)?)?;
        let completion_mask = vec![false; ids.len()];
        Ok(Encoded { ids, completion_mask, boundary: Boundary::Clean })
    }

    /// A text from its start to the token that ends it.
    fn encode_text(&self, text: &str) -> Result<Encoded, TokenizeError> {
        let eos = self.eos_token()?;
        let ids = self.encode(&format!("{}{eos}", text.strip_suffix(&eos).unwrap_or(text)))?;
        let completion_mask = (0..ids.len()).map(|index| index > 0).collect();
        Ok(Encoded { ids, completion_mask, boundary: Boundary::Clean })
    }
}

fn conversation(example: &Example, turns: &[Message]) -> Conversation {
    Conversation::new(turns).tools(tools(example))
}

/// The tools as templates read them; a text that is no list of schemas says nothing to them.
fn tools(example: &Example) -> serde_json::Value {
    example.tools.clone().filter(serde_json::Value::is_array).unwrap_or_default()
}

fn turns(prompt: &RecordPrompt) -> Vec<Message> {
    match prompt {
        RecordPrompt::Text(text) => vec![Message::new(Role::User, text.as_str())],
        RecordPrompt::Messages(turns) => turns.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{BpeConfig, train_bpe};

    fn encoder() -> Encoder {
        let texts = ["What colour is the sky? Blue. And at night? Black.", "user assistant system"];
        train_bpe(&texts, &BpeConfig::new(320)).expect("a tokenizer")
    }

    /// The text of each stretch that is learnt.
    fn learnt(encoder: &Encoder, record: &serde_json::Value) -> Vec<Vec<String>> {
        let example: Example =
            serde_json::from_value(json!({"record": record})).expect("an example");
        let encoded = encoder.encode_example(&example, Ending::AtEos).expect("encoded");
        let stretches = |one: Encoded| {
            let tokens: Vec<(u32, bool)> = one.ids.into_iter().zip(one.completion_mask).collect();
            let parts = tokens.chunk_by(|a, b| a.1 == b.1).filter(|part| part[0].1);
            let ids = parts.map(|part| part.iter().map(|(id, _)| *id).collect::<Vec<_>>());
            ids.map(|ids| encoder.decode_with_specials(&ids).expect("text")).collect()
        };
        encoded.into_iter().map(stretches).collect()
    }

    #[test]
    fn of_each_kind_of_record_what_is_to_imitate_is_learnt() {
        let encoder = encoder();
        let turn = |role: &str, content: &str| json!({"role": role, "content": content});
        let chat = json!([
            turn("user", "What colour is the sky?"),
            turn("assistant", "Blue."),
            turn("user", "And at night?")
        ]);
        let mut whole = chat.as_array().expect("a list").clone();
        whole.push(turn("assistant", "Black."));
        let ends = |text: &str| format!("{text}<|im_end|>");
        let learnt = |record| learnt(&encoder, &record);

        assert_eq!(learnt(json!({"messages": whole})), [[ends("Blue."), ends("Black.")]]);
        let completed = json!({"prompt": chat, "completion": "Black."});
        assert_eq!(learnt(json!({"prompt_completion": completed})), [[ends("Black.")]]);
        let pair = json!({"prompt": "And at night?", "chosen": "Black.", "rejected": "Blue."});
        assert_eq!(learnt(json!({"preference": pair})), [[ends("Black.")], [ends("Blue.")]]);
        assert!(learnt(json!({"prompt": chat}))[0].is_empty());
        let text = learnt(json!({"text": "Blue."}));
        assert!(ends("Blue.").ends_with(&text[0][0]) && text[0][0].ends_with("<|im_end|>"));
    }

    #[test]
    fn tools_change_nothing_about_what_is_learnt() {
        let encoder = encoder();
        let completed = json!({"prompt": [
            {"role": "user", "content": "What colour is the sky?"},
            {"role": "assistant", "content": "Blue."},
            {"role": "user", "content": "And at night?"}], "completion": "Black."});
        let encode = |tools| {
            let record = json!({"prompt_completion": completed});
            let example = json!({"record": record, "tools": tools});
            let example: Example = serde_json::from_value(example).expect("an example");
            encoder.encode_example(&example, Ending::AtEos).expect("encoded")
        };
        assert_eq!(encode(json!([])), encode(serde_json::Value::Null));
    }
}
