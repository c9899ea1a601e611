//! A step of a run that is over, computed again and compared with what was logged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;
use forethought_dataset::FirstContact;
use forethought_seed::Seed;
use forethought_train::{Origins, Resume, StepRecord, StopFlag, TrainError, read_log, saved};

use crate::PipelineError;
use crate::artifact::{self, ArtifactManifest, RunFolder, require_whole};
use crate::config::{PipelineConfig, StageConfig};
use crate::console::Console;
use crate::purpose::{Purpose, Rebuilding};
use crate::rebuilt::Batch;
use crate::run::artifact_id;
use crate::stages::{Before, Context};
use crate::training::HISTORY;

/// A step and what became of it the second time.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The stage.
    pub stage: String,
    /// What the step was trained on.
    pub batch: Batch,
    /// What was logged.
    pub logged: StepRecord,
    /// What was computed now.
    pub rebuilt: StepRecord,
    /// The step whose checkpoint it went on from; 0 for the start of the stage.
    pub from_step: u64,
    /// What makes a difference likely.
    pub notices: Vec<String>,
}

impl Replayed {
    /// Each number with what was logged and what was computed; the speed is left out.
    #[must_use]
    pub fn numbers(&self) -> Vec<(String, f64, Option<f64>)> {
        let fields = |record: &StepRecord| {
            let mut list = vec![
                ("loss".to_owned(), record.loss),
                ("grad_norm".to_owned(), record.grad_norm),
                ("learning_rate".to_owned(), record.learning_rate),
            ];
            list.extend(record.metrics.iter().cloned());
            list
        };
        let rebuilt: BTreeMap<String, f64> = fields(&self.rebuilt).into_iter().collect();
        let logged = fields(&self.logged).into_iter();
        logged.map(|(name, value)| (name.clone(), value, rebuilt.get(&name).copied())).collect()
    }

    /// Whether every number is the same, bit for bit.
    #[must_use]
    pub fn is_same(&self) -> bool {
        let is_same = |(_, logged, rebuilt): &(String, f64, Option<f64>)| {
            // −0 was logged by earlier versions.
            rebuilt.is_some_and(|value| value.to_bits() == (logged + 0.0).to_bits())
                || (logged.is_nan() && rebuilt.is_some_and(f64::is_nan))
        };
        self.numbers().iter().all(is_same)
    }
}

/// Computes optimiser step `step` of a stage again: from the nearest checkpoint before it that is kept, else from the start
/// of the stage. On the CPU the numbers are those of the log, bit for bit.
/// Parquet and Arrow files are first read by whom the last argument says.
///
/// `stage` may be left out where one stage alone has such a step. Needed are the run's `config.resolved.yaml`, the artifacts
/// of the stages before it, and the files that those name; the run folder is not written to. Where a stage has two logs, one of
/// its artifact and one of a training that was interrupted, the step is looked for in the one that the config belongs to.
///
/// # Errors
///
/// If the run has no such step, what it was made of is not there any more, or `stop` is raised before the step is reached.
pub fn replay(
    run: &Path,
    (stage, step): (Option<&str>, u64),
    (device, contact): (&Device, &FirstContact),
    stop: &StopFlag,
) -> Result<Replayed, PipelineError> {
    let config = PipelineConfig::read(&run.join("config.resolved.yaml"), &[])?;
    let folder = RunFolder::new(run.to_owned());
    let Logged { index, record: logged, kept_in } = find(&folder, &config, stage, step)?;
    let stage = &config.stages[index];
    let name = stage.name();
    let scratch =
        tempfile::tempdir().map_err(PipelineError::io(Path::new("a temporary folder")))?;
    let apart = RunFolder::apart(run.to_owned(), scratch.path().to_owned());
    let (id, notices) = identity(&folder, &config, (index, kept_in))?;
    require_inputs(&folder, &config, index)?;
    let checkpoint = match kept_in {
        Kept::Training => nearest(&folder.training(name), step)?,
        Kept::Artifact => None,
    };
    let from_step = checkpoint.as_ref().map_or(0, |(found, _)| *found);
    if let Some((_, path)) = &checkpoint {
        adopt(path, &folder.training(name), &apart.training(name))?;
    }
    let rebuilding = Rebuilding { step, found: Mutex::new(None) };
    let context = Context {
        name,
        before: Before(&config.stages[..index]),
        folder: &apart,
        staging: artifact::stage_anew(&apart, name)?,
        seed: Seed::new(config.seed).derive(name),
        device,
        replicas: &[],
        stop,
        resume: Resume::Continue,
        console: Console::Silent,
        id: &id,
        config: &config,
        reused: &[],
        origins: &Origins::default(),
        purpose: Purpose::Replay(&rebuilding),
        first_contact: contact,
    };
    stage.run(&context)?;
    let found = rebuilding.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if found.is_none() && stop.signal().is_some() {
        return Err(PipelineError::Interrupted);
    }
    let (rebuilt, batch) = found.ok_or_else(|| {
        PipelineError::stage(name, format!("step {step} was not reached when it was run again"))
    })?;
    Ok(Replayed { stage: name.to_owned(), batch, logged, rebuilt, from_step, notices })
}

/// A step that was logged.
struct Logged {
    /// The place of its stage in the pipeline.
    index: usize,
    record: StepRecord,
    kept_in: Kept,
}

/// Where the log of a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Beside its checkpoints.
    Training,
    /// In its artifact.
    Artifact,
}

