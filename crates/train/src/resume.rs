//! Putting a checkpoint back: into the model, the optimiser, the schedule and the source of batches.

use std::path::Path;

use burn::train::{Learner, LearnerModel, TrainStep};

use crate::checkpoint::{CheckpointError, Contents, MODEL, OPTIMIZER, Store};
use crate::config::Trainer;
use crate::moments::read_optimizer;
use crate::schedule::{Schedule, ScheduleState};
use crate::source::BatchSource;
use crate::weights::{Trainable, load_model};

/// The learner at the start of a run, or where `contents`, from the folder `path`, left it. The parameters of `model` are
/// numbered.
pub(crate) fn learner_of<M: LearnerModel>(
    model: M,
    config: &Trainer,
    schedule: Schedule,
    contents: Option<Contents>,
    path: &Path,
) -> Result<Learner<M>, CheckpointError> {
    let new = |model: M, step: u64| {
        let optimizer = config.adamw.clone().for_module(&model);
        Learner::new(model, optimizer, ScheduleState { schedule, step })
    };
    let Some(Contents { model: weights, optimizer, state }) = contents else {
        return Ok(new(model, 0));
    };
    let unfit = |file| move |reason| CheckpointError::Unfit { path: path.join(file), reason };
    let model = load_model(model, &weights).map_err(unfit(MODEL))?;
    let names = Trainable::of(&model).names;
    let optimizer = read_optimizer(&optimizer, &names).map_err(unfit(OPTIMIZER))?;
    let mut learner = new(model, state.scheduler_step);
    learner.load_optim(optimizer);
    Ok(learner)
}

/// Gives the source back what it kept when the checkpoint was written; the next step must begin where it began then.
pub(crate) fn restore_source<M, S>(
    source: &mut S,
    contents: &Contents,
    store: &Store,
) -> Result<(), CheckpointError>
where
    M: TrainStep,
    S: BatchSource<M>,
{
    let state = &contents.state;
    let unfit = |reason| CheckpointError::Unfit { path: store.path(state.step), reason };
    let here = source.cursor(state.step);
    if here != state.cursor {
        let there = state.cursor;
        return Err(unfit(format!("its data stand at {there:?}, those of this run at {here:?}")));
    }
    match state.source.as_deref() {
        Some(text) => source.restore(text).map_err(|error| unfit(error.to_string())),
        None => Ok(()),
    }
}
