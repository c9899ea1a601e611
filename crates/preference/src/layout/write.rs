//! Examples into rows.

use std::collections::BTreeSet;

use forethought_schema::{Example, Exercise, Message, PreferencePair, Prompt, Record, Role};
use serde_json::{Map, Value, json};

use super::Layout;
use super::turns::flat_turn;
use crate::answers::{with_box, with_hashes, without_own_box};
use crate::convert::only_turn;
use crate::{Part, RowFault, Shape};

/// What is lost of an example whose [`border`](Example::border) is not written.
pub const BORDER: &str = "the border between instruction and input";

/// A row that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The row.
    pub row: Map<String, Value>,
    /// What of the example is not in it, by name.
    pub lost: BTreeSet<String>,
}

impl Layout {
    /// Writes an example of the kind of the shape. Fields beside the record keep their names.
    ///
    /// # Errors
    ///
    /// If the example is of another kind, or its prompt does not fit: a conversation where the shape holds one text, or
    /// roles that do not take turns where LLaMA-Factory passes such rows over.
    pub fn write(&self, example: &Example) -> Result<Written, RowFault> {
        let (fields, lost) = (Map::new(), Vec::new());
        let mut row = Writing { layout: self, row: fields, border: example.border, lost };
        row.record(&example.record)?;
        if row.border.is_some() {
            row.lost.push(BORDER.to_owned());
        }
        if let Some(tools) = &example.tools {
            // As a text: the columns of a table would fill each schema with the keys of all others.
            let text = tools.as_str().map_or_else(|| tools.to_string(), str::to_owned);
            row.set(Part::Tools, Value::String(text));
        }
        for (key, value) in &example.extra {
            if row.row.contains_key(key) || self.columns.values().any(|column| column == key) {
                row.lost.push(key.clone());
            } else {
                row.row.insert(key.clone(), value.clone());
            }
        }
        Ok(Written { row: row.row, lost: row.lost.into_iter().collect() })
    }
}

/// A row in the making.
struct Writing<'a> {
    layout: &'a Layout,
    row: Map<String, Value>,
    /// Where a second field began in the prompt, until that is written.
    border: Option<usize>,
    lost: Vec<String>,
}

