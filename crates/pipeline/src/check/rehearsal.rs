//! The stages of a pipeline run on a sample, in a temporary folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use burn::tensor::Device;
use forethought_dataset::FirstContact;
use forethought_seed::Seed;
use forethought_train::{Origins, Resume, StopFlag};

use super::{Checked, Words, relaxed, sample};
use crate::PipelineError;
use crate::artifact::{self, Ingredients, RunFolder};
use crate::config::{PipelineConfig, StageConfig};
use crate::console::Console;
use crate::purpose::{Findings, Purpose};
use crate::stages::{Before, Context};

/// What stages are rehearsed with.
#[derive(Clone, Copy)]
pub(super) struct With<'a> {
    pub(super) device: &'a Device,
    pub(super) contact: &'a FirstContact,
    pub(super) console: Console,
    /// Nothing more is begun once it is raised.
    pub(super) stop: &'a StopFlag,
}

/// Runs every stage whose inputs are there; one that fails leaves those that read its artifact out.
pub(super) fn rehearse(
    (config, words): (&PipelineConfig, Words<'_>),
    with: With<'_>,
    checked: &mut Checked,
) {
    let scratch = match tempfile::tempdir() {
        Ok(scratch) => scratch,
        Err(error) => {
            checked.notices.push(format!("no temporary folder to look at the data in: {error}"));
            return;
        }
    };
    let folder = RunFolder::new(scratch.path().to_owned());
    let findings = Findings::default();
    let mut failed: BTreeSet<String> = BTreeSet::new();
    for (index, stage) in config.stages.iter().enumerate() {
        let before = Before(&config.stages[..index]);
        let name = stage.name();
        // A stage in the wrong place is a problem of the config.
        let inputs = stage.inputs(before);
        let missing = match &inputs {
            Ok(inputs) => inputs.iter().find(|input| failed.contains(**input)).copied(),
            Err(_) => Some("what it needs before it"),
        };
        if let Some(missing) = missing {
            let notice = format!("{name} was not looked at: {missing} has to be right first");
            checked.notices.push(notice);
            failed.insert(name.to_owned());
            continue;
        }
        // A report of next to nothing says nothing, and has no settings that could be wrong by data.
        if matches!(stage, StageConfig::Report(_)) {
            continue;
        }
        let place = Place { config, index, words, folder: &folder, with, findings: &findings };
        if with.stop.signal().is_some() {
            break;
        }
        let Attempted { problems, is_there } = place.attempt(stage, scratch.path());
        checked.problems.extend(problems);
        if !is_there {
            failed.insert(name.to_owned());
        }
    }
    let (problems, notices, plans) = findings.into_parts();
    checked.problems.extend(problems);
    checked.notices.extend(notices);
    checked.plans = plans;
    for text in checked.problems.iter_mut().chain(&mut checked.notices) {
        *text = sample::without_scratch(text, scratch.path());
    }
}

/// The id of what a rehearsal makes. What it is made of lies in the same folder, and is not hashed: files may be large.
fn artifact_id(stage: &StageConfig, seed: u64) -> Result<String, PipelineError> {
    let config = serde_json::to_value(stage).map_err(PipelineError::json(stage.name()))?;
    let (inputs, files) = (BTreeMap::new(), BTreeMap::new());
    Ingredients { stage: stage.name(), code: "check".to_owned(), seed, config, inputs, files }.id()
}

/// What came of a stage.
struct Attempted {
    problems: Vec<String>,
    /// Whether there is something that later stages can read.
    is_there: bool,
}

/// The error of a source that was read alone, as one of the source at its place in the file.
fn of_source(error: PipelineError, source: Option<usize>) -> PipelineError {
    match (error, source) {
        (PipelineError::Dataset(error), Some(source)) => error.of_source(source).into(),
        (error, _) => error,
    }
}

/// Where and with what one stage is rehearsed.
struct Place<'a> {
    config: &'a PipelineConfig,
    index: usize,
    words: Words<'a>,
    folder: &'a RunFolder,
    with: With<'a>,
    findings: &'a Findings,
}

impl Place<'_> {
    /// Runs a stage. One that fails is run again with less asked of its data, and each of its files alone, so that its first
    /// error hides no other. For a policy that cannot be trained, the one that training starts from stands in.
    fn attempt(&self, stage: &StageConfig, scratch: &Path) -> Attempted {
        let mut problems = Vec::new();
        let mut is_there = self.insist((stage, None), scratch, &mut problems);
        if !is_there {
            let mut good = Vec::new();
            for (source, part) in relaxed::parts(stage).into_iter().enumerate() {
                if self.insist((&part, Some(source)), scratch, &mut problems) {
                    good.push(part);
                }
            }
            let rest = relaxed::joined(stage, &good);
            is_there = rest.is_some_and(|rest| self.run(&rest, scratch).is_ok())
                || relaxed::stand_in(self.folder, stage);
        }
        Attempted { problems, is_there }
    }

    /// Runs a stage, perhaps with one of its sources alone, and where it fails once more with less asked of its rows, which
    /// are listed then.
    fn insist(
        &self,
        (stage, source): (&StageConfig, Option<usize>),
        scratch: &Path,
        problems: &mut Vec<String>,
    ) -> bool {
        let words = |error| self.words.of((self.index, stage), of_source(error, source));
        let Err(error) = self.run(stage, scratch) else { return true };
        if matches!(error, PipelineError::Interrupted) {
            return false;
        }
        problems.push(words(error));
        let Some(milder) = relaxed::milder(stage) else { return false };
        match self.run(&milder, scratch) {
            Err(PipelineError::Interrupted) => return false,
            Err(error) => {
                problems.push(words(error));
                return false;
            }
            Ok(()) => {}
        }
        let rows = relaxed::bad_rows(&self.folder.artifact(stage.name()));
        let is_new = |row: &&String| problems.iter().all(|problem| !problem.contains(row.as_str()));
        let new: Vec<&String> = rows.iter().filter(is_new).collect();
        let new: Vec<String> =
            new.into_iter().map(|row| format!("stage {}: {row}", stage.name())).collect();
        problems.extend(new);
        true
    }

    fn run(&self, stage: &StageConfig, scratch: &Path) -> Result<(), PipelineError> {
        let name = stage.name();
        let With { device, contact, console, stop } = self.with;
        if stop.signal().is_some() {
            return Err(PipelineError::Interrupted);
        }
        let whole = stage;
        let stage = sample::shortened(whole, scratch)?;
        if matches!(stage, StageConfig::Ingest(_)) && stage != *whole {
            self.findings.leave_rows_out();
        }
        let id = artifact_id(&stage, self.config.seed)?;
        let context = Context {
            name,
            before: Before(&self.config.stages[..self.index]),
            folder: self.folder,
            staging: artifact::stage_anew(self.folder, name)?,
            seed: Seed::new(self.config.seed).derive(name),
            device,
            replicas: &[],
            stop,
            resume: Resume::Fresh,
            console,
            id: &id,
            config: self.config,
            reused: &[],
            origins: &Origins::default(),
            purpose: Purpose::Check(self.findings),
            first_contact: contact,
        };
        stage.run(&context)?;
        if sample::is_thinned(stage.kind()) {
            let kept = sample::rows(self.config, stage.kind());
            if sample::thin_out(&context.staging, kept)? {
                self.findings.leave_rows_out();
            }
        }
        artifact::settle(self.folder, name)
    }
}
