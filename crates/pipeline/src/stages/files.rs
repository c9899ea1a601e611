//! Files of a user's own: rows of any shape, mixed, and split by what is to be completed.

use std::collections::BTreeSet;
use std::path::PathBuf;

use forethought_dataset::{
    Ledger, MixConfig, Mixing, RowFate, Source, find_files, mix, mix_settings, prompt_of,
};
use forethought_schema::{Example, Record, RecordKind};
use forethought_seed::Seed;
use serde::Serialize;

use super::Context;
use crate::PipelineError;
use crate::artifact::LineWriter;
use crate::config::Problem;

mix_settings! {
    /// Files of examples.
    pub struct FileSource {
        ..
        /// Share of the prompts that is kept for validation: above 0 and below 1. All rows of one prompt are on one side.
        /// Default 0.1.
        #[serde(default = "default_ratio")]
        pub validation_ratio: f64,
    }
}

pub(super) fn default_ratio() -> f64 {
    0.1
}

/// Whether what belongs to a prompt is kept for validation: it follows from the seed and the prompt.
pub(super) fn is_validation(seed: Seed, prompt: &str, ratio: f64) -> bool {
    let key = seed.key("validation", prompt.as_bytes());
    (key >> 11) as f64 / (1_u64 << 53) as f64 <= ratio
}

pub(super) fn ratio_problem(ratio: f64, key: &str) -> Option<Problem> {
    let message = format!("validation_ratio must be above 0 and below 1, got {ratio}");
    (!(0.0 < ratio && ratio < 1.0)).then(|| (key.to_owned(), message))
}

/// What was written of the examples of files.
#[derive(Debug)]
pub(super) struct WrittenSplit {
    /// How many examples are in the training split.
    pub(super) num_train: usize,
    /// What became of every row.
    pub(super) ledger: Ledger,
}

impl FileSource {
    /// Problems of the settings, below the key under which they stand.
    pub(super) fn problems(&self, section: &str) -> Vec<Problem> {
        let ratio = ratio_problem(self.validation_ratio, &format!("{section}.validation_ratio"));
        ratio.into_iter().chain(mix_problems(&MixConfig::from(self), section)).collect()
    }

    pub(super) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        mix_files(&self.sources)
    }

    /// Writes `train.jsonl` and `validation.jsonl` of the examples of all files, of this kind where one is asked for, row by
    /// row: what `line` makes of each, with the names of what is lost of it.
    pub(super) fn write<T: Serialize>(
        &self,
        context: &Context<'_>,
        kind: Option<RecordKind>,
        line: impl Fn(&Example) -> Option<(T, Option<&'static str>)>,
    ) -> Result<WrittenSplit, PipelineError> {
        let mut mixed = mix(&MixConfig::from(self), Mixing { reading: context.reading(), kind })?;
        let writer = |split: &str| LineWriter::create(&context.staging.join(split));
        let (mut train, mut validation) = (writer("train.jsonl")?, writer("validation.jsonl")?);
        let mut num_train = 0;
        mixed.for_each(|examples| {
            let (mut side, mut lost) = ("train", BTreeSet::new());
            for example in examples {
                let is_held_out = is_validation(context.seed, &key(example), self.validation_ratio);
                side = if is_held_out { "validation" } else { "train" };
                num_train += usize::from(!is_held_out);
                let split = if is_held_out { &mut validation } else { &mut train };
                if let Some((line, without)) = line(example) {
                    split.write(&line)?;
                    lost.extend(without.map(str::to_owned));
                }
            }
            Ok::<_, PipelineError>(RowFate::Kept(side, lost))
        })?;
        train.finish()?;
        validation.finish()?;
        Ok(WrittenSplit { num_train, ledger: mixed.finish()? })
    }
}

/// Problems of a mix, each under the key it is about, below the one under which the mix stands.
pub(super) fn mix_problems(mix: &MixConfig, section: &str) -> Vec<Problem> {
    let key = |below: String| {
        if section.is_empty() { below } else { format!("{section}.{below}") }
    };
    let problems = mix.problems().into_iter();
    problems.map(|(below, error)| (key(below), error.to_string())).collect()
}

/// The files of all sources.
pub(crate) fn mix_files(sources: &[Source]) -> Result<Vec<PathBuf>, PipelineError> {
    let of_sources: Vec<Vec<PathBuf>> = files_of_sources(sources).collect::<Result<_, _>>()?;
    Ok(of_sources.into_iter().flatten().collect())
}

/// The files of each source.
pub(crate) fn files_of_sources(
    sources: &[Source],
) -> impl Iterator<Item = Result<Vec<PathBuf>, PipelineError>> {
    sources.iter().enumerate().map(|(index, source)| {
        let files = find_files(source).map_err(|error| error.of_source(index));
        Ok(files?.into_iter().map(|file| file.path).collect())
    })
}

/// What decides on which side an example is: its prompt, or all of a text.
fn key(example: &Example) -> String {
    match (&example.record, prompt_of(&example.record)) {
        (Record::Text(text), _) => text.clone(),
        (_, prompt) => serde_json::to_string(&prompt).unwrap_or_default(),
    }
}
