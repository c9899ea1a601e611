//! Rows into examples.

use std::collections::BTreeSet;

use forethought_schema::{
    Example, Exercise, Message, PreferencePair, Prompt, PromptCompletion, Record, Role,
    UnpairedPreference,
};
use serde_json::Value;

use super::fields::Fields;
use super::{Layout, thinking_text};
use crate::answers::{boxed, split_hashes};
use crate::{Part, RowFault, Shape, implicit};

/// A row that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// What it holds.
    pub example: Example,
    /// What of the row is not in the example, by the place in it.
    pub notes: BTreeSet<String>,
}

impl Layout {
    /// Reads a row.
    ///
    /// # Errors
    ///
    /// If a part is missing or holds something else than it should, or is empty and may not be.
    pub fn read(&self, row: &Value) -> Result<Read, RowFault> {
        let mut fields = Fields::new(self, row)?;
        let record = fields.checked_record()?;
        let (tools, extra) = (fields.tools(), fields.extra());
        let border = fields.border;
        Ok(Read { example: Example { record, tools, border, extra }, notes: fields.notes })
    }

    /// Reads what a row holds, and nothing that stands beside it.
    ///
    /// # Errors
    ///
    /// As [`Layout::read`].
    pub fn read_record(&self, row: &Value) -> Result<Record, RowFault> {
        Fields::new(self, row)?.checked_record()
    }
}

