//! The model as Burn's learner trains it. Which method it is trained by, each micro-batch says.

mod ratios;
mod sizes;
mod tasks;

use burn::module::Module;
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use forethought_model::{Decoder, ScoreModel};
use forethought_objective::LossOutput;
use forethought_seed::Seed;
use forethought_train::StepOutput;

pub(crate) use tasks::{
    Baseline, Critic, Entropy, Loss, Policy, Preference, Score, Supervised, Task, Unpaired,
};

/// What is trained: a model that writes, a model that scores, or both at once.
#[derive(Module, Debug)]
pub(crate) struct Learner {
    policy: Option<Decoder>,
    scorer: Option<ScoreModel>,
}

/// One micro-batch.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) task: Task,
    /// Seed of the adapters' dropout.
    pub(crate) dropout: Seed,
}

impl Learner {
    /// A model that writes, and a critic where the method has one.
    pub(crate) fn new(policy: Decoder, critic: Option<ScoreModel>) -> Self {
        Self { policy: Some(policy), scorer: critic }
    }

    /// A model that scores.
    pub(crate) fn scorer_alone(scorer: ScoreModel) -> Self {
        Self { policy: None, scorer: Some(scorer) }
    }

    /// The model that writes.
    ///
    /// # Panics
    ///
    /// If the stage trains none: each stage hands out tasks for what it trains.
    pub(crate) fn policy(&self) -> &Decoder {
        self.policy.as_ref().unwrap_or_else(|| panic!("a task for a policy where none is trained"))
    }

    /// The model that scores.
    ///
    /// # Panics
    ///
    /// As [`Learner::policy`].
    pub(crate) fn scorer(&self) -> &ScoreModel {
        self.scorer.as_ref().unwrap_or_else(|| panic!("a task for a scorer where none is trained"))
    }

    /// What was trained.
    pub(crate) fn into_parts(self) -> (Option<Decoder>, Option<ScoreModel>) {
        (self.policy, self.scorer)
    }

    fn forward(&self, input: &Input, dropout: Option<Seed>) -> LossOutput {
        input.task.forward(self, dropout)
    }
}

impl TrainStep for Learner {
    type Input = Input;
    type Output = StepOutput;

    fn step(&self, input: Input) -> TrainOutput<StepOutput> {
        let output = self.forward(&input, Some(input.dropout));
        StepOutput::backward(self, output.loss, input.task.weight(), output.metrics)
    }
}

impl InferenceStep for Learner {
    type Input = Input;
    type Output = StepOutput;

    fn step(&self, input: Input) -> StepOutput {
        let output = self.forward(&input, None);
        StepOutput { loss: output.loss, weight: input.task.weight(), metrics: output.metrics }
    }
}
