//! The folder of a training: made before its first step, removed once its result is sealed. Checkpoints that the run under way
//! does not need are set aside, and taken up again by a run that they are of.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use forethought_train::{Resume, Saved, TrainError, saved};

use crate::PipelineError;
use crate::artifact::RunFolder;
use crate::console::Console;
use crate::stages::Context;

/// So many folders of checkpoints of a stage stay aside, the newest.
const KEPT: usize = 2;

/// The curves that belong to checkpoints, beside them while they are set aside.
const EVENTS: &str = "tensorboard";

/// Makes the folder of a training, before anything is put there. Without `--resume` a stage starts at its first step, and
/// checkpoints that are there are set aside.
pub(crate) fn prepare(context: &Context<'_>) -> Result<(), PipelineError> {
    let (name, folder, console) = (context.name, context.folder, context.console);
    refuse_links(name, &folder.training(name))?;
    match context.resume {
        Resume::Fresh => {
            make_way(folder, name, console)?;
            // Curves of a training that starts anew would continue in the files of the one before.
            remove(&folder.tensorboard(name))?;
        }
        Resume::Continue => take_up(folder, (name, context.id), console)?,
    }
    let training = folder.training(name);
    fs::create_dir_all(&training).map_err(PipelineError::io(&training))
}

/// Refuses a folder of a training, or the one of all trainings above it, that leads out of the run: checkpoints would be
/// written, and removed, somewhere else.
fn refuse_links(stage: &str, folder: &Path) -> Result<(), PipelineError> {
    let Some(link) = folder.ancestors().take(2).find(|path| path.is_symlink()) else {
        return Ok(());
    };
    let target = fs::read_link(link).map_err(PipelineError::io(link))?;
    let message = format!(
        "{} is a link to {}, and checkpoints are not written through links: remove it, or let the run folder itself be one",
        link.display(),
        target.display()
    );
    Err(PipelineError::stage(stage, message))
}

/// What became of the checkpoints of a stage when its artifact was sealed or found.
///
/// Those of the run that made it have served. Those of another run, which was interrupted, are set aside: whoever looks at the
/// old settings once more has not given up the new ones.
pub(crate) fn forget(
    folder: &RunFolder,
    (stage, id): (&str, &str),
    console: Console,
) -> Result<(), PipelineError> {
    let training = folder.training(stage);
    let Saved { steps, config_hash, .. } = of(&training)?;
    if steps.is_empty() || config_hash.as_deref() == Some(id) {
        return clear(&training);
    }
    set_aside(folder, stage, console)
}

/// Makes way for a training that starts at its first step: checkpoints that are there are set aside.
fn make_way(folder: &RunFolder, stage: &str, console: Console) -> Result<(), PipelineError> {
    if of(&folder.training(stage))?.steps.is_empty() {
        return clear(&folder.training(stage));
    }
    set_aside(folder, stage, console)
}

/// Puts the newest checkpoints that were set aside and are of this run where a training looks for them, unless it has some.
fn take_up(
    folder: &RunFolder,
    (stage, id): (&str, &str),
    console: Console,
) -> Result<(), PipelineError> {
    let training = folder.training(stage);
    if !of(&training)?.steps.is_empty() {
        return Ok(());
    }
    for (_, place) in places(folder, stage)?.into_iter().rev() {
        let Saved { steps, config_hash, .. } = of(&place)?;
        let Some(step) = steps.last().filter(|_| config_hash.as_deref() == Some(id)) else {
            continue;
        };
        clear(&training)?;
        keep_damaged(&training, &place)?;
        let events = (place.join(EVENTS), folder.tensorboard(stage));
        remove(&events.1)?;
        make_parent(&training)?;
        rename(&place, &training)?;
        if training.join(EVENTS).exists() {
            make_parent(&events.1)?;
            rename(&training.join(EVENTS), &events.1)?;
        }
        let place = place.display();
        console.line(format!("      checkpoints up to step {step} taken up again from {place}"));
        return Ok(());
    }
    Ok(())
}

