//! Reaching the state that Burn's learner keeps to itself: its optimiser and its scheduler.
//!
//! [`Learner`] shows neither; only its [`LearningCheckpointer`] may copy them, and hands each record to a thread of its
//! own. The checkpointers here send the records back, so that one writer can store them all under one manifest.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use burn::lr_scheduler::LrSchedulerRecord;
use burn::optim::OptimizerRecord;
use burn::store::ModuleRecord;
use burn::train::checkpoint::{
    Checkpoint, Checkpointer, CheckpointerError, CheckpointingAction, CheckpointingStrategy,
};
use burn::train::metric::store::EventStoreClient;
use burn::train::{Learner, LearnerModel, LearningCheckpointer};

/// Sends each record it is told to save.
#[derive(Debug)]
pub(crate) struct Collector<R>(Sender<R>);

/// The collectors for a learner, and where their records arrive.
pub(crate) struct Collectors {
    pub(crate) model: Collector<ModuleRecord>,
    pub(crate) optimizer: Collector<OptimizerRecord>,
    pub(crate) scheduler: Collector<LrSchedulerRecord>,
}

/// The receiving end of [`Collectors`].
#[derive(Debug)]
pub(crate) struct Inbox {
    model: Receiver<ModuleRecord>,
    optimizer: Receiver<OptimizerRecord>,
    scheduler: Receiver<LrSchedulerRecord>,
}

/// Copies the state of a learner while it trains.
pub(crate) struct Capture<M: LearnerModel> {
    pub(crate) checkpointer: LearningCheckpointer<M>,
    pub(crate) events: Arc<EventStoreClient>,
    pub(crate) inbox: Inbox,
}

pub(crate) fn collectors() -> (Collectors, Inbox) {
    let (model_sender, model) = channel();
    let (optimizer_sender, optimizer) = channel();
    let (scheduler_sender, scheduler) = channel();
    let collectors = Collectors {
        model: Collector(model_sender),
        optimizer: Collector(optimizer_sender),
        scheduler: Collector(scheduler_sender),
    };
    (collectors, Inbox { model, optimizer, scheduler })
}

impl<M: LearnerModel> Capture<M> {
    /// The optimiser's state after `step` steps, or `None` if a thread of the learner is gone.
    pub(crate) fn take(&mut self, learner: &Learner<M>, step: u64) -> Option<OptimizerRecord> {
        let step = usize::try_from(step).ok()?;
        self.checkpointer.checkpoint(learner, step, &self.events);
        // The learner's model can be read directly, and the schedule stands at the step: their copies are not needed.
        drop(self.inbox.model.recv().ok()?);
        drop(self.inbox.scheduler.recv().ok()?);
        self.inbox.optimizer.recv().ok()
    }
}

impl<R: Checkpoint> Checkpointer<R> for Collector<R> {
    fn save(&self, _epoch: usize, record: R) -> Result<(), CheckpointerError> {
        let sent = self.0.send(record);
        sent.map_err(|_| CheckpointerError::Unknown("the run has ended".to_owned()))
    }

    fn delete(&self, _epoch: usize) -> Result<(), CheckpointerError> {
        Ok(())
    }

    fn restore(&self, epoch: usize) -> Result<R, CheckpointerError> {
        Err(CheckpointerError::Unknown(format!(
            "step {epoch} is restored before the learner starts"
        )))
    }
}

/// Saves whenever it is asked: the training loop decides when to ask.
#[derive(Debug)]
pub(crate) struct AlwaysSave;

impl CheckpointingStrategy for AlwaysSave {
    fn checkpointing(
        &mut self,
        _epoch: usize,
        _collector: &EventStoreClient,
    ) -> Vec<CheckpointingAction> {
        vec![CheckpointingAction::Save]
    }
}
