//! Reaching the state that Burn's learner keeps to itself: that of its optimiser.
//!
//! [`Learner`] does not show it; only its [`LearningCheckpointer`] may copy it, and hands each record to a thread of its
//! own. The checkpointer here sends the record back, so that one writer can store everything under one manifest.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use burn::optim::OptimizerRecord;
use burn::train::checkpoint::{
    Checkpoint, Checkpointer, CheckpointerError, CheckpointingAction, CheckpointingStrategy,
};
use burn::train::metric::store::EventStoreClient;
use burn::train::{Learner, LearnerModel, LearningCheckpointer};

/// Sends each record it is told to save.
#[derive(Debug)]
pub(crate) struct Collector(Sender<OptimizerRecord>);

/// Where the records of a [`Collector`] arrive.
#[derive(Debug)]
pub(crate) struct Inbox(Receiver<OptimizerRecord>);

/// Burn copies the weights, frozen ones too, and the schedule for every checkpoint. The learner's model can be read directly and
/// the schedule stands at the step, so these copies go at once, that of the weights before the moments are copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unwanted;

/// Copies the state of a learner while it trains.
pub(crate) struct Capture<M: LearnerModel> {
    pub(crate) checkpointer: LearningCheckpointer<M>,
    pub(crate) events: Arc<EventStoreClient>,
    pub(crate) inbox: Inbox,
}

pub(crate) fn collector() -> (Collector, Inbox) {
    let (sender, receiver) = channel();
    (Collector(sender), Inbox(receiver))
}

impl<M: LearnerModel> Capture<M> {
    /// The optimiser's state after `step` steps, or `None` if a thread of the learner is gone.
    pub(crate) fn take(&mut self, learner: &Learner<M>, step: u64) -> Option<OptimizerRecord> {
        let step = usize::try_from(step).ok()?;
        self.checkpointer.checkpoint(learner, step, &self.events);
        self.inbox.0.recv().ok()
    }
}

impl Checkpointer<OptimizerRecord> for Collector {
    fn save(&self, _epoch: usize, record: OptimizerRecord) -> Result<(), CheckpointerError> {
        let sent = self.0.send(record);
        sent.map_err(|_| CheckpointerError::Unknown("the run has ended".to_owned()))
    }

    fn delete(&self, _epoch: usize) -> Result<(), CheckpointerError> {
        Ok(())
    }

    fn restore(&self, epoch: usize) -> Result<OptimizerRecord, CheckpointerError> {
        Err(restored_before(epoch))
    }
}

impl<R: Checkpoint> Checkpointer<R> for Unwanted {
    fn save(&self, _epoch: usize, _record: R) -> Result<(), CheckpointerError> {
        Ok(())
    }

    fn delete(&self, _epoch: usize) -> Result<(), CheckpointerError> {
        Ok(())
    }

    fn restore(&self, epoch: usize) -> Result<R, CheckpointerError> {
        Err(restored_before(epoch))
    }
}

fn restored_before(epoch: usize) -> CheckpointerError {
    CheckpointerError::Unknown(format!("step {epoch} is restored before the learner starts"))
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
