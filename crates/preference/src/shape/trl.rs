//! Rows as TRL 1.16 reads them: explicit or implicit prompts, texts or conversations.

use forethought_schema::{Message, PreferencePair, Prompt, Role, UnpairedPreference};
use serde_json::{Value, json};

use super::field::{Row, completion, field, flag, messages, optional_number, text, wrong};
use crate::RowFault;

pub(super) fn read_pair(row: &Row) -> Result<PreferencePair, RowFault> {
    let [chosen, rejected] = [field(row, "chosen")?, field(row, "rejected")?];
    let is_implicit = row.get("prompt").is_none_or(Value::is_null);
    let (prompt, [chosen, rejected]) = match (chosen, rejected) {
        (Value::String(chosen), Value::String(rejected)) if is_implicit => {
            let (prompt, completions) = split_texts(chosen, rejected);
            (Prompt::Text(prompt), completions)
        }
        (Value::String(chosen), Value::String(rejected)) => {
            (Prompt::Text(text(row, "prompt")?), [chosen.clone(), rejected.clone()])
        }
        (chosen, rejected) => {
            let [chosen, rejected] = [messages("chosen", chosen)?, messages("rejected", rejected)?];
            let num_shared = if is_implicit { num_shared_turns(&chosen, &rejected) } else { 0 };
            let completions = [
                completion("chosen", &chosen[num_shared..])?,
                completion("rejected", &rejected[num_shared..])?,
            ];
            let prompt = if is_implicit {
                chosen[..num_shared].to_vec()
            } else {
                messages("prompt", field(row, "prompt")?)?
            };
            (Prompt::Messages(prompt), completions)
        }
    };
    Ok(PreferencePair { prompt, chosen, rejected, margin: optional_number(row, "margin")? })
}

pub(super) fn write_pair(pair: &PreferencePair) -> Value {
    json!({
        "prompt": pair.prompt,
        "chosen": answer(&pair.prompt, &pair.chosen),
        "rejected": answer(&pair.prompt, &pair.rejected),
    })
}

pub(super) fn read_unpaired(row: &Row) -> Result<UnpairedPreference, RowFault> {
    let (prompt, completion) = match field(row, "completion")? {
        Value::String(completion) => (Prompt::Text(text(row, "prompt")?), completion.clone()),
        value @ Value::Array(_) => {
            let prompt = messages("prompt", field(row, "prompt")?)?;
            (Prompt::Messages(prompt), completion("completion", &messages("completion", value)?)?)
        }
        value => return Err(wrong("completion", "a text or a list of messages", value)),
    };
    Ok(UnpairedPreference { prompt, completion, label: flag(row, "label")? })
}

pub(super) fn write_unpaired(unpaired: &UnpairedPreference) -> Value {
    json!({
        "prompt": unpaired.prompt,
        "completion": answer(&unpaired.prompt, &unpaired.completion),
        "label": unpaired.label,
    })
}

/// A completion in the form of its prompt.
fn answer(prompt: &Prompt, completion: &str) -> Value {
    match prompt {
        Prompt::Text(_) => json!(completion),
        Prompt::Messages(_) => json!([Message::new(Role::Assistant, completion)]),
    }
}

/// The common beginning of two texts, and what follows it in each. A space before the difference goes to the completions,
/// and where one text begins with the whole other, its last character does, so that no completion is empty.
fn split_texts(chosen: &str, rejected: &str) -> (String, [String; 2]) {
    let starts: Vec<usize> = chosen.char_indices().map(|(start, _)| start).collect();
    let num_equal = chosen.chars().zip(rejected.chars()).take_while(|(c, r)| c == r).count();
    let num_characters = num_equal.min(starts.len().min(rejected.chars().count()).max(1) - 1);
    let mut end = starts.get(num_characters).copied().unwrap_or(chosen.len());
    if num_characters == num_equal && chosen[..end].ends_with(' ') {
        end -= 1;
    }
    (chosen[..end].to_owned(), [chosen[end..].to_owned(), rejected[end..].to_owned()])
}

/// How many turns two conversations begin with in common; where one begins with the whole other, all but its last.
fn num_shared_turns(chosen: &[Message], rejected: &[Message]) -> usize {
    let num_equal = chosen.iter().zip(rejected).take_while(|(c, r)| c == r).count();
    num_equal.min(chosen.len().min(rejected.len()).max(1) - 1)
}
