//! One run of a pipeline, and what it leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use burn::tensor::Device;
use forethought_pipeline::{
    ArtifactManifest, Console, FirstContact, Outcome, PipelineConfig, PipelineError, Resume,
    RunFolder, RunOptions, StopFlag, parse_device, parse_devices, run,
};
use forethought_tests::Project;
use serde::de::DeserializeOwned;

/// The stages of the project's pipeline, in order.
pub(crate) const STAGES: [&str; 9] =
    ["ingest", "model", "label", "balance", "convert", "sft", "grpo", "predict", "report"];

/// A run that is about to start.
pub(crate) struct Attempt {
    pipeline: PathBuf,
    folder: PathBuf,
    set: Vec<String>,
    from: Option<String>,
    until: Option<String>,
    resume: Resume,
    stop: StopFlag,
    replicas: Vec<Device>,
}

impl Attempt {
    /// The project's pipeline, to be run into a folder of the project.
    pub(crate) fn new(project: &Project, folder: &str) -> Self {
        Self {
            pipeline: project.pipeline(),
            folder: project.path(folder),
            set: Vec::new(),
            from: None,
            until: None,
            resume: Resume::Fresh,
            stop: StopFlag::new(),
            replicas: Vec::new(),
        }
    }

    /// Trains on so many devices, all of them the CPU.
    pub(crate) fn on_devices(mut self, count: usize) -> Self {
        let names = vec!["cpu"; count].join(",");
        let devices = parse_devices(&names).expect("the CPU");
        self.replicas = devices.replicas;
        self
    }

    pub(crate) fn set(mut self, text: impl Into<String>) -> Self {
        self.set.push(text.into());
        self
    }

    pub(crate) fn from(mut self, stage: &str) -> Self {
        self.from = Some(stage.to_owned());
        self
    }

    pub(crate) fn until(mut self, stage: &str) -> Self {
        self.until = Some(stage.to_owned());
        self
    }

    pub(crate) fn resumed(mut self) -> Self {
        self.resume = Resume::Continue;
        self
    }

    pub(crate) fn stopped_by(mut self, stop: &StopFlag) -> Self {
        self.stop = stop.clone();
        self
    }

    /// The pipeline file and what is set beside it.
    pub(crate) fn settings(&self) -> (PathBuf, Vec<String>) {
        (self.pipeline.clone(), self.set.clone())
    }

    pub(crate) fn config(&self) -> PipelineConfig {
        PipelineConfig::read(&self.pipeline, &self.set).expect("a valid pipeline")
    }

    /// Runs it.
    pub(crate) fn run(self) -> Result<Outcome, PipelineError> {
        let config = PipelineConfig::read(&self.pipeline, &self.set)?;
        let options = RunOptions {
            folder: RunFolder::new(self.folder),
            runs: None,
            device: parse_device("cpu")?,
            replicas: self.replicas,
            from: self.from,
            until: self.until,
            resume: self.resume,
            stop: &self.stop,
            console: Console::Silent,
            first_contact: FirstContact::Here,
        };
        run(&config, &options)
    }

    /// Runs it to its end and returns its folder.
    pub(crate) fn finish(self) -> Finished {
        let folder = self.folder.clone();
        assert_eq!(self.run().expect("a run without errors"), Outcome::Finished);
        Finished { folder }
    }

    /// The message of a run that fails.
    pub(crate) fn error(self) -> String {
        self.run().expect_err("a run that fails").to_string()
    }
}

/// The folder of a run.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) folder: PathBuf,
}

/// When an artifact was made, and what it says of itself.
pub(crate) type Made = (SystemTime, ArtifactManifest);

impl Finished {
    pub(crate) fn artifact(&self, path: &str) -> PathBuf {
        self.folder.join("artifacts").join(path)
    }

    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        read(&self.artifact(path))
    }

    /// One JSON file of the run folder.
    pub(crate) fn json<T: DeserializeOwned>(&self, path: &str) -> T {
        serde_json::from_slice(&read(&self.folder.join(path))).expect(path)
    }

    /// A file of an artifact with one JSON value a line.
    pub(crate) fn rows<T: DeserializeOwned>(&self, path: &str) -> Vec<T> {
        let text = String::from_utf8(self.bytes(path)).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The artifacts that are there, by stage.
    pub(crate) fn made(&self) -> BTreeMap<String, Made> {
        let there = STAGES.iter().filter(|stage| self.artifact(stage).is_dir());
        let made = there.map(|stage| {
            let path = self.artifact(stage).join("artifact.json");
            let when = fs::metadata(&path).and_then(|one| one.modified()).expect("an artifact");
            let manifest = ArtifactManifest::read(&self.artifact(stage)).expect("a manifest");
            ((*stage).to_owned(), (when, manifest))
        });
        made.collect()
    }

    /// The stages that were made anew since `before`, in order.
    pub(crate) fn made_since(&self, before: &BTreeMap<String, Made>) -> Vec<&'static str> {
        let now = self.made();
        STAGES.into_iter().filter(|stage| now.get(*stage) != before.get(*stage)).collect()
    }
}

pub(crate) fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