impl Writing<'_> {
    fn set(&mut self, part: Part, value: impl Into<Value>) {
        match self.layout.columns.get(&part) {
            Some(column) => {
                self.row.insert(column.clone(), value.into());
            }
            None => self.lost.push(part.name()),
        }
    }

    fn record(&mut self, record: &Record) -> Result<(), RowFault> {
        let shape = self.layout.shape();
        match (shape, record) {
            (Shape::Text, Record::Text(text)) => self.set(Part::Text, text.as_str()),
            (Shape::Messages, Record::Messages(turns)) => {
                let turns = self.rich_turns(turns)?;
                self.set(Part::Messages, turns);
            }
            (Shape::Sharegpt | Shape::Openai, Record::Messages(turns)) => {
                self.flat_turns(turns, Role::Assistant)?;
            }
            (Shape::Prompt, Record::Prompt(prompt)) => self.prose(prompt)?,
            (_, Record::PromptCompletion(one)) if shape.kind() == record.kind() => {
                self.completion(&one.prompt, &one.completion)?;
            }
            (_, Record::Preference(pair)) if shape.kind() == record.kind() => self.pair(pair)?,
            (_, Record::Unpaired(one)) if shape.kind() == record.kind() => {
                self.completion(&one.prompt, &one.completion)?;
                let part = if shape == Shape::Unpaired { Part::Label } else { Part::KtoTag };
                self.set(part, one.label);
            }
            (_, Record::Exercise(exercise)) if shape.kind() == record.kind() => {
                self.exercise(exercise)?;
            }
            _ => return Err(RowFault::no_way(record.kind(), shape.kind())),
        }
        Ok(())
    }

    /// A prompt with its one completion.
    fn completion(&mut self, prompt: &Prompt, completion: &str) -> Result<(), RowFault> {
        match self.layout.shape() {
            Shape::InstructionResponse => {
                self.set(Part::Instruction, flat(prompt)?);
                self.set(Part::Response, completion);
            }
            Shape::Alpaca | Shape::AlpacaKto => {
                self.alpaca(prompt)?;
                self.set(Part::Response, completion);
            }
            Shape::SharegptKto | Shape::OpenaiKto => {
                let mut turns = turns_of(prompt);
                turns.push(Message::new(Role::Assistant, completion));
                self.flat_turns(&turns, Role::Assistant)?;
            }
            _ => {
                self.prose(prompt)?;
                let completion = self.side(prompt, completion)?;
                self.set(Part::Completion, completion);
            }
        }
        Ok(())
    }

    fn pair(&mut self, pair: &PreferencePair) -> Result<(), RowFault> {
        let (prompt, chosen, rejected) = (&pair.prompt, &pair.chosen, &pair.rejected);
        match self.layout.shape() {
            Shape::Triple => {
                self.set(Part::Question, flat(prompt)?);
                self.texts([(Part::Chosen, chosen), (Part::Rejected, rejected)]);
            }
            Shape::CValues => {
                self.set(Part::Prompt, flat(prompt)?);
                self.texts([(Part::PosResp, chosen), (Part::NegResp, rejected)]);
            }
            Shape::AlpacaRanking => {
                self.alpaca(prompt)?;
                self.texts([(Part::Chosen, chosen), (Part::Rejected, rejected)]);
            }
            Shape::SharegptRanking | Shape::OpenaiRanking => {
                self.flat_turns(&turns_of(prompt), Role::User)?;
                for (part, text) in [(Part::Chosen, chosen), (Part::Rejected, rejected)] {
                    let turn = Message::new(Role::Assistant, text.as_str());
                    let turn = flat_turn(&turn, &self.layout.tags, &mut self.lost)?;
                    self.set(part, turn);
                }
            }
            _ => {
                self.prose(prompt)?;
                for (part, text) in [(Part::Chosen, chosen), (Part::Rejected, rejected)] {
                    let side = self.side(prompt, text)?;
                    self.set(part, side);
                }
            }
        }
        if let Some(margin) = pair.margin {
            self.set(Part::Margin, margin);
        }
        Ok(())
    }

    fn texts(&mut self, sides: [(Part, &String); 2]) {
        for (part, text) in sides {
            self.set(part, text.as_str());
        }
    }

    /// A prompt as TRL has it: a text or turns.
    fn prose(&mut self, prompt: &Prompt) -> Result<(), RowFault> {
        let value = match prompt {
            Prompt::Text(text) => json!(text),
            Prompt::Messages(turns) => self.rich_turns(turns)?,
        };
        self.set(Part::Prompt, value);
        Ok(())
    }

    /// A completion in the form of its prompt.
    fn side(&self, prompt: &Prompt, completion: &str) -> Result<Value, RowFault> {
        match prompt {
            Prompt::Text(_) => Ok(json!(completion)),
            Prompt::Messages(_) => self.rich_turns(&[Message::new(Role::Assistant, completion)]),
        }
    }

    /// Turns with all that chat templates read.
    fn rich_turns(&self, turns: &[Message]) -> Result<Value, RowFault> {
        let tags = &self.layout.tags;
        let turn = |message: &Message| {
            let plain = Message::new(message.role, message.content.as_str());
            let mut turn = flat_turn(&plain, tags, &mut Vec::new())?;
            if let Some(reasoning) = &message.reasoning_content {
                turn["reasoning_content"] = json!(reasoning);
            }
            if !message.tool_calls.is_empty() {
                turn["tool_calls"] = json!(message.tool_calls);
            }
            Ok(turn)
        };
        turns.iter().map(turn).collect::<Result<Vec<_>, _>>().map(Value::Array)
    }

    /// Turns as LLaMA-Factory reads them.
    fn flat_turns(&mut self, turns: &[Message], last: Role) -> Result<(), RowFault> {
        require_turns(turns, last)?;
        let tags = &self.layout.tags;
        let turns = turns.iter().map(|turn| flat_turn(turn, tags, &mut self.lost));
        let turns = turns.collect::<Result<Vec<_>, _>>()?;
        self.set(Part::Messages, turns);
        Ok(())
    }

    /// The instruction and the input of an alpaca row, which are one text to whoever reads it.
    fn fields_of<'t>(&mut self, query: &'t str) -> (&'t str, &'t str) {
        let border = self.border.filter(|_| self.layout.columns.contains_key(&Part::Query));
        let fields = border.and_then(|border| query.split_at_checked(border));
        let fields = fields.and_then(|(before, input)| Some((before.strip_suffix('\n')?, input)));
        if fields.is_some() {
            self.border = None;
        }
        fields.unwrap_or((query, ""))
    }

    /// The prompt of an alpaca row.
    fn alpaca(&mut self, prompt: &Prompt) -> Result<(), RowFault> {
        let turns = turns_of(prompt);
        require_turns(&turns, Role::User)?;
        if turns.iter().any(|turn| !turn.is_plain()) {
            return Err(RowFault::NotPlain { field: Part::Prompt.name() });
        }
        let (system, turns) = split_system(&turns);
        let (query, history) =
            turns.split_last().ok_or_else(|| RowFault::Empty { field: Part::Prompt.name() })?;
        let (instruction, input) = self.fields_of(&query.content);
        self.set(Part::Prompt, instruction);
        if self.layout.columns.contains_key(&Part::Query) {
            self.set(Part::Query, input);
        }
        if let Some(system) = system {
            self.set(Part::System, system.content.as_str());
        }
        if !history.is_empty() {
            let pairs = history.chunks(2);
            let pairs = pairs.map(|pair| pair.iter().map(|turn| turn.content.as_str()));
            let pairs: Vec<Vec<&str>> = pairs.map(Iterator::collect).collect();
            self.set(Part::History, json!(pairs));
        }
        Ok(())
    }

    fn exercise(&mut self, exercise: &Exercise) -> Result<(), RowFault> {
        let solution = exercise.solution.as_deref().unwrap_or_default();
        let answer = exercise.answer.as_deref();
        let field = || Part::Solution.name();
        let need = || {
            answer.ok_or_else(|| RowFault::NoAnswer { field: field(), mark: "#### or \\boxed{}" })
        };
        match self.layout.shape() {
            Shape::Gsm8k => {
                let answer = need()?;
                self.set(Part::Question, exercise.question.as_str());
                self.set(Part::Answer, with_hashes(without_own_box(solution, answer), answer));
            }
            Shape::Math => {
                let boxed = with_box(solution, need()?);
                if boxed != solution {
                    self.lost.push("the border between solution and answer".to_owned());
                }
                self.set(Part::Problem, exercise.question.as_str());
                self.set(Part::Solution, boxed);
            }
            Shape::Solution => {
                let solution = exercise.solution.as_deref();
                let missing = || RowFault::missing(Part::Solution.name(), []);
                self.set(Part::Problem, exercise.question.as_str());
                self.set(Part::Solution, solution.ok_or_else(missing)?);
                // The shape has no column for it.
                if let Some(answer) = answer {
                    self.set(Part::Answer, answer);
                }
            }
            _ => {
                self.set(Part::Question, exercise.question.as_str());
                if let Some(solution) = &exercise.solution {
                    self.set(Part::Solution, solution.as_str());
                }
                self.set(Part::Answer, need()?);
            }
        }
        Ok(())
    }
}

