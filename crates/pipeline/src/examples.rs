//! Examples as token ids.

use std::collections::BTreeSet;

use forethought_dataset::{Ledger, LedgerEntry};
use forethought_schema::{Example, Message, PromptCompletion, Record, Role};
use forethought_tokenize::{Encoded, Encoder, Ending, Fitted, Overflow, Prompt, TooLong, fit};
use serde::Deserialize;

use crate::PipelineError;

/// What happens to a long example where the setting is of later date than the first artifacts.
pub(crate) fn drop_long() -> Overflow {
    Overflow::Drop
}

/// Whether such a setting has its default: it is part of an artifact's id only where it has not.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(crate) fn is_drop(overflow: &Overflow) -> bool {
    *overflow == Overflow::Drop
}

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
    pub(crate) fn encode_example(&self, example: &Example) -> Result<Fitted, String> {
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

/// The ids of each example with the mask of its completion; what is too long is handled as the limit says. Of the texts, one
/// is in memory at a time.
pub(crate) fn encode_examples(
    (stage, file): (&str, &str),
    examples: impl Iterator<Item = Result<Example, PipelineError>>,
    limit: Limit<'_>,
) -> Result<(Vec<Encoded>, Ledger), PipelineError> {
    let mut lengths = Lengths::new(stage, file);
    let mut kept = Vec::new();
    for (index, example) in examples.enumerate() {
        let fitted = limit.encode_example(&example?).map_err(|message| {
            PipelineError::stage(stage, format!("example {}: {message}", index + 1))
        })?;
        kept.extend(lengths.count(fitted, index));
    }
    Ok((kept, lengths.ledger))
}

/// The lines, from 1, of the records that were kept, in their order.
pub(crate) fn kept_lines(ledger: &Ledger) -> Vec<usize> {
    let dropped = ledger.entries.iter().flat_map(|entry| entry.dropped.values());
    let dropped: BTreeSet<u64> = dropped.flat_map(|rows| rows.rows.iter().copied()).collect();
    let lines = (1..=ledger.read()).filter(|line| !dropped.contains(line));
    lines.filter_map(|line| usize::try_from(line).ok()).collect()
}

/// What a length limit does to examples, booked in a ledger. Rows are the lines of the file they come from.
#[derive(Debug)]
pub(crate) struct Lengths {
    pub(crate) ledger: Ledger,
}

impl Lengths {
    /// What examples are kept as.
    const KEPT: &str = "examples";
    /// Why one is dropped.
    const TOO_LONG: &str = "too_long";
    /// What is done to one that is cut.
    const TRUNCATED: &str = "truncated";

    pub(crate) fn new(stage: &str, file: &str) -> Self {
        let mut ledger = Ledger::new(stage);
        ledger.entry(file);
        Self { ledger }
    }

    fn entry(&mut self) -> &mut LedgerEntry {
        &mut self.ledger.entries[0]
    }

    /// Books both sides of a pair as one row: it is left out where one of them is.
    pub(crate) fn count_pair(
        &mut self,
        (chosen, rejected): (Fitted, Fitted),
        index: usize,
    ) -> Option<(Encoded, Encoded)> {
        match (chosen.kept(), rejected.kept()) {
            (Ok((chosen, chosen_cut)), Ok((rejected, rejected_cut))) => {
                self.book(index, Ok(chosen_cut + rejected_cut));
                Some((chosen, rejected))
            }
            (chosen, rejected) => {
                let tokens = chosen.err().max(rejected.err()).unwrap_or_default();
                self.book(index, Err(tokens));
                None
            }
        }
    }

    /// Books a single example.
    pub(crate) fn count(&mut self, fitted: Fitted, index: usize) -> Option<Encoded> {
        let fitted = fitted.kept();
        self.book(index, fitted.as_ref().map(|(_, cut)| *cut).map_err(|tokens| *tokens));
        fitted.ok().map(|(encoded, _)| encoded)
    }

    /// Books a prompt; one that is too long loses its beginning, since the answer follows its end.
    pub(crate) fn count_prompt(
        &mut self,
        mut prompt: Vec<u32>,
        index: usize,
        (max_length, overflow): (usize, Overflow),
    ) -> Result<Option<Vec<u32>>, TooLong> {
        let tokens = prompt.len();
        let over = tokens.saturating_sub(max_length);
        match overflow {
            Overflow::Error if over > 0 => return Err(TooLong { tokens, max_length }),
            Overflow::Drop if over > 0 => {
                self.book(index, Err(tokens));
                return Ok(None);
            }
            _ => {}
        }
        prompt.drain(..over);
        self.book(index, Ok(over));
        Ok(Some(prompt))
    }

    /// Books a row that is left out for another reason than its length.
    pub(crate) fn leave_out(&mut self, index: usize, reason: &str) {
        let entry = self.entry();
        entry.count_read(1);
        entry.drop_row(index as u64 + 1, reason);
    }

    /// Books a row with the tokens it lost, or with those it had where it is left out.
    fn book(&mut self, index: usize, tokens: Result<usize, usize>) {
        let row = index as u64 + 1;
        let entry = self.entry();
        entry.count_read(1);
        match tokens {
            Ok(cut) => {
                entry.keep(Self::KEPT);
                if cut > 0 {
                    entry.change(row, Self::TRUNCATED, cut as u64);
                }
            }
            Err(tokens) => entry.drop_long(row, Self::TOO_LONG, tokens as u64),
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
    fn a_long_prompt_is_refused_left_out_or_loses_its_beginning() {
        let mut lengths = Lengths::new("grpo", "convert/train.jsonl");
        let mut count = |index, overflow| {
            lengths
                .count_prompt(vec![5, 6, 7, 8], index, (3, overflow))
                .map_err(|error| error.tokens)
        };
        assert_eq!(count(0, Overflow::Error), Err(4));
        assert_eq!(count(1, Overflow::Drop), Ok(None));
        assert_eq!(count(2, Overflow::Truncate), Ok(Some(vec![6, 7, 8])));
        let whole = lengths.count_prompt(vec![5], 3, (3, Overflow::Error));
        assert_eq!(whole, Ok(Some(vec![5])));
        lengths.ledger.check().expect("sums that agree");
        let entry = &lengths.ledger.entries[0];
        assert_eq!((entry.read, entry.num_kept()), (3, 2));
        assert_eq!(
            (&entry.dropped["too_long"].rows, &entry.dropped["too_long"].tokens),
            (&vec![2], &vec![4])
        );
        assert_eq!(
            (&entry.changed["truncated"].rows, &entry.changed["truncated"].tokens),
            (&vec![3], &vec![1])
        );
    }

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
        let records = |number| {
            let records = examples.iter().take(number).cloned();
            records.map(|one| Ok::<Example, PipelineError>(Record::PromptCompletion(one).into()))
        };
        let of = ("sft", "convert/train.jsonl");
        let (encoded, ledger) = encode_examples(of, records(2), limit).expect("valid examples");
        ledger.check().expect("sums that agree");
        assert_eq!((ledger.read(), ledger.kept(), encoded.len()), (2, 1, 1));
        assert_eq!(kept_lines(&ledger), [1]);
        let long = &ledger.entries[0].dropped["too_long"];
        assert_eq!(long.rows, [2]);
        assert!(long.tokens[0] > 60, "{long:?}");

        let whole = encoded[0].ids.len();
        let cut = Limit { overflow: Overflow::Truncate, max_length: whole - 1, ..limit };
        let (short, ledger) = encode_examples(of, records(1), cut).expect("valid examples");
        assert_eq!(short[0].ids, encoded[0].ids[..whole - 1]);
        let changed = &ledger.entries[0].changed["truncated"];
        assert_eq!((changed.rows.as_slice(), changed.tokens.as_slice()), (&[1][..], &[1][..]));
        assert_eq!(ledger.kept(), 1);
        let (ids, first) = completion_of(&encoded[0]);
        let text = encoder.decode_with_specials(&ids[first..]).expect("known ids");
        assert_eq!(text, "12<|im_end|>");
        let prompts = encode_prompts(&encoder, &examples).expect("valid prompts");
        assert_eq!(prompts[0], ids[..first], "training reads what sampling is asked");
    }
}
