//! How far a run is and what it is doing, by what it has left on the disk, and what its messages say.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::bed::{Bed, TRAININGS};

/// What a run has saved: trainings that are done, and the step of the newest checkpoint of the one under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Saved {
    pub(crate) num_trainings: usize,
    pub(crate) step: u64,
}

impl Saved {
    /// What the folder of a run holds now.
    pub(crate) fn of(bed: &Bed, folder: &str) -> Self {
        let root = bed.path(folder);
        let is_done = |stage: &&&str| root.join("artifacts").join(stage).is_dir();
        let num_trainings = TRAININGS.iter().take_while(is_done).count();
        let step = match TRAININGS.get(num_trainings) {
            Some(stage) => newest(&checkpoints(bed, folder, stage)),
            None => 0,
        };
        Self { num_trainings, step }
    }

    /// The training under way.
    pub(crate) fn stage(self) -> Option<&'static str> {
        TRAININGS.get(self.num_trainings).copied()
    }
}

/// The names in the folder of checkpoints of a stage.
pub(crate) fn checkpoints(bed: &Bed, folder: &str, stage: &str) -> Vec<String> {
    names(&bed.path(folder).join("training").join(stage).join("checkpoints"))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn newest(names: &[String]) -> u64 {
    let steps = names.iter().filter_map(|name| name.strip_prefix("step-")?.parse().ok());
    steps.max().unwrap_or_default()
}

/// Whether a checkpoint is being written or deleted.
pub(crate) fn is_saving(bed: &Bed, folder: &str) -> bool {
    let is_staged = |name: &String| Path::new(name).extension().is_some_and(|end| end == "tmp");
    TRAININGS.iter().any(|stage| checkpoints(bed, folder, stage).iter().any(is_staged))
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It starts, reads, or goes from one stage to the next.
    Between,
    Training,
    Rollout,
    Reward,
    Evaluation,
    Saving,
}

impl Phase {
    /// All that take time.
    pub(crate) const ALL: [Self; 5] =
        [Self::Training, Self::Rollout, Self::Reward, Self::Evaluation, Self::Saving];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Between => "between stages",
            Self::Training => "in training",
            Self::Rollout => "in a rollout",
            Self::Reward => "in a reward",
            Self::Evaluation => "in evaluation",
            Self::Saving => "in saving",
        }
    }

    /// What a run does now.
    pub(crate) fn of(bed: &Bed, folder: &str) -> Self {
        let root = bed.path(folder);
        if is_saving(bed, folder) {
            return Self::Saving;
        }
        if root.join("artifacts/.predict.part").is_dir() {
            return Self::Evaluation;
        }
        let saved = Saved::of(bed, folder);
        let Some(stage) = saved.stage().filter(|stage| root.join("training").join(stage).is_dir())
        else {
            return Self::Between;
        };
        if stage != SAMPLES {
            return Self::Training;
        }
        if bed.path("judging").is_file() {
            return Self::Reward;
        }
        // Every second step begins with answers, which are sampled, then judged, then trained on.
        let begun = written(&root.join("training").join(stage).join("checkpoints"));
        let is_judged = begun < written(&bed.path("judged"));
        if saved.step.is_multiple_of(2) && !is_judged { Self::Rollout } else { Self::Training }
    }
}

/// The training that samples.
const SAMPLES: &str = TRAININGS[1];

/// When something was last written.
fn written(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|one| one.modified()).ok()
}

/// Holds the messages of a run against what was saved before it: it must go on from there, and must not panic.
pub(crate) fn check(log: &str, before: Saved) -> Result<(), String> {
    if log.contains("panicked") {
        return Err(format!("a panic: {log}"));
    }
    let Some(stage) = before.stage().filter(|_| before.step > 0) else { return Ok(()) };
    let resumed = log.lines().find_map(|line| {
        let rest = line.strip_prefix(stage)?.strip_prefix(": resumed after step ")?;
        rest.split(' ').next()?.parse::<u64>().ok()
    });
    let has_trained = log.lines().any(|line| line.contains(", loss ") && line.starts_with(stage));
    match resumed {
        Some(step) if step == before.step => Ok(()),
        Some(step) => Err(format!("{stage} resumed after step {step}, saved was {}", before.step)),
        None if has_trained => Err(format!("{stage} began anew, saved was step {}", before.step)),
        None => Ok(()),
    }
}
