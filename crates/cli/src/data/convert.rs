//! `forethought data convert`: rows of any shape in another.

mod output;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use forethought_dataset::{Examples, MixConfig, Mixing, find_files, mix};
use forethought_pipeline::{Console, Document, PipelineError};
use forethought_preference::{Layout, PromptForm, RowFault, Shape, with_prompt_form};
use forethought_seed::Seed;
use serde_json::{Map, Value};

use super::failed;
use super::sources::{Sources, shape};
use crate::commands::Failure;

/// Writes the rows of files in another shape.
///
/// What a row holds becomes what the shape holds: a pair its chosen completion, or both with their labels; labelled
/// completions of one prompt a pair; an exercise its question and solution. Fields that no shape names keep their place.
/// The ledger on standard error says of every row what became of it, and of every field that is lost in how many rows.
///
/// For the shapes of LLaMA-Factory an entry is written into the `dataset_info.json` beside the output.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Convert {
    #[command(flatten)]
    sources: Sources,
    /// The shape to write
    #[arg(long, value_parser = shape)]
    to: Shape,
    /// Where the rows go: .jsonl, .json or .parquet; - is standard output, one object a line
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// The form of prompts: as they are, turns, or texts
    #[arg(long, value_enum, default_value_t = Form::AsIs)]
    prompts: Form,
    /// Draws the rows and the order of a mix
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// The name in `dataset_info.json` [default: the output's, without its extension]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// The form of prompts.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    AsIs,
    Conversational,
    Standard,
}

const EXAMPLES: &str = "\
Examples:
  forethought data convert CValues.jsonl --to preference --prompts conversational --output pairs.jsonl
      Pairs as TRL's DPO trainer reads them, with the chat template applied by it.

  forethought data convert pairs.parquet --to alpaca_ranking --output data/pairs.json
      Pairs as LLaMA-Factory reads them, with an entry `pairs` in data/dataset_info.json.

  forethought data convert data/dataset_info.json --dataset alpaca_zh_demo --to messages --output chats.jsonl
      A data set of LLaMA-Factory as conversations.

  forethought data convert gsm8k.jsonl --where 'length(question) < 200' --to prompt_completion --output short.jsonl
      Some of the problems, solved.

  forethought data convert --mix mix.yaml --seed 7 --to prompt_completion --output mixed.jsonl
      Several sources in proportions, without duplicates: sources: [{path: a.jsonl, weight: 2}, {path: b.jsonl,
      weight: 1}], deduplicate: {near: {threshold: 0.8}}, order: interleave.

Shapes: text, messages, prompt, prompt_completion, preference, unpaired (TRL); alpaca, alpaca_ranking, alpaca_kto,
sharegpt, sharegpt_ranking, sharegpt_kto, openai, openai_ranking, openai_kto (LLaMA-Factory); cvalues, triple,
instruction_response, gsm8k, math, exercise.

Exit codes: 0 done, 1 failed, 2 bad usage or config.";

/// `forethought data convert`
pub(crate) fn run(arguments: &Convert) -> Result<ExitCode, Failure> {
    let config = arguments.config()?;
    arguments.spare_inputs(&config)?;
    let layout = Layout::usual(arguments.to);
    let seed = Seed::new(arguments.seed);
    let mixing = Mixing { stage: "convert", kind: Some(layout.kind()), kept_as: None, seed };
    let mut examples = mix(&config, mixing).map_err(failed)?;
    let rows = arguments.write(&mut examples, &layout);
    examples.ledger.check().map_err(failed)?;
    let table = examples.ledger.to_table();
    for fault in examples.faults.iter().take(SHOWN_FAULTS) {
        Console::Stderr.line(format!("  {}, row {}: {}", fault.file, fault.row, fault.message));
    }
    if examples.faults.len() > SHOWN_FAULTS {
        let more = examples.faults.len() - SHOWN_FAULTS;
        Console::Stderr.line(format!("  and {more} more rows that cannot be read or written"));
    }
    Console::Stderr.line(&table);
    if rows.is_empty() {
        return Err(Failure::Disagreement("no row is left to write".to_owned()));
    }
    output::write(&arguments.output, &rows)?;
    if arguments.to.is_llama_factory() && arguments.output.as_os_str() != "-" {
        let index = output::index(&arguments.output, arguments.name.as_deref(), &layout, &rows)?;
        Console::Stderr.line(index);
    }
    Ok(ExitCode::SUCCESS)
}

/// Faulty rows that are shown one by one; the ledger counts all.
const SHOWN_FAULTS: usize = 10;

impl Convert {
    fn config(&self) -> Result<MixConfig, Failure> {
        match &self.sources.mix {
            None => Ok(MixConfig::of(vec![self.sources.source()?])),
            Some(path) => {
                let document = Document::read(path, &[]).map_err(PipelineError::from)?;
                Ok(document.to_config::<MixConfig>().map_err(PipelineError::from)?)
            }
        }
    }

    /// Refuses to write over what is read.
    fn spare_inputs(&self, config: &MixConfig) -> Result<(), Failure> {
        let Ok(output) = self.output.canonicalize() else { return Ok(()) };
        for source in &config.sources {
            for file in find_files(source).map_err(failed)? {
                if file.path.canonicalize().is_ok_and(|input| input == output) {
                    let path = output.display();
                    return Err(Failure::Usage(format!("--output {path} is one of the inputs")));
                }
            }
        }
        Ok(())
    }

    /// The rows in their shape. A row of which anything cannot be written is dropped as a whole, and booked so.
    fn write(&self, examples: &mut Examples, layout: &Layout) -> Vec<Map<String, Value>> {
        let mut written = Vec::new();
        let mut refused: BTreeMap<(Arc<str>, u64), RowFault> = BTreeMap::new();
        let mut lost: Vec<(Arc<str>, u64, BTreeSet<String>)> = Vec::new();
        for row in std::mem::take(&mut examples.rows) {
            let place = (row.file.clone(), row.row);
            let example = match self.prompts {
                Form::AsIs => Ok(row.example),
                Form::Conversational => with_prompt_form(row.example, PromptForm::Conversational),
                Form::Standard => with_prompt_form(row.example, PromptForm::Standard),
            };
            match example.and_then(|example| layout.write(&example)) {
                Ok(one) => {
                    lost.push((place.0.clone(), place.1, one.lost));
                    written.push((place, one.row));
                }
                Err(fault) => {
                    refused.entry(place).or_insert(fault);
                }
            }
        }
        for ((file, row), fault) in &refused {
            examples.refuse(file, *row, fault);
        }
        for (file, row, names) in lost {
            if !refused.contains_key(&(file.clone(), row)) {
                examples.note_lost(&file, row, &names);
            }
        }
        let rows = written.into_iter().filter(|(place, _)| !refused.contains_key(place));
        rows.map(|(_, row)| row).collect()
    }
}
