//! `forethought data convert`: rows of any shape in another.

mod output;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use forethought_dataset::{
    DatasetError, MixConfig, Mixed, Mixing, Reading, RowFate, find_files, mix,
};
use forethought_pipeline::Console;
use forethought_preference::{
    Layout, PromptForm, RowFault, Shape, Written, prompt_form, with_prompt_form,
};
use forethought_schema::Example;
use forethought_seed::Seed;

use super::sources::{Sources, shape};
use crate::commands::Failure;
use crate::examine::first_contact;
use output::Index;

/// Writes the rows of files in another shape.
///
/// What a row holds becomes what the shape holds: a pair its chosen completion, or both with their labels; labelled
/// completions of one prompt a pair; an exercise its question and solution. Fields that no shape names keep their place.
/// The ledger on standard error says of every row what became of it, and of every field that is lost in how many rows.
///
/// For the shapes of LLaMA-Factory an entry is written into the `dataset_info.json` beside the output; with --name also for
/// texts, on which it pre-trains. Entries of other files stay.
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
    /// Where the account of every row goes, too: .parquet or .json
    #[arg(long, value_name = "FILE", value_parser = ledger_path)]
    ledger: Option<PathBuf>,
    /// The name in `dataset_info.json` [default: the output's, without its extension]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Replace an entry of that name that is for another file
    #[arg(long)]
    overwrite: bool,
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
instruction_response, gsm8k, math, exercise, solution.

Exit codes: 0 done, 1 failed, 2 bad usage or config.";

/// `forethought data convert`
pub(crate) fn run(arguments: &Convert) -> Result<ExitCode, Failure> {
    let described = arguments.sources.read()?;
    described.placed(arguments.write(&described.mix))
}

/// What has been written.
#[derive(Debug, Default)]
struct WrittenRows {
    columns: BTreeSet<String>,
    /// Rows whose prompt is a text, and rows whose prompt is turns.
    num_standard: u64,
    num_conversational: u64,
}

impl WrittenRows {
    fn add(&mut self, row: &Written, form: Option<PromptForm>) {
        match form {
            Some(PromptForm::Standard) => self.num_standard += 1,
            Some(PromptForm::Conversational) => self.num_conversational += 1,
            None => {}
        }
        for key in row.row.keys() {
            if !self.columns.contains(key) {
                self.columns.insert(key.clone());
            }
        }
    }

    /// What programs that look at the first row would not see.
    fn warning(&self) -> Option<String> {
        let (texts, turns) = (self.num_standard, self.num_conversational);
        (texts > 0 && turns > 0).then(|| {
            format!(
                "prompts of two forms are in one file (texts: {texts}, conversations: {turns}), and programs expect one: \
                 --prompts conversational or --prompts standard gives them one form"
            )
        })
    }
}

fn ledger_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let is_known = path.extension().is_some_and(|one| one == "parquet" || one == "json");
    is_known.then_some(path).ok_or_else(|| "expected .parquet or .json".to_owned())
}

impl Convert {
    /// Says what became of every row.
    fn report(&self, mixed: Mixed) -> Result<(), Failure> {
        let ledger = mixed.finish()?;
        Console::Stderr.line(ledger.to_table());
        self.ledger.as_ref().map_or(Ok(()), |path| output::ledger(path, &ledger))
    }

    /// Writes the rows of a mix, and their account.
    fn write(&self, config: &MixConfig) -> Result<ExitCode, Failure> {
        self.spare_inputs(config)?;
        let index = self.index()?;
        let layout = Layout::usual(self.to);
        let seed = Seed::new(self.seed);
        let reading = Reading { stage: "convert", seed, contact: &first_contact()? };
        let mixing = Mixing { reading, kind: Some(layout.kind()) };
        let used = output::write(&self.output, |sink| {
            let mut written = WrittenRows::default();
            let mut mixed = mix(config, mixing).map_err(|error| self.advised(error))?;
            mixed.for_each(|examples| {
                let rows = match self.rows(examples, &layout) {
                    Ok(rows) => rows,
                    Err(fault) => return Ok(RowFate::Refused(fault)),
                };
                let mut lost = BTreeSet::new();
                for (row, form) in rows {
                    written.add(&row, form.filter(|_| self.to.has_two_forms()));
                    sink(&row.row)?;
                    lost.extend(row.lost);
                }
                Ok::<_, Failure>(RowFate::Kept(layout.kind().as_str(), lost))
            })?;
            self.report(mixed)?;
            if written.columns.is_empty() {
                return Err(Failure::Disagreement("no row is left to write".to_owned()));
            }
            // Columns of parquet say it themselves.
            let is_parquet = self.output.extension().is_some_and(|one| one == "parquet");
            if let Some(warning) = written.warning().filter(|_| !is_parquet) {
                Console::Stderr.line(format!("{}: {warning}", self.output.display()));
            }
            Ok(written.columns)
        })?;
        if let Some(index) = index {
            Console::Stderr.line(index.write(&layout, &used)?);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The index that the rows are to be in.
    fn index(&self) -> Result<Option<Index>, Failure> {
        let is_named_text = self.to == Shape::Text && self.name.is_some();
        if self.output.as_os_str() == "-" || !(self.to.is_llama_factory() || is_named_text) {
            return match &self.name {
                Some(name) => Err(Failure::Usage(format!(
                    "--name {name}: only a file of a shape that LLaMA-Factory reads gets an entry; {} is none, or goes \
                     to standard output",
                    self.to.name()
                ))),
                None => Ok(None),
            };
        }
        let index = Index::beside(&self.output, self.name.as_deref())?;
        if !self.overwrite {
            index.require_free()?;
        }
        Ok(Some(index))
    }

    /// An error with what else there is to do.
    fn advised(&self, error: DatasetError) -> Failure {
        let inner = match &error {
            DatasetError::Source { error, .. } => error,
            error => error,
        };
        if self.to == Shape::Alpaca
            && matches!(inner, DatasetError::NoConversion { from: "text", .. })
        {
            return Failure::Disagreement(format!(
                "{error}; LLaMA-Factory pre-trains on texts alone: give --to text with a --name for its index"
            ));
        }
        error.into()
    }

    /// Refuses to write over what is read.
    fn spare_inputs(&self, config: &MixConfig) -> Result<(), Failure> {
        let Ok(output) = self.output.canonicalize() else { return Ok(()) };
        for source in &config.sources {
            for file in find_files(source)? {
                if file.path.canonicalize().is_ok_and(|input| input == output) {
                    let path = output.display();
                    return Err(Failure::Usage(format!("--output {path} is one of the inputs")));
                }
            }
        }
        Ok(())
    }

    /// The rows that examples become, each with the form of its prompt: all of them, or what is wrong with the first that
    /// cannot be written.
    fn rows(
        &self,
        examples: &[Example],
        layout: &Layout,
    ) -> Result<Vec<(Written, Option<PromptForm>)>, RowFault> {
        let formed = |example: &Example| match self.prompts {
            Form::AsIs => Ok(example.clone()),
            Form::Conversational => with_prompt_form(example.clone(), PromptForm::Conversational),
            Form::Standard => with_prompt_form(example.clone(), PromptForm::Standard),
        };
        let written = |example: &Example| {
            let example = formed(example)?;
            Ok((layout.write(&example)?, prompt_form(&example)))
        };
        examples.iter().map(written).collect()
    }
}
