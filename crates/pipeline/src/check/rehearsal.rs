//! The stages of a pipeline run on a sample, in a temporary folder.

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::Device;
use forethought_dataset::FirstContact;
use forethought_seed::Seed;
use forethought_train::{Origins, Resume, StopFlag};

use super::{Checked, sample};
use crate::PipelineError;
use crate::artifact::{self, RunFolder};
use crate::config::{PipelineConfig, StageConfig};
use crate::console::Console;
use crate::purpose::{Findings, Purpose};
use crate::stages::{Before, Context};

/// Runs every stage whose inputs are there; one that fails leaves those that read its artifact out.
pub(super) fn rehearse(
    config: &PipelineConfig,
    device: &Device,
    console: Console,
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
        let inputs = stage.inputs(before).unwrap_or_default();
        if let Some(missing) = inputs.iter().find(|input| failed.contains(**input)) {
            checked
                .notices
                .push(format!("{name} was not looked at: {missing} has to be right first"));
            failed.insert(name.to_owned());
            continue;
        }
        // A report of next to nothing says nothing, and has no settings that could be wrong by data.
        if matches!(stage, StageConfig::Report(_)) {
            continue;
        }
        let place = Place { config, index, folder: &folder, device, console, findings: &findings };
        if let Err(error) = place.run(stage, scratch.path()) {
            let text = error.to_string();
            let stage_named = text.starts_with("stage ") || error.is_usage();
            checked.problems.push(if stage_named { text } else { format!("stage {name}: {text}") });
            failed.insert(name.to_owned());
        }
    }
    let (problems, plans) = findings.into_parts();
    checked.problems.extend(problems);
    checked.plans = plans;
}

/// Where and with what one stage is rehearsed.
struct Place<'a> {
    config: &'a PipelineConfig,
    index: usize,
    folder: &'a RunFolder,
    device: &'a Device,
    console: Console,
    findings: &'a Findings,
}

impl Place<'_> {
    fn run(&self, stage: &StageConfig, scratch: &Path) -> Result<(), PipelineError> {
        let name = stage.name();
        let stage = sample::shortened(stage, scratch)?;
        let context = Context {
            name,
            before: Before(&self.config.stages[..self.index]),
            folder: self.folder,
            staging: artifact::stage_anew(self.folder, name)?,
            seed: Seed::new(self.config.seed).derive(name),
            device: self.device,
            stop: &StopFlag::new(),
            resume: Resume::Fresh,
            console: self.console,
            id: "check",
            config: self.config,
            reused: &[],
            origins: &Origins::default(),
            purpose: Purpose::Check(self.findings),
            first_contact: &FirstContact::Here,
        };
        stage.run(&context)?;
        if sample::is_thinned(stage.kind()) {
            sample::thin_out(&context.staging)?;
        }
        artifact::settle(self.folder, name)
    }
}
