//! Rows as LLaMA-Factory reads them: alpaca and sharegpt.

use forethought_schema::{Instruction, Message, PreferencePair, Prompt, Role, UnpairedPreference};
use serde_json::{Value, json};

use super::field::{Row, completion, field, flag, message, messages, text};
use crate::RowFault;

pub(super) fn read_pair(row: &Row) -> Result<PreferencePair, RowFault> {
    let (prompt, chosen, rejected) = match conversation(row) {
        Some((name, turns)) => {
            let side = |field_name| {
                let turn = message(field_name, field(row, field_name)?)?;
                completion(field_name, &[turn])
            };
            (Prompt::Messages(messages(name, turns)?), side("chosen")?, side("rejected")?)
        }
        None => (instruction(row)?, text(row, "chosen")?, text(row, "rejected")?),
    };
    Ok(PreferencePair { prompt, chosen, rejected, margin: None })
}

pub(super) fn write_pair(pair: &PreferencePair) -> Value {
    match &pair.prompt {
        Prompt::Text(prompt) => json!({
            "instruction": prompt,
            "input": "",
            "chosen": pair.chosen,
            "rejected": pair.rejected,
        }),
        Prompt::Messages(turns) => json!({
            "conversations": turns.iter().map(sharegpt).collect::<Vec<_>>(),
            "chosen": {"from": "gpt", "value": pair.chosen},
            "rejected": {"from": "gpt", "value": pair.rejected},
        }),
    }
}

pub(super) fn read_unpaired(row: &Row) -> Result<UnpairedPreference, RowFault> {
    let (prompt, answer) = match conversation(row) {
        Some((name, turns)) => {
            let turns = messages(name, turns)?;
            let (prompt, last) = turns.split_at(turns.len().max(1) - 1);
            (Prompt::Messages(prompt.to_vec()), completion(name, last)?)
        }
        None => (instruction(row)?, text(row, "output")?),
    };
    let label = if row.contains_key("label") { "label" } else { "kto_tag" };
    Ok(UnpairedPreference { prompt, completion: answer, label: flag(row, label)? })
}

pub(super) fn write_unpaired(unpaired: &UnpairedPreference) -> Value {
    match &unpaired.prompt {
        Prompt::Text(prompt) => json!({
            "instruction": prompt,
            "input": "",
            "output": unpaired.completion,
            "kto_tag": unpaired.label,
        }),
        Prompt::Messages(turns) => {
            let answer = Message::new(Role::Assistant, unpaired.completion.clone());
            let turns: Vec<&Message> = turns.iter().chain([&answer]).collect();
            json!({"messages": turns, "kto_tag": unpaired.label})
        }
    }
}

/// The conversation of a row, if it has one, and the name of its field.
fn conversation(row: &Row) -> Option<(&'static str, &Value)> {
    ["conversations", "messages"].into_iter().find_map(|name| Some((name, row.get(name)?)))
}

fn instruction(row: &Row) -> Result<Prompt, RowFault> {
    let input = if row.get("input").is_none_or(Value::is_null) {
        String::new()
    } else {
        text(row, "input")?
    };
    let instruction = text(row, "instruction")?;
    Ok(Prompt::Text(Instruction { instruction, input, output: String::new() }.prompt()))
}

/// A turn under sharegpt's names.
fn sharegpt(turn: &Message) -> Value {
    let from = match turn.role {
        Role::System => "system",
        Role::User => "human",
        Role::Assistant => "gpt",
        Role::Tool => "observation",
    };
    json!({"from": from, "value": turn.content})
}
