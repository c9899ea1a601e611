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

use crate::config::{ConfigError, Document, Examined, PipelineConfig, StageConfig};
use crate::console::Console;
use crate::memory::{MemoryPlan, in_words};
use crate::stages::mix_files;

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
    let Examined { config, errors, repaired } = PipelineConfig::examine(&document);
    let without = |stage: &String| format!("{stage} was looked at without what is refused in it");
    let mut checked = Checked {
        problems: errors.iter().map(ConfigError::to_string).collect(),
        notices: repaired.iter().map(without).collect(),
        ..Checked::default()
    };
    for stage in &config.stages {
        checked.problems.extend(missing_files(stage));
    }
    let with = rehearsal::With { device, contact, console, stop };
    rehearsal::rehearse(&config, with, &mut checked);
    // The same file may be missed by its stage and by those that read it.
    let mut seen = std::collections::BTreeSet::new();
    checked.problems.retain(|problem| seen.insert(problem.clone()));
    checked
}

/// The files of a stage that cannot be opened, each on its own.
fn missing_files(stage: &StageConfig) -> Vec<String> {
    let listed = match stage {
        StageConfig::Ingest(ingest) => {
            let of = |source| mix_files(std::slice::from_ref(source));
            ingest.sources.iter().map(of).collect::<Vec<_>>()
        }
        other => vec![other.files()],
    };
    let mut problems = Vec::new();
    for files in listed {
        match files {
            Err(error) => problems.push(format!("stage {}: {error}", stage.name())),
            Ok(files) => problems.extend(files.iter().filter_map(|path| {
                let error = std::fs::File::open(path).err()?;
                Some(format!("stage {}: {}: {error}", stage.name(), path.display()))
            })),
        }
    }
    problems
}
