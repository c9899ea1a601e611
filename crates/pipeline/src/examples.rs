//! Examples as token ids.

use std::collections::BTreeSet;

use forethought_schema::{Example, Message, PromptCompletion, Record, Role};
use forethought_tokenize::{Encoded, Encoder, Ending, Fitted, Overflow, Prompt, fit};
use serde::{Deserialize, Serialize};

use crate::PipelineError;

/// The conversation that asks a prompt.
pub(crate) fn conversation(prompt: &str) -> [Message; 1] {
    [Message::new(Role::User, prompt)]
}

/// The conversation that a record asks to be answered.
pub(crate) fn turns(prompt: &forethought_schema::Prompt) -> Vec<Message> {
    match prompt {
        forethought_schema::Prompt::Text(text) => conversation(text).into(),
        forethought_schema::Prompt::Messages(messages) => messages.clone(),
    }
}

/// The ids of each prompt, up to where the model starts to write.
pub(crate) fn encode_prompts(
    encoder: &Encoder,
    examples: &[PromptCompletion],
) -> Result<Vec<Vec<u32>>, PipelineError> {
    let encode = |example: &PromptCompletion| {
        Ok(encoder.encode_prompt(Prompt::Chat(&turns(&example.prompt)))?)
    };
    examples.iter().map(encode).collect()
}

/// What is wrong with a tokenizer and its chat template, as far as one made-up example shows it: answers that do not end,
/// prompts that training reads in another way than sampling asks them, text that comes back changed.
pub(crate) fn template_problems(encoder: &Encoder) -> Vec<String> {
    const ANSWER: &str = "12";
    let turns = conversation("How long?");
    let mut problems = Vec::new();
    if encoder.eos_ids().is_empty() {
        problems.push("the tokenizer names no token that ends an answer".to_owned());
    }
    let asked = encoder.encode_prompt(Prompt::Chat(&turns));
    let whole = encoder.encode_prompt_completion(Prompt::Chat(&turns), ANSWER, Ending::AtEos);
    let (asked, whole) = match (asked, whole) {
        (Ok(asked), Ok(whole)) => (asked, whole),
        (Err(error), _) | (_, Err(error)) => {
            problems.push(format!("the chat template cannot be used: {error}"));
            return problems;
        }
    };
    let (ids, first) = completion_of(&whole);
    if ids[..first] != asked {
        problems
            .push("a prompt has other tokens before its answer than when it is asked".to_owned());
    }
    if !ids.last().is_some_and(|last| encoder.eos_ids().contains(last)) {
        problems.push("an answer does not end with a token that ends answers".to_owned());
    }
    match encoder.decode(&ids[first..]) {
        Ok(text) if text.trim() == ANSWER => {}
        Ok(text) => problems.push(format!("the answer {ANSWER:?} comes back as {text:?}")),
        Err(error) => problems.push(format!("an answer cannot be decoded: {error}")),
    }
    problems
}

/// How long examples may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit<'a> {
    pub(crate) encoder: &'a Encoder,
    pub(crate) max_length: usize,
    pub(crate) overflow: Overflow,
}

impl Limit<'_> {
    /// The ids of a prompt and a completion, made to fit.
    pub(crate) fn encode(
        &self,
        prompt: &forethought_schema::Prompt,
        completion: &str,
    ) -> Result<Fitted, String> {
        let turns = turns(prompt);
        let encoded =
            self.encoder.encode_prompt_completion(Prompt::Chat(&turns), completion, Ending::AtEos);
        self.fit(encoded.map_err(|error| error.to_string())?)
    }

    fn fit(&self, encoded: Encoded) -> Result<Fitted, String> {
        fit(encoded, self.max_length, self.overflow)
            .map_err(|error| format!("{error}; raise max_length or set on_overflow"))
    }

    /// The ids of something to imitate, with the mask of what is learnt, made to fit: a completion, the turns of the
    /// assistant, or a whole text.
    fn encode_example(&self, example: &Example) -> Result<Fitted, String> {
        let (Record::PromptCompletion(_) | Record::Messages(_) | Record::Text(_)) = &example.record
        else {
            return Err(format!("a {} is nothing to imitate", example.record.kind().as_str()));
        };
        self.only(example)
    }

    /// The ids of a record that is one sequence, made to fit.
    fn only(&self, example: &Example) -> Result<Fitted, String> {
        let encoded = self.encoder.encode_example(example, Ending::AtEos);
        let mut encoded = encoded.map_err(|error| error.to_string())?;
        self.fit(encoded.swap_remove(0))
    }
}

