//! Runs the stages of a pipeline in order, skipping those whose artifacts are already there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::tensor::Device;
use forethought_dataset::FirstContact;
use forethought_seed::Seed;
use forethought_train::{Resume, RunLock, Signal, StopFlag, require_same_run, write_file};

use crate::artifact::{self, ArtifactManifest, Found, Ingredients, RunFolder};
use crate::config::{PipelineConfig, StageConfig, nearest};
use crate::console::Console;
use crate::harmless::without_harmless;
use crate::manifest::{Origin, RunManifest, StageFacts};
use crate::origins::origins;
use crate::purpose::Purpose;
use crate::stages::{Before, Context, Done, REVISION};
use crate::training::{self, HISTORY};
use crate::{PipelineError, yaml};

/// How to run a pipeline.
#[derive(Debug)]
pub struct RunOptions<'a> {
    /// The run folder.
    pub folder: RunFolder,
    /// The folder of other runs, whose artifacts are copied where this run needs the same; none to make everything here.
    pub runs: Option<PathBuf>,
    /// Where tensors live.
    pub device: Device,
    /// Further devices of the same kind, on which trainings compute micro-batches at the same time; mostly none.
    pub replicas: Vec<Device>,
    /// The first stage to run anew, although its artifact may be there.
    pub from: Option<String>,
    /// The last stage to run.
    pub until: Option<String>,
    /// Whether an interrupted training stage goes on or starts anew.
    pub resume: Resume,
    /// Raised by SIGINT and SIGTERM.
    pub stop: &'a StopFlag,
    /// Where progress is shown.
    pub console: Console,
    /// Who reads a parquet or Arrow file of the data first.
    pub first_contact: FirstContact,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Every asked-for stage is done.
    Finished,
    /// A signal stopped it; no finished stage and no finished step is lost.
    Interrupted {
        /// The stage that was running, or about to.
        stage: String,
        /// The last finished optimiser step, of which there is a checkpoint; none where no step was finished.
        step: Option<u64>,
        /// The signal.
        signal: Signal,
    },
}

/// Runs a pipeline.
///
/// # Errors
///
/// If the config, the data, a model folder or a training run cannot be used; artifacts of stages that finished before
/// stay where they are. [`PipelineError::in_document`] adds the line of the setting that would help.
pub fn run(config: &PipelineConfig, options: &RunOptions<'_>) -> Result<Outcome, PipelineError> {
    let root = options.folder.root();
    std::fs::create_dir_all(root).map_err(PipelineError::io(root))?;
    let _lock = RunLock::acquire(root)?;
    say_where(root, options.console)?;
    let selected = selected(config, options)?;
    if options.resume == Resume::Continue {
        refuse_other_runs(config, options, &selected)?;
    }
    let resolved = root.join("config.resolved.yaml");
    write_file(&resolved, yaml(config)?.as_bytes()).map_err(PipelineError::io(&resolved))?;
    let mut finished: Vec<ArtifactManifest> = Vec::new();
    let (mut reused, mut is_forced) = (Vec::new(), false);
    let mut manifest = RunManifest::new(config)?;
    if options.resume == Resume::Continue {
        manifest.go_on(root, options.console);
    }
    // Whoever looks at the folder now must not take the stages of an earlier run for those of this one.
    manifest.write(root)?;
    let mut made_of = Vec::new();
    for (index, stage) in selected.into_iter().enumerate() {
        // Training stops after a step; whatever else was running when the signal came has just finished.
        if let Some(signal) = options.stop.signal() {
            let stage = stage.name().to_owned();
            return Ok(Outcome::Interrupted { stage, step: None, signal });
        }
        let position = (index + 1, config.stages.len());
        is_forced |= options.from.as_deref() == Some(stage.name());
        let before = Before(&config.stages[..index]);
        let ids = |stage: &str| finished.iter().find(|one| one.stage == stage).map(|one| &one.id);
        let of_stage = |error: PipelineError| error.of_stage(index, stage);
        made_of.push(ingredients(stage, before, config.seed, &ids).map_err(of_stage)?);
        let Some(ingredients) = made_of.last() else { continue };
        let progress = Progress {
            finished: &finished,
            made_of: &made_of,
            reused: &reused,
            position,
            is_forced,
        };
        let ran = run_stage(stage, ingredients, before, (config, options), &progress);
        let (artifact, origin) = match ran.map_err(of_stage)? {
            Ran::Reused(artifact) => (artifact, Origin::Reused),
            Ran::Made(artifact) => (artifact, Origin::Made),
            Ran::Interrupted(outcome) => return Ok(outcome),
        };
        if origin == Origin::Reused {
            reused.push(stage.name().to_owned());
        }
        manifest.stages.push(StageFacts::new(&artifact, ingredients, origin));
        manifest.write(root)?;
        finished.push(artifact);
        write_metrics(&options.folder, &finished)?;
    }
    Ok(Outcome::Finished)
}