impl Fields<'_> {
    fn checked_record(&mut self) -> Result<Record, RowFault> {
        match self.record()? {
            Record::Preference(pair) if pair.chosen == pair.rejected => Err(RowFault::Equal),
            record => Ok(record),
        }
    }

    fn record(&mut self) -> Result<Record, RowFault> {
        match self.layout.shape() {
            Shape::Text => Ok(Record::Text(self.answer(Part::Text)?)),
            Shape::Messages | Shape::Sharegpt | Shape::Openai => {
                Ok(Record::Messages(self.conversation()?))
            }
            Shape::Prompt => Ok(Record::Prompt(self.prose(Part::Prompt)?)),
            Shape::PromptCompletion => {
                let (prompt, completion) = self.completed()?;
                Ok(Record::PromptCompletion(PromptCompletion { prompt, completion }))
            }
            Shape::InstructionResponse => {
                let prompt = Prompt::Text(self.text(Part::Instruction)?);
                let completion = self.answer(Part::Response)?;
                Ok(Record::PromptCompletion(PromptCompletion { prompt, completion }))
            }
            Shape::Alpaca => {
                let (prompt, completion) = (self.alpaca()?, self.answer(Part::Response)?);
                Ok(Record::PromptCompletion(PromptCompletion { prompt, completion }))
            }
            Shape::Preference => self.trl_pair(),
            Shape::Triple => self.text_pair(Part::Question, [Part::Chosen, Part::Rejected]),
            Shape::CValues => self.text_pair(Part::Prompt, [Part::PosResp, Part::NegResp]),
            Shape::AlpacaRanking => {
                let prompt = self.alpaca()?;
                let [chosen, rejected] = self.sides([Part::Chosen, Part::Rejected])?;
                Ok(Record::Preference(PreferencePair { prompt, chosen, rejected, margin: None }))
            }
            Shape::SharegptRanking | Shape::OpenaiRanking => {
                let prompt = Prompt::Messages(self.conversation()?);
                let chosen = self.single_turn(Part::Chosen)?;
                let rejected = self.single_turn(Part::Rejected)?;
                Ok(Record::Preference(PreferencePair { prompt, chosen, rejected, margin: None }))
            }
            Shape::Unpaired => {
                let (prompt, completion) = self.completed()?;
                self.labelled(prompt, completion, Part::Label)
            }
            Shape::AlpacaKto => {
                let (prompt, completion) = (self.alpaca()?, self.answer(Part::Response)?);
                self.labelled(prompt, completion, Part::KtoTag)
            }
            Shape::SharegptKto | Shape::OpenaiKto => {
                let mut turns = self.conversation()?;
                let last = turns.split_off(turns.len() - 1);
                let completion = self.last_turn(Part::Messages, &last)?;
                self.labelled(Prompt::Messages(turns), completion, Part::KtoTag)
            }
            Shape::Gsm8k | Shape::Math | Shape::Exercise | Shape::Solution => {
                self.exercise().map(Record::Exercise)
            }
        }
    }

    /// Prompt and completion, both texts or both turns.
    fn completed(&mut self) -> Result<(Prompt, String), RowFault> {
        match self.prose(Part::Completion)? {
            Prompt::Text(completion) => {
                self.require_some(Part::Completion, &completion)?;
                Ok((Prompt::Text(self.text(Part::Prompt)?), completion))
            }
            Prompt::Messages(turns) => {
                let prompt = Prompt::Messages(self.turns(Part::Prompt)?);
                Ok((prompt, self.last_turn(Part::Completion, &turns)?))
            }
        }
    }

    fn labelled(
        &self,
        prompt: Prompt,
        completion: String,
        label: Part,
    ) -> Result<Record, RowFault> {
        let label = self.flag(label)?;
        Ok(Record::Unpaired(UnpairedPreference { prompt, completion, label }))
    }

    fn text_pair(&self, prompt: Part, sides: [Part; 2]) -> Result<Record, RowFault> {
        let [chosen, rejected] = self.sides(sides)?;
        let (prompt, margin) = (self.text(prompt)?, self.optional_number(Part::Margin)?);
        let prompt = Prompt::Text(prompt);
        Ok(Record::Preference(PreferencePair { prompt, chosen, rejected, margin }))
    }

    fn sides(&self, [chosen, rejected]: [Part; 2]) -> Result<[String; 2], RowFault> {
        Ok([self.answer(chosen)?, self.answer(rejected)?])
    }

    /// TRL's pairs: explicit or implicit prompts, texts or turns.
    fn trl_pair(&mut self) -> Result<Record, RowFault> {
        let is_implicit = self.optional(Part::Prompt).is_none();
        let sides = (self.prose(Part::Chosen)?, self.prose(Part::Rejected)?);
        let (prompt, [chosen, rejected]) = match sides {
            (Prompt::Text(chosen), Prompt::Text(rejected)) => {
                if chosen == rejected {
                    return Err(RowFault::Equal);
                }
                let (prompt, sides) = if is_implicit {
                    implicit::split_texts(&chosen, &rejected)
                } else {
                    (self.text(Part::Prompt)?, [chosen, rejected])
                };
                self.require_some(Part::Chosen, &sides[0])?;
                self.require_some(Part::Rejected, &sides[1])?;
                (Prompt::Text(prompt), sides)
            }
            (Prompt::Messages(_), Prompt::Messages(_)) => self.turn_pair()?,
            _ => {
                let rejected = self.value(Part::Rejected)?;
                return Err(self.wrong(Part::Rejected, "of the kind of `chosen`", rejected));
            }
        };
        let margin = self.optional_number(Part::Margin)?;
        Ok(Record::Preference(PreferencePair { prompt, chosen, rejected, margin }))
    }

    fn turn_pair(&mut self) -> Result<(Prompt, [String; 2]), RowFault> {
        let is_implicit = self.optional(Part::Prompt).is_none();
        let [chosen, rejected] = [self.turns(Part::Chosen)?, self.turns(Part::Rejected)?];
        let num_shared =
            if is_implicit { implicit::num_shared_turns(&chosen, &rejected) } else { 0 };
        let sides = [
            self.last_turn(Part::Chosen, &chosen[num_shared..])?,
            self.last_turn(Part::Rejected, &rejected[num_shared..])?,
        ];
        let prompt =
            if is_implicit { chosen[..num_shared].to_vec() } else { self.turns(Part::Prompt)? };
        Ok((Prompt::Messages(prompt), sides))
    }

    /// The only turn after the prompt, which must be the assistant's and a text; reasoning goes before it.
    fn last_turn(&mut self, part: Part, turns: &[Message]) -> Result<String, RowFault> {
        match turns {
            [turn] if turn.role == Role::Assistant => {
                if !turn.tool_calls.is_empty() {
                    return Err(RowFault::NotPlain { field: self.name(part) });
                }
                self.require_some(part, &turn.content)?;
                let (text, lost) = thinking_text(turn);
                self.notes.extend(lost.map(str::to_owned));
                Ok(text)
            }
            _ => Err(RowFault::Completion { field: self.name(part), num_turns: turns.len() }),
        }
    }

    /// A field that is one turn.
    fn single_turn(&mut self, part: Part) -> Result<String, RowFault> {
        let value = self.value(part)?;
        let turn = self.turn(part, None, value)?;
        self.last_turn(part, &[turn])
    }

    /// The prompt of an alpaca row: a text, or turns where there are a system or a history.
    fn alpaca(&mut self) -> Result<Prompt, RowFault> {
        let (instruction, input) = (self.text(Part::Prompt)?, self.optional_text(Part::Query)?);
        let parts = [Some(instruction), input].into_iter().flatten();
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        if let [instruction, _] = parts.as_slice() {
            self.border = Some(instruction.len() + 1);
        }
        let query = parts.join("\n");
        self.require_some(Part::Prompt, &query)?;
        let mut turns = self.history()?;
        self.add_system(&mut turns)?;
        if turns.is_empty() {
            return Ok(Prompt::Text(query));
        }
        turns.push(Message::new(Role::User, query));
        Ok(Prompt::Messages(turns))
    }

    /// Notes that two parts have become one text.
    fn note_border(&mut self, first: Part, second: Part) {
        let (first, second) = (self.name(first), self.name(second));
        self.notes.insert(format!("the border between {first} and {second}"));
    }

    /// Pairs of what the user and the assistant said before.
    fn history(&self) -> Result<Vec<Message>, RowFault> {
        let Some(value) = self.optional(Part::History) else { return Ok(Vec::new()) };
        let wrong = || self.wrong(Part::History, "a list of pairs of texts", value);
        let mut turns = Vec::new();
        for pair in value.as_array().ok_or_else(wrong)? {
            let texts = pair.as_array().filter(|pair| pair.len() == 2).ok_or_else(wrong)?;
            for (role, text) in [Role::User, Role::Assistant].into_iter().zip(texts) {
                turns.push(Message::new(role, text.as_str().ok_or_else(wrong)?));
            }
        }
        Ok(turns)
    }

    fn exercise(&mut self) -> Result<Exercise, RowFault> {
        match self.layout.shape() {
            Shape::Gsm8k => {
                let (question, text) = (self.answer(Part::Question)?, self.answer(Part::Answer)?);
                let (solution, answer) = match split_hashes(&text) {
                    Some((solution, answer)) => (solution, Some(answer)),
                    None => (text, None),
                };
                Ok(Exercise { question, solution: Some(solution), answer })
            }
            Shape::Math => {
                let (question, solution) =
                    (self.answer(Part::Problem)?, self.answer(Part::Solution)?);
                Ok(Exercise { question, answer: boxed(&solution), solution: Some(solution) })
            }
            Shape::Solution => {
                let (question, solution) =
                    (self.answer(Part::Problem)?, self.answer(Part::Solution)?);
                Ok(Exercise { question, solution: Some(solution), answer: None })
            }
            _ => {
                let context = self.optional_text(Part::Context)?;
                let question = self.answer(Part::Question)?;
                let context = context.filter(|text| !text.trim().is_empty());
                let question = match context {
                    Some(context) => {
                        self.note_border(Part::Context, Part::Question);
                        format!("{} {question}", context.trim_end())
                    }
                    None => question,
                };
                let solution = self.optional_text(Part::Solution)?;
                Ok(Exercise { question, solution, answer: Some(self.result(Part::Answer)?) })
            }
        }
    }
}
