//! The shapes in which other programs keep preferences, and rows of them into records and back.

mod field;
mod llama_factory;
mod trl;

use forethought_schema::{PreferencePair, Prompt, UnpairedPreference};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::RowFault;
use field::{object, optional_number, text};

/// A shape of pairs. Fields that a shape does not name are passed over when reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairShape {
    /// `question`, `chosen`, `rejected`: texts.
    Triple,
    /// `prompt`, `pos_resp`, `neg_resp`: texts, as in `CValues-Comparison`.
    #[serde(rename = "cvalues")]
    CValues,
    /// TRL's preference rows: `prompt`, `chosen`, `rejected`, as texts or lists of messages, with or without the prompt, and
    /// perhaps a `margin`.
    Trl,
    /// LLaMA-Factory's ranking rows: `instruction`, `input`, `chosen`, `rejected`, or `conversations` with `chosen` and
    /// `rejected` turns.
    LlamaFactory,
}

/// A shape of single labelled completions. Fields that a shape does not name are passed over when reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnpairedShape {
    /// TRL's rows: `prompt`, `completion`, as texts or lists of messages, and `label`.
    Trl,
    /// LLaMA-Factory's rows: `instruction`, `input`, `output`, or `messages` (or `conversations`) with the answer as their
    /// last turn; and `kto_tag` (or `label`).
    LlamaFactory,
}

impl PairShape {
    /// The pair of a row.
    ///
    /// # Errors
    ///
    /// If a field is missing or of another kind, if a completion is empty, or if both are equal.
    pub fn read(self, row: &Value) -> Result<PreferencePair, RowFault> {
        let row = object(row)?;
        let pair = match self {
            Self::Triple => PreferencePair {
                prompt: Prompt::Text(text(row, "question")?),
                chosen: text(row, "chosen")?,
                rejected: text(row, "rejected")?,
                margin: optional_number(row, "margin")?,
            },
            Self::CValues => PreferencePair {
                prompt: Prompt::Text(text(row, "prompt")?),
                chosen: text(row, "pos_resp")?,
                rejected: text(row, "neg_resp")?,
                margin: None,
            },
            Self::Trl => trl::read_pair(row)?,
            Self::LlamaFactory => llama_factory::read_pair(row)?,
        };
        for (field, completion) in [("chosen", &pair.chosen), ("rejected", &pair.rejected)] {
            require_some(field, completion)?;
        }
        if pair.chosen == pair.rejected {
            return Err(RowFault::Equal);
        }
        Ok(pair)
    }

    /// The row of a pair.
    ///
    /// # Errors
    ///
    /// If the prompt is a conversation and the shape holds texts alone.
    pub fn write(self, pair: &PreferencePair) -> Result<Value, RowFault> {
        let mut row = match self {
            Self::Triple => json!({
                "question": flat(&pair.prompt)?,
                "chosen": pair.chosen,
                "rejected": pair.rejected,
            }),
            Self::CValues => json!({
                "prompt": flat(&pair.prompt)?,
                "pos_resp": pair.chosen,
                "neg_resp": pair.rejected,
            }),
            Self::Trl => trl::write_pair(pair),
            Self::LlamaFactory => llama_factory::write_pair(pair),
        };
        if let (Some(margin), Self::Triple | Self::Trl) = (pair.margin, self) {
            row["margin"] = json!(margin);
        }
        Ok(row)
    }
}

impl UnpairedShape {
    /// The labelled completion of a row.
    ///
    /// # Errors
    ///
    /// If a field is missing or of another kind, or if the completion is empty.
    pub fn read(self, row: &Value) -> Result<UnpairedPreference, RowFault> {
        let row = object(row)?;
        let unpaired = match self {
            Self::Trl => trl::read_unpaired(row)?,
            Self::LlamaFactory => llama_factory::read_unpaired(row)?,
        };
        require_some("completion", &unpaired.completion)?;
        Ok(unpaired)
    }

    /// The row of a labelled completion.
    #[must_use]
    pub fn write(self, unpaired: &UnpairedPreference) -> Value {
        match self {
            Self::Trl => trl::write_unpaired(unpaired),
            Self::LlamaFactory => llama_factory::write_unpaired(unpaired),
        }
    }
}

fn require_some(field: &'static str, completion: &str) -> Result<(), RowFault> {
    if completion.trim().is_empty() { Err(RowFault::Empty { field }) } else { Ok(()) }
}

/// The prompt of a shape that holds one text.
fn flat(prompt: &Prompt) -> Result<&str, RowFault> {
    match prompt {
        Prompt::Text(text) => Ok(text),
        Prompt::Messages(messages) => Err(RowFault::Conversation { num_turns: messages.len() }),
    }
}
