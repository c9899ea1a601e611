//! The model as Burn's learner trains it. Which method it is trained by, each micro-batch says.

mod tasks;

use burn::module::Module;
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use forethought_model::{Decoder, ScoredRow};
use forethought_objective::LossOutput;
use forethought_seed::Seed;
use forethought_train::StepOutput;

pub(crate) use tasks::{Loss, Policy, Supervised, Task};

/// What is trained.
#[derive(Module, Debug)]
pub(crate) struct Learner {
    pub(crate) decoder: Decoder,
}

/// One micro-batch: sequences in a packed row, and what is to be made of the scores of their tokens.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) row: ScoredRow,
    pub(crate) task: Task,
    /// What the logits are divided by.
    pub(crate) temperature: f64,
    /// Seed of the adapters' dropout.
    pub(crate) dropout: Seed,
}

impl Learner {
    pub(crate) fn new(decoder: Decoder) -> Self {
        Self { decoder }
    }

    fn forward(&self, input: &Input, dropout: Option<Seed>) -> LossOutput {
        let hidden = input.row.hidden(&self.decoder, dropout); // [token, hidden]
        let targets = input.row.targets(&hidden.device()); // [token]
        let scores = self.decoder.score(hidden.clone(), targets.clone(), input.temperature);
        match &input.task {
            Task::Supervised(task) => {
                let log_probs = scores.log_probs.clone();
                let means = || self.decoder.mean_log_probs(hidden, targets, log_probs);
                task.forward(scores, means)
            }
            Task::Policy(task) => task.forward(scores),
        }
    }
}

impl Input {
    /// Weight of the micro-batch in the means of metrics.
    fn weight(&self) -> f64 {
        match &self.task {
            Task::Supervised(_) | Task::Policy(_) => self.row.num_scored() as f64,
        }
    }
}

impl TrainStep for Learner {
    type Input = Input;
    type Output = StepOutput;

    fn step(&self, input: Input) -> TrainOutput<StepOutput> {
        let output = self.forward(&input, Some(input.dropout));
        StepOutput::backward(self, output.loss, input.weight(), output.metrics)
    }
}

impl InferenceStep for Learner {
    type Input = Input;
    type Output = StepOutput;

    fn step(&self, input: Input) -> StepOutput {
        let output = self.forward(&input, None);
        StepOutput { loss: output.loss, weight: input.weight(), metrics: output.metrics }
    }
}