/// Says where a run folder really is, if its path is a link or leads up again: it is what is written to.
fn say_where(root: &Path, console: Console) -> Result<(), PipelineError> {
    let real = root.canonicalize().map_err(PipelineError::io(root))?;
    let named = std::path::absolute(root).map_err(PipelineError::io(root))?;
    if real != named {
        console.line(format!("{} is {}", root.display(), real.display()));
    }
    Ok(())
}

/// The stages up to `--until`; both names must be stages of this pipeline.
fn selected<'a>(
    config: &'a PipelineConfig,
    options: &RunOptions<'_>,
) -> Result<Vec<&'a StageConfig>, PipelineError> {
    let names: Vec<&str> = config.stages.iter().map(StageConfig::name).collect();
    let place = |wanted: &Option<String>| wanted.as_ref().map(|name| position(name, &names));
    let (from, until) = (place(&options.from).transpose()?, place(&options.until).transpose()?);
    let end = until.map_or(names.len(), |until| until + 1);
    if let Some(from) = from.filter(|from| *from >= end) {
        let (from, until) = (names[from].to_owned(), names[end - 1].to_owned());
        return Err(PipelineError::NothingSelected { from, until });
    }
    Ok(config.stages.iter().take(end).collect())
}

/// The place of a stage in the pipeline.
fn position(name: &str, names: &[&str]) -> Result<usize, PipelineError> {
    names.iter().position(|known| *known == name).ok_or_else(|| {
        let hint = nearest(name, names.iter().copied());
        PipelineError::NoSuchStage {
            name: name.to_owned(),
            hint: hint.map_or(String::new(), |nearest| format!("did you mean `{nearest}`? ")),
            known: names.join(", "),
        }
    })
}

/// How far a run is.
struct Progress<'a> {
    finished: &'a [ArtifactManifest],
    /// What the artifacts so far are made of, the one in the making last.
    made_of: &'a [Ingredients<'a>],
    /// The stages of this run whose artifacts were there.
    reused: &'a [String],
    /// The number of the stage, from 1, and how many there are.
    position: (usize, usize),
    /// Whether `--from` named this stage or one before it.
    is_forced: bool,
}

/// What became of one stage.
enum Ran {
    /// Its artifact was there.
    Reused(ArtifactManifest),
    /// Its artifact was made.
    Made(ArtifactManifest),
    /// A signal stopped it.
    Interrupted(Outcome),
}

