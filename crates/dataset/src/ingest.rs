//! Files into thinking traces, with the fate of every row.

use forethought_preference::{Layout, Part, RowFault};
use forethought_schema::{Message, Prompt, PromptCompletion, Record, RecordKind, Role, Trace};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::DatasetError;
use crate::goal::{Goal, Judged, read_goal};
use crate::ledger::Ledger;
use crate::mix::{MixConfig, Reading};
use crate::thinking::{ThinkingNote, split_thinking};

/// What becomes of a trace without `</think>`, whose length is only a lower bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unfinished {
    /// It is dropped and counted: taken as finished it would teach a length that is too short.
    #[default]
    Drop,
    /// It is kept and noted, with `is_finished: false`.
    Keep,
}

/// The traces of some files, and the account of every row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingested {
    /// The traces, in the order of the mix.
    pub traces: Vec<Trace>,
    /// What became of every row; it also holds the errors of broken rows.
    pub ledger: Ledger,
}

/// Reads the traces of all sources.
///
/// A prompt and its completion, a conversation, or a problem with its solution can be a trace. Of a conversation the
/// question is the first turn of the user, and the completion the first turn of the assistant after it. Rows that cannot be
/// read cost no other row: they are in the ledger, each with its error.
///
/// # Errors
///
/// If a setting of the mix is out of its range; if a path names no file, a file is in two sources, cannot be read as its
/// format, has no shape, or holds what no trace can be made of; and if no trace is left.
pub fn read_traces(
    config: &MixConfig,
    unfinished: Unfinished,
    reading: Reading<'_>,
) -> Result<Ingested, DatasetError> {
    let mut traces = Vec::new();
    let ledger = for_each_trace(config, unfinished, reading, |trace| {
        traces.push(trace);
        Ok(())
    })?;
    Ok(Ingested { traces, ledger })
}

/// Hands over the traces of [`read_traces`] one after the other, and returns the account of every row.
///
/// No file is in memory as a whole. Where rows are chosen among all of them (by caps, weights, an order of their own, or because
/// they say the same), they wait on disk.
///
/// # Errors
///
/// As [`read_traces`]; the first bad row, where the mix says so; and the first error of `sink`, after which no row is read.
pub fn for_each_trace(
    config: &MixConfig,
    unfinished: Unfinished,
    reading: Reading<'_>,
    mut sink: impl FnMut(Trace) -> Result<(), DatasetError>,
) -> Result<Ledger, DatasetError> {
    read_goal(&Traces { unfinished }, config, reading, &mut sink)
}

struct Traces {
    unfinished: Unfinished,
}

impl Goal for Traces {
    type Item = Trace;
    const RECORD: &'static str = "trace";
    const KEPT: &'static str = "traces";
    const WANTED: RecordKind = RecordKind::Messages;

    fn takes(&self, kind: RecordKind) -> bool {
        is_answered(kind)
    }

    fn prepared(&self, record: Record, layout: &Layout) -> Result<Record, RowFault> {
        let (question, completion) = exchange(record, layout)?;
        let prompt = Prompt::Text(question);
        Ok(Record::PromptCompletion(PromptCompletion { prompt, completion }))
    }

    fn judge(&self, file: &str, row: u64, record: &Record) -> Judged<Trace> {
        let Record::PromptCompletion(one) = record else { return Err("no_trace") };
        let Prompt::Text(question) = &one.prompt else { return Err("no_trace") };
        let question = question.trim();
        match split_thinking(&one.completion) {
            _ if question.is_empty() => Err("empty_question"),
            None => Err("no_think_tags"),
            Some(thinking) if !thinking.is_finished && self.unfinished == Unfinished::Drop => {
                Err(ThinkingNote::Unfinished.as_str())
            }
            Some(thinking) => {
                let notes = thinking.notes.iter().map(|note| note.as_str()).collect();
                let trace = Trace {
                    file: file.to_owned(),
                    row,
                    question: question.to_owned(),
                    thinking: thinking.text.to_owned(),
                    answer: thinking.answer.to_owned(),
                    is_finished: thinking.is_finished,
                };
                Ok((trace, notes))
            }
        }
    }
}

/// Whether such records say what is asked and what answers it.
pub(crate) fn is_answered(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::PromptCompletion | RecordKind::Messages | RecordKind::Exercise)
}

/// What is asked and what answers it: of a conversation the first turn of the user, and the first turn of the assistant
/// after it.
pub(crate) fn exchange(record: Record, layout: &Layout) -> Result<(String, String), RowFault> {
    match record {
        Record::PromptCompletion(PromptCompletion { prompt, completion }) => match prompt {
            Prompt::Text(text) => Ok((text, completion)),
            Prompt::Messages(mut turns) => {
                turns.push(Message::new(Role::Assistant, completion));
                first_exchange(turns, &field(layout, Part::Prompt))
            }
        },
        Record::Messages(turns) => first_exchange(turns, &field(layout, Part::Messages)),
        Record::Exercise(one) => {
            let missing = || RowFault::Null { field: field(layout, Part::Solution) };
            Ok((one.question, one.solution.ok_or_else(missing)?))
        }
        other => {
            let (from, to) = (other.kind().as_str(), RecordKind::PromptCompletion.as_str());
            Err(RowFault::NoWay { from, to })
        }
    }
}

fn field(layout: &Layout, part: Part) -> String {
    layout.columns().get(&part).cloned().unwrap_or_else(|| part.name())
}

fn first_exchange(turns: Vec<Message>, field: &str) -> Result<(String, String), RowFault> {
    let roles: Vec<&str> = turns.iter().map(|turn| turn.role.as_str()).collect();
    let no_turn = |role: Role| RowFault::NoTurn {
        field: field.to_owned(),
        role: role.as_str(),
        roles: if roles.is_empty() { "none".to_owned() } else { roles.join(", ") },
    };
    let mut turns = turns.into_iter();
    let mut next = |role: Role| turns.find(|turn| turn.role == role).ok_or_else(|| no_turn(role));
    let (question, answer) = (next(Role::User)?, next(Role::Assistant)?);
    let completion = answer.after_reasoning(&answer.content);
    Ok((question.content, completion))
}
