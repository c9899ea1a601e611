//! Whether a pipeline could run: every problem of its config, its files and its data at once, in seconds.
//!
//! What can be read from the config and the files is. Then the stages are rehearsed in a temporary folder, on a sample of
//! their data, with models of the same form and next to no width: whatever a stage would refuse it refuses there.

mod rehearsal;
mod relaxed;
mod sample;

use std::path::Path;

use burn::tensor::Device;
use forethought_dataset::FirstContact;
use forethought_train::StopFlag;

use crate::PipelineError;
use crate::config::{ConfigError, Document, Examined, PipelineConfig, StageConfig};
use crate::console::Console;
use crate::memory::{MemoryPlan, in_words};
use crate::stages::files_of_sources;

/// What a check has found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Everything that is wrong, each with where it is.
    pub problems: Vec<String>,
    /// What could not be looked at, and why; and what was looked at in part.
    pub notices: Vec<String>,
    /// The memory that each training stage will take.
    pub plans: Vec<(String, MemoryPlan)>,
}

impl Checked {
    /// The plans in words, a line each.
    #[must_use]
    pub fn plan_lines(&self) -> Vec<String> {
        let line = |(stage, plan): &(String, MemoryPlan)| {
            format!("{stage}: {} of memory: {}", in_words(plan.peak()), plan.describe())
        };
        self.plans.iter().map(line).collect()
    }
}

/// Checks a pipeline file, with what it is to compute on and who reads parquet and Arrow files first. Relative paths start at
/// the working directory, as in a run. Once `stop` is raised, nothing more is looked at.
#[must_use]
pub fn check(
    (path, overrides): (&Path, &[String]),
    (device, contact): (&Device, &FirstContact),
    console: Console,
    stop: &StopFlag,
) -> Checked {
    let document = match Document::read(path, overrides) {
        Ok(document) => document,
        Err(error) => return Checked { problems: vec![error.to_string()], ..Checked::default() },
    };
    let Examined { config, errors, repaired, positions } = PipelineConfig::examine(&document);
    let without = |stage: &String| format!("{stage} was looked at without what is refused in it");
    let mut checked = Checked {
        problems: errors.iter().map(ConfigError::to_string).collect(),
        notices: repaired.iter().map(without).collect(),
        ..Checked::default()
    };
    let words = Words { document: &document, positions: &positions };
    for (index, stage) in config.stages.iter().enumerate() {
        checked.problems.extend(missing_files((index, stage), words));
    }
    let with = rehearsal::With { device, contact, console, stop };
    rehearsal::rehearse((&config, words), with, &mut checked);
    // The same file may be missed by its stage and by those that read it.
    let mut seen = std::collections::BTreeSet::new();
    checked.problems.retain(|problem| seen.insert(problem.clone()));
    checked
}

/// How errors of stages are told: with the place in the file, or else with the name of the stage.
#[derive(Clone, Copy, Debug)]
struct Words<'a> {
    document: &'a Document,
    /// The place of each stage in the list of the file.
    positions: &'a [usize],
}

impl Words<'_> {
    fn of(self, (index, stage): (usize, &StageConfig), error: PipelineError) -> String {
        let position = self.positions.get(index).copied().unwrap_or(index);
        let error = error.of_stage(position, stage).in_document(self.document);
        let text = error.to_string();
        let is_placed = matches!(error, PipelineError::Source(_)) || error.is_usage();
        if is_placed || text.starts_with("stage ") {
            text
        } else {
            format!("stage {}: {text}", stage.name())
        }
    }
}

/// The files of a stage that cannot be opened, each on its own.
fn missing_files((index, stage): (usize, &StageConfig), words: Words<'_>) -> Vec<String> {
    let listed = match stage.sources() {
        Some(sources) => files_of_sources(sources.list).collect(),
        None => vec![stage.files()],
    };
    let mut problems = Vec::new();
    for files in listed {
        match files {
            Err(error) => problems.push(words.of((index, stage), error)),
            Ok(files) => problems.extend(files.iter().filter_map(|path| {
                let error = std::fs::File::open(path).err()?;
                Some(format!("stage {}: {}: {error}", stage.name(), path.display()))
            })),
        }
    }
    problems
}
