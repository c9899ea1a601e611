//! `forethought data inspect`: what files hold.

mod facts;
mod show;

use std::borrow::Cow;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use forethought_dataset::{
    DatasetError, ExampleRow, Examples, FileLayout, NearDuplicates, read_examples,
};
use forethought_pipeline::PipelineError;
use forethought_preference::convert;
use forethought_schema::{Example, RecordKind};
use forethought_tokenize::{Encoder, Ending};

use super::marked::{Colour, Marks};
use super::sources::Sources;
use crate::commands::{Failure, print};
use crate::examine::first_contact;
use crate::model_folder::model_dir;
use facts::{FileFacts, Lengths};

/// Says what files hold.
///
/// Of each file: its shape, why it is that one and what else it could be, its columns, how many rows are faulty, how many
/// say what another one says, labels, and sample rows. With a tokenizer also how long the rows are in tokens, and the
/// samples as the chat template renders them, with what is learnt in green (between ⟦ and ⟧ where there are no colours).
#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Inspect {
    #[command(flatten)]
    sources: Sources,
    /// A folder with a tokenizer and a chat template, or owner/name@revision on the hub
    #[arg(long, value_name = "DIR", value_parser = model_dir)]
    tokenizer: Option<PathBuf>,
    /// Sample rows to show of each file
    #[arg(long, value_name = "N", default_value_t = 2)]
    rows: usize,
    /// From which share of common sequences of five characters on rows are nearly the same
    #[arg(long, value_name = "SHARE", default_value_t = 0.8, value_parser = share)]
    near: f64,
    /// When to use colours
    #[arg(long, value_enum, default_value_t)]
    colour: Colour,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  forethought data inspect preference/*.jsonl
      Shape, columns, labels, duplicates and two rows of each file.

  forethought data inspect chats.jsonl --tokenizer models/qwen --rows 1
      How long conversations are, and one of them as the model reads it, with what is learnt of it marked.

  forethought data inspect data/dataset_info.json --dataset dpo_zh_demo
      A data set of LLaMA-Factory, as its index describes it.

  forethought data inspect steps.parquet --shape prompt_completion --column prompt=question --column completion=answer
      A file whose columns tell no shape.

  forethought data inspect --mix mix.yaml --rows 0
      Every source of a mix, before anything is drawn from them.

  forethought data inspect kto.parquet --json | jq '.files[].labels'
      The same as JSON.

Exit codes: 0 done, 1 failed, 2 bad usage or config.";

/// `forethought data inspect`
pub(crate) fn run(arguments: &Inspect) -> Result<ExitCode, Failure> {
    let encoder = arguments.tokenizer.as_ref().map(Encoder::open).transpose();
    let encoder = encoder.map_err(PipelineError::from)?;
    let described = arguments.sources.read()?;
    let examples = read_examples("inspect", &described.mix.sources, &first_contact()?);
    let mut examples = described.placed(examples.map_err(Failure::from))?;
    if examples.layouts.is_empty() || examples.ledger.read() == 0 {
        let table = examples.ledger.to_table();
        return Err(DatasetError::NothingLeft { record: "row", table }.into());
    }
    let files = arguments.files(&mut examples, encoder.as_ref())?;
    let Examples { mut rows, mut ledger, .. } = examples;
    rows.for_each(|row| {
        ledger.entry(&row.file).keep(row.example.record.kind().as_str());
        Ok::<_, Failure>(())
    })?;
    ledger.check()?;
    if arguments.json {
        let json = serde_json::json!({"files": files, "ledger": ledger});
        let text = serde_json::to_string_pretty(&json);
        print(&text.map_err(|error| Failure::Io("-".into(), error.into()))?)?;
    } else {
        let text: Vec<String> = files.iter().map(show::file).collect();
        print(&format!("{}\n{}", text.join("\n"), ledger.to_table()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    let is_in_range = 0.0 < share && share <= 1.0;
    is_in_range.then_some(share).ok_or_else(|| format!("must be above 0 and at most 1, got {text}"))
}

impl Inspect {
    fn files(
        &self,
        examples: &mut Examples,
        encoder: Option<&Encoder>,
    ) -> Result<Vec<FileFacts>, Failure> {
        let marks = self.colour.marks();
        let layouts = std::mem::take(&mut examples.layouts);
        let facts = |layout: &FileLayout| {
            let is_of_file = |index: &usize| *examples.rows.place(*index).0 == layout.file;
            let places: Vec<usize> = (0..examples.rows.len()).filter(is_of_file).collect();
            let mut facts = FileFacts::of(examples, layout, &places, &self.near_duplicates())?;
            if let Some(encoder) = encoder {
                facts.lengths = Some(Lengths::of(&mut examples.rows, &places, encoder)?);
            }
            for place in sampled(&places, self.rows) {
                let row = examples.rows.get(place)?;
                let text = match encoder {
                    Some(encoder) => rendered(&row, encoder, marks)?,
                    None => show::record(&row.example, marks),
                };
                facts.samples.push(facts::Sample { row: row.row, text });
            }
            Ok(facts)
        };
        layouts.iter().map(facts).collect()
    }

    fn near_duplicates(&self) -> NearDuplicates {
        NearDuplicates { threshold: self.near, ..NearDuplicates::default() }
    }
}

/// Places from the start, the end, and evenly between.
fn sampled(places: &[usize], number: usize) -> Vec<usize> {
    let number = number.min(places.len());
    let last = places.len().saturating_sub(1);
    (0..number).map(|index| places[index * last / (number - 1).max(1)]).collect()
}

/// An example as trainings learn from it: of a problem its solution, behind it.
fn as_learnt(example: &Example) -> Cow<'_, Example> {
    if example.record.kind() != RecordKind::Exercise {
        return Cow::Borrowed(example);
    }
    let made = convert(example.clone(), RecordKind::PromptCompletion);
    let first = made.ok().and_then(|made| made.examples.into_iter().next());
    first.map_or(Cow::Borrowed(example), Cow::Owned)
}

/// What the model reads of a row; a row that the chat template refuses says so.
fn rendered(row: &ExampleRow, encoder: &Encoder, marks: Marks) -> Result<String, Failure> {
    let encoded = match encoder.encode_example(&as_learnt(&row.example), Ending::AtEos) {
        Ok(encoded) => encoded,
        Err(error) => return Ok(format!("cannot be rendered: {error}")),
    };
    let texts = encoded.iter().map(|one| marks.render(encoder, one));
    let texts = texts.collect::<Result<Vec<_>, _>>().map_err(PipelineError::from)?;
    Ok(texts.join("\n-- or --\n"))
}