/// The artifact of a stage, where it is there or in another run.
fn there(
    stage: &StageConfig,
    id: &str,
    options: &RunOptions<'_>,
    progress: &Progress<'_>,
) -> Result<Option<ArtifactManifest>, PipelineError> {
    let (index, count) = progress.position;
    let RunOptions { folder, console, .. } = options;
    let name = stage.name();
    let is_forced = progress.is_forced;
    match if is_forced { Found::Absent } else { artifact::find(folder, name, id) } {
        Found::Whole(manifest) => {
            console.line(format!("[{index}/{count}] {name}: unchanged ({})", &id[..12]));
            return Ok(Some(manifest));
        }
        Found::Damaged(damage) => {
            console.line(format!("      {name} is not what was written ({damage}); made again"));
        }
        Found::Absent => {}
    }
    // A report bears the name of its run, and leaves a page beside its artifact.
    let is_shared = !is_forced && !matches!(stage, StageConfig::Report(_));
    let Some(runs) = options.runs.as_deref().filter(|_| is_shared) else { return Ok(None) };
    let Some((other, manifest)) = artifact::take_over(runs, folder, name, id)? else {
        return Ok(None);
    };
    let other = other.display();
    console.line(format!("[{index}/{count}] {name}: taken over from {other} ({})", &id[..12]));
    Ok(Some(manifest))
}

