//! Between modules, learners and the bytes of a checkpoint.

use std::collections::BTreeMap;

use burn::lr_scheduler::LrSchedulerRecord;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::OptimizerRecord;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Bool, Bytes, Int, Tensor};
use burn::train::{Learner, LearnerModel};

use crate::capture::Captured;
use crate::checkpoint::{CheckpointError, Contents, Weights};

/// Numbers the parameters of `model` in the order in which it is visited.
///
/// Burn draws parameter ids at random, and records name the optimiser's state by them. With these ids the checkpoints of
/// two equal runs are equal files.
pub(crate) fn number_parameters<M: Module>(model: M) -> M {
    model.map(&mut Numbering::default())
}

#[derive(Default)]
struct Numbering {
    /// A parameter reached twice (a tied embedding) keeps one id.
    ids: BTreeMap<ParamId, ParamId>,
}

impl Numbering {
    fn of(&mut self, id: ParamId) -> ParamId {
        let next = ParamId::from(self.ids.len() as u64);
        *self.ids.entry(id).or_insert(next)
    }
}

impl ModuleMapper for Numbering {
    fn map_float<const D: usize>(&mut self, mut param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.id = self.of(param.id);
        param
    }

    fn map_int<const D: usize>(
        &mut self,
        mut param: Param<Tensor<D, Int>>,
    ) -> Param<Tensor<D, Int>> {
        param.id = self.of(param.id);
        param
    }

    fn map_bool<const D: usize>(
        &mut self,
        mut param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        param.id = self.of(param.id);
        param
    }
}

/// What a checkpoint of `learner` after `step` steps holds.
pub(crate) fn contents<M: LearnerModel>(
    learner: &Learner<M>,
    captured: Captured,
    step: u64,
    source: Option<String>,
) -> Result<Contents, CheckpointError> {
    let model = learner.model();
    let Floats { trainable, has_frozen } = Floats::of(&model);
    // The frozen weights of a fine-tuned model never change, and may be a thousand times as many as the others.
    let (weights, model) = if has_frozen {
        (Weights::Trainable, model.into_record_group(ParamGroup::from_ids(trainable)))
    } else {
        (Weights::All, model.into_record())
    };
    let scheduler = captured.scheduler.into_bytes();
    Ok(Contents {
        step,
        weights,
        model: encoded("model", model.into_bytes())?,
        optimizer: encoded("optimizer", sorted_bytes(captured.optimizer))?,
        scheduler: encoded("scheduler", scheduler)?,
        source,
    })
}

/// Burn collects the optimiser's state from a hash map, so its order is a matter of luck; reading a record sorts it.
fn sorted_bytes(record: OptimizerRecord) -> Result<Bytes, RecordError> {
    OptimizerRecord::from_bytes(record.into_bytes()?)?.into_bytes()
}

fn encoded(
    file: &'static str,
    bytes: Result<Bytes, RecordError>,
) -> Result<Bytes, CheckpointError> {
    bytes.map_err(|error| CheckpointError::Encode { file, reason: error.to_string() })
}

/// Puts the weights of a checkpoint into `model`. The error is the reason for which they do not fit.
pub(crate) fn load_model<M: Module>(
    model: M,
    weights: Weights,
    bytes: Bytes,
) -> Result<M, RecordError> {
    let record = ModuleRecord::from_bytes(bytes)?;
    model.try_load_record(record.allow_partial(weights == Weights::Trainable))
}

/// Puts the rest of a checkpoint into `learner`.
pub(crate) fn load_state<M: LearnerModel>(
    learner: &mut Learner<M>,
    optimizer: Bytes,
    scheduler: Bytes,
) -> Result<(), RecordError> {
    learner.load_optim(OptimizerRecord::from_bytes(optimizer)?);
    learner.load_scheduler(LrSchedulerRecord::from_bytes(scheduler)?);
    Ok(())
}

/// Whether any parameter of `model` can be trained.
pub(crate) fn is_trainable<M: Module>(model: &M) -> bool {
    !Floats::of(model).trainable.is_empty()
}

/// The float parameters of a model.
#[derive(Default)]
struct Floats {
    trainable: Vec<ParamId>,
    has_frozen: bool,
}

impl Floats {
    fn of<M: Module>(model: &M) -> Self {
        let mut floats = Self::default();
        model.visit(&mut floats);
        floats
    }
}

impl ModuleVisitor for Floats {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() {
            self.trainable.push(param.id);
        } else {
            self.has_frozen = true;
        }
    }
}
