//! The decoder with an objective, as Burn's learner trains it.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use forethought_grpo::GrpoLoss;
use forethought_model::{Decoder, ScoredRow};
use forethought_objective::{
    LossOutput, PolicyBatch, PolicyCompletion, PolicyLoss as _, StepTotals, SupervisedBatch,
    SupervisedLoss as _,
};
use forethought_seed::Seed;
use forethought_sft::SftLoss;
use forethought_train::StepOutput;

/// A decoder that learns to write given completions.
#[derive(Module, Debug)]
pub(crate) struct SftLearner {
    pub(crate) decoder: Decoder,
    #[module(skip)]
    loss: SftLoss,
}

/// A micro-batch of supervised fine-tuning.
#[derive(Clone, Debug)]
pub(crate) struct SftInput {
    pub(crate) row: ScoredRow,
    /// Scored tokens of all micro-batches of the optimiser step.
    pub(crate) num_step_tokens: usize,
    /// Seed of the adapters' dropout.
    pub(crate) dropout: Seed,
}

impl SftLearner {
    pub(crate) fn new(decoder: Decoder, loss: SftLoss) -> Self {
        Self { decoder, loss }
    }

    fn forward(&self, input: &SftInput, dropout: Option<Seed>) -> LossOutput {
        let scores = input.row.scores(&self.decoder, 1.0, dropout);
        let batch = SupervisedBatch::new(scores.log_probs, input.num_step_tokens)
            .with_entropy(scores.entropy)
            .with_is_argmax(scores.is_argmax);
        self.loss.forward(batch)
    }
}

impl TrainStep for SftLearner {
    type Input = SftInput;
    type Output = StepOutput;

    fn step(&self, input: SftInput) -> TrainOutput<StepOutput> {
        let output = self.forward(&input, Some(input.dropout));
        StepOutput::backward(self, output.loss, input.row.num_scored() as f64, output.metrics)
    }
}

impl InferenceStep for SftLearner {
    type Input = SftInput;
    type Output = StepOutput;

    fn step(&self, input: SftInput) -> StepOutput {
        let output = self.forward(&input, None);
        let weight = input.row.num_scored() as f64;
        StepOutput { loss: output.loss, weight, metrics: output.metrics }
    }
}

/// A decoder that learns from the rewards of its own completions.
#[derive(Module, Debug)]
pub(crate) struct GrpoLearner {
    pub(crate) decoder: Decoder,
    #[module(skip)]
    loss: GrpoLoss,
}

/// A micro-batch of sampled completions.
#[derive(Clone, Debug)]
pub(crate) struct GrpoInput {
    pub(crate) row: ScoredRow,
    pub(crate) completions: Vec<PolicyCompletion>,
    pub(crate) totals: StepTotals,
    /// `[token]`, what the tokens were sampled with.
    pub(crate) sampling_log_probs: Vec<f32>,
    /// `[token]`, under the frozen reference, where the loss asks for it.
    pub(crate) reference_log_probs: Option<Vec<f32>>,
    /// The temperature of the sampling, which is that of the policy.
    pub(crate) temperature: f64,
    /// Seed of the adapters' dropout.
    pub(crate) dropout: Seed,
}

impl GrpoLearner {
    pub(crate) fn new(decoder: Decoder, loss: GrpoLoss) -> Self {
        Self { decoder, loss }
    }

    /// The policy that sampled is the policy being trained: its own log-probabilities, detached, are the old ones, and
    /// those of the sampling only show how far the two engines are apart.
    fn forward(&self, input: &GrpoInput, dropout: Option<Seed>) -> LossOutput {
        let scores = input.row.scores(&self.decoder, input.temperature, dropout);
        let device = scores.log_probs.device();
        let sampled = token_list(&input.sampling_log_probs, &device);
        let difference = (scores.log_probs.clone().detach() - sampled).abs(); // [token]
        let mut batch = PolicyBatch::new(scores.log_probs, input.completions.clone(), input.totals)
            .with_entropy(scores.entropy);
        if let Some(reference) = &input.reference_log_probs {
            batch = batch.with_reference_log_probs(token_list(reference, &device));
        }
        let mut output = self.loss.forward(batch);
        output.metrics.push(("sampling/sampling_logp_difference/mean", difference.clone().mean()));
        output.metrics.push(("sampling/sampling_logp_difference/max", difference.max()));
        output
    }
}

fn token_list(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

impl TrainStep for GrpoLearner {
    type Input = GrpoInput;
    type Output = StepOutput;

    fn step(&self, input: GrpoInput) -> TrainOutput<StepOutput> {
        let output = self.forward(&input, Some(input.dropout));
        StepOutput::backward(self, output.loss, input.row.num_scored() as f64, output.metrics)
    }
}

impl InferenceStep for GrpoLearner {
    type Input = GrpoInput;
    type Output = StepOutput;

    fn step(&self, input: GrpoInput) -> StepOutput {
        let output = self.forward(&input, None);
        let weight = input.row.num_scored() as f64;
        StepOutput { loss: output.loss, weight, metrics: output.metrics }
    }
}
