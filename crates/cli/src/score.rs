//! `forethought score`: the scores of a reward model.

use std::process::ExitCode;

use clap::Args;
use forethought_model::{DecoderConfig, ScoreModel, pack};
use forethought_pipeline::PipelineError;
use forethought_rollout::{RolloutError, check_given};
use forethought_tokenize::{Encoder, GenerationPrompt};
use serde_json::{Value, json};

use crate::commands::Failure;
use crate::model_folder::ModelFolder;
use crate::prompts::rendered;
use crate::rows::{Item, Row, RowError, RowFiles, RowWork, numbers};

/// Scores texts, or pairs of completions, with a reward model.
///
/// A row has `text`, which is scored as it stands, and gets `score`; or it has `chosen` and `rejected`, and mostly the
/// `prompt` of both, and gets `chosen_score` and `rejected_score`. Where prompt or completions are lists of messages, the
/// chat template renders all of them (a completion of plain text is the assistant's message); else a completion is put
/// behind its prompt and ended with the tokenizer's ending token, as TRL trains reward models. Scores are the raw
/// numbers after the last token: the difference of two is the log-odds that the one is preferred.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Score {
    #[command(flatten)]
    model: ModelFolder,
    #[command(flatten)]
    files: RowFiles,
}

const EXAMPLES: &str = "\
Examples:
  forethought score models/reward --input pairs.jsonl --output scored.jsonl
      Both completions of every pair.

  echo '{\"text\": \"The sky is blue.\"}' | forethought score models/reward
      One text.

  forethought score models/base --adapter runs/reward --input pairs.jsonl
      With an adapter.

Exit codes: 0 done, 1 failed, 2 bad usage or config.";

/// Rows at a time; each is a forward pass of its own, in which a pair shares its prompt.
const ROWS_PER_CHUNK: usize = 16;

/// What a row asks to score: the field that its number goes into, and the tokens.
type Sequences = Vec<(&'static str, Vec<u32>)>;

/// `forethought score`
pub(crate) fn run(arguments: &Score) -> Result<ExitCode, Failure> {
    let (encoder, config) = arguments.model.describe()?;
    let parse = |row: &Row| {
        let sequences = sequences(row, &encoder, &config)?;
        let fields: Vec<&str> = sequences.iter().map(|(field, _)| *field).collect();
        arguments.files.spare(row, &fields)?;
        Ok(sequences)
    };
    let rows = RowWork::check(&arguments.files, &parse)?;
    let model = arguments.model.load_score_model()?;
    rows.run("scoring", ROWS_PER_CHUNK, &mut |items, progress| {
        for (index, item) in items.iter_mut().enumerate() {
            score(&model, item)?;
            progress(index + 1);
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn score(model: &ScoreModel, item: &mut Item<Sequences>) -> Result<(), Failure> {
    let sequences: Vec<&[u32]> = item.value.iter().map(|(_, ids)| ids.as_slice()).collect();
    let scores = model.score_sequences(&pack(&sequences), None).into_data();
    for ((field, _), score) in item.value.iter().zip(scores.iter::<f32>()) {
        if !score.is_finite() {
            return Err(PipelineError::from(RolloutError::NotFinite).into());
        }
        item.row.set(field, numbers(&[score])[0].take());
    }
    Ok(())
}

/// The sequences of a row, which the model can read.
fn sequences(row: &Row, encoder: &Encoder, config: &DecoderConfig) -> Result<Sequences, RowError> {
    let is_pair = row.value("chosen").is_some() || row.value("rejected").is_some();
    let asked: &[(&str, &'static str)] = match (row.value("text"), is_pair) {
        (Some(_), false) => &[("text", "score")],
        (None, true) => &[("chosen", "chosen_score"), ("rejected", "rejected_score")],
        (Some(_), true) => {
            let reason = "the row has a pair, too, and only one of them can be meant";
            return Err(row.refused("text", reason));
        }
        (None, false) => return Err(row.expected("text", "a text, or chosen and rejected", None)),
    };
    let sequence = |&(field, target): &(&'static str, &'static str)| {
        let text = if is_pair { completed(row, field, encoder)? } else { row.text(field)?.into() };
        let ids = encoder.encode(&text).map_err(|error| row.refused(field, error))?;
        check_given(&ids, config).map_err(|error| row.refused(field, error))?;
        Ok((target, ids))
    };
    asked.iter().map(sequence).collect()
}

/// A completion behind the row's prompt.
fn completed(row: &Row, field: &str, encoder: &Encoder) -> Result<String, RowError> {
    let prompt = row.value("prompt");
    let completion = row.value(field);
    let is_chat = |value: Option<&Value>| value.is_some_and(Value::is_array);
    if is_chat(prompt) || is_chat(completion) {
        let messages = [prompt, completion].map(|part| part.map(messages).unwrap_or_default());
        if messages[1].is_empty() {
            return Err(row.expected(field, "a string or a list of messages", completion));
        }
        let messages = Value::from(messages.concat());
        return rendered(row, field, &messages, encoder, GenerationPrompt::Omit);
    }
    let prompt = if prompt.is_some() { row.text("prompt")? } else { "" };
    let end = encoder.eos_token().map_err(|error| row.refused(field, error))?;
    let completion = row.text(field)?;
    Ok(format!("{prompt}{}{end}", completion.strip_suffix(&end).unwrap_or(completion)))
}

/// Messages as they are; a text is what the assistant says.
fn messages(part: &Value) -> Vec<Value> {
    match part {
        Value::Array(messages) => messages.clone(),
        Value::String(_) => vec![json!({ "role": "assistant", "content": part })],
        _ => Vec::new(),
    }
}