/// A line of examples: a record with what stands beside it, or a prompt and a completion alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum ExampleLine {
    /// As a stage of files writes it.
    Example(Example),
    /// As TRL reads it.
    PromptCompletion(PromptCompletion),
}

impl From<ExampleLine> for Example {
    fn from(line: ExampleLine) -> Self {
        match line {
            ExampleLine::Example(example) => example,
            ExampleLine::PromptCompletion(one) => Record::PromptCompletion(one).into(),
        }
    }
}

/// The ids of each example with the mask of its completion; what is too long is handled as the limit says.
pub(crate) fn encode_examples(
    stage: &str,
    examples: &[Example],
    limit: Limit<'_>,
) -> Result<(Vec<Encoded>, Lengths), PipelineError> {
    let mut lengths = Lengths { read: examples.len(), ..Lengths::default() };
    let mut kept = Vec::with_capacity(examples.len());
    for (index, example) in examples.iter().enumerate() {
        let fitted = limit.encode_example(example).map_err(|message| {
            PipelineError::stage(stage, format!("example {}: {message}", index + 1))
        })?;
        kept.extend(lengths.count(fitted, index));
    }
    Ok((kept, lengths))
}

/// What the length limit did to the examples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lengths {
    /// Examples there were.
    pub(crate) read: usize,
    /// Examples left out, counted from 1, with the tokens they had.
    pub(crate) dropped: Vec<(usize, usize)>,
    /// Examples cut, counted from 1, with the tokens they lost.
    pub(crate) truncated: Vec<(usize, usize)>,
}

impl Lengths {
    /// The numbers, from 1, of the records that were kept, in their order.
    pub(crate) fn kept(&self) -> Vec<usize> {
        let dropped: BTreeSet<usize> = self.dropped.iter().map(|(number, _)| *number).collect();
        (1..=self.read).filter(|number| !dropped.contains(number)).collect()
    }

    /// Counts both sides of a pair: it is left out where one of them is.
    pub(crate) fn count_pair(
        &mut self,
        (chosen, rejected): (Fitted, Fitted),
        index: usize,
    ) -> Option<(Encoded, Encoded)> {
        let tokens = |side: &Fitted| match side {
            Fitted::Dropped { tokens } => Some(*tokens),
            _ => None,
        };
        if let Some(tokens) = tokens(&chosen).max(tokens(&rejected)) {
            self.dropped.push((index + 1, tokens));
            return None;
        }
        self.count(chosen, index).zip(self.count(rejected, index))
    }

    /// Counts what the limit did to one sequence.
    pub(crate) fn count(&mut self, fitted: Fitted, index: usize) -> Option<Encoded> {
        match fitted {
            Fitted::Whole(encoded) => Some(encoded),
            Fitted::Truncated { encoded, cut } => {
                self.truncated.push((index + 1, cut));
                Some(encoded)
            }
            Fitted::Dropped { tokens } => {
                self.dropped.push((index + 1, tokens));
                None
            }
        }
    }
}

/// The sequence of an encoded example and where its completion starts.
pub(crate) fn completion_of(encoded: &Encoded) -> (&[u32], usize) {
    (&encoded.ids, encoded.completion_start())
}

#[cfg(test)]
mod tests {
    use forethought_tokenize::{BpeConfig, train_bpe};

    use super::*;

    #[test]
    fn examples_are_scored_from_their_answer_to_its_end_and_long_ones_are_counted() {
        let texts = ["How long? 12", "How long will it take? 3"];
        let encoder = train_bpe(&texts, &BpeConfig::new(280)).expect("a tokenizer");
        let example = |prompt: &str, completion: &str| PromptCompletion {
            prompt: prompt.into(),
            completion: completion.to_owned(),
        };
        let examples = [example("How long?", "12"), example(&"How long? ".repeat(20), "3")];
        let limit = Limit { encoder: &encoder, max_length: 60, overflow: Overflow::Drop };
        let records: Vec<Example> =
            examples.iter().map(|one| Record::PromptCompletion(one.clone()).into()).collect();
        let (encoded, lengths) = encode_examples("sft", &records, limit).expect("valid examples");
        assert_eq!((lengths.read, encoded.len()), (2, 1));
        assert_eq!(lengths.kept(), [1]);
        assert_eq!(lengths.dropped.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2]);
        let (ids, first) = completion_of(&encoded[0]);
        let text = encoder.decode_with_specials(&ids[first..]).expect("known ids");
        assert_eq!(text, "12<|im_end|>");
        let prompts = encode_prompts(&encoder, &examples).expect("valid prompts");
        assert_eq!(prompts[0], ids[..first], "training reads what sampling is asked");
    }
}