impl Kept {
    fn path(self, folder: &RunFolder, stage: &str) -> PathBuf {
        match self {
            Self::Training => folder.training(stage).join("metrics.jsonl"),
            Self::Artifact => folder.artifact(stage).join(HISTORY),
        }
    }

    /// The id of what the log is of, where it can be told: a training that has saved nothing yet has none.
    fn id(self, folder: &RunFolder, stage: &str) -> Result<Option<String>, PipelineError> {
        match self {
            Self::Training => {
                let saved = saved(&folder.training(stage)).map_err(TrainError::from)?;
                Ok(saved.config_hash)
            }
            Self::Artifact => Ok(Some(ArtifactManifest::read(&folder.artifact(stage))?.id)),
        }
    }
}

/// Which log of a stage belongs to the config: of two, the one whose id is that of the stage. A training without an id is of
/// the newest run, whose config this is.
fn log_of(
    folder: &RunFolder,
    config: &PipelineConfig,
    index: usize,
) -> Result<Option<Kept>, PipelineError> {
    let stage = config.stages[index].name();
    let there = |kept: &Kept| kept.path(folder, stage).is_file();
    let found: Vec<Kept> = [Kept::Training, Kept::Artifact].into_iter().filter(there).collect();
    if found.len() < 2 {
        return Ok(found.first().copied());
    }
    // Without what it was made of the step cannot be computed again; the error is that of whoever asks for it.
    let Ok(id) = artifact_id(folder, config, index) else { return Ok(Some(Kept::Artifact)) };
    let [training, artifact] =
        [Kept::Training.id(folder, stage)?, Kept::Artifact.id(folder, stage)?];
    let is_of_training = match training {
        Some(other) => other == id,
        None => artifact.is_none_or(|other| other != id),
    };
    Ok(Some(if is_of_training { Kept::Training } else { Kept::Artifact }))
}

/// What a stage logged of the step, and where it is.
fn find(
    folder: &RunFolder,
    config: &PipelineConfig,
    stage: Option<&str>,
    step: u64,
) -> Result<Logged, PipelineError> {
    let mut found = Vec::new();
    let mut lengths = Vec::new();
    for (index, one) in config.stages.iter().map(StageConfig::name).enumerate() {
        let Some(kept_in) = log_of(folder, config, index)? else { continue };
        let records = read_log(&kept_in.path(folder, one))?;
        if let Some(last) = records.last() {
            lengths.push(format!("{one} (steps 1 to {})", last.step));
        }
        if stage.is_none_or(|stage| stage == one) {
            let record = records.into_iter().find(|record| record.step == step);
            found.extend(record.map(|record| Logged { index, record, kept_in }));
        }
    }
    let what = stage.unwrap_or("replay");
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(PipelineError::stage(
            what,
            format!("no step {step} was logged; there are {}", lengths.join(", ")),
        )),
        _ => Err(PipelineError::stage(
            what,
            format!(
                "several stages have a step {step}; name one with --stage: {}",
                lengths.join(", ")
            ),
        )),
    }
}

/// The id that the artifact of the stage would have now, which its checkpoints bear; and what has changed since.
fn identity(
    folder: &RunFolder,
    config: &PipelineConfig,
    (index, kept_in): (usize, Kept),
) -> Result<(String, Vec<String>), PipelineError> {
    let stage = config.stages[index].name();
    let id = artifact_id(folder, config, index)?;
    let mut notices = Vec::new();
    if let Some(made) = kept_in.id(folder, stage)?
        && made != id
    {
        notices.push(format!(
            "{stage} was made of something else ({} then, {} now): another version of forethought, or files that have changed",
            made.get(..12).unwrap_or(&made),
            &id[..12]
        ));
    }
    Ok((id, notices))
}

/// Refuses to compute from artifacts that are not as they were sealed.
fn require_inputs(
    folder: &RunFolder,
    config: &PipelineConfig,
    index: usize,
) -> Result<(), PipelineError> {
    let stage = &config.stages[index];
    let inputs = stage.inputs(Before(&config.stages[..index]));
    let inputs = inputs.map_err(|(_, message)| PipelineError::stage(stage.name(), message))?;
    let read = |input: &&str| ArtifactManifest::read(&folder.artifact(input));
    let manifests = inputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    require_whole(folder, stage.name(), &manifests.iter().collect::<Vec<_>>())
}

/// The newest checkpoint of fewer steps than `step`.
fn nearest(training: &Path, step: u64) -> Result<Option<(u64, PathBuf)>, PipelineError> {
    let saved = saved(training).map_err(TrainError::from)?;
    let nearest = saved.steps.iter().copied().rfind(|number| *number < step);
    Ok(nearest.map(|number| (number, saved.path(number))))
}

/// Copies one checkpoint and the log to where the step is computed again.
fn adopt(checkpoint: &Path, from: &Path, to: &Path) -> Result<(), PipelineError> {
    let name = checkpoint.file_name().unwrap_or_default();
    let target = to.join("checkpoints").join(name);
    fs::create_dir_all(&target).map_err(PipelineError::io(&target))?;
    for entry in fs::read_dir(checkpoint).map_err(PipelineError::io(checkpoint))? {
        let path = entry.map_err(PipelineError::io(checkpoint))?.path();
        if let Some(name) = path.file_name() {
            fs::copy(&path, target.join(name)).map_err(PipelineError::io(&path))?;
        }
    }
    let log = from.join("metrics.jsonl");
    if log.is_file() {
        fs::copy(&log, to.join("metrics.jsonl")).map_err(PipelineError::io(&log))?;
    }
    Ok(())
}
