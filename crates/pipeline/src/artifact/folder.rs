//! The folder of a run.

use std::path::{Path, PathBuf};

/// The folder of a run and the places in it.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
    /// Where stages write; the folder itself unless a step is only computed again.
    scratch: PathBuf,
}

impl RunFolder {
    /// The run folder at this path; nothing is created yet.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { scratch: root.clone(), root }
    }

    /// The run folder at this path, to read from; what is written goes to another one.
    pub(crate) fn apart(root: PathBuf, scratch: PathBuf) -> Self {
        Self { root, scratch }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the finished artifact of a stage lies.
    #[must_use]
    pub fn artifact(&self, stage: &str) -> PathBuf {
        self.root.join("artifacts").join(stage)
    }

    /// Where a stage writes while it runs; renamed to [`RunFolder::artifact`] when it is done.
    pub(crate) fn staging(&self, stage: &str) -> PathBuf {
        self.scratch.join("artifacts").join(format!(".{stage}.part"))
    }

    /// Where a training stage keeps its checkpoints and its log of steps.
    pub(crate) fn training(&self, stage: &str) -> PathBuf {
        self.scratch.join("training").join(stage)
    }

    /// Where checkpoints of a training stage are kept that the run under way does not need, each time under a number.
    pub(crate) fn aside(&self, stage: &str) -> PathBuf {
        self.scratch.join("set-aside").join(stage)
    }

    /// Where sampled completions are written.
    pub(crate) fn completions(&self) -> PathBuf {
        self.scratch.join("completions")
    }

    /// Where completions of a server are kept: they are read even where a step is only computed again.
    pub(crate) fn rollouts(&self, stage: &str) -> PathBuf {
        self.root.join("rollouts").join(stage)
    }

    /// Where the event files of a training stage lie: `tensorboard --logdir RUN/tensorboard` shows every stage.
    pub(crate) fn tensorboard(&self, stage: &str) -> PathBuf {
        self.scratch.join("tensorboard").join(stage)
    }
}
