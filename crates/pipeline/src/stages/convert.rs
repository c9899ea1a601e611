//! Convert: questions and classes into the examples that training reads.

use std::fs;
use std::path::PathBuf;

use forethought_dataset::Ledger;
use forethought_evaluate::Quantity;
use forethought_reward::{Field, Fields};
use forethought_schema::{Instruction, LabelledQuestion, PromptCompletion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{LineReader, LineWriter, write_array, write_json};

/// Settings of the convert stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvertStage {
    /// A text file with the instruction that stands before each question.
    pub prompt: PathBuf,
}

/// The two sides of the split.
pub(crate) const SPLITS: [&str; 2] = ["train", "validation"];

impl ConvertStage {
    /// Writes, for both sides, `SPLIT.jsonl` (prompt-completion, as TRL reads it), `SPLIT.columns.jsonl` (what rewards
    /// compare with), and `SPLIT.alpaca.json` with one `dataset_info.json` (as LLaMA-Factory reads them); and the ledger.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let path = &self.prompt;
        let prompt = fs::read_to_string(path).map_err(PipelineError::io(path))?;
        let prompt = prompt.trim();
        if prompt.is_empty() {
            let message = format!("{} is empty; write the instruction into it", path.display());
            return Err(PipelineError::stage("convert", message));
        }
        let mut ledger = Ledger::new(context.name);
        for split in SPLITS {
            write_split(context, (split, prompt), &mut ledger)?;
        }
        write_json(
            &context.staging.join("dataset_info.json"),
            &dataset_info(context.config.target().quantity),
        )?;
        context.book(&ledger)?;
        Ok(Done::Finished)
    }
}

/// Reads a side of the split once, and writes its three files row by row. Every row is kept.
fn write_split(
    context: &Context<'_>,
    (split, prompt): (&str, &str),
    ledger: &mut Ledger,
) -> Result<(), PipelineError> {
    let rows = LineReader::<LabelledQuestion>::open(&context.split(&format!("{split}.jsonl")))?;
    let mut examples = LineWriter::create(&context.staging.join(format!("{split}.jsonl")))?;
    let mut beside = LineWriter::create(&context.staging.join(columns_file(split)))?;
    let alpaca = rows.map(|row| {
        let row = row?;
        let example = instruction(prompt, &row);
        examples.write(&prompt_completion(&example))?;
        beside.write(&columns(&row))?;
        let entry = ledger.entry(&row.file);
        entry.count_read(1);
        entry.keep(split);
        Ok(example)
    });
    write_array(&context.staging.join(format!("{split}.alpaca.json")), alpaca)?;
    examples.finish()?;
    beside.finish()
}

/// The file beside the examples of a split that holds, row by row, what else is known: what rewards compare with.
pub(crate) fn columns_file(split: &str) -> String {
    format!("{split}.columns.jsonl")
}

/// The true class, and what is asked without the instruction.
fn columns(labelled: &LabelledQuestion) -> Fields {
    Fields::from([
        ("label".to_owned(), Field::from(labelled.class)),
        ("prompt".to_owned(), Field::from(labelled.question.as_str())),
    ])
}

fn instruction(prompt: &str, labelled: &LabelledQuestion) -> Instruction {
    Instruction {
        instruction: prompt.to_owned(),
        input: labelled.question.clone(),
        output: labelled.class.to_string(),
    }
}

fn prompt_completion(example: &Instruction) -> PromptCompletion {
    PromptCompletion {
        prompt: example.prompt().as_str().into(),
        completion: example.output.clone(),
    }
}

/// The index that LLaMA-Factory looks its datasets up in; the columns are its defaults for the alpaca form.
fn dataset_info(quantity: Quantity) -> serde_json::Value {
    let task = match quantity {
        Quantity::ThinkingTokens => "think",
        Quantity::Steps => "step",
    };
    let entry = |split: &str| {
        json!({
            "file_name": format!("{split}.alpaca.json"),
            "columns": {"prompt": "instruction", "query": "input", "response": "output"},
        })
    };
    json!({format!("{task}_train"): entry("train"), format!("{task}_validation"): entry("validation")})
}
