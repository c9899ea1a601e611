//! A decoder with one of the objectives, as the training loop takes it.

use std::error::Error;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use forethought_dpo::{DpoConfig, DpoLoss};
use forethought_grpo::{GrpoConfig, GrpoLoss};
use forethought_model::{Decoder, ScoredRow};
use forethought_objective::{
    PairLengths, PolicyBatch, PolicyCompletion, PolicyLoss as _, PreferenceBatch,
    PreferenceLoss as _, PreferenceTotals, SupervisedBatch, SupervisedLoss as _,
};
use forethought_seed::Seed;
use forethought_sft::{SftConfig, SftLoss};
use forethought_train::StepOutput;

/// The decoder being trained.
#[derive(Module, Debug)]
pub(crate) struct BenchLearner {
    pub(crate) decoder: Decoder,
    #[module(skip)]
    sft: SftLoss,
    #[module(skip)]
    grpo: GrpoLoss,
    #[module(skip)]
    dpo: DpoLoss,
}

/// A packed row and what its objective needs beside the log-probabilities.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) row: ScoredRow,
    pub(crate) objective: Objective,
}

/// What the log-probabilities are trained for.
#[derive(Clone, Debug)]
pub(crate) enum Objective {
    /// All of them count.
    Supervised,
    /// Completions with advantages.
    Policy(Vec<PolicyCompletion>),
    /// All chosen completions, then all rejected ones, of equal length; log-probabilities under the reference.
    Preference(Vec<f32>),
}

impl BenchLearner {
    pub(crate) fn new(decoder: Decoder) -> Result<Self, Box<dyn Error>> {
        let grpo = GrpoConfig::default().init()?;
        let dpo = DpoConfig::default().init()?;
        Ok(Self { decoder, sft: SftConfig::default().init()?, grpo, dpo })
    }

    fn loss(&self, input: &Input) -> Tensor<1> {
        let scores = input.row.scores(&self.decoder, 1.0, Some(Seed::new(0)));
        let log_probs = scores.log_probs; // [token]
        match &input.objective {
            Objective::Supervised => {
                let batch = SupervisedBatch::new(log_probs, input.row.num_scored())
                    .with_entropy(scores.entropy)
                    .with_is_argmax(scores.is_argmax);
                self.sft.forward(batch).loss
            }
            Objective::Policy(completions) => {
                let totals = self.grpo.step_totals(&[completions]);
                let batch = PolicyBatch::new(log_probs, completions.clone(), totals);
                self.grpo.forward(batch.with_entropy(scores.entropy)).loss
            }
            Objective::Preference(reference) => {
                let reference = list(reference, &log_probs.device());
                let (chosen, rejected) =
                    input.row.lengths().split_at(input.row.lengths().len() / 2);
                let lengths = chosen.iter().zip(rejected);
                let pairs: Vec<PairLengths> = lengths
                    .map(|(chosen, rejected)| PairLengths { chosen: *chosen, rejected: *rejected })
                    .collect();
                let totals = PreferenceTotals::of(&[&pairs]);
                let batch = PreferenceBatch::new(log_probs, pairs, totals);
                self.dpo.forward(batch.with_reference_log_probs(reference)).loss
            }
        }
    }
}

fn list(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

impl TrainStep for BenchLearner {
    type Input = Input;
    type Output = StepOutput;

    fn step(&self, input: Input) -> TrainOutput<StepOutput> {
        let loss = self.loss(&input);
        StepOutput::backward(self, loss, input.row.num_scored() as f64, Vec::new())
    }
}

impl InferenceStep for BenchLearner {
    type Input = Input;
    type Output = StepOutput;

    fn step(&self, input: Input) -> StepOutput {
        StepOutput { loss: self.loss(&input), weight: 1.0, metrics: Vec::new() }
    }
}