/// Gives the folder of a training a number in the place of those that are not needed now.
fn set_aside(folder: &RunFolder, stage: &str, console: Console) -> Result<(), PipelineError> {
    let training = folder.training(stage);
    let step = of(&training)?.steps.last().copied().unwrap_or_default();
    let number = places(folder, stage)?.last().map_or(1, |(number, _)| number + 1);
    let place = folder.aside(stage).join(number.to_string());
    make_parent(&place)?;
    rename(&training, &place)?;
    if folder.tensorboard(stage).exists() {
        rename(&folder.tensorboard(stage), &place.join(EVENTS))?;
    }
    console.line(format!(
        "      checkpoints of a training that was interrupted, up to step {step}, are set aside in {}; --resume with the settings they were written with takes them up again",
        place.display()
    ));
    let kept = places(folder, stage)?.into_iter().map(|(_, place)| place);
    let kept: Vec<PathBuf> = kept.filter(|place| holds_checkpoints(place)).collect();
    for old in &kept[..kept.len().saturating_sub(KEPT)] {
        let text = format!("of the checkpoints of {stage} set aside, the {KEPT} newest are kept");
        console.line(format!("      {} removed: {text}", old.display()));
        clear(old)?;
    }
    Ok(())
}

fn holds_checkpoints(place: &Path) -> bool {
    saved(place).is_ok_and(|saved| !saved.steps.is_empty())
}

fn of(training: &Path) -> Result<Saved, PipelineError> {
    Ok(saved(training).map_err(TrainError::from)?)
}

/// The folders of a stage that were set aside, in the order in which they were.
fn places(folder: &RunFolder, stage: &str) -> Result<Vec<(u64, PathBuf)>, PipelineError> {
    let numbered = |path: PathBuf| {
        let number = path.file_name()?.to_str()?.parse().ok()?;
        Some((number, path))
    };
    let found = entries(&folder.aside(stage))?.into_iter();
    let mut places: Vec<(u64, PathBuf)> = found.filter_map(numbered).collect();
    places.sort();
    Ok(places)
}

/// Removes what is in the folder of a training but for damaged checkpoints, which stay for whoever wants to know how that
/// could be.
fn clear(training: &Path) -> Result<(), PipelineError> {
    let checkpoints = training.join("checkpoints");
    if !entries(&checkpoints)?.iter().any(|path| is_damaged(path)) {
        return remove(training);
    }
    let others = entries(training)?.into_iter().filter(|path| *path != checkpoints);
    let intact = entries(&checkpoints)?.into_iter().filter(|path| !is_damaged(path));
    others.chain(intact).try_for_each(|path| remove(&path))
}

/// Moves damaged checkpoints of a cleared folder to another one, and removes the folder.
fn keep_damaged(training: &Path, place: &Path) -> Result<(), PipelineError> {
    for path in entries(&training.join("checkpoints"))? {
        let name = path.file_name().unwrap_or_default();
        let mut target = place.join("checkpoints").join(name);
        while target.exists() {
            target.as_mut_os_string().push("-older");
        }
        rename(&path, &target)?;
    }
    remove(training)
}

/// Whether a checkpoint was found damaged.
fn is_damaged(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.to_string_lossy().starts_with("bad"))
}

/// What is in a folder, if there is one.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, PipelineError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(PipelineError::io(folder))?;
    let entries = entries.map(|entry| entry.map(|entry| entry.path()));
    entries.collect::<Result<_, _>>().map_err(PipelineError::io(folder))
}

/// Removes a file, a folder or nothing.
fn remove(path: &Path) -> Result<(), PipelineError> {
    let removed = match () {
        () if path.is_dir() => fs::remove_dir_all(path),
        () if path.exists() => fs::remove_file(path),
        () => Ok(()),
    };
    removed.map_err(PipelineError::io(path))
}

fn make_parent(path: &Path) -> Result<(), PipelineError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(PipelineError::io(parent))
}

/// Renames, and waits until the names would survive a loss of power.
fn rename(from: &Path, to: &Path) -> Result<(), PipelineError> {
    fs::rename(from, to).map_err(PipelineError::io(from))?;
    let sync = |folder: &Path| File::open(folder).and_then(|names| names.sync_all());
    [from, to]
        .into_iter()
        .filter_map(Path::parent)
        .try_for_each(|folder| sync(folder).map_err(PipelineError::io(folder)))
}