/// Runs one stage, or finds that its artifact is there.
fn run_stage(
    stage: &StageConfig,
    ingredients: &Ingredients<'_>,
    before: Before<'_>,
    (config, options): (&PipelineConfig, &RunOptions<'_>),
    progress: &Progress<'_>,
) -> Result<Ran, PipelineError> {
    let (index, count) = progress.position;
    let RunOptions { folder, console, .. } = options;
    let name = stage.name();
    let id = ingredients.id()?;
    if let Some(manifest) = there(stage, &id, options, progress)? {
        training::forget(folder, (name, &id), *console)?;
        return Ok(Ran::Reused(manifest));
    }
    console.line(format!("[{index}/{count}] {name}"));
    for path in artifact::changed_sources(folder, ingredients) {
        console.line(format!(
            "      {path} is not what it was when {name} last read it; it is read anew"
        ));
    }
    let inputs = progress.finished.iter().filter(|one| ingredients.inputs.contains_key(&one.stage));
    artifact::require_whole(folder, name, &inputs.collect::<Vec<_>>())?;
    let started = Instant::now();
    let context = Context {
        name,
        before,
        folder,
        staging: artifact::stage_anew(folder, name)?,
        seed: Seed::new(config.seed).derive(name),
        device: &options.device,
        replicas: &options.replicas,
        stop: options.stop,
        resume: options.resume,
        console: *console,
        id: &id,
        config,
        reused: progress.reused,
        origins: &origins(progress.made_of, progress.finished),
        purpose: Purpose::Artifact,
        first_contact: &options.first_contact,
    };
    if let Some(outcome) = interrupted(stage.run(&context), &context)? {
        return Ok(Ran::Interrupted(outcome));
    }
    check_unchanged(ingredients)?;
    let seconds = started.elapsed().as_secs_f64();
    let manifest = artifact::commit(folder, ingredients, seconds)?;
    vouch(&manifest, &options.first_contact);
    training::forget(folder, (name, &id), *console)?;
    console.line(format!("      {name} done in {seconds:.1} s"));
    Ok(Ran::Made(manifest))
}

/// What a stage has written needs no first contact.
fn vouch(manifest: &ArtifactManifest, contact: &FirstContact) {
    let is_parquet = |file: &str| file.ends_with(".parquet");
    for (_, facts) in manifest.files.iter().filter(|(file, _)| is_parquet(file)) {
        contact.vouch(&facts.sha256);
    }
}

/// How a stage was stopped, if a signal stopped it.
fn interrupted(
    done: Result<Done, PipelineError>,
    context: &Context<'_>,
) -> Result<Option<Outcome>, PipelineError> {
    let (step, signal) = match (done, context.stop.signal()) {
        (Ok(Done::Finished), _) => return Ok(None),
        (Ok(Done::Interrupted { step, signal }), _) => (step, signal),
        (Err(PipelineError::Interrupted), Some(signal)) => (0, signal),
        (Err(error), _) => return Err(error),
    };
    let (stage, step) = (context.name.to_owned(), (step > 0).then_some(step));
    Ok(Some(Outcome::Interrupted { stage, step, signal }))
}

/// Refuses to resume a training that was begun with other settings or other files, before anything is made again.
fn refuse_other_runs(
    config: &PipelineConfig,
    options: &RunOptions<'_>,
    selected: &[&StageConfig],
) -> Result<(), PipelineError> {
    let mut planned: Vec<Ingredients<'_>> = Vec::new();
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    for (index, stage) in selected.iter().enumerate() {
        let before = Before(&config.stages[..index]);
        let id = |stage: &str| ids.get(stage);
        // A file that cannot be read is an error of its stage.
        let Ok(one) = ingredients(stage, before, config.seed, &id) else { return Ok(()) };
        let (name, id) = (one.stage, one.id()?);
        planned.push(one);
        let folder = options.folder.training(name);
        require_same_run(&folder, name, &id, &origins(&planned, &[]))
            .map_err(forethought_train::TrainError::from)?;
        ids.insert(name, id);
    }
    Ok(())
}

/// The id that the artifact of a stage would have, from the artifacts that are there.
pub(crate) fn artifact_id(
    folder: &RunFolder,
    config: &PipelineConfig,
    index: usize,
) -> Result<String, PipelineError> {
    let before = &config.stages[..index];
    let manifest = |stage: &StageConfig| ArtifactManifest::read(&folder.artifact(stage.name()));
    let there = before.iter().map(manifest).collect::<Result<Vec<_>, _>>()?;
    let id = |stage: &str| there.iter().find(|one| one.stage == stage).map(|one| &one.id);
    ingredients(&config.stages[index], Before(before), config.seed, &id)?.id()
}

/// An artifact bears the hashes of the files it was made of, so they must be what was read.
fn check_unchanged(ingredients: &Ingredients<'_>) -> Result<(), PipelineError> {
    for (path, before) in &ingredients.files {
        let now = artifact::file_facts(std::path::Path::new(path))?.sha256;
        if now != *before {
            let message = format!("{path} was changed while it was read; run again");
            return Err(PipelineError::stage(ingredients.stage, message));
        }
    }
    Ok(())
}

/// What the artifact of a stage is made of.
fn ingredients<'a, 'i>(
    stage: &'a StageConfig,
    before: Before<'a>,
    seed: u64,
    id: &dyn Fn(&str) -> Option<&'i String>,
) -> Result<Ingredients<'a>, PipelineError> {
    let read =
        stage.inputs(before).map_err(|(_, message)| PipelineError::stage(stage.name(), message))?;
    let inputs = read.into_iter().filter_map(|name| Some((name.to_owned(), id(name)?.clone())));
    let inputs = inputs.collect();
    let mut files = BTreeMap::new();
    for path in stage.files()? {
        let facts = artifact::file_facts(&path)?;
        files.insert(path.to_string_lossy().into_owned(), facts.sha256);
    }
    Ok(Ingredients {
        stage: stage.name(),
        code: format!("{}/{}", env!("CARGO_PKG_VERSION"), REVISION),
        seed,
        config: without_harmless(
            serde_json::to_value(stage).map_err(PipelineError::json(stage.name()))?,
        ),
        inputs,
        files,
    })
}

/// `metrics.jsonl`: the logs of all training stages, one after the other.
fn write_metrics(folder: &RunFolder, finished: &[ArtifactManifest]) -> Result<(), PipelineError> {
    let mut text = String::new();
    for manifest in finished.iter().filter(|one| one.files.contains_key(HISTORY)) {
        let path = folder.artifact(&manifest.stage).join(HISTORY);
        text.push_str(&std::fs::read_to_string(&path).map_err(PipelineError::io(&path))?);
    }
    let path = folder.root().join("metrics.jsonl");
    write_file(&path, text.as_bytes()).map_err(PipelineError::io(&path))
}