/// The text of a prompt of one text, which may be what the user says in one turn.
fn flat(prompt: &Prompt) -> Result<&str, RowFault> {
    match prompt {
        Prompt::Text(text) => Ok(text),
        Prompt::Messages(turns) => only_turn(turns).map(|turn| turn.content.as_str()),
    }
}

/// The turns of a prompt; a text is what the user says.
fn turns_of(prompt: &Prompt) -> Vec<Message> {
    match prompt {
        Prompt::Text(text) => vec![Message::new(Role::User, text.as_str())],
        Prompt::Messages(turns) => turns.clone(),
    }
}

fn split_system(turns: &[Message]) -> (Option<&Message>, &[Message]) {
    match turns.split_first() {
        Some((first, rest)) if first.role == Role::System => (Some(first), rest),
        _ => (None, turns),
    }
}

/// LLaMA-Factory skips rows in which user (or tool) and assistant do not take turns, or which end with the wrong one.
fn require_turns(turns: &[Message], last: Role) -> Result<(), RowFault> {
    let (_, turns) = split_system(turns);
    let ends = if last == Role::User { "the user" } else { "the assistant" };
    for (index, turn) in turns.iter().enumerate() {
        let is_answer = turn.role == Role::Assistant;
        let fits = turn.role != Role::System && is_answer == (index % 2 == 1);
        if !fits {
            return Err(RowFault::Alternation { ends, turn: index + 1, role: turn.role.as_str() });
        }
    }
    let num_odd = usize::from(last == Role::User);
    match turns.last() {
        Some(turn) if turns.len() % 2 != num_odd => {
            Err(RowFault::Alternation { ends, turn: turns.len(), role: turn.role.as_str() })
        }
        Some(_) => Ok(()),
        None => Err(RowFault::Empty { field: Part::Messages.name() }),
    }
}
